-- Make schedules, each if its name is free.
-- KEYS: definitions, due, workers, those of ticks.lua, expected, overdue
-- ARGV: name, definition, first due time (epoch seconds, '' = it has none), id and json of a job
--   to enqueue at once ('' = none), expectation ('' = none) for each schedule
-- Returns 1 (added) or 0 (the name is taken) for each schedule.
-- include: ticks
-- include: wake
local keys = tick_keys(KEYS, 4)
local added = {}
for i = 1, #ARGV, 6 do
    local name, score, id = ARGV[i], ARGV[i + 2], ARGV[i + 3]
    local is_new = redis.call('HSETNX', KEYS[1], name, ARGV[i + 1])
    added[#added + 1] = is_new
    if is_new == 1 then
        if score ~= '' then redis.call('ZADD', KEYS[2], score, '*:' .. name) end
        if id ~= '' then queue_tick(keys, name, id, ARGV[i + 4]) end
        if ARGV[i + 5] ~= '' then
            redis.call('HSET', KEYS[13], name, ARGV[i + 5])
            redis.call('HDEL', KEYS[14], name)
        end
    end
end
wake(keys.queued, KEYS[3])
return added
