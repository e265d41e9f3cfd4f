-- Cancel a job: at once while it waits, by a note to its worker while it runs.
-- KEYS: incomplete, claims, cancels, recent; those of ticks.lua if it is a tick, of flows.lua if it is a
--   member of a flow
-- ARGV: id, reason, json, seconds to keep it (as `done` in settle.lua), status; if it is a
--   tick: task, record, '1' not to count it, how many records to keep; if it is a member: flow,
--   number
-- Returns 'canceled', 'asked' or 'ended' (there was nothing left to cancel).
-- include: keep
-- include: ticks
-- include: flows
local id, seconds = ARGV[1], tonumber(ARGV[4])
if not redis.call('ZSCORE', KEYS[1], id) then return 'ended' end
if redis.call('HEXISTS', KEYS[2], id) == 1 then
    redis.call('HSET', KEYS[3], id, ARGV[2])
    return 'asked'
end
keep(id, ARGV[3], seconds)
redis.call('ZREM', KEYS[1], id)
redis.call('HDEL', KEYS[3], id)
if seconds >= 0 then note_recent(KEYS[4], {id}) end
redis.call('PUBLISH', id, ARGV[5])
local is_tick, is_member = ARGV[8], ARGV[6] and not ARGV[8]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if is_member then
    end_members(flow_keys(KEYS, 5), {{ARGV[6], ARGV[7], 'c'}}, now)
elseif is_tick then
    end_tick(tick_keys(KEYS, 5), ARGV[6], ARGV[7], ARGV[8], now, ARGV[9])
end
return 'canceled'
