-- Sizes that are one number or { vertical, horizontal }, as layers declare them.
local options = require "scute.base.options"

local sizes = {}

local function is_whole(value, least)
   local whole = math.type(value) and math.tointeger(value)
   return whole ~= nil and whole >= least
end

--- Makes an option (see scute.base.options) one for such a size, of numbers of at least `least`; word: a text that may stand
--- in its place. Returns it.
function sizes.pair(least, entry, word)
   entry.is = options.typed(function(value)
      if type(value) == "string" then return value == word end
      if type(value) ~= "table" then return is_whole(value, least) end
      return #value == 2 and is_whole(value[1], least) and is_whole(value[2], least)
   end, "integer", "integer[]")
   entry.expected = ("a whole number of at least %d or {vertical, horizontal}"):format(least)
   if word then entry.expected, entry.suggests = ("%s or '%s'"):format(entry.expected, word), { word } end
   return entry
end

--- Makes an option one for the padding of a convolution: such a size, of numbers of at least 0, or "same_tf". Returns it.
function sizes.padding(entry)
   return sizes.pair(0, entry, "same_tf")
end

return sizes
