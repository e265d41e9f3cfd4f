-- Renew the caller's lease, by the server's clock; take over what dead workers held; list what
-- the caller holds.
-- A dead worker's claim is overwritten here: from now on its settles are refused, and should the
-- caller die too, these claims are recovered like any other of its own.
-- When nobody has renewed for a while, it was the server that was away, or no worker was there.
-- Everybody then gets one more lease: whoever comes back first must not take the jobs of those
-- who live too and come back a moment later.
-- KEYS: workers, claims
-- ARGV: worker, lease in ms, ms of quiet after which everybody gets one more, claim for what is
--   taken over, how many at the most, '1' to list what the caller holds
-- Returns 1 if the caller still had a lease, {id, claim of each job it held before},
--   {id, former claim, payload of each taken over}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, lease, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5])

local had, newest, dead, others = 0, 0, {}, {}
local workers = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #workers, 2 do
    local worker, expires = workers[i], tonumber(workers[i + 1])
    newest = math.max(newest, expires)
    if worker == me then
        had = expires > now and 1 or 0
    else
        others[#others + 1] = worker
        if expires <= now and limit > 0 then dead[worker] = 0 end
    end
end
if newest <= now + lease - ARGV[3] then
    dead = {}
    for _, worker in ipairs(others) do
        redis.call('ZADD', KEYS[1], now + lease, worker)
    end
end
redis.call('ZADD', KEYS[1], now + lease, me)

local held, taken, claims = {}, {}, {}
if not next(dead) and ARGV[6] ~= '1' then return {had, held, taken} end

local all = redis.call('HGETALL', KEYS[2])
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
            claims[#claims + 1] = ARGV[4]
        else
            dead[worker] = dead[worker] + 1
        end
    end
end
if #claims > 0 then redis.call('HSET', KEYS[2], unpack(claims)) end
for worker, left in pairs(dead) do
    if left == 0 then redis.call('ZREM', KEYS[1], worker) end
end
return {had, held, taken}
