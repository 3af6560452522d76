-- A data set of photos that a script lists with their classes.
local lfs = require "lfs"
local console = require "scute.base.console"
local content = require "scute.data.content"
local crops = require "scute.data.crops"
local labelled = require "scute.data.labelled"
local options = require "scute.base.options"

local CLASSES, VAL, SEED = labelled.options "the share of each class that validates, drawn by the seed, or a list as train"

local COLORS = { mean = true, black = true, grey = true, white = true }

local function is_color(value)
   return COLORS[value] or type(value) == "table" and #value == 3
end

local FILES = options.declare("data.files", {
   { "train", required = true, is = options.of_type "table", expected = "a list of { path, class }",
     help = "list of { path, class name or number, box = , mask = }; it may stand in the table itself: { { path, class }, ..., "
        .. "val = 0.2 }" },
   CLASSES, VAL, SEED,
   { "boxes_of", choices = { "shown", "stored" }, show = "what the sizes in them say, else shown",
     help = "of which picture boxes and masks are where a photo is turned by its EXIF orientation" },
   { "outside", is = is_color, expected = "mean, black, grey, white or { r, g, b }", show = "mean",
     help = "the colour of what masks leave out; mean is that of the model's preprocessing" },
})

local function fail(format, ...)
   error("data.files: " .. format:format(...), 0)
end

local function entry_of(given, words)
   local path = type(given) == "table" and (given.path or given[1])
   local label = type(given) == "table" and (given.label or given[2])
   if type(path) ~= "string" or path == "" or not label then
      fail("%s: expected { path, class }, found %s", words, type(given) == "table" and ("{ %s, %s }"):format(
         console.brief(path or nil), console.brief(label or nil)) or console.brief(given))
   end
   local fault = crops.fault_of(given.box, given.mask)
   if fault then fail("%s: %s", words, fault) end
   return { path = path, label = labelled.class(label), words = words, box = given.box, mask = given.mask }
end

-- Entries for scute.data.labelled. seen: words by path, box and mask, of both parts.
local function entries_of(name, list, seen)
   local entries, missing, first = {}, 0, nil
   for i, given in ipairs(list) do
      local entry = entry_of(given, ("%s: entry %d"):format(name, i))
      local what = entry.path .. "\0" .. crops.text(entry.box, entry.mask) -- one file may hold several animals
      if seen[what] then fail("%s: '%s' is listed already in %s", entry.words, entry.path, seen[what]) end
      seen[what], entries[i] = entry.words, entry
      if lfs.attributes(entry.path, "mode") ~= "file" then missing, first = missing + 1, first or entry end
   end
   if #entries == 0 then fail("%s: expected a list of { path, class }, found none", name) end
   if first then
      fail("%s: there is no file '%s'%s", first.words, first.path, missing > 1 and (" (and %d more are missing)"):format(
         missing - 1) or "")
   end
   return entries
end

-- Those that are photos by their first bytes; the others are added to `broken`.
local function readable(entries, broken)
   local paths, faults, kept, all, left = {}, {}, {}, {}, {}
   for i, entry in ipairs(entries or {}) do paths[i] = entry.path end
   for _, fault in ipairs(select(2, content.sort({ paths }, true))) do faults[fault.path] = fault.message end
   for _, entry in ipairs(entries or {}) do
      local message = faults[entry.path]
      all[#all + 1] = entry
      if message then
         broken[#broken + 1] = { path = entry.path, message = message }
      else
         kept[#kept + 1], left[entry.label] = entry, true
      end
   end
   for _, entry in ipairs(all) do
      if not left[entry.label] then
         fail("none of the photos of class '%s' can be read; the first: %s", tostring(entry.label), faults[entry.path])
      end
   end
   return entries and kept
end

local function make(o)
   local seen, broken = {}, {}
   local train = entries_of("train", o.train, seen)
   local val = not labelled.is_share(o.val) and entries_of("val", o.val, seen) or nil
   return labelled.set("data.files", "a list of files", readable(train, broken), readable(val, broken), o, { broken = broken })
end

-- The entries may stand in the table of options itself.
local function with_train(given)
   if type(given) ~= "table" or given[1] == nil then return given end
   local o, train = {}, {}
   for key, value in pairs(given) do
      if math.type(key) == "integer" then train[key] = value else o[key] = value end
   end
   if o.train then error("data.files: the photos that train are given twice", 3) end
   o.train = train
   return o
end

--- A data set of photo files with their classes, wherever they lie, for train.fit as what data.open returns; decoded by threads
-- and augmented like those of folders. An entry may have a box { x, y, width, height } in pixels (x and y from 0) around what
-- is to be seen, and a mask as COCO has it, of which the rest gets one colour; so a file may stand there several times: it is
-- "reef.jpg", "reef.jpg#2", ... then.
local function files(given)
   local o = FILES:read(with_train(given))
   local done, set = pcall(make, o)
   if not done then error(set, console.is_failure(set) and 0 or 2) end
   return set
end

return FILES:describes(files)
