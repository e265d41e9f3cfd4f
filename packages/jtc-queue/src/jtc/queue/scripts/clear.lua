-- Cancel jobs that wait or are delayed, each unless a worker has claimed it; those that are no ticks
-- and in no flow. Take ids that stand for no job out of the list.
-- KEYS: incomplete, queued, claims, cancels, recent
-- ARGV: status, then id, seconds to keep it (as `done` in settle.lua) and json for each job; '' as json
--   of what is only to leave the list if it does not wait
-- Returns how many were canceled.
-- include: keep
-- include: recent
local canceled, kept = 0, {}

for i = 2, #ARGV, 3 do
    local id, json = ARGV[i], ARGV[i + 2]
    local waits = redis.call('ZSCORE', KEYS[1], id) and redis.call('HEXISTS', KEYS[3], id) == 0
    if waits and json ~= '' then
        keep(id, json, tonumber(ARGV[i + 1]))
        redis.call('ZREM', KEYS[1], id)
        redis.call('HDEL', KEYS[4], id)
        redis.call('PUBLISH', id, ARGV[1])
        canceled = canceled + 1
        if tonumber(ARGV[i + 1]) >= 0 then kept[#kept + 1] = id end
        waits = false
    end
    -- They are at the head, so that this looks at few.
    if not waits then redis.call('LREM', KEYS[2], 1, id) end
end
note_recent(KEYS[5], kept)
return canceled
