-- Which ops a call computes: {name of the op = true}, and what the call returned.
local scute = require "scute"

return function(f, ...)
   scute.profile "reset"
   local results, ops = table.pack(f(...)), {}
   for _, row in ipairs(scute.profile()) do ops[row.op] = true end
   return ops, table.unpack(results, 1, results.n)
end
