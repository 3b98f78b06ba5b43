-- Keeps a snapshot, if it is of this history and none that is kept is newer.
--
-- KEYS: the log, the meta, the snapshot. ARGV: the epoch, seq and mark it is the state after; its chain,
-- its seal, its bytes. Answers 'kept', 'forked' or 'trimmed'.
local epoch, last, begun = unpack(redis.call('HMGET', KEYS[2], 'epoch', 'last', 'begun'))
local seq = tonumber(ARGV[2])
if epoch ~= ARGV[1] or seq < tonumber(begun) then
  return 'forked'
end
local last_seq = tonumber(string.match(last, '^%d+'))
if seq == 0 then
  if ARGV[3] ~= '0' then
    return 'forked'
  end
elseif last ~= ARGV[2] .. '-' .. ARGV[3] then
  local page = redis.call('XRANGE', KEYS[1], ARGV[2] .. '-0', '+', 'COUNT', 1)[1]
  if not page then
    return seq >= last_seq and 'forked' or 'trimmed'
  end
  local page_last, mark = string.match(page[1], '^(%d+)-(%d+)$')
  if tonumber(page_last) - tonumber(page[2][2]) >= seq then
    return 'trimmed'
  elseif mark ~= ARGV[3] then
    return 'forked'
  end
end
local kept = tonumber(redis.call('HGET', KEYS[3], 'seq') or -1)
-- One that is ahead of the log is of a history that was lost.
if kept <= seq or kept > last_seq then
  redis.call('HSET', KEYS[3], 'epoch', ARGV[1], 'seq', ARGV[2], 'mark', ARGV[3],
    'chain', ARGV[4], 'seal', ARGV[5], 'state', ARGV[6])
end
return 'kept'
