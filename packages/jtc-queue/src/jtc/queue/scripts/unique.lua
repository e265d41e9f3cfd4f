-- Of jobs with one unique key only one is in the queue: a part of the scripts that include it.
-- The key names the job that came first. It counts only while that job is in the queue, so
-- nothing is released when a job ends, whichever way, and nothing can stay locked.

-- Which job stands in the way of another one with the key, if any does. With till = 'start'
-- it does so only while it waits.
local function unique_holder(name, till, incomplete, claims)
    local id = redis.call('GET', name)
    if not id or not redis.call('ZSCORE', incomplete, id) then return nil end
    if till == 'start' and redis.call('HEXISTS', claims, id) == 1 then return nil end
    return id
end
