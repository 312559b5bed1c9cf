-- Takes in one row of a customer: all of it, or nothing.
-- KEYS: customer, history, changes, findable, segments, scored, due, then one key per ranking
-- ARGV: customer id, epoch, sequence, row, history point, findable text, history max,
--       changes max, segment (or ''), its label, score (or ''), ranked as of, due next (or ''),
--       then one member per ranking
-- A segment has keys of its own: those of the rankings and of `scored`, ':' and its name.
-- Answers 'applied', 'stale' or 'duplicate'.
local customer, history, changes, findable = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local segments, scored, due = KEYS[5], KEYS[6], KEYS[7]
local id, epoch, sequence = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local segment, score, next_step = ARGV[9], ARGV[11], ARGV[13]

local held = redis.call('HMGET', customer, 'epoch', 'sequence', 'segment')
if held[1] then
  local held_epoch, held_sequence = tonumber(held[1]), tonumber(held[2])
  if held_epoch > epoch or (held_epoch == epoch and held_sequence > sequence) then
    return 'stale'
  end
  if held_epoch == epoch and held_sequence == sequence then
    return 'duplicate'
  end
end

local left = held[3]
if not left or left == '' or left == segment then
  left = false
end

for i = 1, #KEYS - 7 do
  local key, field = KEYS[7 + i], 'member' .. i
  local old, new = redis.call('HGET', customer, field), ARGV[13 + i]
  if old and old ~= new then
    redis.call('ZREM', key, old)
    if held[3] and held[3] ~= '' then
      redis.call('ZREM', key .. ':' .. held[3], old)
    end
  elseif old and left then
    redis.call('ZREM', key .. ':' .. left, old)
  end
  redis.call('HSET', customer, field, new)
  redis.call('ZADD', key, 0, new)
  if segment ~= '' then
    redis.call('ZADD', key .. ':' .. segment, 0, new)
  end
end

if left then
  redis.call('ZREM', scored .. ':' .. left, id)
  if redis.call('EXISTS', KEYS[8] .. ':' .. left) == 0 then
    redis.call('HDEL', segments, left)
  end
end
if score == '' then
  redis.call('ZREM', scored, id)
else
  redis.call('ZADD', scored, score, id)
end
if segment ~= '' then
  redis.call('HSET', segments, segment, ARGV[10])
  if score == '' then
    redis.call('ZREM', scored .. ':' .. segment, id)
  else
    redis.call('ZADD', scored .. ':' .. segment, score, id)
  end
end
if next_step == '' then
  redis.call('ZREM', due, id)
else
  redis.call('ZADD', due, next_step, id)
end

redis.call('HSET', customer, 'epoch', ARGV[2], 'sequence', ARGV[3], 'row', ARGV[4],
  'segment', segment, 'ranked', ARGV[12])
redis.call('LPUSH', history, ARGV[5])
redis.call('LTRIM', history, 0, tonumber(ARGV[7]) - 1)
redis.call('HSET', findable, id, ARGV[6])
redis.call('XADD', changes, 'MAXLEN', '~', ARGV[8], '*', 'customer', id)
return 'applied'
