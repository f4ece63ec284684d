--[[
  read-conflicts: the conflicts of a project.

  ARGV  3  'open' or 'all'

  Returns JSON, a list of {id, report (JSON), age, resolution, by}.
]]
local found = {}
local all = call('HGETALL', base .. 'conflicts')
for index = 1, #all, 2 do
	local conflict = cmsgpack.unpack(all[index + 1])
	if ARGV[3] == 'all' or not conflict.resolution then
		found[#found + 1] = {
			id = all[index], report = conflict.report, age = at - conflict.at,
			resolution = conflict.resolution, by = conflict.by,
		}
	end
end
return #found > 0 and cjson.encode(found) or '[]'
