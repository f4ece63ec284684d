--[[
  resolve-conflict: settle a conflict and forget its texts.

  ARGV  3  id                4  resolution         8  how
        5  session or ''     6  actor or ''        9  how many settled ones are kept
        7  conflict_resolved event, JSON

  Returns 1, or 0 when it was not open.
]]
local id = ARGV[3]
local packed = call('HGET', base .. 'conflicts', id)
local conflict = packed and cmsgpack.unpack(packed)
if not conflict or conflict.resolution then return 0 end
conflict.resolution, conflict.by, conflict.how = ARGV[4], ARGV[5], ARGV[8]
call('HSET', base .. 'conflicts', id, cmsgpack.pack(conflict))
call('HDEL', base .. 'causes', conflict.cause)
call('HDEL', base .. 'blobs', id .. ':base', id .. ':ours', id .. ':theirs')
call('ZADD', base .. 'settled', int(at), id)
local old = call('ZRANGE', base .. 'settled', '0', int(-1 - tonumber(ARGV[9])))
for _, each in ipairs(old) do
	call('HDEL', base .. 'conflicts', each)
	call('ZREM', base .. 'settled', each)
end
count('udo_conflicts_resolved_total')
append('conflict_resolved', ARGV[5] ~= '' and ARGV[5] or nil, ARGV[6] ~= '' and ARGV[6] or nil, ARGV[7])
ring()
return 1
