-- Let one of the jobs with a key run. A lock is worth no more than the claim it was taken under:
-- it ends with the attempt, and when its worker died, with the takeover of the worker's claims.
-- KEYS: locks, claims
-- ARGV: key, job id, claim
-- Returns 1 if the job has the lock, 0 if another one has.
local key, id, claim = ARGV[1], ARGV[2], ARGV[3]

local function is_held(lock)
    -- A claim is a worker and a token; a job's id may hold white space.
    local held_by, job = string.match(lock, '^(%S+ %S+) (.+)$')
    return job and redis.call('HGET', KEYS[2], job) == held_by
end

-- What dead workers left behind goes a few at a time.
for _, some in ipairs(redis.call('HRANDFIELD', KEYS[1], 3) or {}) do
    if not is_held(redis.call('HGET', KEYS[1], some)) then redis.call('HDEL', KEYS[1], some) end
end

-- Another worker may have taken the job over: it then runs there.
if redis.call('HGET', KEYS[2], id) ~= claim then return 0 end
local mine = claim .. ' ' .. id
local lock = redis.call('HGET', KEYS[1], key)
if lock and lock ~= mine and is_held(lock) then return 0 end
redis.call('HSET', KEYS[1], key, mine)
return 1
