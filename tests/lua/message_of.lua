-- What a call that has to fail says: f(...) raises, and what it raised is returned as text.
local assert = require "luassert"

return function(f, ...)
   local ok, why = pcall(f, ...)
   assert.is_false(ok)
   return tostring(why)
end
