-- What lies in a folder of photos. Names decide nothing here but what systems put there (see scute.data.system); which files
-- are photos is told by their content (see scute.data.content).
local lfs = require "lfs"
local console = require "scute.base.console"
local system = require "scute.data.system"

local folder = {}

--- Sorts names in byte order, whatever the locale: `<` on strings follows LC_COLLATE. Returns them.
function folder.sort_bytes(names)
   local before = os.setlocale(nil, "collate")
   os.setlocale("C", "collate")
   table.sort(names)
   os.setlocale(before, "collate")
   return names
end

--- Fails where a file of a model could not hold the name of a class.
function folder.check_name(what, name)
   if not utf8.len(name) then
      console.fail("%s: the name of the class '%s' is not UTF-8, as a model file needs it; rename it", what, name)
   end
end

--- The names in `path`, without those to ignore: two lists in byte order, of folders and of everything else. Links
-- are followed; one that leads nowhere counts as a file, so that it is reported when it is read.
function folder.list(path)
   local folders, files = {}, {}
   local opened, iterate, state = pcall(lfs.dir, path)
   if not opened then
      local why = console.message(iterate):match ": ([^:]+)$" or "no permission"
      console.fail("data_dir: cannot read the folder '%s': %s", path, why)
   end
   for name in iterate, state do
      if name ~= "." and name ~= ".." then
         local is_folder = lfs.attributes(path .. "/" .. name, "mode") == "directory"
         local list = is_folder and folders or files
         if not (is_folder and system.is_folder or system.is_file)(name) then list[#list + 1] = name end
      end
   end
   return folder.sort_bytes(folders), folder.sort_bytes(files)
end

-- What training left: its pictures are no photos.
local function is_run(path)
   return lfs.attributes(path .. "/run.json") ~= nil
end

-- An output folder of training: one that holds nothing but runs.
local function holds_runs(path)
   local folders, files = folder.list(path)
   for _, name in ipairs(folders) do
      if not is_run(path .. "/" .. name) then return false end
   end
   return #folders > 0 and #files == 0
end

--- The folders in `path` that may be classes, and the files: as folder.list has them, without runs of training and folders of
-- such.
function folder.classes(path)
   local folders, files = folder.list(path)
   local classes = {}
   for _, name in ipairs(folders) do
      local below = path .. "/" .. name
      if not is_run(below) and not holds_runs(below) then classes[#classes + 1] = name end
   end
   return classes, files
end

local function walk(path, found, above)
   local folders, files = folder.list(path)
   for _, name in ipairs(files) do found[#found + 1] = path .. "/" .. name end
   for _, name in ipairs(folders) do
      local below = path .. "/" .. name
      local at = lfs.attributes(below)
      local id = at and at.dev .. ":" .. at.ino
      -- A link to a folder above would lead round in circles.
      if id and not above[id] and not is_run(below) then
         above[id] = true
         walk(below, found, above)
         above[id] = nil
      end
   end
   return found
end

--- All files in `path` and in the folders below it, in byte order.
function folder.files(path)
   local at = lfs.attributes(path)
   return folder.sort_bytes(walk(path, {}, at and { [at.dev .. ":" .. at.ino] = true } or {}))
end

return folder
