local lfs = require "lfs"

--- A path that leads to the same place whatever folder this process changes to.
return function(path)
   if path:sub(1, 1) == "/" then return path end
   local here = lfs.currentdir()
   return here and here .. "/" .. path:gsub("^%./", "") or path
end
