--[[
  report-conflict: record a conflict with its texts, or find the open one with the same cause.

  ARGV  3  id, if it is new        6  session or ''        9… side and bytes of each text
        4  cause                   7  actor or ''
        5  report, JSON            8  conflict_detected event, JSON

  Returns {1 when it is new else 0, id}
]]
local open = call('HGET', base .. 'causes', ARGV[4])
if open then return { 0, open } end
local id = ARGV[3]
call('HSET', base .. 'causes', ARGV[4], id)
call('HSET', base .. 'conflicts', id, cmsgpack.pack({ report = ARGV[5], cause = ARGV[4], at = at }))
for index = 9, #ARGV, 2 do call('HSET', base .. 'blobs', id .. ':' .. ARGV[index], ARGV[index + 1]) end
count('udo_conflicts_detected_total')
append('conflict_detected', ARGV[6] ~= '' and ARGV[6] or nil, ARGV[7] ~= '' and ARGV[7] or nil, ARGV[8])
ring()
return { 1, id }
