-- Note which jobs have ended last, failed ones apart: a part of the scripts that include it.
local RECENT = 500
local RECENT_SECONDS = 7 * 24 * 3600

-- The last one of `ids` is the latest.
local function note_recent(key, ids)
    if #ids == 0 then return end
    local size = redis.call('LPUSH', key, unpack(ids))
    -- Neither with each call of a busy queue: that would cost as much again.
    if size > RECENT * 1.2 then redis.call('LTRIM', key, 0, RECENT - 1) end
    if size < 100 or size % 10 == 0 then redis.call('EXPIRE', key, RECENT_SECONDS) end
end
