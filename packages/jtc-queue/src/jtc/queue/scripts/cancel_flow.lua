-- Cancel what is left of a flow: at once what waits, by a note to its worker what runs.
-- KEYS: those of flows.lua
-- ARGV: id, reason
-- Returns 1, 0 (it had ended) or -1 (nothing is known of it).
-- include: flows
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local keys = flow_keys(KEYS, 1)
local flow = read_flow(keys, ARGV[1])
if not flow then return -1 end
if flow.done + flow.failed + flow.canceled == flow.total then return 0 end
stop_flow(keys, flow, ARGV[2], true, now)
conclude_flow(keys, flow, now)
write_flow(flow)
return 1
