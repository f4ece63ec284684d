--[[
  serve: serve the queue as far as this project can decide it alone.

  ARGV  3… exclusive requests that other projects do not let in

  Returns the first exclusive request that could have its part here, or ''.
]]
local skipped = {}
for index = 3, #ARGV do skipped[ARGV[index]] = true end
local candidate = handOff(skipped)
ring()
return candidate or ''
