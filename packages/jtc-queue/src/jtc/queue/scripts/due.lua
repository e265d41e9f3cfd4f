-- Which entries are due by the server's clock, and when the next one is.
-- KEYS: due
-- ARGV: how many to pass over, how many to look at
-- Returns now (as text), the next due time after now ('' = not among those looked at), then member and score of each due entry.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local first = tonumber(ARGV[1])
local found = redis.call('ZRANGE', KEYS[1], first, first + ARGV[2] - 1, 'WITHSCORES')
local reply = {string.format('%.6f', now), ''}
for i = 1, #found, 2 do
    if tonumber(found[i + 1]) > now then
        reply[2] = found[i + 1]
        break
    end
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = found[i + 1]
end
return reply
