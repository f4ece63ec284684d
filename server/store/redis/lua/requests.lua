--[[
  Requests, granted or waiting. A record has
    session, origin, owner (JSON or ''), ttl, since, expires, resources
    size    how many resources it asked for; with fewer left it has lost some
    tokens  one for each resource; a waiting request has none
    floor   what its token must exceed, while it waits
    home    the project where it was made, if that is another one; then `who` describes its session (JSON), and `asked` is
            all that it wants there, `place` its ticket here
]]
local ticketLease = 10000

local function load(request)
	local packed = call('HGET', base .. 'requests', request)
	return packed and cmsgpack.unpack(packed)
end

local function save(request, record)
	call('HSET', base .. 'requests', request, cmsgpack.pack(record))
end

-- When a request or a session runs out.
local function setDue(member, time)
	call('ZADD', base .. 'due', int(time), member)
	if time >= nextDue then return end
	nextDue = time
	call('SET', base .. 'next', int(time))
end

local function setExpiry(request, record, expires)
	record.expires = expires
	save(request, record)
	-- A part of a foreign request outlives it a little: its own project says when it is over.
	setDue('r:' .. request, record.home and expires + 2000 or expires)
end

local function isWhole(record)
	return record and record.tokens and #record.resources == record.size
end

local function isFinished(request)
	local expires = call('ZSCORE', base .. 'finished', request)
	return expires and tonumber(expires) > now
end

local function isExclusive(resources)
	for _, resource in ipairs(resources) do
		if resource == 'exclusive:' then return true end
	end
	return false
end
