--[[
  read-sessions: the open sessions of a project, oldest first.

  Returns {now, JSON of each…}
]]
local answer = { now }
for _, each in ipairs(call('ZRANGE', base .. 'arrivals', 0, -1)) do
	answer[#answer + 1] = call('HGET', base .. 'sessions', each)
end
return answer
