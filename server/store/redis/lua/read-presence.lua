--[[
  read-presence: where the sessions of a project work.

  Returns {now, session, '<since> <places, JSON>', …}
]]
local answer = call('HGETALL', base .. 'presence')
table.insert(answer, 1, now)
return answer
