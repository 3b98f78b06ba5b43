-- Begins a stream.
--
-- KEYS: the meta. ARGV: the lives, the epoch of the last of them, the genesis, the asker's nonce.
-- Answers whether it is the asker's, also where it was sent twice.
if redis.call('HSETNX', KEYS[1], 'maker', ARGV[4]) == 1 then
  redis.call('HSET', KEYS[1],
    'lives', ARGV[1], 'epoch', ARGV[2], 'begun', string.match(ARGV[1], '@(%d+)$') or 0,
    'genesis', ARGV[3], 'last', '0-0')
  return 1
end
return redis.call('HGET', KEYS[1], 'maker') == ARGV[4] and 1 or 0
