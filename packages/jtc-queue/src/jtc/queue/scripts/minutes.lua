-- What was counted in each of the last minutes, see report.lua.
-- ARGV: what the key of a minute's counts begins with, how many minutes
-- Returns the minute that runs, counted from the epoch, and names and numbers of the counts of each,
--   that one first.
local minute = math.floor(redis.call('TIME')[1] / 60)
local counts = {}
for back = 0, ARGV[2] - 1 do
    counts[#counts + 1] = redis.call('HGETALL', ARGV[1] .. (minute - back))
end
return {minute, counts}
