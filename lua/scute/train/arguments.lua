-- What a script was told, as its run tells it: options of training that the script set otherwise are among the settings, and
-- not here.
local FIT = require "scute.train.options"

-- What the script gave for an option, by whichever of its names; where it gave nothing, what holds.
local function value_of(run, entry)
   for name, value in pairs(run.given) do
      if FIT.by_name[name] == entry then return value end
   end
   return run[entry.in_run or entry[1]]
end

local function is_other(run, name, value)
   local entry = FIT.by_name[name]
   return entry ~= nil and not entry.script_only and value_of(run, entry) ~= value
end

--- {name = value} of what the script was told and has not overruled.
return function(run)
   local told = {}
   for name, value in pairs(run.arguments) do
      if not is_other(run, name, value) then told[name] = value end
   end
   return told
end
