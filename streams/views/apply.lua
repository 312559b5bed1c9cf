-- Takes in rows of different customers: each of them whole, or not at all.
-- KEYS: changes, findable, segments, scored, due, then one key per ranking
-- ARGV: history max, changes max, what a customer's key and its history's key begin with,
--       the rows' facts as JSON, then of each row: the row, its history point
-- A row's facts: customer id, epoch, sequence, findable text, segment (or ''), its label,
--       score (or ''), ranked as of, due next (or ''), then one member per ranking
-- A segment has keys of its own: those of the rankings and of `scored`, ':' and its name.
-- Answers a word for each row: applied, stale or duplicate.
-- Sorted sets are written first, all rows of a set at once: a script that ends in an error half
-- way has left no row that would be taken for a duplicate while its place is missing.
local changes, findable, segments, scored, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local history_max, changes_max = tonumber(ARGV[1]), ARGV[2]
local customer_head, history_head = ARGV[3], ARGV[4]
local rows = cjson.decode(ARGV[5])
local call, unpack, tonumber = redis.call, unpack, tonumber
local KEYS_BEFORE, ROWS_BEFORE, MEMBERS_BEFORE, HELD_BEFORE = 5, 5, 9, 3
local rankings = #KEYS - KEYS_BEFORE

local fields, placed = { 'epoch', 'sequence', 'segment' }, {}
for i = 1, rankings do
  fields[HELD_BEFORE + i] = 'member' .. i
  placed[2 * i - 1] = 'member' .. i
end

-- What a sorted set gets and what it loses, by its key.
local function list_by_key()
  return setmetatable({}, {
    __index = function(lists, key)
      lists[key] = {}
      return lists[key]
    end,
  })
end
local gets, loses = list_by_key(), list_by_key()

local function get(key, score, member)
  local list = gets[key]
  local n = #list
  list[n + 1], list[n + 2] = score, member
end

local function lose(key, member)
  local list = loses[key]
  list[#list + 1] = member
end

local words, labels, left, texts = {}, {}, {}, {}
for n, row in ipairs(rows) do
  local id, epoch, sequence = row[1], tonumber(row[2]), tonumber(row[3])
  local segment, score, next_step = row[5], row[7], row[9]
  local held = call('HMGET', customer_head .. id, unpack(fields))
  local held_epoch, held_sequence = tonumber(held[1] or nil), tonumber(held[2] or nil)
  if held_epoch and (held_epoch > epoch or held_epoch == epoch and held_sequence > sequence) then
    words[n] = 'stale'
  elseif held_epoch == epoch and held_sequence == sequence then
    words[n] = 'duplicate'
  else
    words[n] = 'applied'
    local within = segment ~= '' and ':' .. segment
    local out_of = held[3] and held[3] ~= '' and ':' .. held[3]
    for i = 1, rankings do
      local key, new, old = KEYS[KEYS_BEFORE + i], row[MEMBERS_BEFORE + i], held[HELD_BEFORE + i]
      get(key, '0', new)
      if within then
        get(key .. within, '0', new)
      end
      if old then
        if old ~= new then
          lose(key, old)
        end
        if out_of and (old ~= new or out_of ~= within) then
          lose(key .. out_of, old)
        end
      end
    end
    if score ~= '' then
      get(scored, score, id)
      if within then
        get(scored .. within, score, id)
      end
    else
      lose(scored, id)
      if within then
        lose(scored .. within, id)
      end
    end
    if within then
      labels[segment] = row[6]
    end
    if out_of and out_of ~= within then
      lose(scored .. out_of, id)
      left[held[3]] = true
    end
    if next_step ~= '' then
      get(due, next_step, id)
    else
      lose(due, id)
    end
    local last = #texts
    texts[last + 1], texts[last + 2] = id, row[4]
  end
end

for key, list in pairs(gets) do
  call('ZADD', key, unpack(list))
end
for key, list in pairs(loses) do
  call('ZREM', key, unpack(list))
end
for segment, label in pairs(labels) do
  call('HSET', segments, segment, label)
end
for segment in pairs(left) do
  if call('EXISTS', KEYS[KEYS_BEFORE + 1] .. ':' .. segment) == 0 then
    call('HDEL', segments, segment)
  end
end
if #texts > 0 then
  call('HSET', findable, unpack(texts))
end

for n, row in ipairs(rows) do
  if words[n] == 'applied' then
    local id, given = row[1], ROWS_BEFORE + 2 * n - 1
    for i = 1, rankings do
      placed[2 * i] = row[MEMBERS_BEFORE + i]
    end
    call('HSET', customer_head .. id, 'epoch', row[2], 'sequence', row[3], 'row', ARGV[given],
      'segment', row[5], 'ranked', row[8], unpack(placed))
    local history = history_head .. id
    if call('LPUSH', history, ARGV[given + 1]) > history_max then
      call('LTRIM', history, 0, history_max - 1)
    end
    call('XADD', changes, 'MAXLEN', '~', changes_max, '*', 'customer', id)
  end
end
return table.concat(words, ' ')
