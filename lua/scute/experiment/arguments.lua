-- What `run` of an experiment may know of the script's command line: the words behind the script's name, without the flags that
-- say how the experiment itself goes on, as --resume.
local EXPERIMENT = require "scute.experiment.options"

local arguments = {}

--- Whether a value is the list of words that Lua gives to a script.
function arguments.are(value)
   return type(value) == "table" and rawequal(value, rawget(_G, "arg"))
end

-- The option that a word is a flag of, and whether its value is the next word.
local function flag_of(word)
   local name, value = word:match "^%-%-([%w_-]+)(.*)$"
   local entry = name and EXPERIMENT.by_name[(name:gsub("-", "_"))]
   return entry, entry and not entry.flag and value == ""
end

--- The words that are not the experiment's, a list.
function arguments.own(words)
   local list, i = {}, 1
   while words[i] ~= nil do
      local entry, has_value = flag_of(tostring(words[i]))
      if not entry then list[#list + 1] = words[i] end
      i = i + (has_value and 2 or 1)
   end
   return list
end

return arguments
