--[[
  peek: what has become of a request.

  ARGV  3  request

  Returns 'waiting', 'granted' or 'gone'.
]]
local record = load(ARGV[3])
if isWhole(record) then return 'granted' end
return record and not record.tokens and 'waiting' or 'gone'
