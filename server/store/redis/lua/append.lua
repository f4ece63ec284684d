--[[
  append: add an entry to the log.

  ARGV  3  type
        4  session or ''
        5  actor or '' when the session's is meant
        6  body, JSON

  Returns 1
]]
append(ARGV[3], ARGV[4] ~= '' and ARGV[4] or nil, ARGV[5] ~= '' and ARGV[5] or nil, ARGV[6])
ring()
return 1
