-- Shows programs outside what is available, and the orders; the newest wins.
--
-- KEYS: the meta, the seats and, if there are any, the orders. ARGV: the epoch and seq it is true after, the bitmap, then
-- each order's id and JSON. Answers whether it is of this history.
local epoch, last, shown, orders = unpack(
  redis.call('HMGET', KEYS[1], 'epoch', 'last', 'shown', 'orders_shown'))
local seq = tonumber(ARGV[2])
local last_seq = tonumber(string.match(last or '', '^%d+') or -1)
if epoch ~= ARGV[1] or seq > last_seq then
  return 0
end
-- What is ahead of the log was shown of a history that was lost.
local newest = function(told)
  local place = tonumber(told or -1)
  return place <= seq or place > last_seq
end
for nth = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[3], ARGV[nth], ARGV[nth + 1])
end
if newest(shown) then
  redis.call('SET', KEYS[2], ARGV[3])
  redis.call('HSET', KEYS[1], 'shown', ARGV[2])
end
if newest(orders) then
  redis.call('HSET', KEYS[1], 'orders_shown', ARGV[2])
end
return 1
