-- Give up a worker's lease, unless it still holds jobs: those are for `recover` to find.
-- KEYS: workers, claims
-- ARGV: worker
local all = redis.call('HVALS', KEYS[2])
for _, claim in ipairs(all) do
    if string.match(claim, '^%S+') == ARGV[1] then return 0 end
end
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
