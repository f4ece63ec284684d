--[[
  stand-exclusive: what stands against an exclusive request of another project here.

  ARGV  3  request
        4  session

  Returns {1 when nothing does else 0, JSON as of a refusal, the newest fencing token}
]]
local earlier = {}
for _, place in ipairs(readQueue()) do
	if place.request == ARGV[3] then break end
	earlier[#earlier + 1] = place
end
local against = standing(ARGV[4], { 'exclusive:' }, earlier, mostBlockers)
return { isFree(against) and 1 or 0, held(against)[2], tonumber(call('GET', base .. 'fence') or 0) }
