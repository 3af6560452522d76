-- Names of files that a path may go on with.
local lfs = require "lfs"

local files = {}

local function home()
   return os.getenv "HOME" or "~"
end

-- "~/x" as the path that it stands for: what opens files does not know of it.
local function expanded(path)
   return (path:gsub("^~/", function() return home() .. "/" end))
end

local function is_folder(path)
   return lfs.attributes(path, "mode") == "directory"
end

-- The names in a folder that begin so; hidden ones where they are asked for.
local function names_in(folder, start)
   local list = {}
   local readable, next_name, state = pcall(lfs.dir, folder == "" and "." or folder)
   if not readable then return list end
   for name in next_name, state do
      local hidden = name:sub(1, 1) == "." and start:sub(1, 1) ~= "."
      if name:sub(1, #start) == start and not hidden and name ~= "." and name ~= ".." then
         list[#list + 1] = name .. (is_folder(folder .. name) and "/" or "")
      end
   end
   table.sort(list)
   return list
end

--- Files whose path begins with `path`: their names within its folder, what is typed of them, and the path where it is to be
-- replaced (it began with ~).
function files.matching(path)
   local whole = expanded(path)
   local folder, start = whole:match "^(.*/)([^/]*)$"
   folder, start = folder or "", start or whole
   return names_in(folder, start), start, whole ~= path and whole or nil
end

return files
