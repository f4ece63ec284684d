--[[
  join: find out whether the store still knows what it knew. Once per project and connection to a server, before any step.

  ARGV  3  run id of the server
        4  the `boot` that the caller knows and relies on, or ''
        5  a fresh id
        6  how long the leases are that may have been lost, in ms

  A `boot` that is gone or another one means that data was lost; another run id means that the server was restarted or
  replaced, and may have lost its last writes. Then, for one lease, only what was held before is given back: whoever holds
  something says so, or their lease runs out.

  Returns {boot id, how long it is recovering in ms}
]]
local id, run, recovering = string.match(boot or '', '^(%S+) (%S+) (%d+)$')
recovering = tonumber(recovering or 0)
-- A recovery that began with this `boot` covers all leases of the one before: whoever comes later does not prolong it.
local isOther = id and ARGV[4] ~= '' and ARGV[4] ~= id and recovering == 0
local isLost = not id and ARGV[4] ~= '' or id and run ~= ARGV[3] or isOther
if isLost then
	recovering = math.max(recovering, now + tonumber(ARGV[6]))
	-- Whoever waits is served when that is over.
	setDue('recovery', recovering)
end
if isLost or not id then
	id = id or ARGV[5]
	call('SET', base .. 'boot', id .. ' ' .. ARGV[3] .. ' ' .. int(recovering))
end
return { id, math.max(0, recovering - now) }
