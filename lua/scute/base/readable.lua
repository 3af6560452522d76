-- A photo for a picture or a page, which does without the ones that cannot be read.
local photo_file = require "scute.base.photo_file"
local scute = require "scute"

-- A crop as scute.image.load takes it: where it was read from a file, the size of the photo stands beside the box.
local function loadable(crop)
   if not crop or not crop.of then return crop end
   return { box = table.move(crop.box, 1, 4, 1, { of = crop.of }), boxes_of = crop.boxes_of }
end

--- The photo at `path` as a scute.image; nil where it cannot be read. Memory that runs out is no fault of the photo's and is
-- raised. crop: the options of scute.image.load, or what crops.shown of scute.data.crops says (nil: all of it).
return function(path, crop)
   local ok, image = pcall(scute.image.load, photo_file(path), loadable(crop))
   if ok then return image end
   if scute.error_kind(image) then error(image, 0) end
end
