-- What makes two declarations of a kernel the same op, beside its name: all that it computes by, and all that is told of it.
local sorted_keys = require "scute.base.sorted_keys"

--- An identity as a text. o: the options of a kernel, of which `shape` does not count, for the op gets what it says; ...: more
-- texts that count, its sources.
return function(o, ...)
   local parts = {}
   for _, list in ipairs { o.inputs, o.outputs, o.no_gradient } do parts[#parts + 1] = table.concat(list, " ") end
   for _, name in ipairs(sorted_keys(o.numbers)) do parts[#parts + 1] = ("%s = %a"):format(name, o.numbers[name]) end
   for _, option in ipairs { "grid", "grid_backward", "check", "doc" } do
      parts[#parts + 1] = option .. ": " .. tostring(o[option])
   end
   return table.concat({ table.concat(parts, "\n"), ... }, "\n")
end
