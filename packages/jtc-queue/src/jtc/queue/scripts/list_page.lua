-- Return some of the ids in a list, from one that was met before.
-- Where that one has gone, what was before it has gone too: the page begins at the head.
-- KEYS: list
-- ARGV: id that was met last ('' = none), where it stood, how many at the most, how far to look for it
-- Returns how many there are, where the page begins, then the ids.
local size, start = redis.call('LLEN', KEYS[1]), 0
local place, far = tonumber(ARGV[2]), tonumber(ARGV[4])
if ARGV[1] ~= '' then
    local nearest
    -- An id may be there more than once.
    for _, at in ipairs(redis.call('LPOS', KEYS[1], ARGV[1], 'COUNT', 0, 'MAXLEN', far)) do
        if not nearest or math.abs(at - place) < math.abs(nearest - place) then nearest = at end
    end
    if not nearest and place >= far then nearest = place end
    if nearest then start = nearest + 1 end
end
local reply = {size, start}
for n, id in ipairs(redis.call('LRANGE', KEYS[1], start, start + ARGV[3] - 1)) do reply[n + 2] = id end
return reply
