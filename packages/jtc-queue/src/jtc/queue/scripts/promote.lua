-- Queue the delayed jobs whose time has come.
-- KEYS: incomplete, queued
-- ARGV: how many at the most
-- Returns how many were queued and the ms until the next one is due (-1 = none waits).
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(0', '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[1])
local due, zeros = {}, {}
local wait = -1
for i = 1, #found, 2 do
    local score = tonumber(found[i + 1])
    if score > now then
        wait = math.ceil((score - now) * 1000)
        break
    end
    due[#due + 1] = found[i]
    zeros[#zeros + 1] = 0
    zeros[#zeros + 1] = found[i]
end
if #due > 0 then
    redis.call('RPUSH', KEYS[2], unpack(due))
    redis.call('ZADD', KEYS[1], unpack(zeros))
    if #due == tonumber(ARGV[1]) then wait = 0 end
end
return {#due, wait}
