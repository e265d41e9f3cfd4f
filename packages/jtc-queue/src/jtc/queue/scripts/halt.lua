-- Let no worker take jobs from the queue; a pause that is there already is replaced.
-- The key goes by itself when its time has come: `claim` asks for nothing but that.
-- KEYS: halt
-- ARGV: note, ms until it ends by itself ('' = somebody has to end it)
-- Returns now and the end, in epoch ms (0 = none).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local pause = {at = now / 1000, note = ARGV[1]}
if ARGV[2] == '' then
    redis.call('SET', KEYS[1], cjson.encode(pause))
    return {now, 0}
end
local till = now + ARGV[2]
pause['until'] = till / 1000
redis.call('SET', KEYS[1], cjson.encode(pause), 'PX', ARGV[2])
return {now, till}
