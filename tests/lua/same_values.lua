-- Asserts that a tensor's values are those of a list, within 1e-6; a NaN is to be one, infinities are to be equal.
local assert = require "luassert"

return function(expected, t)
   local found = t:values()
   assert.equal(#expected, #found)
   for i, value in ipairs(expected) do
      if value ~= value then
         assert.is_true(found[i] ~= found[i], ("at %d"):format(i))
      else
         local is_near = found[i] == value or math.abs(found[i] - value) < 1e-6
         assert.is_true(is_near, ("at %d: %s, expected %s"):format(i, found[i], value))
      end
   end
end
