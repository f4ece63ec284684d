--[[
  remember: keep how a conflict was resolved, or forget it.

  ARGV  3  key                 5  '' to forget it
        4  resolution          6  how many are kept

  Returns 1
]]
local number = (call('ZRANGE', base .. 'remembered', '-1', '-1', 'WITHSCORES')[2] or 0) + 1
if ARGV[5] == '' then
	call('HDEL', base .. 'resolutions', ARGV[3])
	call('ZREM', base .. 'remembered', ARGV[3])
else
	call('HSET', base .. 'resolutions', ARGV[3], ARGV[4])
	call('ZADD', base .. 'remembered', int(number), ARGV[3])
end
for _, key in ipairs(call('ZRANGE', base .. 'remembered', '0', int(-1 - tonumber(ARGV[6])))) do
	call('HDEL', base .. 'resolutions', key)
	call('ZREM', base .. 'remembered', key)
end
return 1
