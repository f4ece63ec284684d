--[[
  renew: start the lease of a granted request anew.

  ARGV  3  request

  Returns 1, or 0 when the lock is lost.
]]
local record = load(ARGV[3])
if not isWhole(record) then return 0 end
setExpiry(ARGV[3], record, now + record.ttl)
return 1
