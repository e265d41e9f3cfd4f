-- Put jobs into the queue, each once: a key that is already waiting or running is left alone.
-- What is enqueued again is no longer a failure.
-- A worker that waits at the empty list looks for delayed jobs now and then only. An id that
-- stands for none wakes it, so that it learns of the time of this one.
-- KEYS: incomplete, queued, failed, workers
-- ARGV: id, json, score (0 = now, else epoch seconds) for each job
-- Returns 1 (added) or 0 (already there) for each job.
local added, seen, fresh, delayed = {}, {}, {}, false
for i = 1, #ARGV, 3 do
    local id, score = ARGV[i], ARGV[i + 2]
    if seen[id] or redis.call('ZSCORE', KEYS[1], id) then
        added[#added + 1] = 0
    else
        seen[id] = true
        redis.call('SET', id, ARGV[i + 1])
        redis.call('ZADD', KEYS[1], score, id)
        if score == '0' then redis.call('RPUSH', KEYS[2], id) else delayed = true end
        fresh[#fresh + 1] = id
        added[#added + 1] = 1
    end
end
if #fresh > 0 then redis.call('ZREM', KEYS[3], unpack(fresh)) end
if delayed and redis.call('LLEN', KEYS[2]) == 0 then
    local now = redis.call('TIME')[1] * 1000
    if redis.call('ZCOUNT', KEYS[4], now, '+inf') > 0 then redis.call('RPUSH', KEYS[2], 'jtc:wake') end
end
return added
