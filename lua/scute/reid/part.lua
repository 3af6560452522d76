-- Rows of a catalogue as a part of a data set, as everything that reads photos takes it.
local as_text = require "scute.data.as_text"

local function has(rows, field)
   for _, row in ipairs(rows) do
      if row[field] then return true end
   end
   return false
end

-- Whether a file is there several times: what several animals are on is several photos, and only what may have boxes has names
-- for each of them (see scute.data.crops).
local function comes_twice(rows)
   local seen = {}
   for _, row in ipairs(rows) do
      if seen[row.path] then return true end
      seen[row.path] = true
   end
   return false
end

--- The part { paths, rows = their numbers in the catalogue, labels, counts, boxes = list of { x, y, width, height } or false,
-- masks likewise } of the rows with the numbers in a list. number: class numbers by identity, nil for a part without labels;
-- rows of others are left out. boxes and masks are there where a row of the catalogue has one, boxes also where a file is in
-- several rows.
return function(catalogue, list, number)
   local rows, has_masks = catalogue.rows, has(catalogue.rows, "mask")
   local has_boxes = has(rows, "box") or comes_twice(rows)
   local part = as_text.part { paths = {}, rows = {}, labels = number and {}, counts = number and {},
      boxes = has_boxes and {} or nil, masks = has_masks and {} or nil }
   for _, class in pairs(number or {}) do part.counts[class] = 0 end
   local n = 0
   for _, i in ipairs(list) do
      local row = rows[i]
      local class = number and number[row.identity]
      if class or not number then
         n = n + 1
         part.paths[n], part.rows[n] = row.path, i
         if class then part.labels[n], part.counts[class] = class, part.counts[class] + 1 end
         if has_boxes then part.boxes[n] = row.box or false end
         if has_masks then part.masks[n] = row.mask or false end
      end
   end
   return part
end
