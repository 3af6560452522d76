-- Photos small enough for a page.
local readable = require "scute.base.readable"

local MOST = 200 -- kept at a time
local ROW = 80   -- pixels of a photo in a line of text, on a display of twice as many dots
local small, kept = {}, 0 -- by side and path: a page that is renewed decodes its photos once

-- Tells views of one file apart.
local function crop_text(crop)
   local box, texts = type(crop) == "table" and crop.box, {}
   for i = 1, type(box) == "table" and 4 or 0 do texts[i] = tostring(box[i]) end
   local of = texts[1] and (crop.of or crop.box.of)
   return table.concat(texts, ",") .. (of and " of " .. table.concat(of, ",") or "")
      .. (texts[1] and tostring(crop.boxes_of) or "")
end

--- The photo at `path`, at most `side` (80) pixels wide and high, as a scute.image; nil where it cannot be read. crop: the part
-- of it (see scute.image.load), nil: all.
return function(path, side, crop)
   side = side or ROW
   local key = ("%d %s %s"):format(side, crop_text(crop), path)
   if small[key] == nil then
      if kept >= MOST then small, kept = {}, 0 end
      local image = readable(path, crop)
      if image and math.max(image.width, image.height) > side then
         local scale = side / math.max(image.width, image.height)
         image = image:resize { width = math.max(1, math.floor(image.width * scale)),
            height = math.max(1, math.floor(image.height * scale)) }
      end
      small[key], kept = image or false, kept + 1
   end
   return small[key] or nil
end
