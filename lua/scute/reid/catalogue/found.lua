-- What a path leads to: annotations, a table, or folders.
local lfs = require "lfs"
local columns = require "scute.reid.catalogue.columns"
local console = require "scute.base.console"
local csv = require "scute.base.csv"
local folder = require "scute.data.folder"

local ANNOTATIONS = { "annotations.json", "data/annotations.json", "turtles-data/data/annotations.json" }
local TABLE = "metadata.csv"
local HEAD = 65536 -- bytes that the names of columns are looked for in

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

local function in_folder(dir)
   for _, name in ipairs(ANNOTATIONS) do
      if is_file(dir .. "/" .. name) then return { kind = "coco", path = dir .. "/" .. name, dir = dir } end
   end
   if is_file(dir .. "/" .. TABLE) then return { kind = "metadata", path = dir .. "/" .. TABLE, dir = dir } end
   local name = table_in(dir, select(2, folder.list(dir)))
   if name then return { kind = "csv", path = dir .. "/" .. name, dir = dir } end
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
