-- Takes in one row of a customer: all of it, or nothing.
-- KEYS: customer, history, changes, findable, then one key per ranking
-- ARGV: customer id, epoch, sequence, row, history point, findable text,
--       history max, changes max, then one member per ranking
-- Answers 'applied', 'stale' or 'duplicate'.
local customer, history, changes, findable = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, epoch, sequence = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local rankings = #KEYS - 4

local held = redis.call('HMGET', customer, 'epoch', 'sequence')
if held[1] then
  local held_epoch, held_sequence = tonumber(held[1]), tonumber(held[2])
  if held_epoch > epoch or (held_epoch == epoch and held_sequence > sequence) then
    return 'stale'
  end
  if held_epoch == epoch and held_sequence == sequence then
    return 'duplicate'
  end
end

for i = 1, rankings do
  local field = 'member' .. i
  local old, new = redis.call('HGET', customer, field), ARGV[8 + i]
  if old ~= new then
    if old then
      redis.call('ZREM', KEYS[4 + i], old)
    end
    redis.call('HSET', customer, field, new)
  end
  redis.call('ZADD', KEYS[4 + i], 0, new)
end
redis.call('HSET', customer, 'epoch', ARGV[2], 'sequence', ARGV[3], 'row', ARGV[4])
redis.call('LPUSH', history, ARGV[5])
redis.call('LTRIM', history, 0, tonumber(ARGV[7]) - 1)
redis.call('HSET', findable, id, ARGV[6])
redis.call('XADD', changes, 'MAXLEN', '~', ARGV[8], '*', 'customer', id)
return 'applied'
