-- Tell those who listen to jobs what has become of them: a part of the scripts that include it.
-- Nearly always nobody listens, and then publishing is a tenth of the work. Who may not ask
-- for listeners publishes.
local function tell(ids, statuses)
    local patterns = redis.pcall('PUBSUB', 'NUMPAT')
    local listeners = redis.pcall('PUBSUB', 'NUMSUB', unpack(ids))
    for n, id in ipairs(ids) do
        if patterns ~= 0 or listeners[n * 2] ~= 0 then redis.call('PUBLISH', id, statuses[n]) end
    end
end
