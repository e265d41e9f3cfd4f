-- Return some of the ids in a sorted set, from one that was met before.
-- Where that one has gone or has another score, the page begins with the first of its former score.
-- KEYS: sorted set; a hash that has something to say of its ids, if that is wanted
-- ARGV: score above which they count ('-inf' = all do), '1' = the highest first, how many at the most,
--   score from which to begin ('' = at the first), id that was met last ('' = none)
-- Returns how many there are, how many of them are before the page, then id, score and what the hash
--   says ('' = nothing) of each.
local set, reverse, from, met = KEYS[1], ARGV[2] == '1', ARGV[4], ARGV[5]
local total = redis.call('ZCOUNT', set, ARGV[1], '+inf')
local below = redis.call('ZCARD', set) - total
local start = reverse and 0 or below
if from ~= '' then
    if met ~= '' and redis.call('ZSCORE', set, met) == from then
        start = redis.call(reverse and 'ZREVRANK' or 'ZRANK', set, met) + 1
    elseif reverse then
        start = redis.call('ZCOUNT', set, '(' .. from, '+inf')
    else
        start = redis.call('ZCOUNT', set, '-inf', '(' .. from)
    end
end
local found = redis.call(reverse and 'ZREVRANGE' or 'ZRANGE', set, start, start + ARGV[3] - 1, 'WITHSCORES')
local ids, reply = {}, {total, reverse and start or start - below}
for i = 1, #found, 2 do ids[#ids + 1] = found[i] end
local said = KEYS[2] and #ids > 0 and redis.call('HMGET', KEYS[2], unpack(ids))
for n, id in ipairs(ids) do
    reply[#reply + 1] = id
    reply[#reply + 1] = found[n * 2]
    reply[#reply + 1] = said and said[n] or ''
end
return reply
