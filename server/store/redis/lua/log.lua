-- The log, the metrics, and the hints that wake others.

local keptEvents = '200000'
local isChanged = false
local fates = {}

-- Notes that whoever waits for a request, or relies on it, must hear that it was granted from the queue or is over.
local function announce(request)
	fates[#fates + 1] = request
end

local function count(name)
	call('HINCRBY', base .. 'counters', name, '1')
end

-- `body` is JSON. The actor is looked up among the open sessions when it is not given.
local function append(kind, session, actor, body)
	isChanged = true
	if not actor and session then actor = call('HGET', base .. 'actors', session) end
	call('XADD', base .. 'events', 'MAXLEN', '~', keptEvents, '0-*',
		'type', kind, 'at', int(at), 'session', session or '', 'actor', actor or '', 'body', body)
	local channel = string.sub(kind, 1, 8) == 'session_' and 'session' or string.sub(kind, 1, 9) == 'conflict_' and 'conflicts'
	if channel then
		call('PUBLISH', 'udo:channel:' .. channel, cjson.encode({ type = kind, project = project, session = session or nil }))
	end
end

-- Ends every step that may have changed something: a hint to whoever listens to the project, and to whoever listens to one of
-- the requests. The latter have channels of their own: twenty waiters that all woke at every step served 74 requests a second.
local function ring()
	if not isChanged then return end
	local channel = 'udo:channel:project:{' .. project .. '}'
	call('PUBLISH', channel, '')
	for _, request in ipairs(fates) do call('PUBLISH', channel .. ':' .. request, '') end
end
