--[[
  project: what every script starts with. Part of each script, before the others in this folder (see ../scripts.ts).

  KEYS  1  names the project and its slot       udo:project:{project}:boot
  ARGV  1  now in ms, or '' for the server's own clock
        2  '1' when the caller has settled all projects, so that exclusive requests need no looking after (../exclusives.ts)

  Every key of a project carries {project}, so that all of them are in one slot and one script may touch them:
    udo:lock:…           string  who holds a resource: the session, then the requests that stand on it, each on a line
    …:held               zset    what is locked, all with score 0: a range of names finds what is inside a directory
    …:requests           hash    request → record (msgpack, see requests.lua), granted or waiting
    …:requests:<session> set     the requests of one session
    …:usage              hash    session → how many resources it has locked
    …:queue              zset    waiting requests by ticket
    …:due                zset    r:<request>, s:<session> and `recovery` by the time at which they run out
    …:next               string  when the first of them does, or earlier; never later
    …:finished           zset    requests that are over, by the time until which that is remembered
    …:fence              string  the newest fencing token
    …:sessions, :actors  hash    session → JSON; session → actor
    …:arrivals           zset    sessions in the order in which they came
    …:exclusive          hash    exclusive requests, granted or waiting: request → the project where it was made
    …:exclusives         string  how many there are, if any
    …:events             stream  the log, numbered 0-1, 0-2, …
    …:counters, :presence, :state, :conflicts, :causes, :blobs  hashes
    …:settled            zset    conflicts that are settled, by when
    …:resolutions        hash    how conflicts were resolved: key of the texts → the resolution
    …:remembered         zset    those keys in the order in which they came
    …:boot               string  "<id> <run id of the server> <until>": until then only what was held before is granted
]]
local call = redis.call
local project = string.match(KEYS[1], '{(.-)}')
local base = 'udo:project:{' .. project .. '}:'

-- Numbers go to Redis as text: it would print them as doubles, which costs more than the command.
local function int(number)
	return string.format('%d', number)
end

local at = call('TIME')
at = at[1] * 1000 + math.floor(at[2] / 1000)
local now = tonumber(ARGV[1]) or at

local facts = call('MGET', base .. 'boot', base .. 'next', base .. 'exclusives')
local boot, nextDue, hasExclusives = facts[1], tonumber(facts[2] or math.huge), facts[3] and true
