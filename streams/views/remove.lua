-- Forgets one customer, whole.
-- KEYS: as for apply.lua
-- ARGV: customer id, '1' to tell the viewers or '0', changes max
-- Answers whether there was one: 1 or 0.
local customer, history, changes, findable = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
for i = 1, #KEYS - 4 do
  local old = redis.call('HGET', customer, 'member' .. i)
  if old then
    redis.call('ZREM', KEYS[4 + i], old)
  end
end
local found = redis.call('HDEL', findable, ARGV[1]) + redis.call('DEL', customer, history)
if redis.call('HLEN', findable) == 0 then
  for i = 5, #KEYS do
    redis.call('DEL', KEYS[i])
  end
end
if found > 0 and ARGV[2] == '1' then
  redis.call('XADD', changes, 'MAXLEN', '~', ARGV[3], '*', 'reset', '1')
end
return found > 0 and 1 or 0
