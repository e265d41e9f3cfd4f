-- Keep the document of a job that has ended: a part of the scripts that include it.
-- For so many seconds; 0 = for good, below 0 = not at all.
local function keep(id, json, seconds)
    if seconds > 0 then
        redis.call('SETEX', id, seconds, json)
    elseif seconds == 0 then
        redis.call('SET', id, json)
    else
        redis.call('DEL', id)
    end
end
