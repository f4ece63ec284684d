-- The texts of a conflict: hash …:blobs, <id>:<side>.

-- Keeps the texts that ARGV names from `first` on, each as three words: side, bytes, and the length of one that is too long to be
-- kept ('' else). Its length stands in the conflict's record instead.
local function keepTexts(id, conflict, first)
	conflict.omitted = conflict.omitted or {}
	for index = first, #ARGV, 3 do
		local side, bytes, length = ARGV[index], ARGV[index + 1], ARGV[index + 2]
		if length == '' then
			call('HSET', base .. 'blobs', id .. ':' .. side, bytes)
			conflict.omitted[side] = nil
		else
			call('HDEL', base .. 'blobs', id .. ':' .. side)
			conflict.omitted[side] = length
		end
	end
end
