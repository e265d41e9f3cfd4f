-- Put failed jobs back into the queue, each if it is still the failure that was looked at.
-- KEYS: failed, incomplete, queued, claims, the prefix of unique keys, then those of flows.lua
-- ARGV: id, digest of the document that was looked at, new json, unique key ('' = none), until
--   and ms for which the key counts, flow ('' = none) and number in it for each job
-- Returns for each job 1, or 0: it left the list, or waits or runs again, or was changed, or
--   another job has its unique key.
-- include: unique
-- include: flows
local reply = {}

local function is_as_looked_at(id, digest)
    local listed = redis.call('ZSCORE', KEYS[1], id) and not redis.call('ZSCORE', KEYS[2], id)
    local document = listed and redis.call('GET', id)
    return document and redis.sha1hex(document) == digest
end

local function take_key(id, key, till, ms)
    if key == '' then return true end
    local name = KEYS[5] .. key
    if unique_holder(name, till, KEYS[2], KEYS[4]) then return false end
    redis.call('SET', name, id, 'PX', ms)
    return true
end

for i = 1, #ARGV, 8 do
    local id = ARGV[i]
    local back = is_as_looked_at(id, ARGV[i + 1]) and take_key(id, ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
    if back then
        redis.call('SET', id, ARGV[i + 2])
        redis.call('ZADD', KEYS[2], 0, id)
        redis.call('RPUSH', KEYS[3], id)
        redis.call('ZREM', KEYS[1], id)
        if ARGV[i + 6] ~= '' then revive_member(flow_keys(KEYS, 6), ARGV[i + 6], tonumber(ARGV[i + 7])) end
    end
    reply[#reply + 1] = back and 1 or 0
end
return reply
