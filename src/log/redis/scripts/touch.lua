-- Writes something that means nothing into a stream's meta, so that a WAIT after it waits for all
-- that was read before it. KEYS: the meta.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'asked', '')
end
return 1
