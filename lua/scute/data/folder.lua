-- What lies in a folder of photos. Names decide nothing here but what systems put there (see scute.data.system); which files
-- are photos is told by their content (see scute.data.content).
local lfs = require "lfs"
local console = require "scute.base.console"
local scute = require "scute.core"
local system = require "scute.data.system"

local folder = {}

local function is_sorted(names)
   for i = 2, #names do
      if names[i] < names[i - 1] then return false end
   end
   return true
end

--- Sorts names in byte order, whatever the locale: `<` on strings follows LC_COLLATE. Returns them.
function folder.sort_bytes(names)
   local before = os.setlocale(nil, "collate")
   os.setlocale("C", "collate")
   if not is_sorted(names) then table.sort(names) end
   os.setlocale(before, "collate")
   return names
end

--- Fails where a file of a model could not hold the name of a class.
function folder.check_name(what, name)
   if not utf8.len(name) then
      console.fail("%s: the name of the class '%s' is not UTF-8, as a model file needs it; rename it", what, name)
   end
end

local function read(path, only_folders)
   local opened, folders, files = pcall(scute.files.list, path, only_folders)
   if opened then return folders, files end
   local why = console.message(folders):match ": ([^:]+)$" or "no permission"
   console.fail("data_dir: cannot read the folder '%s': %s", path, why)
end

-- The names that are none to ignore, in byte order.
local function kept(names, is_system)
   local list = {}
   for _, name in ipairs(names) do
      if not is_system(name) then list[#list + 1] = name end
   end
   return folder.sort_bytes(list)
end

--- The names in `path`, without those to ignore: two lists in byte order, of folders and of everything else. Links
-- are followed; one that leads nowhere counts as a file, so that it is reported when it is read.
function folder.list(path)
   local folders, files = read(path)
   return kept(folders, system.is_folder), kept(files, system.is_file)
end

--- The first of these lists.
function folder.folders(path)
   return kept(read(path, true), system.is_folder)
end

-- What training left: its pictures are no photos.
local function is_run(path)
   return lfs.attributes(path .. "/run.json") ~= nil
end

-- An output folder of training: one that holds nothing but runs.
local function holds_runs(path)
   local folders = folder.folders(path)
   for _, name in ipairs(folders) do
      if not is_run(path .. "/" .. name) then return false end
   end
   return #folders > 0 and #select(2, folder.list(path)) == 0
end

--- The folders in `path` that may be classes: without runs of training and folders of such.
function folder.classes(path)
   local classes = {}
   for _, name in ipairs(folder.folders(path)) do
      local below = path .. "/" .. name
      if not is_run(below) and not holds_runs(below) then classes[#classes + 1] = name end
   end
   return classes
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
