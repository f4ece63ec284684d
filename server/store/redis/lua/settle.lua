--[[
  settle: let go everything whose time is over, and hand it to the first waiters that can have it.

  Returns 1
]]
local holds, sessions = {}, {}
for _, member in ipairs(call('ZRANGEBYSCORE', base .. 'due', '-inf', int(now))) do
	local id = string.sub(member, 3)
	local record = string.sub(member, 1, 2) == 'r:' and load(id)
	if record and not record.tokens then
		removeTicket(id, record, 'expired')
	elseif record then
		holds[#holds + 1] = { id = id, record = record }
	elseif string.sub(member, 1, 2) == 's:' then
		sessions[#sessions + 1] = { id = id, arrival = tonumber(call('ZSCORE', base .. 'arrivals', id) or 0) }
	else
		-- The end of a recovery, which only has to be noticed.
		call('ZREM', base .. 'due', member)
	end
end
for _, each in ipairs(holds) do removeHolds(each.id, each.record, 'expired') end
table.sort(sessions, function(a, b) return a.arrival < b.arrival end)
for _, each in ipairs(sessions) do endSession(each.id, 'expired') end
serve()

local first = call('ZRANGE', base .. 'due', '0', '0', 'WITHSCORES')[2]
if first then call('SET', base .. 'next', int(tonumber(first))) else call('DEL', base .. 'next') end
ring()
return 1
