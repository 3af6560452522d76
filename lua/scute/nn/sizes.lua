-- Sizes that are one number or { vertical, horizontal }, as layers declare them.
local options = require "scute.base.options"

local sizes = {}

local function is_whole(value, least)
   local whole = math.type(value) and math.tointeger(value)
   return whole ~= nil and whole >= least
end

--- Makes an option (see scute.base.options) one for such a size, of numbers of at least `least`; returns it.
function sizes.pair(least, entry)
   entry.is = options.typed(function(value)
      if type(value) ~= "table" then return is_whole(value, least) end
      return #value == 2 and is_whole(value[1], least) and is_whole(value[2], least)
   end, "integer", "integer[]")
   entry.expected = ("a whole number of at least %d or {vertical, horizontal}"):format(least)
   return entry
end

return sizes
