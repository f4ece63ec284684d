--[[
  close-sessions: end sessions in this project; locks, places in queues and presence go with them.

  ARGV  3  cause: 'closed' | 'died'
        4… sessions

  Returns how many were open.
]]
local ended = 0
for index = 4, #ARGV do
	if endSession(ARGV[index], ARGV[3]) then ended = ended + 1 end
end
if ended > 0 then serve() end
ring()
return ended
