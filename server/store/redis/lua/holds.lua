-- Granting and taking away: what a request holds, and what it waits for.

local finishedMemory = 600000
local finishedMost = 100000

-- Remembers that a request is over, so that a late copy of it is refused.
local function finish(request)
	call('ZADD', base .. 'finished', int(now + finishedMemory), request)
	if now % 16 < 1 then
		call('ZREMRANGEBYSCORE', base .. 'finished', '-inf', int(now))
		call('ZREMRANGEBYRANK', base .. 'finished', 0, int(-finishedMost - 1))
	end
end

-- Notes in which project an exclusive request was made, or forgets it.
local function setExclusive(request, home)
	if home then call('HSET', base .. 'exclusive', request, home) else call('HDEL', base .. 'exclusive', request) end
	local left = call('HLEN', base .. 'exclusive')
	if left > 0 then call('SET', base .. 'exclusives', int(left)) else call('DEL', base .. 'exclusives') end
	hasExclusives = hasExclusives or left > 0
end

local function forget(request, record)
	call('HDEL', base .. 'requests', request)
	call('ZREM', base .. 'due', 'r:' .. request)
	if hasExclusives then setExclusive(request) end
	if record.home then return end
	call('SREM', base .. 'requests:' .. record.session, request)
	finish(request)
end

local function remember(request, record, expires)
	setExpiry(request, record, expires)
	if isExclusive(record.resources) then
		setExclusive(request, record.home or project)
	end
	if not record.home then call('SADD', base .. 'requests:' .. record.session, request) end
end

-- The token of a lock, as a request of this project standing on it has it.
local function tokenOf(resource, value)
	for request in string.gmatch(value, '\n([^\n]+)') do
		local record = load(request)
		if record and record.tokens and not record.home then
			for index, each in ipairs(record.resources) do
				if each == resource then return record.tokens[index] end
			end
		end
	end
end

-- The next fencing token, larger than `floor`.
local function nextToken(floor)
	local token = call('INCR', base .. 'fence')
	if token > floor then return token end
	call('SET', base .. 'fence', int(floor + 1))
	return floor + 1
end

--[[
  Makes a request the holder of its resources; nothing may stand against it. `own`: what the session holds already, as
  resource → value of the lock: another acquire of exactly that is the same lock and keeps its token.
  `terms`: lease, handed, floor, actor, stolen. Answers the largest token.
]]
local function grant(request, record, own, terms)
	local tokens, fresh, largest = {}, nil, 0
	for index, resource in ipairs(record.resources) do
		local value = own[resource]
		local token = value and tokenOf(resource, value)
		if not token then
			fresh = fresh or nextToken(terms.floor)
			token = fresh
			if not record.home then call('HINCRBY', base .. 'usage', record.session, '1') end
		end
		if value then
			call('APPEND', lockKey(resource), '\n' .. request)
		else
			call('SET', lockKey(resource), record.session .. '\n' .. request)
			call('ZADD', base .. 'held', '0', resource)
		end
		tokens[index] = token
		if token > largest then largest = token end
	end
	record.tokens, record.since = tokens, now
	remember(request, record, now + terms.lease)
	count('udo_locks_acquired_total')
	if terms.handed then announce(request) end
	append('lock_acquired', record.session, terms.actor, cjson.encode({
		request = request, resources = record.resources, token = largest, origin = record.origin,
		handed = terms.handed, stolen = terms.stolen,
	}))
	return largest
end

-- Takes one request off a lock. A lock that no request stands on is free.
local function unlock(resource, request, record)
	local key = lockKey(resource)
	local value = call('GET', key)
	if not value then return end
	local others, isOwn = {}, false
	for each in string.gmatch(value, '\n([^\n]+)') do
		if each ~= request then
			others[#others + 1] = each
			isOwn = isOwn or not hasExclusives or not (load(each) or {}).home
		end
	end
	if #others == 0 then
		call('DEL', key)
		call('ZREM', base .. 'held', resource)
	else
		call('SET', key, record.session .. '\n' .. table.concat(others, '\n'))
	end
	if not isOwn and not record.home and call('HINCRBY', base .. 'usage', record.session, '-1') <= 0 then
		call('HDEL', base .. 'usage', record.session)
	end
end

-- Frees resources that stand on a request which does not exist: somebody else wrote that, or it is damage.
local function discard(resources)
	for resource in pairs(resources) do
		call('DEL', lockKey(resource))
		call('ZREM', base .. 'held', resource)
	end
end

-- Removes what a request holds, or of it only `chosen` (resource → true), and says so in the log. Hand on afterwards.
local function removeHolds(request, record, cause, chosen, by, reason)
	local gone, kept, tokens = {}, {}, {}
	for index, resource in ipairs(record.resources) do
		if not chosen or chosen[resource] then
			gone[#gone + 1] = resource
			unlock(resource, request, record)
		else
			kept[#kept + 1] = resource
			tokens[#tokens + 1] = record.tokens[index]
		end
	end
	if #gone == 0 then return gone end
	if #kept == 0 then
		forget(request, record)
	else
		if hasExclusives and isExclusive(gone) then setExclusive(request) end
		record.resources, record.tokens = kept, tokens
		save(request, record)
	end
	if record.home then
		isChanged = true
		return gone
	end
	if cause ~= 'released' then announce(request) end
	count(cause == 'expired' and 'udo_locks_expired_total' or 'udo_locks_released_total')
	append('lock_released', record.session, nil, cjson.encode({
		request = request, resources = gone, cause = cause, by = by, reason = reason,
	}))
	return gone
end

-- Takes a waiting request out of the queue and says so in the log. Hand on afterwards.
local function removeTicket(request, record, cause)
	call('ZREM', base .. 'queue', request)
	forget(request, record)
	if record.home then return end
	announce(request)
	count('udo_lock_waits_abandoned_total')
	append('lock_cancelled', record.session, nil, cjson.encode({
		request = request, resources = record.resources, cause = cause,
	}))
end
