-- Count failures, and stop what fails too often for a while.
-- KEYS: failures, stop
-- ARGV: what happened; for 'failed' how many failures stop it, within how many ms, for how many
--   ask      a job wants to start
--   failed   one has failed
--   passed   one has succeeded
-- Returns the ms for which nothing may start; 0 = it may.
local function stopped() return math.max(0, redis.call('PTTL', KEYS[2])) end

if ARGV[1] == 'passed' then
    redis.call('DEL', KEYS[1])
elseif ARGV[1] == 'failed' and redis.call('EXISTS', KEYS[2]) == 0 then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local most, window = tonumber(ARGV[2]), tonumber(ARGV[3])
    redis.call('RPUSH', KEYS[1], now)
    redis.call('LTRIM', KEYS[1], -most, -1)
    redis.call('PEXPIRE', KEYS[1], window)
    local first = tonumber(redis.call('LINDEX', KEYS[1], 0))
    if redis.call('LLEN', KEYS[1]) == most and first > now - window then
        redis.call('DEL', KEYS[1])
        redis.call('SET', KEYS[2], 1, 'PX', ARGV[4])
    end
end
return stopped()
