-- Drop the failed jobs that are too old, and the oldest of those that are too many.
-- The documents of the old ones have a time to live of their own, which may be longer.
-- KEYS: failed, incomplete, failures
-- ARGV: seconds to list a job, how many to list, how many to drop at the most
-- Returns how many were dropped.

-- What failed jobs are searched by is not deleted with each that leaves the list, but here.
local function forget_unlisted()
    local unlisted = redis.call('HLEN', KEYS[3]) - redis.call('ZCARD', KEYS[1])
    if unlisted <= 0 then return end
    local ids, gone = redis.call('HKEYS', KEYS[3]), {}
    for first = 1, #ids, 1000 do
        local group = {unpack(ids, first, math.min(first + 999, #ids))}
        for n, score in ipairs(redis.call('ZMSCORE', KEYS[1], unpack(group))) do
            if not score then gone[#gone + 1] = group[n] end
        end
    end
    for first = 1, #gone, 1000 do
        redis.call('HDEL', KEYS[3], unpack(gone, first, math.min(first + 999, #gone)))
    end
end

local now = tonumber(redis.call('TIME')[1])
local limit = tonumber(ARGV[3])
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, limit)
if #old > 0 then redis.call('ZREM', KEYS[1], unpack(old)) end

local excess = math.min(redis.call('ZCARD', KEYS[1]) - ARGV[2], limit - #old)
local dropped = excess > 0 and redis.call('ZPOPMIN', KEYS[1], excess) or {}
for i = 1, #dropped, 2 do
    if not redis.call('ZSCORE', KEYS[2], dropped[i]) then redis.call('DEL', dropped[i]) end
end
forget_unlisted()
return #old + #dropped / 2
