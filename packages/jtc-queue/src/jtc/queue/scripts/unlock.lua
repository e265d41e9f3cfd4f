-- Give up a lock, if it is still this job's under this claim.
-- KEYS: locks
-- ARGV: key, job id, claim
-- Returns 1 if it was.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[3] .. ' ' .. ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
