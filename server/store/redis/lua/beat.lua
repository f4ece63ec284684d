--[[
  beat: prove that sessions live; unknown ones are ignored.

  ARGV  3  how long they may be silent, in ms
        4… sessions

  Returns those that are open here.
]]
local known = {}
for index = 4, #ARGV do
	local session = ARGV[index]
	local text = call('HGET', base .. 'sessions', session)
	if text then
		local entry = cjson.decode(text)
		entry.beat = now
		call('HSET', base .. 'sessions', session, cjson.encode(entry))
		setDue('s:' .. session, now + tonumber(ARGV[3]))
		known[#known + 1] = session
	end
end
return known
