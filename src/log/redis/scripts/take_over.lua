-- Begins a new life where the stream is kept by another server than when this was last asked: nobody
-- may be left who could tell what that one had and this one has not.
--
-- KEYS: the meta. ARGV: the epoch of the new life. Sent twice it finds itself noted.
local epoch, last, lives, server = unpack(
  redis.call('HMGET', KEYS[1], 'epoch', 'last', 'lives', 'server'))
if not epoch then
  return 0
end
-- The server's own word, so that it is the one that has the stream, wherever this was sent on to.
local here = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if server == here then
  return 0
end
redis.call('HSET', KEYS[1], 'server', here)
-- A life that was begun by a server before this one, and told nobody, is as good as a new one.
if not server or epoch == ARGV[1] then
  return 0
end
local after = string.match(last, '^%d+')
redis.call('HSET', KEYS[1],
  'lives', lives .. ' ' .. ARGV[1] .. '@' .. after, 'epoch', ARGV[1], 'begun', after)
return 1
