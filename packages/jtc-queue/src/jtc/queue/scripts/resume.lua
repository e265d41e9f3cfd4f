-- Let a paused schedule go on, with the ticks that waited for it.
-- include: ticks
-- KEYS: definitions, those of ticks.lua, overdue
-- ARGV: name, '1' if the caller has its code
-- Returns 'resumed', 'running' (it was not paused, or its pause was over) or 'unknown'.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local keys = tick_keys(KEYS, 2)
local name = ARGV[1]
if ARGV[2] ~= '1' and redis.call('HEXISTS', KEYS[1], name) == 0 then return 'unknown' end
local reply = is_paused(keys, name, now) and 'resumed' or 'running'
redis.call('HDEL', keys.paused, name)
-- A pause is no time in which it could have succeeded: see overdue.lua.
if reply == 'resumed' and redis.call('HEXISTS', KEYS[11], name) == 1 then
    redis.call('HSET', KEYS[11], name, string.format('%.3f -', now))
end
take_next(keys, name, now)
return reply
