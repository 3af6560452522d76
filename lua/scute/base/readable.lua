-- A photo for a picture or a page, which does without the ones that cannot be read.
local scute = require "scute"

--- The photo at `path` as a scute.image; nil where it cannot be read. Memory that runs out is no fault of the photo's and is
-- raised. box: the part of it that counts, as scute.image.load takes it.
return function(path, box)
   local ok, image = pcall(scute.image.load, path, box and { box = box } or nil)
   if ok then return image end
   if scute.error_kind(image) then error(image, 0) end
end
