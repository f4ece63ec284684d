-- Sessions: who is there.

local function primary()
	return call('ZRANGE', base .. 'arrivals', '0', '0')[1]
end

-- Ends a session; its locks and places in queues go with it. Hand on afterwards. Answers whether it was open.
local function endSession(session, cause)
	local actor = call('HGET', base .. 'actors', session)
	local before = primary()
	call('ZREM', base .. 'due', 's:' .. session)
	call('ZREM', base .. 'arrivals', session)
	if not actor then return false end
	local why = cause == 'died' and 'died' or 'session_closed'
	local requests = call('SMEMBERS', base .. 'requests:' .. session)
	table.sort(requests)
	for _, isWaiting in ipairs({ true, false }) do
		for _, request in ipairs(requests) do
			local record = load(request)
			if record and isWaiting and not record.tokens then removeTicket(request, record, why) end
			if record and not isWaiting and record.tokens then removeHolds(request, record, why) end
		end
	end
	for _, key in ipairs({ 'presence', 'sessions', 'actors', 'usage' }) do call('HDEL', base .. key, session) end
	append('session_disconnected', session, actor, cjson.encode({ cause = cause }))
	if cause == 'died' then count('udo_sessions_died_total') end
	local after = primary()
	if before == session and after then append('session_promoted', after, nil, '{}') end
	return true
end
