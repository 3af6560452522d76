-- What a path leads to: annotations, a table, or folders.
local lfs = require "lfs"
local columns = require "scute.reid.catalogue.columns"
local console = require "scute.base.console"
local csv = require "scute.base.csv"
local folder = require "scute.data.folder"

local ANNOTATIONS = { "annotations.json", "data/annotations.json", "turtles-data/data/annotations.json" }
local TABLE = "metadata.csv"
local HEAD = 65536 -- bytes that the names of columns are looked for in
local FEW = 20 -- folders that are looked into: those of individuals are more

local function is_file(path)
   return lfs.attributes(path, "mode") == "file"
end

local function first_row(path)
   local file = io.open(path, "rb")
   local text = file and file:read(HEAD)
   if file then file:close() end
   return text and (csv.reader(text)())
end

-- The files in a folder whose names end in `ending`.
local function named(files, ending)
   local found = {}
   for _, name in ipairs(files) do
      if name:lower():sub(-#ending) == ending then found[#found + 1] = name end
   end
   return found
end

-- A table, whatever its name: one that lists photos and individuals.
local function table_in(dir, files)
   local found = {}
   for _, name in ipairs(named(files, ".csv")) do
      local header = first_row(dir .. "/" .. name)
      if header and columns.are_of_catalogue(header) then found[#found + 1] = name end
   end
   if #found > 1 then
      console.fail("'%s' holds several tables of photos (%s); give the path of the one that is meant", dir,
         table.concat(found, ", "))
   end
   return found[1]
end

-- The file in a folder that says it all, and how it is read.
local function known_file(dir)
   for _, name in ipairs(ANNOTATIONS) do
      if is_file(dir .. "/" .. name) then return dir .. "/" .. name, "coco" end
   end
   if is_file(dir .. "/" .. TABLE) then return dir .. "/" .. TABLE, "metadata" end
end

-- A folder above the one that is meant would be read as one of individuals.
local function check_inside(dir, names)
   for i = 1, #names <= FEW and #names or 0 do
      local inside = known_file(dir .. "/" .. names[i])
      if inside then
         console.fail("'%s' holds no catalogue itself, but there is %s; give the folder %s/%s", dir, inside, dir, names[i])
      end
   end
end

local function in_folder(dir)
   local path, kind = known_file(dir)
   if path then return { kind = kind, path = path, dir = dir } end
   local names, files = folder.list(dir)
   local name = table_in(dir, files)
   if name then return { kind = "csv", path = dir .. "/" .. name, dir = dir } end
   check_inside(dir, names)
   return { kind = "folders", path = dir, dir = dir }
end

--- { kind = "coco", "metadata", "csv" or "folders", path = what is read, dir = the folder that names of photos are below } of a
-- path; one that leads nowhere is a failure.
return function(path)
   local mode, why = lfs.attributes(path, "mode")
   if not mode then console.fail("cannot open '%s': %s", path, (why or ""):match "([^:]+)$":gsub("^%s+", "")) end
   if mode == "directory" then return in_folder(path) end
   local dir, name = path:match "^(.*)/([^/]*)$"
   local kind = name == TABLE and "metadata" or path == TABLE and "metadata" or "csv"
   if path:lower():find "%.json$" then kind = "coco" end
   return { kind = kind, path = dir and path or "./" .. path, dir = dir and (dir == "" and "/" or dir) or "." }
end
