-- Enqueue the due ticks of tasks and move each entry to its next time, in one step: of any
-- number of workers that try, one finds the score it expects.
-- KEYS: due, last, previous, incomplete, queued, history prefix
-- ARGV: how much history to keep, then for each task:
--   member, name, fingerprint, expected score, next score, '1' to skip a tick that overlaps,
--   number of records, (tick, outcome) of each, number of ticks, (tick, id, json) of each
-- Returns for each task 'lost', or one word for each tick: 'enqueued', 'overlap', 'duplicate'.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local at = 1
local function read()
    at = at + 1
    return ARGV[at]
end

local keep = tonumber(ARGV[1])
local function record(name, tick, outcome)
    local key = KEYS[6] .. name
    redis.call('LPUSH', key, string.format('{"tick":%s,"outcome":"%s","at":%.3f}', tick, outcome, now))
    redis.call('LTRIM', key, 0, keep - 1)
end

local function enqueue(name, fingerprint, skip, tick, id, json)
    local last = redis.call('HGET', KEYS[2], name)
    if last and tonumber(string.match(last, '^%S+')) >= tonumber(tick) then return 'duplicate' end
    local previous = skip and redis.call('HGET', KEYS[3], name)
    local outcome = 'enqueued'
    if previous and redis.call('ZSCORE', KEYS[4], previous) then
        outcome = 'overlap'
        record(name, tick, 'skipped:overlap')
    else
        redis.call('SET', id, json)
        redis.call('ZADD', KEYS[4], 0, id)
        redis.call('RPUSH', KEYS[5], id)
        redis.call('HSET', KEYS[3], name, id)
    end
    redis.call('HSET', KEYS[2], name, tick .. ' ' .. fingerprint)
    return outcome
end

local reply = {}
while at < #ARGV do
    local member, name, fingerprint, expected, next_score = read(), read(), read(), read(), read()
    local skip = read() == '1'
    local score = redis.call('ZSCORE', KEYS[1], member)
    local won = score and tonumber(score) == tonumber(expected)
    local words = {}
    for _ = 1, tonumber(read()) do
        local tick, outcome = read(), read()
        if won then record(name, tick, outcome) end
    end
    for _ = 1, tonumber(read()) do
        local tick, id, json = read(), read(), read()
        if won then words[#words + 1] = enqueue(name, fingerprint, skip, tick, id, json) end
    end
    if won then
        redis.call('ZADD', KEYS[1], next_score, member)
        reply[#reply + 1] = words
    else
        reply[#reply + 1] = 'lost'
    end
end
return reply
