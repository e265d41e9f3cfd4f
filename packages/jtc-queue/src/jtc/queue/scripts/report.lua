-- Write what a worker says of itself, where SAQ's tools look for it, and count what has ended.
-- KEYS: report, reports, restart
-- ARGV: report ('' = the worker leaves), seconds to keep it, what the key of a minute's counts begins
--   with, then name and number of what is to be counted
-- Returns now and when somebody asked for all workers to be restarted (0 = nobody), in epoch ms.
local KEEP_MINUTES = 120
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] == '' then
    redis.call('DEL', KEYS[1])
    redis.call('ZREM', KEYS[2], KEYS[1])
else
    redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now)
    redis.call('ZADD', KEYS[2], now + ARGV[2] * 1000, KEYS[1])
    redis.call('EXPIRE', KEYS[2], ARGV[2])
end
if ARGV[4] then
    local minute = ARGV[3] .. math.floor(time[1] / 60)
    for i = 4, #ARGV, 2 do redis.call('HINCRBY', minute, ARGV[i], ARGV[i + 1]) end
    redis.call('EXPIRE', minute, KEEP_MINUTES * 60)
end
return {now, tonumber(redis.call('GET', KEYS[3]) or 0)}
