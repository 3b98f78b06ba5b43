-- Keeps a secret, where none of its name is kept; or puts another in its stead.
--
-- KEYS: the secret. ARGV: the one to keep; the one it is to replace, or '' where it is to be the first.
-- Answers the one that is kept, if any.
local kept = redis.call('GET', KEYS[1])
if (kept or '') == ARGV[2] then
  kept = ARGV[1]
elseif not kept then
  return false
end
-- Written again where it is as it was: what is told must have been written before a WAIT.
redis.call('SET', KEYS[1], kept)
return kept
