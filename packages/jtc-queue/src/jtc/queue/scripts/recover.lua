-- Take over what dead workers held, and list what the caller holds.
-- The dead worker's claim is overwritten here: from now on its settles are refused, and
-- should the caller die too, these claims are recovered like any other of its own.
-- Only a worker whose own lease was renewed just before can tell the dead from those who, like
-- itself, could not reach the server for a while: these get one more lease, as in renew.lua.
-- KEYS: workers, claims
-- ARGV: worker, claim for what is taken over, how many at the most, lease in ms
-- Returns {id, claim of each job the caller held before}, {id, former claim, payload of each taken over}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, limit = ARGV[1], tonumber(ARGV[3])
local lease = redis.call('ZSCORE', KEYS[1], me)
local dead = {}
if lease and tonumber(lease) > now + ARGV[4] / 2 then
    for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
        dead[worker] = 0
    end
end

local all, held, taken, claims = redis.call('HGETALL', KEYS[2]), {}, {}, {}
for i = 1, #all, 2 do
    local id, claim = all[i], all[i + 1]
    local worker = string.match(claim, '^%S+')
    if worker == me then
        held[#held + 1] = id
        held[#held + 1] = claim
    elseif dead[worker] then
        if #taken < limit * 3 then
            taken[#taken + 1] = id
            taken[#taken + 1] = claim
            taken[#taken + 1] = redis.call('GET', id)
            claims[#claims + 1] = id
            claims[#claims + 1] = ARGV[2]
        else
            dead[worker] = dead[worker] + 1
        end
    end
end
if #claims > 0 then redis.call('HSET', KEYS[2], unpack(claims)) end
for worker, left in pairs(dead) do
    if left == 0 then redis.call('ZREM', KEYS[1], worker) end
end
return {held, taken}
