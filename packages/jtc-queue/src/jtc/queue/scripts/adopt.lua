-- Claim jobs that are active and nobody's: a worker of plain SAQ began them and is gone.
-- KEYS: active, claims, incomplete
-- ARGV: claim, then id and digest of the document that was looked at for each job
-- Returns id and payload of each job that was claimed.
local taken = {}
for i = 2, #ARGV, 2 do
    local id = ARGV[i]
    local payload = redis.call('GET', id)
    if redis.call('HEXISTS', KEYS[2], id) == 1 then
        -- Somebody else was quicker.
    elseif not redis.call('ZSCORE', KEYS[3], id) then
        redis.call('LREM', KEYS[1], 0, id)
    elseif redis.sha1hex(payload or '') == ARGV[i + 1] then
        redis.call('HSET', KEYS[2], id, ARGV[1])
        taken[#taken + 1] = id
        taken[#taken + 1] = payload
    end
end
return taken
