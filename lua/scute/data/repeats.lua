-- Photos that come several times in an order. What is drawn for a photo (its augmentation) follows from its number, so the
-- second time and those after it get numbers of their own, behind those of all photos.

local crops = require "scute.data.crops"

--- The part { paths, labels, ... } with such numbers, the order of them, and the photo behind each that was added (nil: there
-- is none, and both are as they were).
return function(part, order)
   local seen, origin, numbered, n = {}, {}, {}, #part.paths
   local added = 0
   for i, index in ipairs(order) do
      if seen[index] then
         added = added + 1
         origin[n + added], numbered[i] = index, n + added
      else
         seen[index], numbered[i] = true, index
      end
   end
   if added == 0 then return part, order, nil end
   local more = { samples = part.samples, paths = table.move(part.paths, 1, n, 1, {}),
      labels = part.labels and table.move(part.labels, 1, n, 1, {}) }
   crops.copy(more, part)
   for number = n + 1, n + added do
      local index = origin[number]
      more.paths[number] = part.paths[index]
      crops.add(more, part, index)
      if part.labels then more.labels[number] = part.labels[index] end
   end
   return more, numbered, origin
end
