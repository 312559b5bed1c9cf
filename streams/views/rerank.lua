-- Gives a customer another place in one ranking, unless its row is another by now.
-- KEYS: customer, history, then those of apply.lua
-- ARGV: customer id, epoch, sequence, ranked as of, due next (or ''), which ranking, its member
-- Answers whether it did: 1 or 0.
local customer, due = KEYS[1], KEYS[7]
local held = redis.call('HMGET', customer, 'epoch', 'sequence', 'segment', 'member' .. ARGV[6])
if held[1] ~= ARGV[2] or held[2] ~= ARGV[3] then
  return 0
end
local key, old, new = KEYS[7 + tonumber(ARGV[6])], held[4], ARGV[7]
if old ~= new then
  if old then
    redis.call('ZREM', key, old)
  end
  redis.call('ZADD', key, 0, new)
  if held[3] and held[3] ~= '' then
    if old then
      redis.call('ZREM', key .. ':' .. held[3], old)
    end
    redis.call('ZADD', key .. ':' .. held[3], 0, new)
  end
end
redis.call('HSET', customer, 'member' .. ARGV[6], new, 'ranked', ARGV[4])
if ARGV[5] == '' then
  redis.call('ZREM', due, ARGV[1])
else
  redis.call('ZADD', due, ARGV[5], ARGV[1])
end
return 1
