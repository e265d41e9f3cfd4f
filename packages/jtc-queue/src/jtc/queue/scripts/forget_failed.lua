-- Delete failed jobs. One that waits or runs again only leaves the list.
-- KEYS: failed, incomplete
-- ARGV: id of each job
-- Returns 1 (it was listed) or 0 for each job.
local reply = {}
for i, id in ipairs(ARGV) do
    reply[i] = redis.call('ZREM', KEYS[1], id)
    if reply[i] == 1 and not redis.call('ZSCORE', KEYS[2], id) then
        redis.call('DEL', id)
    end
end
return reply
