--[[
  release: give a granted request back and hand it to the first waiters that can have it.

  ARGV  3  request
        4  cause: 'released' | 'died' | 'stolen'
        5  session that stole it, or ''
        6  the reason of a steal

  Returns 1, or 0 when it held nothing any more.
]]
local record = load(ARGV[3])
local isHeld = record and record.tokens
if isHeld then
	local isStolen = ARGV[4] == 'stolen'
	removeHolds(ARGV[3], record, ARGV[4], isStolen and { ['exclusive:'] = true },
		isStolen and ARGV[5] or nil, isStolen and ARGV[6] or nil)
	serve()
end
ring()
return isHeld and 1 or 0
