-- Cancel a job: at once while it waits, by a note to its worker while it runs.
-- KEYS: incomplete, claims, cancels
-- ARGV: id, reason, json, seconds to keep it (as `done` in settle.lua), status
-- Returns 'canceled', 'asked' or 'ended' (there was nothing left to cancel).
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
return 'canceled'
