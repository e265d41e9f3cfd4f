-- Pause a schedule; a pause that is there already is replaced.
-- KEYS: definitions, paused
-- ARGV: name, note, until (epoch seconds, '' = until it is resumed), '1' if the caller has its code
-- Returns 'paused', 'unknown' (there is no such schedule) or 'past' (until is not to come).
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local name, till = ARGV[1], tonumber(ARGV[3])
if ARGV[4] ~= '1' and redis.call('HEXISTS', KEYS[1], name) == 0 then return 'unknown' end
if till and till <= now then return 'past' end
redis.call('HSET', KEYS[2], name, cjson.encode({at = now, note = ARGV[2], ['until'] = till}))
return 'paused'
