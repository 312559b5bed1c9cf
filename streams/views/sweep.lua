-- Deletes what is left over where no customer is left.
-- KEYS: findable, then what to delete
-- Answers whether it did: 1 or 0.
if redis.call('HLEN', KEYS[1]) > 0 then
  return 0
end
for i = 2, #KEYS do
  redis.call('DEL', KEYS[i])
end
return 1
