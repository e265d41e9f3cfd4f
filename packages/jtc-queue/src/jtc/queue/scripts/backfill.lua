-- Run ticks of the past, each once: those of one schedule one after the other, behind the tick
-- that waits or runs, unless they may overlap. What is due stays as it is.
-- include: ticks
-- KEYS: as in ticks.lua
-- ARGV: name, how much history to keep, '1' if the ticks may overlap, '1' to change nothing,
--   number of records, each record, then id and json for each tick, oldest first
-- Returns 1 or 0 (it already waits or runs) for each tick.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local keys = tick_keys(KEYS, 1)
local name, keep, is_free, is_dry = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4] == '1'
local first = 6 + tonumber(ARGV[5])

local waiting = {}
local buffered = redis.call('LRANGE', keys.buffer .. name, 0, -1)
for i = 1, #buffered, 2 do waiting[buffered[i]] = true end

if not is_dry then
    for i = 6, first - 1 do add_record(keys, name, ARGV[i], now, keep) end
end
is_free = is_free and not is_paused(keys, name, now)
local reply = {}
for i = first, #ARGV, 2 do
    local id, json = ARGV[i], ARGV[i + 1]
    if waiting[id] or redis.call('ZSCORE', keys.incomplete, id) then
        reply[#reply + 1] = 0
    else
        reply[#reply + 1] = 1
        if is_dry then
            waiting[id] = true
        elseif is_free then
            queue_tick(keys, name, id, json)
        else
            redis.call('RPUSH', keys.buffer .. name, id, json)
        end
    end
end
if not is_dry then take_next(keys, name, now) end
return reply
