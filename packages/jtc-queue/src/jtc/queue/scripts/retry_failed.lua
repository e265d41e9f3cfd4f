-- Put failed jobs back into the queue, each if it is still the failure that was looked at.
-- KEYS: failed, incomplete, queued
-- ARGV: id, digest of the document that was looked at, new json for each job
-- Returns for each job 1, or 0: it left the list, or waits or runs again, or was changed.
local reply, back = {}, {}
for i = 1, #ARGV, 3 do
    local id = ARGV[i]
    local listed = redis.call('ZSCORE', KEYS[1], id) and not redis.call('ZSCORE', KEYS[2], id)
    local document = listed and redis.call('GET', id)
    if document and redis.sha1hex(document) == ARGV[i + 1] then
        redis.call('SET', id, ARGV[i + 2])
        redis.call('ZADD', KEYS[2], 0, id)
        redis.call('RPUSH', KEYS[3], id)
        redis.call('ZREM', KEYS[1], id)
        reply[#reply + 1] = 1
    else
        reply[#reply + 1] = 0
    end
end
return reply
