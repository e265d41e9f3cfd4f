-- Remove a schedule that was made at run time, with all that is known of it. A tick that is
-- already in the queue still runs.
-- KEYS: definitions, due, paused, last, previous, runs, succeeded, expected, overdue, history
--   of it, buffer of it
-- ARGV: name, how the definition of a task in code begins
-- Returns 'removed', 'unknown' or 'in_code' (nothing was changed).
local name = ARGV[1]
local definition = redis.call('HGET', KEYS[1], name)
if not definition then return 'unknown' end
if string.sub(definition, 1, #ARGV[2]) == ARGV[2] then return 'in_code' end
redis.call('HDEL', KEYS[1], name)
redis.call('ZREM', KEYS[2], '*:' .. name)
for i = 3, 9 do redis.call('HDEL', KEYS[i], name) end
redis.call('DEL', KEYS[10], KEYS[11])
return 'removed'
