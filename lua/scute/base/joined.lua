-- Tensors of single batches as one: rows of a list of tensors (n, ...) below each other; the list's own are freed. nil where
-- the list is empty.
local scute = require "scute.core"

return function(list)
   if #list < 2 then return list[1] end
   local whole = scute.concat(list, 1)
   for _, tensor in ipairs(list) do tensor:free() end
   return whole
end
