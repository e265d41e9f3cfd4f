-- Let a flow begin whose members' documents are there: all of it, or nothing.
-- KEYS: those of flows.lua
-- ARGV: id, number of members, then field and value of the flow's hash
-- Returns 1 (it has begun, now or before) or 0 (documents were gone).
-- include: flows
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local keys = flow_keys(KEYS, 1)
local id, total = ARGV[1], tonumber(ARGV[2])
-- A reply was lost and the call is made again.
if redis.call('EXISTS', keys.flow .. id) == 1 then return 1 end

local groups = {}
for first = 0, total - 1, FLOW_GROUP do
    local ids = {}
    for n = first, math.min(first + FLOW_GROUP, total) - 1 do ids[#ids + 1] = keys.job .. id .. '.' .. n end
    if redis.call('EXISTS', unpack(ids)) < #ids then return 0 end
    groups[#groups + 1] = ids
end
for _, ids in ipairs(groups) do
    for _, one in ipairs(ids) do redis.call('PERSIST', one) end
end
begin_flow(keys, id, total, {unpack(ARGV, 3)}, now)
return 1
