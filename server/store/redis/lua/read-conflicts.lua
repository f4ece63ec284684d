--[[
  read-conflicts: the conflicts of a project.

  ARGV  3  'open' or 'all'

  Returns JSON, a list of {id, report (JSON), age, attempts, omitted, resolution, by, how}, and the primary session or ''.
  `attempts` and `omitted` are missing when there are none.
]]
local function seen(id, packed)
	local conflict = cmsgpack.unpack(packed)
	local attempts, omitted = conflict.attempts, conflict.omitted
	return {
		id = id, report = conflict.report, age = at - conflict.at,
		attempts = attempts and #attempts > 0 and attempts or nil, omitted = omitted and next(omitted) and omitted or nil,
		resolution = conflict.resolution, by = conflict.by, how = conflict.how,
	}
end

-- Open ones are asked for at every change, settled ones are many.
local found = {}
if ARGV[3] == 'all' then
	local all = call('HGETALL', base .. 'conflicts')
	for index = 1, #all, 2 do found[#found + 1] = seen(all[index], all[index + 1]) end
else
	local causes = call('HGETALL', base .. 'causes')
	for index = 2, #causes, 2 do
		local packed = call('HGET', base .. 'conflicts', causes[index])
		if packed then found[#found + 1] = seen(causes[index], packed) end
	end
end
return { #found > 0 and cjson.encode(found) or '[]', call('ZRANGE', base .. 'arrivals', '0', '0')[1] or '' }
