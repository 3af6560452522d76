-- Results lie apart from photos: pictures in a folder that counts as a class would be photos of it in the next run.
local lfs = require "lfs"
local console = require "scute.base.console"
local folder = require "scute.data.folder"
local layout = require "scute.data.layout"
local lies_in = require "scute.base.lies_in"
local system = require "scute.data.system"

local function parent_of(path)
   return path:match "^(.+)/[^/]*$" or path:sub(1, 1) == "/" and "/" or "."
end

-- The folder that is there already, of those which lead to a path, and the name of the first one that is not.
local function existing(path)
   local missing
   while not lfs.attributes(path) and path ~= parent_of(path) do
      path, missing = parent_of(path), path:match "[^/]*$"
   end
   return path, missing
end

local function set_of(list)
   local set = {}
   for _, name in ipairs(list) do set[name] = true end
   return set
end

local function leads_into(path, root)
   return lies_in(path .. "/.", root)
end

-- The folder in `root` through which a path leads, which may not be there yet; nil where there is none that matters.
local function entry_of(root, at, missing)
   if not leads_into(at, root) then return nil end
   if leads_into(root, at) then return missing end
   for _, name in ipairs(folder.folders(root)) do
      if leads_into(at, root .. "/" .. name) then return name end
   end
end

local function check(root, path, is_run, flag)
   local name, classes = entry_of(root.path, existing(path)), root.classes or folder.classes(root.path)
   if not name or #classes == 0 then return end
   if set_of(classes)[name] then
      console.fail("%s: '%s' lies among the photos of class '%s' (%s/%s), and what is put there may count as photos; "
         .. "choose another --%s", flag, path, name, root.path, name, flag)
   end
   if not is_run and not system.is_folder(name) then
      console.fail("%s: '%s' lies in '%s', where each folder is a class of photos; choose another --%s", flag, path,
         root.path, flag)
   end
end

--- Fails where `path`, a folder for results, would count as a class of the photos in `dir`, or lies in one. how: the layout of
-- dir, as data.open takes it. is_run: what comes there is a run of training, which is known by its run.json and is no class.
-- flag: what the user says the folder by (output_dir). What is wrong with the photos is told by who reads them.
return function(path, dir, how, is_run, flag)
   local read, roots = pcall(layout.all, dir:gsub("(.)/+$", "%1"), how)
   is_run = is_run or lfs.attributes(path .. "/run.json") ~= nil
   for _, root in ipairs(read and roots or {}) do check(root, path, is_run, flag or "output_dir") end
end
