-- How the members of a flow end and what follows: a part of the scripts that include it.
-- Give `flow_keys` the KEYS and where QueueKeys.flows begin among them.
-- A flow is a hash. Beside it, a string has one letter for each member: '.' has not ended, 'd' is
-- done, 'f' failed, 'c' canceled. A member that ends once more is counted as what it ended as last.
-- include: tell
-- include: recent
-- Any other status is a failure.
local FLOW_LETTERS = {complete = 'd', aborted = 'c'}
local FLOW_COUNTS = {d = 'done', f = 'failed', c = 'canceled'}
-- Longer than a failed member is kept, which may be put back.
local FLOW_SECONDS = 7 * 24 * 3600
-- How many members one command is about.
local FLOW_GROUP = 1000

local function flow_keys(all, first)
    return {
        flow = all[first],
        job = all[first + 1],
        incomplete = all[first + 2],
        queued = all[first + 3],
        failed = all[first + 4],
        claims = all[first + 5],
        cancels = all[first + 6],
        recent = all[first + 7],
    }
end

local function is_chain(id)
    return string.sub(id, 1, 6) == 'chain-'
end

local function read_flow(keys, id)
    local key = keys.flow .. id
    local read = redis.call('HMGET', key, 'total', 'done', 'failed', 'canceled', 'stops', 'ttl')
    if not read[1] then return nil end
    return {
        id = id, key = key, ends = key .. ':ends',
        total = tonumber(read[1]), done = tonumber(read[2]), failed = tonumber(read[3]), canceled = tonumber(read[4]),
        is_chain = is_chain(id), stops = read[5] == '1', ttl = tonumber(read[6]),
    }
end

local function write_flow(flow)
    redis.call('HSET', flow.key, 'done', flow.done, 'failed', flow.failed, 'canceled', flow.canceled)
end

local function member_id(keys, flow, n)
    return keys.job .. flow.id .. '.' .. n
end

-- Note what has become of a member.
local function mark_member(flow, n, how)
    local was = redis.call('GETRANGE', flow.ends, n, n)
    if was == '' or was == how then return end
    redis.call('SETRANGE', flow.ends, n, how)
    local before, after = FLOW_COUNTS[was], FLOW_COUNTS[how]
    if before then flow[before] = flow[before] - 1 end
    if after then flow[after] = flow[after] + 1 end
end

-- A job's document says when it was enqueued: its time for retries begins then.
local function dated(json, now)
    return string.format('%s,"queued":%.0f}', string.sub(json, 1, -2), now * 1000)
end

local function queue_follower(keys, id, json, now)
    if redis.call('ZSCORE', keys.incomplete, id) then return end
    -- One whose document somebody has deleted fails as soon as a worker meets it.
    if json then redis.call('SET', id, dated(json, now)) end
    redis.call('ZADD', keys.incomplete, 0, id)
    redis.call('RPUSH', keys.queued, id)
    redis.call('ZREM', keys.failed, id)
end

local function queue_link(keys, flow, n, now)
    if redis.call('GETRANGE', flow.ends, n, n) ~= '.' then return end
    local id = member_id(keys, flow, n)
    queue_follower(keys, id, redis.call('GET', id), now)
end

local function queue_members(keys, flow, first, last)
    local ids, scores = {}, {}
    for n = first, last do
        local id = member_id(keys, flow, n)
        ids[#ids + 1] = id
        scores[#scores + 1] = 0
        scores[#scores + 1] = id
    end
    redis.call('ZADD', keys.incomplete, unpack(scores))
    redis.call('RPUSH', keys.queued, unpack(ids))
end

-- What is kept of a member that was canceled while it waited.
local function canceled_document(flow, stub, n, reason, now)
    return string.format('%s,"key":"%s.%d","error":%s,"completed":%.0f}',
        string.sub(stub, 1, -2), flow.id, n, cjson.encode(reason), now * 1000)
end

local function stop_members(keys, flow, numbers, reason, asks, now)
    local ids, canceled, statuses, stopped = {}, {}, {}, {}
    for at, n in ipairs(numbers) do ids[at] = member_id(keys, flow, n) end
    local owners = redis.call('HMGET', keys.claims, unpack(ids))
    local scores = redis.call('ZMSCORE', keys.incomplete, unpack(ids))
    local stub = redis.call('HGET', flow.key, 'stub')
    for at, id in ipairs(ids) do
        local n = numbers[at]
        if owners[at] then
            if asks then redis.call('HSET', keys.cancels, id, reason) end
        else
            stopped[#stopped + 1] = n
            if scores[at] then
                redis.call('SETEX', id, flow.ttl, canceled_document(flow, stub, n, reason, now))
                canceled[#canceled + 1] = id
                statuses[#statuses + 1] = 'aborted'
            elseif asks then
                redis.call('DEL', id)
            else
                -- Its turn may yet come: when the failed one before it is put back.
                redis.call('EXPIRE', id, FLOW_SECONDS)
            end
        end
    end
    if #canceled > 0 then
        redis.call('ZREM', keys.incomplete, unpack(canceled))
        redis.call('HDEL', keys.cancels, unpack(canceled))
        note_recent(keys.recent, canceled)
        tell(canceled, statuses)
    end
    return stopped
end

-- Cancel what waits. What runs goes on, or is asked to stop.
local function stop_flow(keys, flow, reason, asks, now)
    local ends = redis.call('GETRANGE', flow.ends, 0, -1)
    local letters, pending = {}, {}
    for at = 1, #ends do
        letters[at] = string.sub(ends, at, at)
        if letters[at] == '.' then pending[#pending + 1] = at - 1 end
    end
    for first = 1, #pending, FLOW_GROUP do
        local numbers = {unpack(pending, first, math.min(first + FLOW_GROUP - 1, #pending))}
        for _, n in ipairs(stop_members(keys, flow, numbers, reason, asks, now)) do
            letters[n + 1] = 'c'
            flow.canceled = flow.canceled + 1
        end
    end
    if #pending > 0 then redis.call('SETRANGE', flow.ends, 0, table.concat(letters)) end
end

-- Enqueue what follows: a job or, as `Flows` packs it, another flow with its documents.
local begin_flow
local function call_back(keys, flow, which, now)
    local what = redis.call('HGET', flow.key, which)
    if not what then return end
    redis.call('HDEL', flow.key, which)
    if string.sub(what, 1, 1) == '{' then
        queue_follower(keys, keys.job .. flow.id .. '.' .. which, what, now)
        return
    end
    local id, documents, fields = unpack(cjson.decode(what))
    for at, json in ipairs(documents) do
        redis.call('SET', keys.job .. id .. '.' .. (at - 1), is_chain(id) and json or dated(json, now))
    end
    begin_flow(keys, id, #documents, fields, now)
end

local function conclude_flow(keys, flow, now)
    if flow.done + flow.failed + flow.canceled < flow.total then return end
    if flow.done == flow.total then
        call_back(keys, flow, 'then', now)
    elseif flow.is_chain then
        call_back(keys, flow, 'catch', now)
    end
    call_back(keys, flow, 'finally', now)
    local seconds = flow.failed > 0 and FLOW_SECONDS or flow.ttl
    redis.call('EXPIRE', flow.key, seconds)
    redis.call('EXPIRE', flow.ends, seconds)
    tell({flow.key}, {'complete'})
end

-- Let a flow begin whose members' documents are there.
function begin_flow(keys, id, total, fields, now)
    local key = keys.flow .. id
    redis.call('HSET', key, 'total', total, 'done', 0, 'failed', 0, 'canceled', 0, unpack(fields))
    redis.call('SET', key .. ':ends', string.rep('.', total))
    local flow = read_flow(keys, id)
    if flow.is_chain then
        queue_link(keys, flow, 0, now)
    else
        for n = 0, total - 1, FLOW_GROUP do queue_members(keys, flow, n, math.min(n + FLOW_GROUP, total) - 1) end
    end
    conclude_flow(keys, flow, now)
end

-- Let happen what the end of a member brings about.
local function follow_member(keys, flow, n, how, now)
    local why = how == 'f' and 'failed' or 'was canceled'
    if flow.is_chain and how == 'd' then
        queue_link(keys, flow, n + 1, now)
    elseif flow.is_chain then
        stop_flow(keys, flow, string.format('canceled: link %d of the chain %s', n, why), false, now)
    elseif how == 'f' then
        call_back(keys, flow, 'catch', now)
        if flow.stops then
            stop_flow(keys, flow, string.format('canceled: member %d of the batch failed', n), false, now)
        end
    end
end

-- Count members that have ended and let happen what follows.
-- `ended` is a list of {flow, number of the member, 'd', 'f' or 'c'}.
local function end_members(keys, ended, now)
    local flows = {}
    -- All are counted first: of those that ended together, one must not cancel another.
    for _, one in ipairs(ended) do
        local id = one[1]
        if flows[id] == nil then flows[id] = read_flow(keys, id) or false end
        if flows[id] then mark_member(flows[id], one[2], one[3]) end
    end
    for _, one in ipairs(ended) do
        local flow = flows[one[1]]
        if flow then follow_member(keys, flow, tonumber(one[2]), one[3], now) end
    end
    for _, flow in pairs(flows) do
        if flow then
            conclude_flow(keys, flow, now)
            write_flow(flow)
        end
    end
end

-- A failed member is put back: it is pending again, and so is what would have come after it.
local function revive_member(keys, id, n)
    local flow = read_flow(keys, id)
    if not flow then return end
    redis.call('PERSIST', flow.key)
    redis.call('PERSIST', flow.ends)
    mark_member(flow, n, '.')
    for m = n + 1, flow.is_chain and flow.total - 1 or n do
        local is_canceled = redis.call('GETRANGE', flow.ends, m, m) == 'c'
        if is_canceled and redis.call('PERSIST', member_id(keys, flow, m)) == 1 then
            mark_member(flow, m, '.')
        end
    end
    write_flow(flow)
end
