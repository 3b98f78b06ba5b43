-- Begins a new life after the last page there is, unless the stream has left the lost one behind.
--
-- KEYS: the meta. ARGV: the epoch that was lost, the new one. Answers the lives, or nothing where
-- there is no stream.
local epoch, last, lives = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'last', 'lives'))
if not epoch then
  return nil
elseif epoch == ARGV[2] then
  -- The answer to it was lost, and it was sent again.
  return lives
end
local is_known = false
for life in string.gmatch(lives, '%S+') do
  is_known = is_known or string.match(life, '^%d+') == ARGV[1]
end
-- A life that is not known here was lost wholly: then another begins.
if is_known and epoch ~= ARGV[1] then
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
redis.call('HSET', KEYS[1], 'lives', lives, 'epoch', ARGV[2], 'begun', after)
return lives
