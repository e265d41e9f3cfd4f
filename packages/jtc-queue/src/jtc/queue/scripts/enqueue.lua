-- Put jobs into the queue, each once: a key that is already waiting or running is left alone.
-- What is enqueued again is no longer a failure.
-- KEYS: incomplete, queued, failed, workers
-- ARGV: id, json, score (0 = now, else epoch seconds) for each job
-- Returns 1 (added) or 0 (already there) for each job.
-- include: wake
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
if delayed then wake(KEYS[2], KEYS[4]) end
return added
