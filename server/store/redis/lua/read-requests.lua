--[[
  read-requests: all requests of a project that hold something, or all that wait, in the order in which they will be served;
  exclusive ones of other projects included.

  ARGV  3  'granted' or 'waiting'

  Returns JSON, a list of {request, record, age}, with `left` when granted and `ticket` when waiting.
]]
local found = {}
if ARGV[3] == 'waiting' then
	for _, place in ipairs(readQueue()) do
		found[#found + 1] = {
			request = place.request, record = place.record, age = now - place.record.since,
			ticket = tonumber(call('ZSCORE', base .. 'queue', place.request)),
		}
	end
else
	local all = call('HGETALL', base .. 'requests')
	for index = 1, #all, 2 do
		local record = cmsgpack.unpack(all[index + 1])
		if record.tokens then
			found[#found + 1] = {
				request = all[index], record = record, age = now - record.since, left = record.expires - now,
			}
		end
	end
end
return #found > 0 and cjson.encode(found) or '[]'
