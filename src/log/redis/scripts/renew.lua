-- Begins a new life after the last page there is, if the stream is still in the lost one.
--
-- KEYS: the meta. ARGV: the epoch that was lost, the new one. Answers the lives, or nothing where
-- there is no stream.
local epoch, last, lives = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'last', 'lives'))
if epoch ~= ARGV[1] then
  return lives
end
local after = string.match(last, '^%d+')
local kept = {}
for life in string.gmatch(lives, '%S+') do
  -- Of a life that began later nothing is left.
  if tonumber(string.match(life, '@(%d+)$') or 0) <= tonumber(after) then
    kept[#kept + 1] = life
  end
end
kept[#kept + 1] = ARGV[2] .. '@' .. after
lives = table.concat(kept, ' ')
redis.call('HSET', KEYS[1], 'lives', lives, 'epoch', ARGV[2])
return lives
