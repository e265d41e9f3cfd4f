-- Move jobs from queued to active and write whose they are, in one step.
-- KEYS: queued, active, claims, incomplete, workers, halt
-- ARGV: worker, claim, how many, ms of a lease that was not renewed, '1' to ask again after a lost reply
-- Returns now in ms, how many ids left the queue, then id and payload of each claimed job; in their
-- place, if the queue is paused: now in ms, -1, ms until it goes on by itself (-1 = it does not).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {now, 0}

local function give(ids)
    for i, payload in ipairs(redis.call('MGET', unpack(ids))) do
        reply[#reply + 1] = ids[i]
        reply[#reply + 1] = payload
    end
    return reply
end

if ARGV[5] == '1' then
    local all, mine = redis.call('HGETALL', KEYS[3]), {}
    for i = 1, #all, 2 do
        if all[i + 1] == ARGV[2] then mine[#mine + 1] = all[i] end
    end
    if #mine > 0 then return give(mine) end
end

local halt = redis.call('PTTL', KEYS[6])
if halt ~= -2 then return {now, -1, halt} end

local ids = redis.call('LRANGE', KEYS[1], 0, ARGV[3] - 1)
if #ids == 0 then return reply end
reply[2] = #ids

-- The list is a hint about the order. What may run is what `incomplete` holds with score 0
-- and nobody has claimed: a canceled job's id can stay in the list until it is met here.
local scores = redis.call('ZMSCORE', KEYS[4], unpack(ids))
local owners = redis.call('HMGET', KEYS[3], unpack(ids))
local taken, claims, met = {}, {}, {}
for i, id in ipairs(ids) do
    if scores[i] and tonumber(scores[i]) == 0 and not owners[i] and not met[id] then
        met[id] = true
        taken[#taken + 1] = id
        claims[#claims + 1] = id
        claims[#claims + 1] = ARGV[2]
    end
end
if #taken == 0 then
    redis.call('LTRIM', KEYS[1], #ids, -1)
    return reply
end

-- What a full server may refuse comes first: a refusal must leave the queue as it was.
redis.call('RPUSH', KEYS[2], unpack(taken))
redis.call('HSET', KEYS[3], unpack(claims))
local lease = redis.call('ZSCORE', KEYS[5], ARGV[1])
if not lease or tonumber(lease) <= now then
    -- A short one, until the worker renews: only a renewal says that the server was not away.
    redis.call('ZADD', KEYS[5], now + ARGV[4], ARGV[1])
end
redis.call('LTRIM', KEYS[1], #ids, -1)
return give(taken)
