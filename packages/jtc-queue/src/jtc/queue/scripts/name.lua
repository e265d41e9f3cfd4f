-- Say which scheduled tasks a worker still knows, with as many commands for a thousand as for one.
-- KEYS: due, seen
-- ARGV: seconds after which an entry counts as abandoned, the entries of the tasks
-- Returns those that have no due time, and how many are abandoned.
local now = tonumber(redis.call('TIME')[1])
local named, missing = {}, {}
for i = 2, #ARGV do
    named[#named + 1] = now
    named[#named + 1] = ARGV[i]
end
redis.call('ZADD', KEYS[2], unpack(named))
local times = redis.call('ZMSCORE', KEYS[1], unpack(ARGV, 2))
for i = 2, #ARGV do
    if not times[i - 1] then missing[#missing + 1] = ARGV[i] end
end
return {missing, redis.call('ZCOUNT', KEYS[2], '-inf', now - ARGV[1])}
