--[[
  serve: serve the queue as far as this project can decide it alone.

  ARGV  3  a request at which to stop, or ''
        4… exclusive requests that other projects do not let in

  Returns the first exclusive request that could have its part here, or ''.
]]
local skipped = {}
for index = 4, #ARGV do skipped[ARGV[index]] = true end
local candidate = handOff(skipped, ARGV[3])
ring()
return candidate or ''
