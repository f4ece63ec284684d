--[[
  set-presence: say where a session works, if it is open.

  ARGV  3  session
        4  places, JSON

  Returns 1
]]
if ARGV[4] == '[]' or call('HEXISTS', base .. 'actors', ARGV[3]) == 0 then
	isChanged = call('HDEL', base .. 'presence', ARGV[3]) == 1 or isChanged
else
	isChanged = true
	call('HSET', base .. 'presence', ARGV[3], int(now) .. ' ' .. ARGV[4])
end
ring()
return 1
