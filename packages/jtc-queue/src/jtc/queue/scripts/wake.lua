-- Wake a worker: a part of the scripts that include it.
-- One that waits at the empty list looks for what waits for its time now and then only. An id
-- that stands for no job wakes it, so that it learns of a time that is new.
local function wake(queued, workers)
    if redis.call('LLEN', queued) > 0 then return end
    local now = redis.call('TIME')[1] * 1000
    if redis.call('ZCOUNT', workers, now, '+inf') > 0 then redis.call('RPUSH', queued, 'jtc:wake') end
end
