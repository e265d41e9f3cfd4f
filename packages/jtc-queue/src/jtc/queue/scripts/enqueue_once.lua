-- Put jobs into the queue that were never put before by this script, all of them or none.
-- KEYS: sent; those of enqueue.lua
-- ARGV: seconds for which to remember them, how many they are, their ids; those of enqueue.lua
-- Returns nil if one of them was put before, else what enqueue.lua returns.
local function enqueue(KEYS, ARGV)
-- include: enqueue
end

local function rest(list, start)
    local part = {}
    for at = start, #list do part[#part + 1] = list[at] end
    return part
end

local clock, ids_end = tonumber(redis.call('TIME')[1]), 2 + ARGV[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', clock)
for at = 3, ids_end do
    if redis.call('ZSCORE', KEYS[1], ARGV[at]) then return nil end
end
local placed = enqueue(rest(KEYS, 2), rest(ARGV, ids_end + 1))
-- Last: a script that fails keeps what it has done, and twice is better than never.
for at = 3, ids_end do redis.call('ZADD', KEYS[1], clock + ARGV[1], ARGV[at]) end
return placed
