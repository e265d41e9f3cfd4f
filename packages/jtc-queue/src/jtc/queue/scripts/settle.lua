-- End attempts, or write the state of running ones, for as long as their claim holds.
-- KEYS: claims, active, incomplete, queued, failed, cancels, failures, recent; those of ticks.lua and
--   of flows.lua if ticks or members of flows end
-- ARGV: id, claim ('' = nobody's), kind, json, number, status for each job
--   update   write json, the attempt goes on
--   done     number = seconds to keep the result; 0 = for good, below 0 = not at all
--   failed   as done, and listed among the failed jobs; what it is searched by may follow the word
--   retry    number = ms to wait, then at the tail of the queue
--   release  number = ms to wait, then at the head of the queue
-- If ticks or members of flows end, behind that: position of the job (from 1), task, record, '1'
--   not to count it for each tick; position, flow, number for each member; how many records to
--   keep of a task, how many ticks there are, how many members
-- Returns 1 (applied) or 0 (the claim is no longer held) for each job.
-- include: keep
-- include: ticks
-- include: flows
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local jobs_end = #ARGV
if KEYS[9] then jobs_end = #ARGV - 3 - 4 * ARGV[#ARGV - 1] - 3 * ARGV[#ARGV] end
local ids = {}
for i = 1, jobs_end, 6 do ids[#ids + 1] = ARGV[i] end
local owners = redis.call('HMGET', KEYS[1], unpack(ids))
local applied, ended, finished, done, over, told, statuses = {}, {}, {}, {}, {}, {}, {}
local kept = {}

local function requeue(id, json, wait, push)
    redis.call('SET', id, json)
    if wait > 0 then
        redis.call('ZADD', KEYS[3], now + wait / 1000, id)
    else
        redis.call('ZADD', KEYS[3], 0, id)
        redis.call(push, KEYS[4], id)
    end
end

for n, id in ipairs(ids) do
    local at = (n - 1) * 6
    local kind, json, number, status = ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5]), ARGV[at + 6]
    local claim = ARGV[at + 2]
    -- A group may hold two lines for one job: what the first ended, the second cannot change.
    local holds = (owners[n] or '') == claim and not over[id]
    -- Without a claim only a job that still waits may change: what has ended stays ended.
    if holds and claim == '' then holds = redis.call('ZSCORE', KEYS[3], id) end
    if not holds then
        applied[n] = 0
    else
        applied[n] = 1
        if kind == 'update' then
            redis.call('SET', id, json)
        else
            if kind == 'done' then
                keep(id, json, number)
                done[#done + 1] = id
                finished[#finished + 1] = id
                if number >= 0 then kept[#kept + 1] = id end
            elseif string.sub(kind, 1, 6) == 'failed' then
                keep(id, json, number)
                if number >= 0 then
                    redis.call('ZADD', KEYS[5], now, id)
                    -- An older one must not stand for it.
                    if #kind > 6 then
                        redis.call('HSET', KEYS[7], id, string.sub(kind, 7))
                    else
                        redis.call('HDEL', KEYS[7], id)
                    end
                end
                finished[#finished + 1] = id
            elseif kind == 'retry' then
                requeue(id, json, number, 'RPUSH')
            else
                requeue(id, json, number, 'LPUSH')
            end
            redis.call('LREM', KEYS[2], 1, id)
            ended[#ended + 1] = id
            over[id] = true
        end
        if status ~= '' then
            told[#told + 1] = id
            statuses[#statuses + 1] = status
        end
    end
end
if #told > 0 then tell(told, statuses) end
if #ended > 0 then redis.call('HDEL', KEYS[1], unpack(ended)) end
-- Plain SAQ can enqueue a failed job again without taking it off the list.
if #done > 0 then redis.call('ZREM', KEYS[5], unpack(done)) end
note_recent(KEYS[8], kept)
if #finished > 0 then
    redis.call('ZREM', KEYS[3], unpack(finished))
    -- A job that goes on keeps the note of whoever canceled it, for its next attempt.
    redis.call('HDEL', KEYS[6], unpack(finished))
end
if KEYS[9] then
    -- Last: what follows may be queued once that which it follows has left `incomplete`.
    local keys, keep = tick_keys(KEYS, 9), ARGV[#ARGV - 2]
    local ticks_end = jobs_end + 4 * ARGV[#ARGV - 1]
    for i = jobs_end + 1, ticks_end, 4 do
        if applied[tonumber(ARGV[i])] == 1 then
            end_tick(keys, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], now, keep)
        end
    end
    local members = {}
    for i = ticks_end + 1, #ARGV - 3, 3 do
        local n = tonumber(ARGV[i])
        if applied[n] == 1 then
            local how = FLOW_LETTERS[ARGV[n * 6]] or 'f'
            members[#members + 1] = {ARGV[i + 1], ARGV[i + 2], how}
        end
    end
    end_members(flow_keys(KEYS, 18), members, now)
end
return applied
