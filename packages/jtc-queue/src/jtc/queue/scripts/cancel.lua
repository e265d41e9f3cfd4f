-- Cancel a job: at once while it waits, by a note to its worker while it runs.
-- KEYS: incomplete, claims, cancels; those of ticks.lua if it is a tick
-- ARGV: id, reason, json, seconds to keep it (as `done` in settle.lua), status; if it is a
--   tick: task, record, '1' not to count it, how many records to keep
-- Returns 'canceled', 'asked' or 'ended' (there was nothing left to cancel).
-- include: ticks
local id, seconds = ARGV[1], tonumber(ARGV[4])
if not redis.call('ZSCORE', KEYS[1], id) then return 'ended' end
if redis.call('HEXISTS', KEYS[2], id) == 1 then
    redis.call('HSET', KEYS[3], id, ARGV[2])
    return 'asked'
end
if seconds > 0 then
    redis.call('SETEX', id, seconds, ARGV[3])
elseif seconds == 0 then
    redis.call('SET', id, ARGV[3])
else
    redis.call('DEL', id)
end
redis.call('ZREM', KEYS[1], id)
redis.call('HDEL', KEYS[3], id)
redis.call('PUBLISH', id, ARGV[5])
if KEYS[4] then
    local time = redis.call('TIME')
    local now = time[1] + time[2] / 1000000
    end_tick(tick_keys(KEYS, 4), ARGV[6], ARGV[7], ARGV[8], now, ARGV[9])
end
return 'canceled'
