-- Names who stands in the way, as JSON objects that ../replies.ts understands: locks first, then waiters.

local mostBlockers = 16

local function describe(what, resource, request, record)
	return {
		what = what, resource = resource, request = request, project = record.home or project, session = record.session,
		origin = record.origin, owner = record.owner, age = now - record.since, left = record.expires - now,
		who = record.who or call('HGET', base .. 'sessions', record.session) or nil,
	}
end

local function blockers(against)
	local list = {}
	for _, hold in ipairs(against.holds) do
		for request in string.gmatch(hold.value, '\n([^\n]+)') do
			if #list == mostBlockers then return list end
			local record = load(request)
			if record then list[#list + 1] = describe('lock', hold.resource, request, record) end
		end
	end
	for _, place in ipairs(against.waiters) do
		if #list == mostBlockers then return list end
		list[#list + 1] = describe('waiter', (place.record.asked or place.record.resources)[1], place.request, place.record)
	end
	return list
end

local function held(against)
	local own = 0
	for _, place in ipairs(against.waiters) do
		if not place.record.home then own = own + 1 end
	end
	return { 0, cjson.encode({ reason = 'held', ahead = #against.waiters, own = own, blockers = blockers(against) }) }
end
