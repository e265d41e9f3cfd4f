-- Renew a worker's lease, by the server's clock.
-- When nobody has renewed for half a lease, it was the server that was away, or no worker was
-- there. Everybody then gets one more lease: whoever comes back first must not take the jobs of
-- those who live too and come back a moment later.
-- KEYS: workers
-- ARGV: worker, lease in ms
-- Returns 1, or 0 when there was no lease left to renew.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('ZSCORE', KEYS[1], ARGV[1])
if redis.call('ZCOUNT', KEYS[1], '(' .. (now + ARGV[2] / 2), '+inf') == 0 then
    for _, worker in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
        redis.call('ZADD', KEYS[1], now + ARGV[2], worker)
    end
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return held and tonumber(held) > now and 1 or 0
