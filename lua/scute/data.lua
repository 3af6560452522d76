-- Photos in folders: which there are, which class each belongs to, which of them train and which validate. Data sets that a
-- script makes itself: data.files (a list of photos), data.tensors, data.source (a function of the index).
--
-- Nothing is decoded here; see scute.loader.
local contains = require "scute.base.contains"
local lfs = require "lfs"
local scute = require "scute.core"
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local content = require "scute.data.content"
local folder = require "scute.data.folder"
local held_out = require "scute.data.held_out"
local layout = require "scute.data.layout"
local note = require "scute.data.note"
local options = require "scute.base.options"
local split_csv = require "scute.data.split_csv"
local split_file = require "scute.data.split_file"
local surplus = require "scute.base.surplus"

local data = {}

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

local function explain_no_folders(dir, files)
   if #files == 0 then console.fail("data_dir: '%s' is empty; it should hold one folder of photos per class", dir) end
   console.fail("data_dir: '%s' holds %s but no folders; put the photos of each class into a folder of their own, as in "
      .. "%s/CLASS/%s (scripts/predict.lua looks at photos without classes)", dir, console.count(#files, "file"), dir, files[1])
end

local function check_readable(dir, names, photos, broken)
   local first, n = {}, {}
   for _, entry in ipairs(broken) do
      local i = entry.list
      first[i], n[i] = first[i] or entry.message, (n[i] or 0) + 1
   end
   for i, name in ipairs(names) do
      if #photos[i] == 0 and first[i] then
         console.fail("data_dir: none of the %s of class '%s' in '%s' can be read%s: %s", console.count(n[i], "photo"), name,
            dir, n[i] > 1 and "; the first" or "", first[i])
      end
   end
end

-- Names of classes in byte order, and the files of each. Folders whose names look the same are one class, however their accents
-- are written.
local function by_class(set, dir, folders)
   local names, files = {}, {}
   for _, name in ipairs(folders) do
      local class = scute.nfc(name:match "^%s*(.-)%s*$")
      if files[class] then
         set.notes[#set.notes + 1] = ("two folders in '%s' are the one class '%s', written in two ways"):format(dir, class)
      else
         names[#names + 1], files[class] = class, {}
      end
      local found = folder.files(dir .. "/" .. name)
      table.move(found, 1, #found, #files[class] + 1, files[class])
   end
   folder.sort_bytes(names)
   local lists = {}
   for i, class in ipairs(names) do lists[i] = folder.sort_bytes(files[class]) end
   return names, lists
end

-- The classes, by name and files, but those that the run which is gone on with does not know.
local function without_new(set, dir, names, files)
   if not set.of_run then return names, files end
   local known, lists, left = {}, {}, {}
   for i, name in ipairs(names) do
      if set.of_run.classes[name] then
         known[#known + 1], lists[#lists + 1] = name, files[i]
      else
         left[#left + 1] = ("'%s' (%s)"):format(name, console.count(#files[i], "photo"))
      end
   end
   if #left > 0 then
      set.notes[#set.notes + 1] = ("%s new since the run in %s began and left out of '%s': %s"):format(
         #left == 1 and "a class is" or #left .. " classes are", set.of_run.folder, dir, table.concat(left, ", "))
   end
   return known, lists
end

-- The photos in the class folders of `dir` (only: the names of those that are; default all): { names in byte order, photos =
-- {name = paths}, stray = files beside the class folders }. What cannot be read, or is no photo, is added to set.broken and
-- set.others; a class of which nothing can be read is a failure, unless it may_be_broken.
local function read_classes(set, dir, only, may_be_broken)
   local _, files = folder.list(dir)
   local names = only or folder.classes(dir)
   if #names == 0 then explain_no_folders(dir, files) end
   local by_name, lists = {}
   names, lists = without_new(set, dir, by_class(set, dir, names))
   local photos, broken, others = content.sort(lists)
   if not may_be_broken then check_readable(dir, names, photos, broken) end
   for i, name in ipairs(names) do by_name[name] = photos[i] end
   for _, entry in ipairs(broken) do
      set.broken[#set.broken + 1] = { path = entry.path, class = names[entry.list], message = entry.message }
   end
   set.others = set.others + others
   return { names = names, photos = by_name, stray = #files }
end

-- ---- splitting ----

local function split_class(paths, class, seed, fraction)
   local validates = held_out(#paths, class, seed, fraction)
   local train, val = {}, {}
   for i, path in ipairs(paths) do
      local list = validates[i] and val or train
      list[#list + 1] = path
   end
   return train, val
end

local function new_part()
   return as_text.part { paths = {}, labels = {}, counts = {} }
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
         console.fail("data_dir: the class folder '%s/%s' is empty (there is no photo in it); put photos into it or remove it",
            dir, name)
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
   local found = read_classes(set, dir)
   local paths = found.photos
   for _, name in ipairs(found.names) do
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

local function new_set(dir)
   return as_text.set { dir = dir, train = new_part(), val = new_part(), notes = {}, broken = {}, others = 0 }
end

-- The photos of a folder that neither train nor validate, of the classes that train; nil where there are none. What is wrong
-- with them is nothing to those who train: broken photos and notes are the part's own.
local function read_test(set, dir)
   if not dir or #folder.classes(dir) == 0 then return nil end
   local aside, part = new_set(dir), new_part()
   aside.of_run = set.of_run
   local found = read_classes(aside, dir, nil, true)
   for class, name in ipairs(set.classes) do extend(part, class, found.photos[name] or {}) end
   for _, name in ipairs(found.names) do
      if not contains(set.classes, name) then
         aside.notes[#aside.notes + 1] = ("'%s' is no class of those that train, and its photos do not test"):format(name)
      end
   end
   part.broken, part.notes = aside.broken, aside.notes
   return #part.paths > 0 and part or nil
end

-- What becomes of the photos in a folder test/ beside those that validate.
local function tell_test(set, dir)
   set.notes[#set.notes + 1] = dir .. (set.test and " is there for a test, and neither trains nor validates"
      or " is left alone: none of its photos is of a class that trains")
end

-- Without slashes at its end.
local function path_of(name, dir)
   if type(dir) ~= "string" or dir == "" then
      error(("%s: expected the path of a folder, found %s%s"):format(name, console.brief(dir), type(dir) == "table"
         and "; data.files takes a list of photos" or ""), 3)
   end
   local path = dir:gsub("/+$", "")
   return path == "" and "/" or path
end

local function tell_others(set)
   if set.others == 0 then return end
   set.notes[#set.notes + 1] = set.others == 1 and "1 file is no photo and left alone"
      or ("%d files are no photos and left alone"):format(set.others)
end

--- All photos in the class folders of `dir`, one class or more, without a split. Returns { paths, labels, counts }, as the
-- parts of data.open, with broken = list of {path, class, message} of those that cannot be read and others = how many files are
-- no photos, and the names of the classes.
function data.list(dir)
   dir = path_of("data.list", dir)
   check_folder(dir)
   local set = new_set(dir)
   local found, part = read_classes(set, dir), new_part()
   for class, name in ipairs(found.names) do extend(part, class, found.photos[name]) end
   if #part.paths == 0 then console.fail("data_dir: there is no photo in '%s'", dir) end
   tell_others(set)
   part.broken, part.others, part.notes = set.broken, set.others, set.notes
   return part, found.names
end

local OPEN = options.declare("data.open", table.move(require "scute.data.options", 1, 3, 4, {
   { "seed", whole = true, min = 0, max = options.MAXSEED, default = 0, help = "which photos validate, where that is drawn" },
   { "validates", choices = { "val", "test" }, show = "val where there is one",
     help = "which of the splits in split_csv validates" },
   { "of_run", text = true, show = "none", excludes = { "split_csv" }, why = "the file says which classes there are",
     help = "the folder of a run that is gone on with: classes that are not in its split.csv are left out" },
}))

--- The options of data.open that a command line says (see cli.parse).
function data.options(opt)
   local given = {}
   for _, name in ipairs(OPEN.names) do given[name] = rawget(opt, name) end
   given.of_run = not given.split_csv and require "scute.data.resumed"(opt) or nil
   if given.split_csv then given.val_fraction = nil end -- its default
   return given
end

local function of_run(path)
   local classes = path and split_file.classes(path)
   return classes and { folder = path, classes = classes }
end

-- The photos that train, and those that validate or are to be drawn.
local function read_folders(set, o)
   local found = layout.find(set.dir, o.layout, set.notes)
   local read = read_classes(set, found.train, found.classes)
   check_classes(found.train, read.names, read.photos)
   set.classes = read.names
   if read.stray > 0 then
      set.notes[#set.notes + 1] = ("%s beside the class folders of '%s' left alone"):format(
         console.count(read.stray, "file"), found.train)
   end
   if found.val then
      for class, name in ipairs(read.names) do extend(set.train, class, read.photos[name]) end
      read_validation(set, found.val, found.train)
      set.split = found.val:match "[^/]+$" .. "/"
      set.test = read_test(set, found.test)
      if found.test then tell_test(set, found.test) end
   else
      split_all(set, read.photos, o)
      set.split = ("drawn, %g %%, seed %d"):format(100 * o.val_fraction, o.seed)
   end
   tell_others(set)
end

--- Whether the folders of `dir` themselves say what validates.
function data.has_validation(dir, given)
   dir = path_of("data.has_validation", dir)
   check_folder(dir)
   return layout.find(dir, OPEN:read(given).layout, {}).val ~= nil
end

--- All photos below `dir` with their classes, one class or more, whatever trains or validates. Returns { dir, classes, paths,
-- labels, broken, others, notes } (see data.list). given: options of data.open, of which the layout counts.
function data.everything(dir, given)
   dir = path_of("data.everything", dir)
   check_folder(dir)
   local set, part, number = new_set(dir), new_part(), {}
   set.classes = {}
   for _, root in ipairs(layout.all(dir, OPEN:read(given).layout)) do
      local read = read_classes(set, root.path, root.classes, true)
      for _, name in ipairs(read.names) do
         if not number[name] then
            set.classes[#set.classes + 1] = name
            number[name] = #set.classes
         end
         for _, path in ipairs(read.photos[name]) do
            part.paths[#part.paths + 1], part.labels[#part.labels + 1] = path, number[name]
         end
      end
   end
   if #part.paths == 0 then console.fail("data_dir: there is no photo in '%s'", dir) end
   tell_others(set)
   return as_text.unsplit { dir = dir, classes = set.classes, paths = part.paths, labels = part.labels, broken = set.broken,
      others = set.others, notes = set.notes }
end

--- Opens a data set: `dir` holds one folder of photos per class, or train/ and val/ (or validation/, test/, ..., see
-- scute.data.layout) with such folders inside. Without a validation folder a share of each class is held out, drawn by the seed
-- alone. Which files are photos is told by their first bytes.
-- Returns { dir, classes = list of names in byte order, train, val, notes = list of lines, split = what the split is
-- called beside an accuracy, broken = list of {path, class, message} of photos that cannot be read, others = how many files are
-- no photos, test = those of a folder test/ or a split "test" beside those that validate (nil: none) }, where train, val and
-- test are { paths = list, labels = list of class numbers, counts = photos per class }.
-- What is wrong with the folder is a failure (one line, see scute.base.console).
function data.open(dir, given, ...)
   surplus.refuse("data.open(dir, options)", "options stand in one table", ...)
   local o = OPEN:read(given)
   local _ <close> = scute.range "data.open" -- luacheck: ignore
   dir = path_of("data.open", dir)
   check_folder(dir)
   local set = new_set(dir)
   set.of_run, set.layout = of_run(o.of_run), o.layout
   if o.split_csv then
      split_csv.fill(set, o.split_csv, o.validates)
      return set
   end
   read_folders(set, o)
   if #set.val.paths == 0 then
      console.fail("data_dir: '%s' has one photo of each class; two are needed, so that one can validate", dir)
   end
   return set
end
OPEN:describes(surplus.refused_by(data.open))

-- ---- data sets that a script makes ----

data.files = require "scute.data.files"
data.tensors = require "scute.data.tensors"
data.source = require "scute.data.source"

return data
