--[[
  renew-claims: start the leases of all that a session claimed without an owning process anew.

  ARGV  3  session

  Returns 1
]]
for _, request in ipairs(call('SMEMBERS', base .. 'requests:' .. ARGV[3])) do
	local record = load(request)
	if record and record.tokens and record.origin == 'claim' and record.owner == '' then
		setExpiry(request, record, now + record.ttl)
	end
end
return 1
