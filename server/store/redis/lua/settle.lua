-- Lets go everything whose time is over. Starts every step.

local function expire()
	local first = call('ZRANGE', base .. 'due', 0, 0, 'WITHSCORES')
	if not first[1] or tonumber(first[2]) > now then return false end
	local holds, sessions = {}, {}
	for _, member in ipairs(call('ZRANGEBYSCORE', base .. 'due', '-inf', now)) do
		local id = string.sub(member, 3)
		local record = string.sub(member, 1, 2) == 'r:' and load(id)
		if record and not record.tokens then
			removeTicket(id, record, 'expired')
		elseif record then
			holds[#holds + 1] = { id = id, record = record }
		elseif string.sub(member, 1, 2) == 's:' then
			sessions[#sessions + 1] = { id = id, arrival = tonumber(call('ZSCORE', base .. 'arrivals', id) or 0) }
		else
			call('ZREM', base .. 'due', member)
		end
	end
	for _, each in ipairs(holds) do removeHolds(each.id, each.record, 'expired') end
	table.sort(sessions, function(a, b) return a.arrival < b.arrival end)
	for _, each in ipairs(sessions) do endSession(each.id, 'expired') end
	return true
end

-- With exclusive requests about, the caller serves the queues of all projects together afterwards.
local function serve()
	if not hasExclusives then handOff() end
end

if expire() then serve() end
