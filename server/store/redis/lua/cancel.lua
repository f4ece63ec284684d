--[[
  cancel: leave the queue, give back what was granted meanwhile, and make a late copy of the request fail.

  ARGV  3  request
        4  cause: 'cancelled' | 'died'

  Returns 1
]]
local record = load(ARGV[3])
if record and record.tokens then
	removeHolds(ARGV[3], record, ARGV[4] == 'died' and 'died' or 'released')
elseif record then
	removeTicket(ARGV[3], record, ARGV[4])
end
finish(ARGV[3])
if record then serve() end
ring()
return 1
