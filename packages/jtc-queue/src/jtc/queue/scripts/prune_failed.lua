-- Drop the failed jobs that are too old, and the oldest of those that are too many.
-- The documents of the old ones have a time to live of their own, which may be longer.
-- KEYS: failed, incomplete
-- ARGV: seconds to list a job, how many to list, how many to drop at the most
-- Returns how many were dropped.
local now = tonumber(redis.call('TIME')[1])
local limit = tonumber(ARGV[3])
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, limit)
if #old > 0 then redis.call('ZREM', KEYS[1], unpack(old)) end

local excess = math.min(redis.call('ZCARD', KEYS[1]) - ARGV[2], limit - #old)
if excess <= 0 then return #old end
local dropped = redis.call('ZPOPMIN', KEYS[1], excess)
for i = 1, #dropped, 2 do
    if not redis.call('ZSCORE', KEYS[2], dropped[i]) then redis.call('DEL', dropped[i]) end
end
return #old + excess
