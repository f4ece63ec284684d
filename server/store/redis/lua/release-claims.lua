--[[
  release-claims: give back what a session claimed without an owning process.

  ARGV  3  session
        4  '1' for only the resources that follow, '' for all
        5… resources

  Returns the resources given back, oldest first.
]]
local chosen
if ARGV[4] == '1' then
	chosen = {}
	for index = 5, #ARGV do chosen[ARGV[index]] = true end
end
local requests = call('SMEMBERS', base .. 'requests:' .. ARGV[3])
table.sort(requests)
local since, released = {}, {}
for _, request in ipairs(requests) do
	local record = load(request)
	if record and record.tokens and record.origin == 'claim' and record.owner == '' then
		for _, resource in ipairs(removeHolds(request, record, 'released', chosen)) do
			if not since[resource] then released[#released + 1] = resource end
			since[resource] = math.min(since[resource] or record.since, record.since)
		end
	end
end
table.sort(released, function(a, b)
	if since[a] ~= since[b] then return since[a] < since[b] end
	return a < b
end)
if #released > 0 then serve() end
ring()
return released
