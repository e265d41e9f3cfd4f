-- May a job start now, so that at most N start in any window? If not: when will it be its turn?
-- The times of the last N starts are kept (a sliding window log), and a place in the line for
-- each job that waits, so that each is told a time of its own and comes back only once.
-- KEYS: starts, line
-- ARGV: job id, N, window in microseconds, '1' to keep a place in the line
-- Returns the ms until its turn: 0 = it starts now, and that is counted; -1 = no place was kept.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local id, most, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
-- Microseconds. For so long others wait for a job whose turn has come and that is not back yet.
local patience = 5000000
-- For so long its place in the line is remembered.
local memory = 86400000000

-- Lua would write a number of that size with an exponent.
local function whole(number) return string.format('%.0f', number) end
local function ms(micro) return math.ceil(micro / 1000) end

local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', KEYS[1])
    oldest = redis.call('LINDEX', KEYS[1], 0)
end
local started = redis.call('LLEN', KEYS[1])

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', whole(now - memory))
local turn = redis.call('ZSCORE', KEYS[2], id)
local since = '(' .. whole(now - patience)
local before = turn and '(' .. turn or '+inf'
-- Who comes before its turn leaves room for those whose turn has come.
local awaited = 0
if not turn or tonumber(turn) > now then
    awaited = redis.call('ZCOUNT', KEYS[2], since, whole(now))
end
if started + awaited < most then
    -- Never back in time, even if the clock is: the list is in order.
    local last = tonumber(redis.call('LINDEX', KEYS[1], -1) or 0)
    redis.call('RPUSH', KEYS[1], whole(math.max(now, last)))
    redis.call('PEXPIRE', KEYS[1], ms(math.max(now, last) + window - now))
    redis.call('ZREM', KEYS[2], id)
    return 0
end
if ARGV[4] ~= '1' then return -1 end

-- Once those before it have started, it follows the start that is N before its own.
local place = started + redis.call('ZCOUNT', KEYS[2], since, before)
local at = place % most
local follows = now
if at < started then follows = tonumber(redis.call('LINDEX', KEYS[1], at)) end
turn = follows + window * math.floor(place / most)
redis.call('ZADD', KEYS[2], whole(turn), id)
local latest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[2], ms(tonumber(latest[2]) + memory - now))
return ms(turn - now)
