-- Who stands against whom, and serving the queue.

local function readQueue()
	local requests = call('ZRANGE', base .. 'queue', '0', '-1')
	if #requests == 0 then return requests end
	local places = {}
	for first = 1, #requests, 1000 do
		local last = math.min(first + 999, #requests)
		for offset, packed in ipairs(call('HMGET', base .. 'requests', unpack(requests, first, last))) do
			if packed then
				places[#places + 1] = { request = requests[first + offset - 1], record = cmsgpack.unpack(packed) }
			end
		end
	end
	return places
end

-- Adds the locks of other sessions among `resources` to `others`, until there are `most` of them.
local function addOthers(resources, session, others, most)
	if #resources == 0 then return end
	local keys = {}
	for index, resource in ipairs(resources) do keys[index] = lockKey(resource) end
	for index, value in ipairs(call('MGET', unpack(keys))) do
		if #others.list >= most then return end
		local resource = resources[index]
		if value and not others.seen[resource] and string.match(value, '^[^\n]+') ~= session then
			others.seen[resource] = true
			others.list[#others.list + 1] = { resource = resource, value = value }
		end
	end
end

-- Looks through all locks, or through those inside a directory.
local function addInside(resource, session, others, most)
	local from, to = '-', '+'
	if isDirectory(resource) then from, to = '(' .. resource, '(' .. string.sub(resource, 1, -2) .. '0' end
	local chunk, offset = math.min(most + 8, 500), 0
	while #others.list < most do
		local resources = call('ZRANGEBYLEX', base .. 'held', from, to, 'LIMIT', int(offset), int(chunk))
		if #resources == 0 then return end
		addOthers(resources, session, others, most)
		offset = offset + chunk
	end
end

local function isInTheWay(place, session, needed)
	if place.record.session == session then return false end
	for _, theirs in ipairs(place.record.resources) do
		for _, resource in ipairs(needed) do
			if conflicts(resource, theirs) then return true end
		end
	end
	return false
end

-- Waiters of other sessions among `places` that want what conflicts with `needed`; at most `most` of them.
local function ahead(places, session, needed, most)
	local found = {}
	for _, place in ipairs(places) do
		if #found == most then return found end
		if isInTheWay(place, session, needed) then found[#found + 1] = place end
	end
	return found
end

--[[
  What stands against a session that wants resources, behind earlier waiters: locks of others (at most `most` for each
  resource), waiters of others, and in `own` the session's locks at or above (resource → value of the lock). A session may
  always go deeper into what it holds: waiting behind somebody who waits for that very session would deadlock.
]]
local function standing(session, resources, earlier, most)
	local others, own, needed = { list = {}, seen = {} }, {}, {}
	for _, resource in ipairs(resources) do
		local above = around(resource)
		local keys = {}
		for index, each in ipairs(above) do keys[index] = lockKey(each) end
		local isCovered = false
		local theirs = {}
		for index, value in ipairs(call('MGET', unpack(keys))) do
			local each = above[index]
			if value and string.match(value, '^[^\n]+') == session then
				own[each] = value
				isCovered = isCovered or covers(each, resource)
			elseif value then
				theirs[#theirs + 1] = { resource = each, value = value }
			end
		end
		if not isCovered then
			needed[#needed + 1] = resource
			for _, each in ipairs(theirs) do
				if not others.seen[each.resource] then
					others.seen[each.resource] = true
					others.list[#others.list + 1] = each
				end
			end
			if isDirectory(resource) or resource == 'project:' or resource == 'exclusive:' then
				addInside(resource, session, others, #others.list + most)
			end
		end
	end
	return { holds = others.list, waiters = ahead(earlier, session, needed, most == 1 and 1), own = own }
end

local function isFree(against)
	return #against.holds == 0 and #against.waiters == 0
end

-- Until when only what was held before is granted, 0 when the data was not lost.
local function recovering()
	return tonumber(string.match(boot or '', '%d+$') or 0)
end

--[[
  Serves the queue: in order of arrival, every waiter that no lock and no earlier waiter stands against gets its locks. Follows
  whatever removed a hold or a ticket, in the same step: then no lock is ever free while somebody could have it.

  What an exclusive request waits for may be in other projects, of which this script knows nothing. The first one that could
  have its part here, and is not in `skipped`, ends the round and is the answer; `last` ends it as well, without one.
]]
local function handOff(skipped, last)
	if call('EXISTS', base .. 'queue') == 0 then return end
	if recovering() > now then return end
	local waiting = {}
	for _, place in ipairs(readQueue()) do
		local request, record = place.request, place.record
		if request == last then return end
		local isJustBehind = #ahead(waiting, record.session, record.resources, 1) > 0
			and call('HEXISTS', base .. 'usage', record.session) == 0 and not hasExclusives
		local against = not isJustBehind and standing(record.session, record.resources, waiting, 1)
		if not against or not isFree(against) or (skipped and skipped[request]) then
			waiting[#waiting + 1] = place
		elseif isExclusive(record.resources) then
			return request
		else
			call('ZREM', base .. 'queue', request)
			grant(request, record, against.own, {
				lease = math.min(ticketLease, record.ttl), handed = true, floor = record.floor or 0,
			})
		end
	end
end

-- With exclusive requests about, the caller serves the queues of all projects together afterwards.
local function serve()
	if not hasExclusives then handOff() end
end
