local lfs = require "lfs"

local MOST = 40 -- links one after the other, as many as the system follows

local function folder_of(path)
   return path:match "^(.+)/[^/]*$" or path:sub(1, 1) == "/" and "/" or "."
end

-- What a path leads to, by whatever name; nil where there is nothing.
local function identity(path)
   local found = lfs.attributes(path)
   return found and ("%d %d"):format(found.dev, found.ino)
end

-- Whether one of the folders above a path is the wanted one.
local function is_below(path, wanted)
   local at, before = folder_of(path), nil
   local found = identity(at)
   while found and found ~= before do
      if found == wanted then return true end
      at, before = at .. "/..", found
      found = identity(at)
   end
   return false
end

--- Whether a file lies in a folder or below it, or what it is a link to does: folders are told apart by what they are, not by
-- how they are called.
return function(path, folder)
   local wanted = identity(folder)
   for _ = 1, wanted and MOST or 0 do
      if is_below(path, wanted) then return true end
      local target = lfs.symlinkattributes(path, "target")
      if not target then return false end
      path = target:sub(1, 1) == "/" and target or folder_of(path) .. "/" .. target
   end
   return false
end
