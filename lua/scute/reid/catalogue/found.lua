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

-- A table, whatever its name: one that lists photos and individuals, in columns of the usual names or of those that are said.
-- Where the user says names, a table is meant: what lies there is not read as folders, for which they mean nothing.
local function table_in(dir, files, wanted, is_hint)
   local found, all = {}, named(files, ".csv")
   for _, name in ipairs(all) do
      local header = first_row(dir .. "/" .. name)
      if header and columns.are_of_catalogue(header, wanted) then found[#found + 1] = name end
   end
   if #found == 0 and next(wanted) and not is_hint then
      if #all == 1 then return all[1] end -- which column it lacks is told where it is read
      console.fail("columns: '%s' holds %s with columns of these names; give the path of the CSV file that is meant", dir,
         #all == 0 and "no CSV file" or ("%d CSV files, none of them"):format(#all))
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

local function in_folder(dir, wanted, is_hint)
   local path, kind = known_file(dir)
   if path then return { kind = kind, path = path, dir = dir } end
   local names, files = folder.list(dir)
   local name = table_in(dir, files, wanted, is_hint)
   if name then return { kind = "csv", path = dir .. "/" .. name, dir = dir } end
   check_inside(dir, names)
   return { kind = "folders", path = dir, dir = dir }
end

--- { kind = "coco", "metadata", "csv" or "folders", path = what is read, dir = the folder that names of photos are below } of a
-- path; one that leads nowhere is a failure. wanted: which column says what (see columns.choose), for a table whose names are
-- not the usual ones; is_hint: it is of another table, so that there need be none.
return function(path, wanted, is_hint)
   local mode, why = lfs.attributes(path, "mode")
   if not mode then console.fail("cannot open '%s': %s", path, (why or ""):match "([^:]+)$":gsub("^%s+", "")) end
   if mode == "directory" then return in_folder(path, wanted or {}, is_hint) end
   local dir, name = path:match "^(.*)/([^/]*)$"
   local kind = name == TABLE and "metadata" or path == TABLE and "metadata" or "csv"
   if path:lower():find "%.json$" then kind = "coco" end
   return { kind = kind, path = dir and path or "./" .. path, dir = dir and (dir == "" and "/" or dir) or "." }
end
