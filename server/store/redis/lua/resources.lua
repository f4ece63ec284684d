-- What excludes what: server/coordination/resource.ts in Lua. A resource is its key, such as file:src/a.ts.

local function lockKey(resource)
	local kind, id = string.match(resource, '^(%a+):(.*)$')
	if kind == 'file' or kind == 'git' then return 'udo:lock:' .. kind .. ':{' .. project .. '}/' .. id end
	if kind == 'database' then return 'udo:lock:resource:database:{' .. project .. '}/' .. id end
	return 'udo:lock:resource:' .. kind .. ':{' .. project .. '}'
end

local function isDirectory(resource)
	return string.byte(resource, -1) == 47 and string.sub(resource, 1, 5) == 'file:'
end

local function covers(outer, inner)
	if outer == 'exclusive:' or outer == inner then return true end
	if outer == 'project:' then return inner ~= 'exclusive:' end
	return isDirectory(outer) and string.sub(inner .. '/', 1, #outer) == outer
end

local function conflicts(a, b)
	return covers(a, b) or covers(b, a)
end

-- Everything at or above a resource, itself included.
local function around(resource)
	local found = { 'exclusive:', 'project:' }
	if resource == 'exclusive:' or resource == 'project:' then return found end
	found[3] = resource
	if string.sub(resource, 1, 5) ~= 'file:' then return found end
	found[4] = isDirectory(resource) and string.sub(resource, 1, -2) or resource .. '/'
	local slash = string.find(resource, '/', 6, true)
	while slash and slash < #resource do
		found[#found + 1] = string.sub(resource, 1, slash)
		slash = string.find(resource, '/', slash + 1, true)
	end
	return found
end
