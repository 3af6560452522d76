-- The file behind the name of a photo. A file that holds several animals is several photos: "reef.jpg", "reef.jpg#2", ... (see
-- scute.data.crops).
local lfs = require "lfs"

--- The path of the file. A file that is called so itself is meant first.
return function(name)
   local file = name:match "^(.+)#%d+$"
   return file and not lfs.attributes(name) and file or name
end
