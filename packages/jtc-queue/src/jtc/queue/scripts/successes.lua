-- When tasks last ran without an error.
-- KEYS: succeeded, definitions
-- ARGV: of how many schedules all are looked at, then the names to look at where there are more
-- Returns name and epoch seconds of each that has, one after the other.
local names = {unpack(ARGV, 2)}
if redis.call('HLEN', KEYS[2]) <= tonumber(ARGV[1]) then
    names = redis.call('HKEYS', KEYS[2])
end
if #names == 0 then return {} end
local reply = {}
for i, seconds in ipairs(redis.call('HMGET', KEYS[1], unpack(names))) do
    if seconds then
        reply[#reply + 1] = names[i]
        reply[#reply + 1] = seconds
    end
end
return reply
