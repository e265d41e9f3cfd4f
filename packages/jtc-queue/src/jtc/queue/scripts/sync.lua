-- Say which scheduled tasks a worker knows, add those without a due time, and remove
-- those that no worker has named for a while.
-- KEYS: due, seen, last
-- ARGV: seconds after which an entry counts as abandoned, then member, task name and due time
--   (epoch seconds, '' = not worked out yet) for each task
-- Returns now (as text), {member, last tick with its fingerprint of each entry without a due time}, {members removed}.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local missing = {}
for i = 2, #ARGV, 3 do
    local member, score = ARGV[i], ARGV[i + 2]
    redis.call('ZADD', KEYS[2], now, member)
    if score ~= '' then
        redis.call('ZADD', KEYS[1], 'NX', score, member)
    elseif not redis.call('ZSCORE', KEYS[1], member) then
        missing[#missing + 1] = member
        missing[#missing + 1] = redis.call('HGET', KEYS[3], ARGV[i + 1]) or ''
    end
end
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[1], 'LIMIT', 0, 100)
if #gone > 0 then
    redis.call('ZREM', KEYS[1], unpack(gone))
    redis.call('ZREM', KEYS[2], unpack(gone))
end
return {string.format('%.6f', now), missing, gone}
