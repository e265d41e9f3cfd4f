-- Put jobs into the queue, each once: a key that is already waiting or running is left alone.
-- What is enqueued again is no longer a failure.
-- KEYS: incomplete, queued, failed, workers; claims and the prefix of unique keys if jobs have one
-- ARGV: id, json, score (0 = now, else epoch seconds, or '+' and seconds from now) for each job
-- If jobs have a unique key, behind that: position of the job (from 1), key, until, ms for which
--   the key counts for each of them, and how many of them there are
-- Returns for each job 1 (added), 0 (already there), or the id of the job that has its unique key.
-- include: wake
-- include: unique
local placed, seen, fresh, uniques, delayed, now = {}, {}, {}, {}, false, nil
local jobs_end = #ARGV
if KEYS[5] then
    jobs_end = #ARGV - 1 - 4 * ARGV[#ARGV]
    for at = jobs_end + 1, #ARGV - 1, 4 do uniques[tonumber(ARGV[at])] = at + 1 end
end

-- By the server's clock: the one of who dispatches may be wrong.
local function from_now(seconds)
    if not now then
        local time = redis.call('TIME')
        now = time[1] + time[2] / 1000000
    end
    return now + seconds
end

local function add(id, json, score)
    if string.byte(score) == 43 then score = from_now(string.sub(score, 2)) end
    seen[id] = true
    redis.call('SET', id, json)
    redis.call('ZADD', KEYS[1], score, id)
    if score == '0' then redis.call('RPUSH', KEYS[2], id) else delayed = true end
    fresh[#fresh + 1] = id
    return 1
end

local function add_unique(at, id, json, score)
    local name = KEYS[6] .. ARGV[at]
    local holder = unique_holder(name, ARGV[at + 1], KEYS[1], KEYS[5])
    if holder then return holder end
    redis.call('SET', name, id, 'PX', ARGV[at + 2])
    return add(id, json, score)
end

for i = 1, jobs_end, 3 do
    local id, n = ARGV[i], #placed + 1
    if seen[id] or redis.call('ZSCORE', KEYS[1], id) then
        placed[n] = 0
    elseif uniques[n] then
        placed[n] = add_unique(uniques[n], id, ARGV[i + 1], ARGV[i + 2])
    else
        placed[n] = add(id, ARGV[i + 1], ARGV[i + 2])
    end
end
if #fresh > 0 then redis.call('ZREM', KEYS[3], unpack(fresh)) end
if delayed then wake(KEYS[2], KEYS[4]) end
return placed
