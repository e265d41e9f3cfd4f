-- Find the tasks that have not succeeded for longer than they may; each is found once.
-- KEYS: expected, overdue, last, then those of ticks.lua
-- ARGV: how many records to keep of a task, where the caller is ('' = in no environment), then name
--   and expectation (see expectation.py) of each task in its code
-- `expected` holds the expectation of each schedule that was made at run time. `overdue` holds of each
-- task since when it has been expected to succeed, and which success was the last before it was found
-- overdue ('-' = it never was), in epoch seconds.
-- Returns now (as text), then name, nominal time, time of the last success (or since when there should
-- have been one) and the seconds that were allowed of each that is found.
-- include: ticks
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local keys = tick_keys(KEYS, 4)
local keep, environment = ARGV[1], ARGV[2]
local GROUP = 1000
local reply = {string.format('%.6f', now)}

local function is_here(environments)
    if not environments then return true end
    for _, one in ipairs(environments) do
        if one == environment then return true end
    end
    return false
end

-- Whether there still are ticks that could succeed.
local function goes_on(name, expectation)
    if not is_here(expectation.environments) then return false end
    if expectation['until'] and now > expectation['until'] then return false end
    local limit = expectation.limit
    return not limit or tonumber(redis.call('HGET', keys.runs, name) or 0) < limit
end

local function tell(name, base, within)
    -- The tick that should have succeeded, if there was one since.
    local last = redis.call('HGET', KEYS[3], name)
    local tick = last and tonumber(string.match(last, '^%S+'))
    if not tick or tick <= base then tick = math.floor(now) end
    local line = string.format('{"tick":%.0f,"outcome":"missed:overdue"}', tick)
    add_record(keys, name, line, now, keep)
    reply[#reply + 1] = name
    reply[#reply + 1] = string.format('%.0f', tick)
    reply[#reply + 1] = string.format('%.3f', base)
    reply[#reply + 1] = tostring(within)
end

local function look(name, expectation, state, success, paused)
    local since, told = string.match(state or '', '^(%S+) (%S+)$')
    local waits = paused and is_paused(keys, name, now)
    if not since or waits then
        -- A pause is no time in which it could have succeeded.
        redis.call('HSET', KEYS[2], name, string.format('%.3f %s', now, told or '-'))
        return
    end
    local base = math.max(tonumber(since), tonumber(success or 0), expectation.from or 0)
    base = tonumber(string.format('%.3f', base))
    if now - base < expectation.within or tonumber(told) == base then return end
    if not goes_on(name, expectation) then return end
    redis.call('HSET', KEYS[2], name, string.format('%s %.3f', since, base))
    tell(name, base, expectation.within)
end

local function look_at(names, expectations)
    for first = 1, #names, GROUP do
        local last = math.min(#names, first + GROUP - 1)
        local states = redis.call('HMGET', KEYS[2], unpack(names, first, last))
        local successes = redis.call('HMGET', keys.succeeded, unpack(names, first, last))
        local pauses = redis.call('HMGET', keys.paused, unpack(names, first, last))
        for i = first, last do
            local n = i - first + 1
            look(names[i], cjson.decode(expectations[i]), states[n], successes[n], pauses[n])
        end
    end
end

local names, expectations, in_code = {}, {}, {}
for i = 3, #ARGV, 2 do
    names[#names + 1], expectations[#expectations + 1] = ARGV[i], ARGV[i + 1]
    in_code[ARGV[i]] = true
end
local stored = redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do
    if not in_code[stored[i]] then
        names[#names + 1], expectations[#expectations + 1] = stored[i], stored[i + 1]
    end
end
look_at(names, expectations)
return reply
