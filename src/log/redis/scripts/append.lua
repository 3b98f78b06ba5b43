-- Puts one page at the end of a stream.
--
-- KEYS: the log, the meta.
-- ARGV: the epoch and the place known (seq, mark); the nonce, count and bytes of the page, a count
--       of 0 only asks; the channel to say it on, or '' to say nothing; how many pages to tell at
--       most; '1' where the asker will WAIT; the fields of the meta for the mark known and the nonce; how
--       many bytes to tell at most, but for the last page.
--
-- Answers {verdict, id, before, pages}: 'forked'; 'trimmed'; 'far' (nothing was appended, ask again
-- from the last of these pages); 'done' with the id of the page and of the one before it, or twice of
-- the last one where none was to be appended.
-- Pages are told as id, count, bytes, and only where they had to be looked at: what a script reads
-- costs far more than what is read without it. Else the asker reads what is after the place it knows,
-- up to `before`.
local seq, nonce, count = tonumber(ARGV[2]), ARGV[4], tonumber(ARGV[5])
local known = ARGV[2] .. '-' .. ARGV[3]
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'last', 'begun', ARGV[10], ARGV[11], 'size')
local last = meta[2]
if meta[1] ~= ARGV[1] then
  return {'forked'}
end
if ARGV[9] == '1' then
  -- WAIT waits for the last write of its connection: there must be one, whatever follows.
  redis.call('HSET', KEYS[2], 'asked', nonce)
end
local last_seq, size = tonumber(string.match(last, '^%d+')), tonumber(meta[6] or 0)

local missed
if last ~= known then
  -- A life's positions begin where it does.
  if seq < tonumber(meta[3]) then
    return {'forked'}
  end
  -- Is it sure without a look at the pages? The known one is among them if its field says so. The
  -- asker's is not after it if its own field is of an earlier page, or of none. And all after it are
  -- kept if the log has more pages than there are entries after it. The field also says how much had
  -- been appended by then.
  local same_field, behind, most = meta[5], last_seq - seq, tonumber(ARGV[8])
  local bytes_most = tonumber(ARGV[12])
  local field_id, field_size = string.match(meta[4] or '', '^(%S+) (%d+)$')
  if field_id ~= known or behind > most or size - tonumber(field_size) > bytes_most
    or behind >= redis.call('XLEN', KEYS[1])
    or (same_field and count > 0 and tonumber(string.match(same_field, '^%d+')) > seq) then
    -- A few at a time, so that no more is read than is told.
    local pages, bytes, step, from = {}, 0, 1, ARGV[2] .. '-0'
    local more, is_all
    repeat
      more = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', step)
      for _, page in ipairs(more) do
        pages[#pages + 1] = page
        -- The one known is not told.
        bytes = bytes + (tonumber(string.match(page[1], '^%d+')) > seq and #page[2][4] or 0)
      end
      is_all = #more < step
      from = is_all or '(' .. pages[#pages][1]
      step = math.min(2 * step, 16)
    until is_all or bytes > bytes_most or #pages >= most
    if #pages == 0 then
      return {seq >= last_seq and 'forked' or 'trimmed'}
    end
    local first_last, first_mark = string.match(pages[1][1], '^(%d+)-(%d+)$')
    local first = tonumber(first_last) - tonumber(pages[1][2][2]) + 1
    if seq == 0 and ARGV[3] ~= '0' then
      return {'forked'}
    elseif first > seq and (seq > 0 or first > 1) then
      return {'trimmed'}
    elseif first <= seq and first_mark ~= ARGV[3] then
      return {'forked'}
    end
    missed = {}
    local before = known
    for nth, page in ipairs(pages) do
      local page_seq, mark = string.match(page[1], '^(%d+)-(%d+)$')
      if count > 0 and mark == nonce then
        -- The answer to it was lost, and it was sent again: answered as the first time.
        return {'done', page[1], before, missed}
      end
      -- The known place may be the end of a page, or amid one.
      if tonumber(page_seq) > seq then
        missed[#missed + 1] = page[1]
        missed[#missed + 1] = page[2][2]
        missed[#missed + 1] = page[2][4]
      end
      before = page[1]
    end
    if before ~= last then
      return {is_all and 'damaged' or 'far', before, before, missed}
    end
  end
end
if count == 0 then
  return {'done', last, last, missed}
end

local id = string.format('%.0f-%s', last_seq + count, nonce)
redis.call('XADD', KEYS[1], id, 'n', ARGV[5], 'e', ARGV[6])
-- In full: from fifteen digits on Lua would round it.
size = string.format('%.0f', size + #ARGV[6])
redis.call('HSET', KEYS[2], 'last', id, 'size', size, ARGV[11], id .. ' ' .. size)
if ARGV[7] ~= '' then
  redis.call('SPUBLISH', ARGV[7],
    ARGV[1] .. ' ' .. id .. ' ' .. last .. ' ' .. ARGV[5] .. '\n' .. ARGV[6])
end
return {'done', id, last, missed}
