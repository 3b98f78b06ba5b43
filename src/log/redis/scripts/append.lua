-- Puts one page at the end of a stream, and tells every page after the place the asker knows.
--
-- KEYS: the log, the meta.
-- ARGV: the epoch and the place known (seq, mark); the nonce, count and bytes of the page, a count
--       of 0 only asks; the channel to say it on, or '' to say nothing; how many pages to tell at
--       most; '1' where the asker will WAIT.
--
-- Answers {verdict, id, pages}: 'forked'; 'trimmed'; 'far' (nothing was appended, ask again from the last of
-- these pages); 'done' with the id of the page, or of the last one where none was to be appended.
-- A page is told as id, count, bytes; the asker's own is not told, it has it.
local epoch, last = unpack(redis.call('HMGET', KEYS[2], 'epoch', 'last'))
if epoch ~= ARGV[1] then
  return {'forked'}
end
if ARGV[9] == '1' then
  -- WAIT waits for the last write of its connection: there must be one, whatever follows.
  redis.call('HSET', KEYS[2], 'asked', ARGV[4])
end

local count = tonumber(ARGV[5])
local missed = {}
if last ~= ARGV[2] .. '-' .. ARGV[3] then
  local known, most = tonumber(ARGV[2]), tonumber(ARGV[8])
  -- A life's positions begin where it does.
  local lives = redis.call('HGET', KEYS[2], 'lives')
  if known < tonumber(string.match(lives, '@(%d+)$') or 0) then
    return {'forked'}
  end
  local pages = redis.call('XRANGE', KEYS[1], ARGV[2] .. '-0', '+', 'COUNT', most)
  if #pages == 0 then
    local is_ahead = known >= tonumber(string.match(last, '^%d+'))
    return {is_ahead and 'forked' or 'trimmed'}
  end
  local first_last, first_mark = string.match(pages[1][1], '^(%d+)-(%d+)$')
  local first = tonumber(first_last) - tonumber(pages[1][2][2]) + 1
  if known == 0 and ARGV[3] ~= '0' then
    return {'forked'}
  elseif first > known and (known > 0 or first > 1) then
    return {'trimmed'}
  elseif first <= known and first_mark ~= ARGV[3] then
    return {'forked'}
  end
  for nth, page in ipairs(pages) do
    local seq, mark = string.match(page[1], '^(%d+)-(%d+)$')
    if count > 0 and mark == ARGV[4] then
      -- The answer to it was lost, and it was sent again: answered as the first time.
      return {'done', page[1], missed}
    end
    -- The known place may be the end of a page, or amid one.
    if tonumber(seq) > known then
      missed[#missed + 1] = page[1]
      missed[#missed + 1] = page[2][2]
      missed[#missed + 1] = page[2][4]
    end
  end
  local told = pages[#pages][1]
  if told ~= last then
    return {#pages == most and 'far' or 'damaged', told, missed}
  end
end
if count == 0 then
  return {'done', last, missed}
end

local id = string.format('%.0f-%s', tonumber(string.match(last, '^%d+')) + count, ARGV[4])
redis.call('XADD', KEYS[1], id, 'n', ARGV[5], 'e', ARGV[6])
redis.call('HSET', KEYS[2], 'last', id)
if ARGV[7] ~= '' then
  redis.call('SPUBLISH', ARGV[7],
    epoch .. ' ' .. id .. ' ' .. last .. ' ' .. ARGV[5] .. '\n' .. ARGV[6])
end
return {'done', id, missed}
