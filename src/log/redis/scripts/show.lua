-- Shows programs outside what is available, and the orders; the newest wins.
--
-- KEYS: the meta, the seats and, if there are any, the orders. ARGV: the epoch and seq it is true after, the bitmap, up to
-- where all orders are shown with these, then each order's id and JSON. Answers whether it is of this history.
local epoch, last, shown, orders = unpack(
  redis.call('HMGET', KEYS[1], 'epoch', 'last', 'shown', 'orders_shown'))
local seq = tonumber(ARGV[2])
local last_seq = tonumber(string.match(last or '', '^%d+') or -1)
if epoch ~= ARGV[1] or seq > last_seq then
  return 0
end
-- What is ahead of the log was shown of a history that was lost.
local newest = function(told, now)
  local place = tonumber(told or -1)
  return place <= now or place > last_seq
end
for nth = 5, #ARGV, 2 do
  redis.call('HSET', KEYS[3], ARGV[nth], ARGV[nth + 1])
end
if newest(shown, seq) then
  redis.call('SET', KEYS[2], ARGV[3])
  redis.call('HSET', KEYS[1], 'shown', ARGV[2])
end
if newest(orders, tonumber(ARGV[4])) then
  redis.call('HSET', KEYS[1], 'orders_shown', ARGV[4])
end
return 1
