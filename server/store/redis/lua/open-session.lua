--[[
  open-session: register a session with the project, or refresh it.

  ARGV  3  session
        4  what it says of itself, JSON
        5  actor
        6  how long it may be silent, in ms
        7  how many sessions the project may have
        8  session_connected event, JSON

  Returns {1 when it is new else 0, sessions…}   as read-sessions
          'full'
]]
local session = ARGV[3]
local known = call('HGET', base .. 'sessions', session)
if not known and call('HLEN', base .. 'sessions') >= tonumber(ARGV[7]) then
	ring()
	return 'full'
end
local entry = cjson.decode(known or ARGV[4])
local fresh = cjson.decode(ARGV[4])
entry.worktree, entry.branch, entry.beat, entry.since = fresh.worktree, fresh.branch, now, entry.since or now
call('HSET', base .. 'sessions', session, cjson.encode(entry))
setDue('s:' .. session, now + tonumber(ARGV[6]))
call('HSET', base .. 'actors', session, ARGV[5])
if not call('ZSCORE', base .. 'arrivals', session) then
	local last = call('ZRANGE', base .. 'arrivals', -1, -1, 'WITHSCORES')[2]
	call('ZADD', base .. 'arrivals', tonumber(last or 0) + 1, session)
end
if not known then
	count('udo_sessions_opened_total')
	append('session_connected', session, ARGV[5], ARGV[8])
end
ring()
local answer = { known and 0 or 1, now }
for _, each in ipairs(call('ZRANGE', base .. 'arrivals', 0, -1)) do
	answer[#answer + 1] = call('HGET', base .. 'sessions', each)
end
return answer
