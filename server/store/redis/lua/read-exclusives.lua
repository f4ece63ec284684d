--[[
  read-exclusives: the exclusive requests that this project knows, its own and its parts of others'.

  Returns {the newest fencing token, JSON list of {request, home, record, age, left, who}}
]]
local found = {}
for _, request in ipairs(call('HKEYS', base .. 'exclusive')) do
	local record = load(request)
	if record then
		found[#found + 1] = {
			request = request, home = record.home or project, record = record,
			age = now - record.since, left = record.expires - now,
			who = record.who or call('HGET', base .. 'sessions', record.session) or nil,
		}
	else
		call('HDEL', base .. 'exclusive', request)
	end
end
return { tonumber(call('GET', base .. 'fence') or 0), #found > 0 and cjson.encode(found) or '[]' }
