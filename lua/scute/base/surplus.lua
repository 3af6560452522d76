-- Arguments behind those that a function takes. Lua drops them in silence, and with them what they were to say: options of a
-- function that has none, as in models.load(path, { device = "cuda" }). A function that looks for them takes "...", which is
-- for nobody to use and shown in no signature.
local console = require "scute.base.console"

local surplus = {}

local looking = setmetatable({}, { __mode = "k" })

--- Says that the "..." of a function is looked at by surplus.refuse alone; returns the function.
function surplus.refused_by(f)
   looking[f] = true
   return f
end

--- Whether a signature has a "..." to show.
function surplus.is_shown(f, info)
   return info.isvararg and not looking[f]
end

local function in_short(value)
   return type(value) == "table" and "a table" or console.brief(value)
end

--- Fails, naming the line of the caller's caller, where there is more than a function takes. what: the function and all that it
-- takes, "models.load(file)"; hint: how to say what is likely meant.
function surplus.refuse(what, hint, ...)
   for i = 1, select("#", ...) do
      local value = select(i, ...)
      if value ~= nil then
         error(("%s: takes no more than that, found %s behind it%s"):format(what, in_short(value),
            hint and "; " .. hint or ""), 3)
      end
   end
end

return surplus
