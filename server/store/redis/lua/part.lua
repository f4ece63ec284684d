--[[
  part: this project's part of an exclusive request that was made in another one. While it waits here, nothing that comes
  later is granted; while it holds, nothing is.

  ARGV  3  request
        4  what: 'wait' | 'hold', if nothing stands against it | 'steal' | 'drop'
        5  JSON {session, origin, owner, ttl, asked, home, who, age, left, token}, or '' to drop
        6  the reason of a steal

  Returns {1 done else 0, foreign exclusive requests stolen (JSON), victims (JSON)}
]]
local request, what = ARGV[3], ARGV[4]
local part = load(request)
local foreign, victims = {}, {}

local function stealFrom(session)
	local taken = {}
	for _, hold in ipairs(standing(session, { 'exclusive:' }, {}, math.huge).holds) do
		for each in string.gmatch(hold.value, '\n([^\n]+)') do
			taken[each] = taken[each] or {}
			taken[each][hold.resource] = true
		end
	end
	for each, chosen in pairs(taken) do
		local theirs = load(each)
		if theirs then
			if theirs.home then foreign[#foreign + 1] = { request = each, home = theirs.home } end
			victims[#victims + 1] = theirs.session
			removeHolds(each, theirs, 'stolen', chosen, session, ARGV[6])
		else
			discard(chosen)
		end
	end
end

local function answer(done)
	ring()
	return { done, #foreign > 0 and cjson.encode(foreign) or '[]', #victims > 0 and cjson.encode(victims) or '[]' }
end

if what == 'drop' then
	if not part or not part.home then return answer(0) end
	if part.tokens then removeHolds(request, part, 'released') else removeTicket(request, part) end
	return answer(1)
end

local wanted = cjson.decode(ARGV[5])
local record = {
	session = wanted.session, origin = wanted.origin, owner = wanted.owner, ttl = wanted.ttl, home = wanted.home,
	who = wanted.who, asked = wanted.asked, since = now - wanted.age, size = 1, resources = { 'exclusive:' }, place = part and part.place,
}
if not record.place then
	record.place = tonumber(call('ZRANGE', base .. 'queue', -1, -1, 'WITHSCORES')[2] or 0) + 1
end

if what == 'steal' then stealFrom(record.session) end
if what == 'hold' then
	local earlier = {}
	for _, place in ipairs(readQueue()) do
		if place.request == request then break end
		earlier[#earlier + 1] = place
	end
	if not isFree(standing(record.session, record.resources, earlier, 1)) then return answer(0) end
end
if part and part.tokens then unlock('exclusive:', request, part) end
if what == 'wait' then
	call('ZADD', base .. 'queue', int(record.place), request)
else
	call('ZREM', base .. 'queue', request)
	record.tokens = { wanted.token }
	local value = call('GET', lockKey('exclusive:'))
	call('SET', lockKey('exclusive:'), (value or record.session) .. '\n' .. request)
	call('ZADD', base .. 'held', 0, 'exclusive:')
	if tonumber(call('GET', base .. 'fence') or 0) < wanted.token then
		call('SET', base .. 'fence', int(wanted.token))
	end
end
remember(request, record, now + wanted.left)
return answer(1)
