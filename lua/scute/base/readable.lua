-- A photo for a picture or a page, which does without the ones that cannot be read.
local photo_file = require "scute.base.photo_file"
local scute = require "scute"

--- The photo at `path` as a scute.image; nil where it cannot be read. Memory that runs out is no fault of the photo's and is
-- raised. crop: the options of scute.image.load (nil: all of it).
return function(path, crop)
   local ok, image = pcall(scute.image.load, photo_file(path), crop)
   if ok then return image end
   if scute.error_kind(image) then error(image, 0) end
end
