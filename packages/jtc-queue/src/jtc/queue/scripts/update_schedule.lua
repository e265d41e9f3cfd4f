-- Change a schedule if it still is as it was read; what it has done stays.
-- KEYS: definitions, due, queued, workers, expected, overdue
-- ARGV: name, definition that was read, new definition, what becomes of its due time:
--   'keep', 'none' (it has none any more), 'set' or 'fill' (set if it has none), due time (epoch seconds),
--   expectation ('' = none)
-- Returns 1, or 0: somebody else changed or removed it.
-- include: wake
local name, due, score = ARGV[1], ARGV[4], ARGV[5]
if redis.call('HGET', KEYS[1], name) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], name, ARGV[3])
-- What was not expected before is expected from now on.
if redis.call('HEXISTS', KEYS[5], name) == 0 then redis.call('HDEL', KEYS[6], name) end
if ARGV[6] == '' then
    redis.call('HDEL', KEYS[5], name)
else
    redis.call('HSET', KEYS[5], name, ARGV[6])
end
local member = '*:' .. name
if due == 'none' then
    redis.call('ZREM', KEYS[2], member)
elseif due == 'set' then
    redis.call('ZADD', KEYS[2], score, member)
elseif due == 'fill' then
    redis.call('ZADD', KEYS[2], 'NX', score, member)
end
wake(KEYS[3], KEYS[4])
return 1
