--[[
  amend-conflict: add an attempt to an open conflict, and put newer texts in the place of those of the same sides.

  ARGV  3  id                        7  conflict_attempted event, JSON; '' without an attempt
        4  attempt, JSON, or ''      8  how many attempts are kept
        5  session or ''             9… texts (see texts.lua)
        6  actor or ''

  Returns 1, or 0 when it is not open.
]]
local id, mostAttempts = ARGV[3], tonumber(ARGV[8])
local packed = call('HGET', base .. 'conflicts', id)
local conflict = packed and cmsgpack.unpack(packed)
if not conflict or conflict.resolution then return 0 end
keepTexts(id, conflict, 9)
if ARGV[4] ~= '' then
	conflict.attempts = conflict.attempts or {}
	table.insert(conflict.attempts, ARGV[4])
	while #conflict.attempts > mostAttempts do table.remove(conflict.attempts, 1) end
	append('conflict_attempted', ARGV[5] ~= '' and ARGV[5] or nil, ARGV[6] ~= '' and ARGV[6] or nil, ARGV[7])
end
call('HSET', base .. 'conflicts', id, cmsgpack.pack(conflict))
-- Newer texts alone are news, too.
isChanged = true
ring()
return 1
