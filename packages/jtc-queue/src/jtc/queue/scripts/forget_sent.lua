-- Remember jobs for less long: whoever sent them has noted that they were.
-- KEYS: sent
-- ARGV: seconds for which to remember them, their ids
local clock = tonumber(redis.call('TIME')[1])
for at = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', clock + ARGV[1], ARGV[at]) end
