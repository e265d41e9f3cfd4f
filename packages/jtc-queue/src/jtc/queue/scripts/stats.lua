-- How a queue stands, with as many commands for a million jobs as for one.
-- KEYS: queued, active, incomplete, failed, workers, halt
-- ARGV: how many jobs at the head to return, what the key of a minute's counts begins with, how many
--   minutes to count, names of what is counted
-- Returns now in ms; how many are queued, running, delayed, failed; how many workers live; the pause
-- ('' = none); the sum of each count; then the jobs at the head.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {
    now,
    redis.call('LLEN', KEYS[1]),
    redis.call('LLEN', KEYS[2]),
    redis.call('ZCOUNT', KEYS[3], '(0', '+inf'),
    redis.call('ZCARD', KEYS[4]),
    redis.call('ZCOUNT', KEYS[5], '(' .. now, '+inf'),
    redis.call('GET', KEYS[6]) or '',
}

local sums, minute = {}, math.floor(time[1] / 60)
for i = 4, #ARGV do sums[i - 3] = 0 end
for back = 0, ARGV[3] - 1 do
    local counts = redis.call('HMGET', ARGV[2] .. (minute - back), unpack(ARGV, 4))
    for i, count in ipairs(counts) do sums[i] = sums[i] + (count or 0) end
end
for _, sum in ipairs(sums) do reply[#reply + 1] = sum end

local ids = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
if #ids > 0 then
    for _, id in ipairs(ids) do
        -- It stands for no job: see wake.lua.
        if id == 'jtc:wake' then reply[2] = reply[2] - 1 end
    end
    for _, document in ipairs(redis.call('MGET', unpack(ids))) do
        reply[#reply + 1] = document or ''
    end
end
return reply
