-- A photo for a picture or a page, which does without the ones that cannot be read.
local scute = require "scute"

--- The photo at `path` as a scute.image; nil where it cannot be read. Memory that runs out is no fault of the photo's and is
-- raised.
return function(path)
   local ok, image = pcall(scute.image.load, path)
   if ok then return image end
   if scute.error_kind(image) then error(image, 0) end
end
