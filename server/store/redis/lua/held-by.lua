--[[
  held-by: what a session has locked in this project.

  ARGV  3  session

  Returns the resources.
]]
local held, seen = {}, {}
for _, request in ipairs(call('SMEMBERS', base .. 'requests:' .. ARGV[3])) do
	local record = load(request)
	for _, resource in ipairs(record and record.tokens and record.resources or {}) do
		if not seen[resource] then held[#held + 1] = resource end
		seen[resource] = true
	end
end
return held
