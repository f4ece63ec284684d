-- The log, the metrics, and the hints that wake others.

local keptEvents = '200000'
local isChanged = false
local fates = {}

-- Notes that others must hear of the fate of a request: '+' granted from the queue, '-' over.
local function announce(sign, request)
	fates[#fates + 1] = sign .. request
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

-- Ends every step that may have changed something: one hint to whoever listens to the project.
local function ring()
	if isChanged then call('PUBLISH', 'udo:channel:project:{' .. project .. '}', table.concat(fates, ' ')) end
end
