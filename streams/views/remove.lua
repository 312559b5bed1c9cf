-- Forgets one customer, whole.
-- KEYS: customer, history, then those of apply.lua
-- ARGV: customer id, '1' to tell the viewers or '0', changes max
-- Answers whether there was one: 1 or 0.
local customer, history, changes, findable = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local segments, scored, due = KEYS[5], KEYS[6], KEYS[7]
local id = ARGV[1]
local segment = redis.call('HGET', customer, 'segment')
if segment == '' then
  segment = false
end
for i = 1, #KEYS - 7 do
  local old = redis.call('HGET', customer, 'member' .. i)
  if old then
    redis.call('ZREM', KEYS[7 + i], old)
    if segment then
      redis.call('ZREM', KEYS[7 + i] .. ':' .. segment, old)
    end
  end
end
redis.call('ZREM', scored, id)
redis.call('ZREM', due, id)
if segment then
  redis.call('ZREM', scored .. ':' .. segment, id)
  if redis.call('EXISTS', KEYS[8] .. ':' .. segment) == 0 then
    redis.call('HDEL', segments, segment)
  end
end
local found = redis.call('HDEL', findable, id) + redis.call('DEL', customer, history)
if found > 0 and ARGV[2] == '1' then
  redis.call('XADD', changes, 'MAXLEN', '~', ARGV[3], '*', 'reset', '1')
end
return found > 0 and 1 or 0
