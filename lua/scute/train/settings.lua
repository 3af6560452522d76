-- What a run trains with, for people: every option of training by its name, those of a script's own making too. run.json and
-- the report have it. It derives from the declarations of lua/scute/train/options.lua, so a new option is in it by itself.
local part_text = require "scute.base.part_text"
local FIT = require "scute.train.options"

local settings = {}

-- What changes no number of a run is no setting of it, unless its declaration says how it is told.
local function counts(entry)
   return entry.resume ~= "free" or entry.told
end

local function of_option(entry, run)
   local value = run[entry.in_run or entry[1]]
   if entry.told then return entry.told(value, run) end
   if value == nil then return entry.show or "none" end
   if type(value) == "number" or type(value) == "boolean" then return value end
   return part_text.of(value)
end

--- {name = text, number or boolean} of a run, with the names in order as _order. What a part says wrongly of itself is an error
-- that names the option.
function settings.of(run)
   local found = { _order = {} }
   for _, entry in ipairs(FIT.entries) do
      local name = entry[1]
      if counts(entry) then
         local done, text = pcall(of_option, entry, run)
         if not done then error(("train.fit: %s: %s"):format(name, tostring(text)), 0) end
         found[name] = text
         table.insert(found._order, name)
      end
   end
   return found
end

return settings
