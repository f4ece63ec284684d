--[[
  promote: grant an exclusive request of this project from its queue; all other projects have let it in.

  ARGV  3  request
        4  the token must exceed this
        5  'ask' to only say whether it could be, else ''

  Returns 1, or 0 when it does not wait any more or something stands against it.
]]
local request = ARGV[3]
local earlier = {}
for _, place in ipairs(readQueue()) do
	if place.request == request then
		local record = place.record
		local against = standing(record.session, record.resources, earlier, 1)
		if not isFree(against) then return 0 end
		if ARGV[5] == 'ask' then return 1 end
		call('ZREM', base .. 'queue', request)
		grant(request, record, against.own, {
			lease = math.min(ticketLease, record.ttl), handed = true, floor = math.max(record.floor or 0, tonumber(ARGV[4])),
		})
		ring()
		return 1
	end
	earlier[#earlier + 1] = place
end
return 0
