-- Makes a stream's log, without a page: XGROUP is the one command that can.
--
-- KEYS: the log.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[1], 'none', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[1], 'none')
end
return 1
