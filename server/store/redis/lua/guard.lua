-- What a step that looks at locks or sessions must not do: the caller sees to it first, and comes back.

-- Where nothing exclusive is about a project stands alone. Else all are settled before, and their queues served after.
if hasExclusives and ARGV[2] ~= '1' then return 'exclusive' end

-- Somebody's time is over: settle.lua lets go what they had.
if nextDue <= now then return 'due' end
