-- How ticks are recorded and follow one another: a part of the scripts that include it.
-- Give `tick_keys` the KEYS and where QueueKeys.ticks begin among them.
local HISTORY_SECONDS = 30 * 24 * 3600

local function tick_keys(all, first)
    return {
        previous = all[first],
        paused = all[first + 1],
        runs = all[first + 2],
        history = all[first + 3],
        buffer = all[first + 4],
        incomplete = all[first + 5],
        queued = all[first + 6],
        failed = all[first + 7],
        succeeded = all[first + 8],
    }
end

-- A stretch of ticks with one outcome is one record: what is skipped every minute must not
-- push the runs out of the history. `after` is the tick before, if it is known.
local function merged(newest, line, after)
    local read, old = pcall(cjson.decode, newest)
    if not read or type(old) ~= 'table' or not old.tick then return nil end
    local new = cjson.decode(line)
    if old.outcome ~= new.outcome or old.error ~= new.error then return nil end
    if after and after ~= (old['until'] or old.tick) then return nil end
    new.count = (old.count or 1) + (new.count or 1)
    new['until'] = math.max(old['until'] or old.tick, new['until'] or new.tick)
    new.tick = math.min(old.tick, new.tick)
    return cjson.encode(new)
end

-- Put a record, without `at`, at the front of a task's history.
local function add_record(keys, name, line, now, keep, after)
    local history = keys.history .. name
    line = string.format('%s,"at":%.3f}', string.sub(line, 1, -2), now)
    local is_no_run = string.find(line, '"outcome":"skipped:', 1, true)
        or string.find(line, '"outcome":"missed:', 1, true)
    local newest = is_no_run and redis.call('LINDEX', history, 0)
    local stretch = newest and merged(newest, line, after)
    if stretch then
        redis.call('LSET', history, 0, stretch)
    else
        redis.call('LPUSH', history, line)
        redis.call('LTRIM', history, 0, keep - 1)
    end
    redis.call('EXPIRE', history, HISTORY_SECONDS)
end

local function is_paused(keys, name, now)
    local text = redis.call('HGET', keys.paused, name)
    if not text then return false end
    local read, pause = pcall(cjson.decode, text)
    local till = read and type(pause) == 'table' and tonumber(pause['until'])
    if till and till <= now then
        redis.call('HDEL', keys.paused, name)
        return false
    end
    return true
end

-- Whether the newest tick of a task still waits or runs.
local function is_busy(keys, name)
    local previous = redis.call('HGET', keys.previous, name)
    return previous and redis.call('ZSCORE', keys.incomplete, previous) and true
end

-- Queue the job of a tick, unless it already waits or runs.
local function queue_tick(keys, name, id, json)
    redis.call('HSET', keys.previous, name, id)
    if redis.call('ZSCORE', keys.incomplete, id) then return false end
    redis.call('SET', id, json)
    redis.call('ZADD', keys.incomplete, 0, id)
    redis.call('RPUSH', keys.queued, id)
    redis.call('ZREM', keys.failed, id)
    return true
end

-- Queue the next tick that waits for the one before, if that has ended.
local function take_next(keys, name, now)
    local buffer = keys.buffer .. name
    if redis.call('EXISTS', buffer) == 0 then return end
    if is_busy(keys, name) or is_paused(keys, name, now) then return end
    local id, json = redis.call('LPOP', buffer), redis.call('LPOP', buffer)
    if json then queue_tick(keys, name, id, json) end
end

-- Whether a record tells of a run that went well. Inside of a text, quotes are escaped.
local function is_success(line)
    return not string.find(line, '"outcome":"skipped:', 1, true)
        and not string.find(line, '"error":', 1, true)
end

-- Record how the run of a tick ended, and go on with the task's next.
-- `uncount` is '1' for a run that was counted and did not take place.
local function end_tick(keys, name, line, uncount, now, keep)
    add_record(keys, name, line, now, keep)
    if is_success(line) then
        redis.call('HSET', keys.succeeded, name, string.format('%.3f', now))
    end
    if uncount == '1' and redis.call('HEXISTS', keys.runs, name) == 1 then
        redis.call('HINCRBY', keys.runs, name, -1)
    end
    take_next(keys, name, now)
end
