-- Say which scheduled tasks a worker knows, add those without a due time, and remove
-- those that no worker has named for a while.
-- KEYS: due, seen, last, definitions, those of ticks.lua, expected, overdue
-- ARGV: seconds after which an entry counts as abandoned ('' = remove none), then for each
--   task: member, name, due time (epoch seconds, '' = not worked out yet), how many runs
--   there may be ('' = any number), definition ('' = leave it), id and json of the job to
--   enqueue when it is scheduled for the first time ('' = none)
-- Returns now (as text), {member, last tick with its fingerprint of each entry without a due
-- time}, {members removed}, {names of schedules made at run time that gave way to a task}.
-- include: ticks
local IN_CODE = '{"in_code":true'
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local keys = tick_keys(KEYS, 5)
local missing, gone, replaced = {}, {}, {}

local function is_in_code(name)
    local definition = redis.call('HGET', KEYS[4], name)
    return not definition or string.sub(definition, 1, #IN_CODE) == IN_CODE
end

local function define(name, definition)
    if not is_in_code(name) then
        redis.call('ZREM', KEYS[1], '*:' .. name)
        redis.call('HDEL', KEYS[14], name)
        replaced[#replaced + 1] = name
    end
    redis.call('HSET', KEYS[4], name, definition)
end

local function is_used_up(name, limit)
    return limit and tonumber(redis.call('HGET', keys.runs, name) or 0) >= limit
end

local function add(member, name, score, id, json)
    local added = redis.call('ZADD', KEYS[1], 'NX', score, member) == 1
    if not added or id == '' then return end
    local has_run = redis.call('HEXISTS', KEYS[3], name) == 1
        or redis.call('HEXISTS', keys.previous, name) == 1
    if not has_run then queue_tick(keys, name, id, json) end
end

for i = 2, #ARGV, 7 do
    local member, name, score, limit = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    redis.call('ZADD', KEYS[2], now, member)
    if ARGV[i + 4] ~= '' then define(name, ARGV[i + 4]) end
    -- Whatever ended the tick before, those that wait for it go on.
    take_next(keys, name, now)
    if score ~= '' then
        add(member, name, score, ARGV[i + 5], ARGV[i + 6])
    elseif not redis.call('ZSCORE', KEYS[1], member) and not is_used_up(name, limit) then
        missing[#missing + 1] = member
        missing[#missing + 1] = redis.call('HGET', KEYS[3], name) or ''
    end
end

if ARGV[1] ~= '' then
    gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[1], 'LIMIT', 0, 100)
end
if #gone > 0 then
    redis.call('ZREM', KEYS[1], unpack(gone))
    redis.call('ZREM', KEYS[2], unpack(gone))
    local known = {}
    for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
        known[string.match(member, '^[^:]*:(.*)$')] = true
    end
    for _, member in ipairs(gone) do
        local name = string.match(member, '^[^:]*:(.*)$')
        if not known[name] and is_in_code(name) then
            redis.call('HDEL', KEYS[4], name)
            redis.call('HDEL', KEYS[15], name)
        end
    end
end
return {string.format('%.6f', now), missing, gone, replaced}
