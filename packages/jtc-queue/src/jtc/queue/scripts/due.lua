-- Which entries are due by the server's clock, and when the next one is.
-- KEYS: due, polled, definitions
-- ARGV: how many to pass over, how many to look at, seconds after which polling has paused,
--   '1' to note that the queue is polled
-- Returns now (as text), the next due time after now ('' = not known), since when the queue
-- has been polled without a pause ('' = not asked, nothing is due), then member, score and
-- definition of each due entry; only those made at run time have a definition.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local at = tonumber(ARGV[1])
local stamp = string.format('%.6f', now)

local function ahead(index)
    return redis.call('ZRANGE', KEYS[1], index, index, 'WITHSCORES')[2]
end

-- A server that is full refuses to keep it; that must not keep anybody from looking.
local function polled_since()
    local polled = redis.call('HMGET', KEYS[2], 'since', 'last')
    local since, last = polled[1], tonumber(polled[2] or nil)
    if not since or not last or now - last > tonumber(ARGV[3]) then
        redis.pcall('HSET', KEYS[2], 'since', stamp, 'last', stamp)
        return stamp
    end
    -- Once a second is often enough, however many workers ask.
    if now - last >= 1 or now < last then redis.pcall('HSET', KEYS[2], 'last', stamp) end
    return since
end

local first = ahead(at)
local is_due = first and tonumber(first) <= now
if not first and at == 0 then return {stamp, '', ''} end
local since = (is_due or ARGV[4] == '1') and polled_since()
local reply = {stamp, first or '', since or ''}
if not is_due then return reply end

local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', stamp, 'WITHSCORES', 'LIMIT', at, ARGV[2])
reply[2] = ahead(at + #found / 2) or ''
for i = 1, #found, 2 do
    local name = string.match(found[i], '^%*:(.*)$')
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = found[i + 1]
    reply[#reply + 1] = name and redis.call('HGET', KEYS[3], name) or ''
end
return reply
