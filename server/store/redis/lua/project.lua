--[[
  project: what every script starts with. Part of each script, before the others in this folder (see ../scripts.ts).

  KEYS  1  names the project and its slot       udo:project:{project}:boot
  ARGV  1  now in ms, or '' for the server's own clock
        2  '1' when the exclusive requests of all projects were settled just before, else '' (see ../exclusives.ts)

  Every key of a project carries {project}, so that all of them are in one slot and one script may touch them:
    udo:lock:…           string  "<session> <request> …": who holds a resource, and the requests that stand on it
    …:held               zset    what is locked, all with score 0: a range of names finds what is inside a directory
    …:requests           hash    request → record (msgpack, see requests.lua), granted or waiting
    …:requests:<session> set     the requests of one session
    …:usage              hash    session → how many resources it has locked
    …:queue              zset    waiting requests by ticket
    …:due                zset    r:<request> and s:<session> by the time at which they run out
    …:finished           zset    requests that are over, by the time until which that is remembered
    …:fence              string  the newest fencing token
    …:sessions, :actors  hash    session → JSON; session → actor
    …:arrivals           zset    sessions in the order in which they came
    …:exclusive          hash    exclusive requests, granted or waiting: request → the project where it was made
    …:events             stream  the log, numbered 0-1, 0-2, …
    …:counters, :presence, :state, :conflicts, :causes, :blobs  hashes
    …:boot               string  "<id> <run id of the server> <until>": until then only what was held before is granted
]]
local call = redis.call
local project = string.match(KEYS[1], '{(.-)}')
local base = 'udo:project:{' .. project .. '}:'
local isSettled = ARGV[2] == '1'
local now = tonumber(ARGV[1])
local at = now
if not now or ARGV[1] ~= '' then
	local time = call('TIME')
	at = time[1] * 1000 + math.floor(time[2] / 1000)
	now = now or at
end

-- Where nothing exclusive is about, a project stands alone and one script decides. Else the caller comes back when it has
-- seen to all projects.
local hasExclusives = call('EXISTS', base .. 'exclusive') == 1
if hasExclusives and not isSettled then return 'exclusive' end
