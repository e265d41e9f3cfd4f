-- Enqueue the due ticks of tasks, record those that do not run, and move each entry to its
-- next time, in one step: of any number of workers that try, one finds the score it expects.
-- KEYS: due, last, then those of ticks.lua
-- ARGV: how many records to keep of a task, then for each entry:
--   member, name, fingerprint, expected score, next score ('' = there is none), what to do
--   while the tick before is not done (allow, skip, buffer_one, buffer_all), how many runs
--   there may be ('' = any number), number of stretches, (first tick, last tick, how many,
--   outcome) of each, number of ticks, (tick, id, json) of each
-- Returns for each entry 'lost', or one word for each stretch and each tick: what was
-- recorded without the 'skipped:' or 'missed:', else 'enqueued', 'buffered' or 'duplicate'.
-- include: ticks
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local keys = tick_keys(KEYS, 3)
local keep = ARGV[1]
local at = 1
local function read()
    at = at + 1
    return ARGV[at]
end

local function read_entry()
    local entry = {
        member = read(), name = read(), fingerprint = read(), expected = read(), next = read(),
        overlap = read(), limit = tonumber(read()), stretches = {}, ticks = {},
    }
    for n = 1, tonumber(read()) do
        entry.stretches[n] = {first = read(), last = read(), count = read(), outcome = read()}
    end
    for n = 1, tonumber(read()) do
        entry.ticks[n] = {nominal = read(), id = read(), json = read()}
    end
    return entry
end

local function is_used_up(entry)
    return entry.limit and tonumber(redis.call('HGET', keys.runs, entry.name) or 0) >= entry.limit
end

-- Two definitions of a name, as in a rolling deploy, share their ticks: what the other one
-- has dealt with is not dealt with again.
local function is_dealt_with(entry, tick)
    return entry.newest and entry.newest >= tonumber(tick)
end

local function record_stretch(entry, stretch)
    if is_dealt_with(entry, stretch.last) then return 'duplicate' end
    local line = string.format('{"tick":%s,"outcome":"%s"}', stretch.first, stretch.outcome)
    if stretch.count ~= '1' then
        line = string.format('{"tick":%s,"until":%s,"count":%s,"outcome":"%s"}',
            stretch.first, stretch.last, stretch.count, stretch.outcome)
    end
    add_record(keys, entry.name, line, now, keep, entry.reached)
    return string.match(stretch.outcome, ':(.*)$')
end

local function skip(entry, tick, reason)
    local line = string.format('{"tick":%s,"outcome":"skipped:%s"}', tick.nominal, reason)
    add_record(keys, entry.name, line, now, keep, entry.reached)
    return reason
end

local function start(entry, tick)
    if is_dealt_with(entry, tick.nominal) then return 'duplicate' end
    if is_paused(keys, entry.name, now) then return skip(entry, tick, 'paused') end
    if is_used_up(entry) then return skip(entry, tick, 'outside_window') end
    local word = 'enqueued'
    if entry.overlap ~= 'allow' and is_busy(keys, entry.name) then
        local buffer = keys.buffer .. entry.name
        local is_full = entry.overlap == 'buffer_one' and redis.call('EXISTS', buffer) == 1
        if entry.overlap == 'skip' or is_full then return skip(entry, tick, 'overlap') end
        redis.call('RPUSH', buffer, tick.id, tick.json)
        word = 'buffered'
    elseif not queue_tick(keys, entry.name, tick.id, tick.json) then
        return 'duplicate'
    end
    if entry.limit then redis.call('HINCRBY', keys.runs, entry.name, 1) end
    return word
end

local function move_on(entry)
    if entry.reached and entry.reached ~= entry.newest then
        local last = string.format('%.0f %s', entry.reached, entry.fingerprint)
        redis.call('HSET', KEYS[2], entry.name, last)
    end
    if entry.next == '' or is_used_up(entry) then
        redis.call('ZREM', KEYS[1], entry.member)
    else
        redis.call('ZADD', KEYS[1], entry.next, entry.member)
    end
end

local function fire(entry)
    local score = redis.call('ZSCORE', KEYS[1], entry.member)
    if not score or tonumber(score) ~= tonumber(entry.expected) then return 'lost' end
    local last = redis.call('HGET', KEYS[2], entry.name)
    entry.newest = last and tonumber(string.match(last, '^%S+'))
    take_next(keys, entry.name, now)
    local stretches, ticks, words = entry.stretches, entry.ticks, {}
    entry.reached = entry.newest
    local s, t = 1, 1
    -- In the order of their times, so that each record knows what came before it.
    while stretches[s] or ticks[t] do
        local stretch, tick = stretches[s], ticks[t]
        if not tick or (stretch and tonumber(stretch.first) < tonumber(tick.nominal)) then
            words[s] = record_stretch(entry, stretch)
            entry.reached = math.max(entry.reached or 0, tonumber(stretch.last))
            s = s + 1
        else
            words[#stretches + t] = start(entry, tick)
            entry.reached = math.max(entry.reached or 0, tonumber(tick.nominal))
            t = t + 1
        end
    end
    move_on(entry)
    return words
end

-- A thousand tasks may be due in one second, nearly all of which have one tick and nothing
-- in its way: these are fired together, with a few commands for all of them.
local function is_plain(entry, state)
    return #entry.stretches == 0 and #entry.ticks == 1 and entry.next ~= '' and not entry.limit
        and state.score and tonumber(state.score) == tonumber(entry.expected)
        and not (state.last and tonumber(string.match(state.last, '^%S+')) >= tonumber(entry.ticks[1].nominal))
        and not state.paused and not state.waits
        and not (state.before and entry.overlap ~= 'allow')
end

local function states_of(entries)
    local members, names, ids, buffers = {}, {}, {}, {}
    for i, entry in ipairs(entries) do
        members[i], names[i], buffers[i] = entry.member, entry.name, keys.buffer .. entry.name
        ids[i] = #entry.ticks > 0 and entry.ticks[1].id or ''
    end
    if redis.call('EXISTS', unpack(buffers)) > 0 then return nil end
    local scores = redis.call('ZMSCORE', KEYS[1], unpack(members))
    local last = redis.call('HMGET', KEYS[2], unpack(names))
    local paused = redis.call('HMGET', keys.paused, unpack(names))
    local before = redis.call('HMGET', keys.previous, unpack(names))
    for i = 1, #entries do before[i] = before[i] or '' end
    before = redis.call('ZMSCORE', keys.incomplete, unpack(before))
    local waits = redis.call('ZMSCORE', keys.incomplete, unpack(ids))
    local states = {}
    for i = 1, #entries do
        states[i] = {score = scores[i], last = last[i], paused = paused[i], before = before[i], waits = waits[i]}
    end
    return states
end

local function append(list, first, second)
    list[#list + 1] = first
    list[#list + 1] = second
end

local function fire_together(entries)
    local ids, documents, incomplete, previous, last, due = {}, {}, {}, {}, {}, {}
    for _, entry in ipairs(entries) do
        local tick = entry.ticks[1]
        ids[#ids + 1] = tick.id
        append(documents, tick.id, tick.json)
        append(incomplete, 0, tick.id)
        append(previous, entry.name, tick.id)
        append(last, entry.name, tick.nominal .. ' ' .. entry.fingerprint)
        append(due, entry.next, entry.member)
    end
    redis.call('MSET', unpack(documents))
    redis.call('ZADD', keys.incomplete, unpack(incomplete))
    redis.call('RPUSH', keys.queued, unpack(ids))
    redis.call('ZREM', keys.failed, unpack(ids))
    redis.call('HSET', keys.previous, unpack(previous))
    redis.call('HSET', KEYS[2], unpack(last))
    redis.call('ZADD', KEYS[1], unpack(due))
end

local entries, met, plain, reply = {}, {}, {}, {}
while at < #ARGV do entries[#entries + 1] = read_entry() end
local states = #entries > 1 and states_of(entries)
for i, entry in ipairs(entries) do
    -- The second of one name has to see what the first has changed.
    if states and not met[entry.name] and is_plain(entry, states[i]) then
        plain[#plain + 1] = entry
        reply[i] = {'enqueued'}
    end
    met[entry.name] = true
end
if #plain > 0 then fire_together(plain) end
for i, entry in ipairs(entries) do reply[i] = reply[i] or fire(entry) end
return reply
