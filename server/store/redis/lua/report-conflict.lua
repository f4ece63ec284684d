--[[
  report-conflict: record a conflict with its texts, or find the open one with the same cause.

  ARGV  3  id, if it is new        8  conflict_detected event, JSON
        4  cause                   9  attempts before, a JSON list
        5  report, JSON           10  how long ago it was found, in ms
        6  session or ''          11… texts (see texts.lua)
        7  actor or ''

  Returns {1 when it is new else 0, id}
]]
local id = ARGV[3]
local open = call('HGET', base .. 'causes', ARGV[4])
-- One that was reported or moved here before, and may be settled since.
if not open and call('HEXISTS', base .. 'conflicts', id) == 1 then open = id end
if open then return { 0, open } end
local conflict = { report = ARGV[5], cause = ARGV[4], at = at - tonumber(ARGV[10]), attempts = {} }
for index, attempt in ipairs(cjson.decode(ARGV[9])) do conflict.attempts[index] = attempt end
keepTexts(id, conflict, 11)
call('HSET', base .. 'causes', ARGV[4], id)
call('HSET', base .. 'conflicts', id, cmsgpack.pack(conflict))
count('udo_conflicts_detected_total')
append('conflict_detected', ARGV[6] ~= '' and ARGV[6] or nil, ARGV[7] ~= '' and ARGV[7] or nil, ARGV[8])
ring()
return { 1, id }
