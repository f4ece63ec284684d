--[[
  read-presence: where the sessions of a project work.

  Returns {now, session, '<since> <places, JSON>', …}
]]
ring()
local answer = call('HGETALL', base .. 'presence')
table.insert(answer, 1, now)
return answer
