--[[
  acquire: grant all resources or none, or say who is in the way and perhaps take a place in the queue.

  ARGV  3  request               9  steal: '1' or ''
        4  session              10  the reason of a steal
        5  origin               11  owner, JSON or ''
        6  lease in ms          12  most locks of the session
        7  queue: '1' or ''     13  most locks of the project
        8  how: '' grant, 'ask' only say whether it could be, 'wait' take a place even when it could (another project cannot)
       14  the token must exceed this
       15  '1' when it was held before the store lost its data
       16  victims of the steal in other projects, JSON
       17… the resources, each once

  Returns {1, token, lease left, foreign exclusive requests stolen (JSON), resources (JSON)}   granted, now or before
          {0, JSON}    refused: {reason = 'held' | 'limit' | 'no-session' | 'finished' | 'recovering' | 'free', …}
          'lost'       the project has no `boot`: the store has lost its data, or was never here
]]
local request, session, lease = ARGV[3], ARGV[4], tonumber(ARGV[6])
local queue, how, isSteal = ARGV[7] == '1', ARGV[8], ARGV[9] == '1'

local function refuse(answer)
	return { 0, cjson.encode(answer) }
end

-- A request that was seen before: the same answer as then, and a sign of life for its lease or its place in the queue.
local function answerAgain()
	local record = load(request)
	if not record then
		return isFinished(request) and refuse({ reason = 'finished' })
	end
	if not record.tokens then
		setExpiry(request, record, now + ticketLease)
		local earlier = {}
		for _, place in ipairs(readQueue()) do
			if place.request == request then break end
			earlier[#earlier + 1] = place
		end
		return held(standing(record.session, record.resources, earlier, mostBlockers))
	end
	if not isWhole(record) then return refuse({ reason = 'finished' }) end
	setExpiry(request, record, now + record.ttl)
	local largest = 0
	for _, token in ipairs(record.tokens) do largest = math.max(largest, token) end
	return { 1, largest, record.ttl, '[]', cjson.encode(record.resources) }
end

-- Places in the queue count like locks, since they become locks without anybody asking again; what the session holds already
-- may be acquired again without limit.
local function excess(resources, places)
	local used = {
		perSession = tonumber(call('HGET', base .. 'usage', session) or 0),
		perProject = call('ZCARD', base .. 'held'),
	}
	local only = hasExclusives and call('GET', lockKey('exclusive:'))
	if only and not tokenOf('exclusive:', only) then used.perProject = used.perProject - 1 end
	for _, place in ipairs(places) do
		if not place.record.home then
			used.perProject = used.perProject + #place.record.resources
			if place.record.session == session then used.perSession = used.perSession + #place.record.resources end
		end
	end
	local limits = { perSession = tonumber(ARGV[12]), perProject = tonumber(ARGV[13]) }
	local function exceeded(more)
		for _, limit in ipairs({ 'perSession', 'perProject' }) do
			if used[limit] + more > limits[limit] then return limit end
		end
	end
	if not exceeded(#resources) then return end
	local fresh = 0
	for _, resource in ipairs(resources) do
		local value = call('GET', lockKey(resource))
		local isOwn = value and string.match(value, '^[^\n]+') == session and tokenOf(resource, value)
		if not isOwn then fresh = fresh + 1 end
	end
	local limit = fresh > 0 and exceeded(fresh)
	if not limit then return end
	return refuse({ reason = 'limit', limit = limit, most = limits[limit], held = used[limit] })
end

if not boot then return 'lost' end
local known = answerAgain()
if known then
	ring()
	return known
end
local actor = call('HGET', base .. 'actors', session)
if not actor then return refuse({ reason = 'no-session' }) end

local resources = {}
for index = 17, #ARGV do resources[#resources + 1] = ARGV[index] end
local places = readQueue()
local tooMuch = excess(resources, places)
if tooMuch then return tooMuch end

local record = {
	session = session, origin = ARGV[5], owner = ARGV[11], ttl = lease, since = now, size = #resources, resources = resources,
}
local terms = { lease = lease, handed = false, floor = tonumber(ARGV[14]), actor = actor }
local isRecovering = recovering() > now and ARGV[15] ~= '1'

local function refuseRecovering()
	return refuse({ reason = 'recovering', left = recovering() - now })
end

if isSteal and how == '' then
	if isRecovering then return refuseRecovering() end
	local against = standing(session, resources, {}, math.huge)
	local victims, seen, foreign, taken = cjson.decode(ARGV[16]), {}, {}, {}
	for _, hold in ipairs(against.holds) do
		for each in string.gmatch(hold.value, '\n([^\n]+)') do
			taken[each] = taken[each] or {}
			taken[each][hold.resource] = true
		end
	end
	for each, chosen in pairs(taken) do
		local theirs = load(each)
		if theirs then
			if theirs.home then foreign[#foreign + 1] = { request = each, home = theirs.home } end
			if not seen[theirs.session] then victims[#victims + 1] = theirs.session end
			seen[theirs.session] = true
			removeHolds(each, theirs, 'stolen', chosen, session, ARGV[10])
		else
			discard(chosen)
		end
	end
	if #victims > 0 then
		count('udo_locks_stolen_total')
		terms.stolen = { reason = ARGV[10], victims = victims }
	end
	local token = grant(request, record, against.own, terms)
	serve()
	ring()
	return { 1, token, lease, #foreign > 0 and cjson.encode(foreign) or '[]', cjson.encode(resources) }
end

local against = standing(session, resources, places, mostBlockers)
if isFree(against) and how ~= 'wait' then
	if isRecovering then return refuseRecovering() end
	if how == 'ask' then return refuse({ reason = 'free' }) end
	local token = grant(request, record, against.own, terms)
	ring()
	return { 1, token, lease, '[]', cjson.encode(resources) }
end
if how == 'ask' then return held(against) end
count('udo_locks_refused_total')
if queue then
	local last = call('ZRANGE', base .. 'queue', -1, -1, 'WITHSCORES')[2]
	call('ZADD', base .. 'queue', int(tonumber(last or 0) + 1), request)
	record.floor = terms.floor
	remember(request, record, now + ticketLease)
	count('udo_lock_waits_total')
	append('lock_queued', session, actor, cjson.encode({ request = request, resources = resources }))
	ring()
end
return held(against)
