-- Photos in folders: which there are, which class each belongs to, which of them train and which validate.
--
-- Nothing is decoded here; see scute.loader.
local lfs = require "lfs"
local console = require "scute.base.console"
local draw = require "scute.data.draw"
local folder = require "scute.data.folder"
local note = require "scute.data.note"
local options = require "scute.base.options"
local split_csv = require "scute.data.split_csv"

local data = {}

local validation_names = { "val", "valid", "validation", "test" }

-- ---- finding ----

local function check_folder(dir)
   local mode, why = lfs.attributes(dir, "mode")
   if not mode then
      console.fail("data_dir: cannot open the folder '%s': %s", dir, (why or ""):match "([^:]+)$":gsub("^%s+", ""))
   elseif mode ~= "directory" then
      console.fail("data_dir: '%s' is a %s, not a folder; give the folder that holds one folder of photos per class",
         dir, mode)
   end
end

-- {name = {paths}} of the class folders in `dir`, and their names in byte order.
local function find_classes(dir)
   local names, files = folder.list(dir)
   if #names == 0 and #files > 0 then
      console.fail("data_dir: '%s' holds %s but no folders; put the photos of each class into a folder of their own, as in "
         .. "%s/CLASS/%s", dir, console.count(#files, "file"), dir, files[1])
   elseif #names == 0 then
      console.fail("data_dir: '%s' is empty; it should hold one folder of photos per class", dir)
   end
   local paths = {}
   for _, name in ipairs(names) do paths[name] = folder.files(dir .. "/" .. name) end
   return paths, names, #files
end

local function contains(list, value)
   for _, entry in ipairs(list) do
      if entry == value then return true end
   end
   return false
end

-- Where training and validation photos lie: train (the folder itself where there is no train/), val or nil.
local function find_layout(dir, notes)
   local folders = folder.list(dir)
   local found = {}
   for _, name in ipairs(validation_names) do
      if contains(folders, name) then found[#found + 1] = name end
   end
   if not contains(folders, "train") then
      if #found > 0 and #found == #folders then
         console.fail("data_dir: '%s' has %s/ but no train/; put the photos to learn from into %s/train/CLASS/", dir,
            found[1], dir)
      end
      return dir, nil
   end
   local used = { train = true, [found[1] or ""] = true }
   for _, name in ipairs(folders) do
      if not used[name] then notes[#notes + 1] = ("%s/%s is beside train/ and is left alone"):format(dir, name) end
   end
   return dir .. "/train", found[1] and dir .. "/" .. found[1]
end

-- ---- splitting ----

-- At least one photo of each class trains, and one validates where there are two or more.
local function split_class(paths, class, seed, fraction)
   local n = #paths
   local held_out = math.max(math.min(math.floor(n * fraction + 0.5), n - 1), n > 1 and 1 or 0)
   local order = draw.permutation(seed, "split", class, n)
   local validates = {}
   for i = 1, held_out do validates[order[i]] = true end
   local train, val = {}, {}
   for i, path in ipairs(paths) do
      local list = validates[i] and val or train
      list[#list + 1] = path
   end
   return train, val
end

local function new_part()
   return { paths = {}, labels = {}, counts = {} }
end

local function extend(part, class, paths)
   for _, path in ipairs(paths) do
      part.paths[#part.paths + 1] = path
      part.labels[#part.labels + 1] = class
   end
   part.counts[class] = #paths
end

local function check_classes(dir, classes, paths)
   for _, name in ipairs(classes) do
      folder.check_name("data_dir", name)
      if #paths[name] == 0 then
         console.fail("data_dir: the class folder '%s/%s' is empty; put photos into it or remove it", dir, name)
      end
   end
   if #classes < 2 then
      console.fail("data_dir: '%s' has one class only, '%s'; to tell photos apart at least two are needed", dir, classes[1])
   end
end

local function split_all(set, paths, o)
   local single = {}
   for class, name in ipairs(set.classes) do
      local train, val = split_class(paths[name], class, o.seed, o.val_fraction)
      extend(set.train, class, train)
      extend(set.val, class, val)
      if #val == 0 then single[#single + 1] = name end
   end
   note(set.notes, single, "has a single photo: it trains, and none validates",
      "have a single photo, which trains, so that none validates")
end

local function read_validation(set, dir, train_dir)
   local paths, names = find_classes(dir)
   for _, name in ipairs(names) do
      if not contains(set.classes, name) then
         console.fail("data_dir: class '%s' is in '%s' but not in '%s'; a model cannot learn a class it has no photos of",
            name, dir, train_dir)
      end
   end
   local without = {}
   for class, name in ipairs(set.classes) do
      extend(set.val, class, paths[name] or {})
      if #(paths[name] or {}) == 0 then without[#without + 1] = name end
   end
   note(set.notes, without, ("has no photo in '%s'"):format(dir), ("have no photo in '%s'"):format(dir))
   if #set.val.paths == 0 then console.fail("data_dir: there is no photo in '%s'", dir) end
end

-- Without slashes at its end.
local function path_of(name, dir)
   if type(dir) ~= "string" or dir == "" then error(name .. ": expected the path of a folder, found " .. tostring(dir), 3) end
   local path = dir:gsub("/+$", "")
   return path == "" and "/" or path
end

--- All photos in the class folders of `dir`, one class or more, without a split. Returns { paths, labels, counts }, as the
-- parts of data.open, and the names of the classes.
function data.list(dir)
   dir = path_of("data.list", dir)
   check_folder(dir)
   local paths, classes = find_classes(dir)
   local part = new_part()
   for class, name in ipairs(classes) do extend(part, class, paths[name]) end
   if #part.paths == 0 then console.fail("data_dir: there is no photo in '%s'", dir) end
   return part, classes
end

local OPEN = options.declare("data.open", {
   { "seed", whole = true, min = 0, max = options.MAXSEED, default = 0, help = "which photos validate, where that is drawn" },
   { "val_fraction", number = true, above = 0, below = 1, default = 0.2,
     help = "share of each class that validates, where there is no folder for it" },
   { "split_csv", text = true, show = "the folders",
     help = "path of a file that says which photos train and which validate, see scute.data.split_csv" },
   { "validates", choices = { "val", "test" }, show = "val where there is one",
     help = "which of that file's splits validates" },
})

--- Opens a data set: `dir` holds one folder of photos per class, or train/ and val/ (or valid/, validation/, test/) with
-- such folders inside. Without a validation folder a share of each class is held out, drawn by the seed alone.
-- Returns { dir, classes = list of names in byte order, train, val, notes = list of lines, split = what the split is
-- called beside an accuracy }, where train and val are { paths = list, labels = list of class numbers, counts = photos per
-- class }.
-- What is wrong with the folder is a failure (one line, see scute.base.console).
function data.open(dir, given)
   local o = OPEN:read(given)
   dir = path_of("data.open", dir)
   check_folder(dir)
   local set = { dir = dir, train = new_part(), val = new_part(), notes = {} }
   if o.split_csv then
      split_csv.fill(set, o.split_csv, o.validates)
      return set
   end
   local train_dir, val_dir = find_layout(dir, set.notes)
   local paths, classes, stray = find_classes(train_dir)
   check_classes(train_dir, classes, paths)
   set.classes = classes
   if stray > 0 then
      set.notes[#set.notes + 1] = ("%s beside the class folders of '%s' left alone"):format(
         console.count(stray, "file"), train_dir)
   end
   if val_dir then
      for class, name in ipairs(classes) do extend(set.train, class, paths[name]) end
      read_validation(set, val_dir, train_dir)
      set.split = val_dir:match "[^/]+$" .. "/"
   else
      split_all(set, paths, o)
      set.split = ("drawn, %g %%, seed %d"):format(100 * o.val_fraction, o.seed)
   end
   if #set.val.paths == 0 then
      console.fail("data_dir: '%s' has one photo of each class; two are needed, so that one can validate", dir)
   end
   return set
end
OPEN:describes(data.open)

return data
