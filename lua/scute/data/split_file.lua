-- The split of a run as a file, split.csv in its folder: which photos trained and which validated, whatever is added to the
-- data folder or taken from it later. Columns as --split_csv takes them:
--   file     path below the data folder, or absolute; of a list of files as the script has it; "path#2", ... where several
--            photos are parts of one file (see scute.data.crops)
--   label    its class
--   split    train or val; for a folder of several runs also test, of photos that neither trained nor validated
--   digest   of the file's bytes, as the loader tells it when it first reads them (see scute.loader), and of box and mask where
--            there are any; empty until then
local lfs = require "lfs"
local scute = require "scute.core"
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local csv = require "scute.base.csv"

local split_file = {}

split_file.NAME = "split.csv"

local SLASH = ("/"):byte()

--- What the file calls a photo: its path below the data folder (nil: there is none), or the whole of it.
function split_file.name_of(dir, path)
   local below = dir and path:byte(#dir + 1) == SLASH and path:find(dir, 1, true) == 1
   return below and path:sub(#dir + 2) or path
end

local function quoted(text)
   return text:find '[,"\r\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

local OF_RUN, OF_RUNS = { "train", "val" }, { "train", "val", "test" }

--- Its text. digests: path -> digest, as far as they are known; parts: names (default: those of a run, train and val).
function split_file.text(set, digests, parts)
   local lines, classes = { "file,label,split,digest" }, {}
   for i, name in ipairs(set.classes) do classes[i] = "," .. quoted(name) .. "," end
   for _, part in ipairs(parts or OF_RUN) do
      local labels, behind = set[part].labels, part .. ","
      for i, path in ipairs(set[part].paths) do
         lines[#lines + 1] = quoted(split_file.name_of(set.dir, path)) .. classes[labels[i]] .. behind .. (digests[path] or "")
      end
   end
   return table.concat(lines, "\n") .. "\n"
end

local PARTS = { train = true, val = true, test = true }

--- What such a file says: { {file, label, split, digest}, ... } in its order; nil and why where there is none, or it is none.
function split_file.read(path)
   local file, why = io.open(path, "rb")
   if not file then return nil, why end
   local text = file:read "a"
   file:close()
   local rows, message, line = csv.parse(text or "")
   if not rows then return nil, ("%s, line %d: %s"):format(path, line, message) end
   if #rows < 2 or table.concat(rows[1], ",") ~= "file,label,split,digest" then
      return nil, ("%s: expected the columns file,label,split,digest"):format(path)
   end
   local entries = {}
   for i = 2, #rows do
      local row = rows[i]
      if #row ~= 4 or not PARTS[row[3]] then
         return nil, ("%s, line %d: expected file, label, train, val or test, and digest"):format(path, row.line)
      end
      entries[#entries + 1] = { file = row[1], label = row[2], split = row[3], digest = row[4] ~= "" and row[4] or nil }
   end
   return entries
end

--- The classes of the run in a folder, as its file names them: name -> true; nil where there is no such file.
function split_file.classes(folder)
   local entries = split_file.read(folder .. "/" .. split_file.NAME)
   local names = entries and {}
   for _, entry in ipairs(entries or {}) do names[entry.label] = true end
   return names
end

-- ---- a data set as it was ----

-- Those of the parts of a set that a file speaks of.
local function parts_of(set, entries)
   local has_test = false
   for _, entry in ipairs(entries) do has_test = has_test or entry.split == "test" end
   return has_test and rawget(set, "test") and OF_RUNS or OF_RUN
end

-- The photos of a set by what the file calls them: { path, part, class }, and how many there are.
local function photos_of(set, parts)
   local found, n = {}, 0
   for _, part in ipairs(parts) do
      for i, path in ipairs(set[part].paths) do
         local name = scute.nfc(split_file.name_of(set.dir, path))
         if not found[name] then
            found[name], n = { path = path, part = part, index = i, class = set.classes[set[part].labels[i]] }, n + 1
         end
      end
   end
   return found, n
end

local function fail_for_missing(path, missing)
   console.fail("data_dir: %s of the run in %s cannot be found or read any more: '%s'%s; put %s back, or begin a new run "
      .. "without --resume", #missing == 1 and "a photo" or #missing .. " photos", path, missing[1],
      #missing > 1 and " and others" or "", #missing == 1 and "it" or "them")
end

-- Classes are what the model was made for.
local function check_classes(set, entries, folder)
   local there, here = {}, {}
   for _, entry in ipairs(entries) do there[entry.label] = true end
   for _, name in ipairs(set.classes) do
      here[name] = true
      if not there[name] then
         console.fail("data_dir: class '%s' is new since the run in %s began; move it away to go on, or begin a new run "
            .. "without --resume", name, folder)
      end
   end
   for _, entry in ipairs(entries) do
      if not here[entry.label] then
         console.fail("data_dir: class '%s' of the run in %s is gone; put it back, or begin a new run without --resume",
            entry.label, folder)
      end
   end
end

-- What somebody has written down is not overruled: a file or a script that says otherwise now is of another run.
local function check_same(set, found, entry, folder)
   local differs = found.part ~= entry.split and { found.part, entry.split }
      or found.class ~= entry.label and { found.class, entry.label }
   if not differs then return end
   local where = set.dir and "split_csv: '%s' is %s there" or "the data set (" .. set.name .. "): '%s' is %s now"
   console.fail(where .. ", and %s in the run in %s; give %s as it was, or begin a new run without --resume", entry.file,
      differs[1], differs[2], folder, set.dir and "the file" or "it")
end

local function empty_parts(set)
   local parts = {}
   for _, name in ipairs(OF_RUNS) do
      parts[name] = as_text.part { paths = {}, labels = {}, counts = {}, samples = set.samples }
      for class in ipairs(set.classes) do parts[name].counts[class] = 0 end
      crops.begin(parts[name], crops.kind(set))
   end
   return parts
end

-- Where a photo lay that is gone.
local function place_of(set, entry)
   return (entry.file:sub(1, 1) == "/" or not set.dir) and entry.file or set.dir .. "/" .. entry.file
end

--- Whether a photo that the file at `path` names lies in another part of a set.
function split_file.differs(set, path)
   local entries = split_file.read(path) or {}
   local found = photos_of(set, parts_of(set, entries))
   for _, entry in ipairs(entries) do
      local photo = found[scute.nfc(entry.file)]
      if photo and photo.part ~= entry.split then return true end
   end
   return false
end

--- Makes the parts of a data set those that the file at `path` says, in its order: what is new is left out, with a note; what
-- is missing, a class that is new or gone, and a --split_csv that says otherwise now are failures that name it.
-- was_left_out: nil, or a function(entry, index in its part) that tells of those which could not be read, so that nothing is
-- missed where they are gone. Returns digests by path, as far as the file has them; nil where there is no file.
function split_file.hold(set, path, was_left_out)
   local entries, why = split_file.read(path)
   if not entries then
      if why:find "No such file" then return nil end
      console.fail("%s; without it the run cannot go on with its own photos", why)
   end
   local folder = path:match "^(.*)/" or "."
   check_classes(set, entries, folder)
   local found, n = photos_of(set, parts_of(set, entries))
   local parts, number, missing, digests, gone = empty_parts(set), {}, {}, {}, 0
   for class, name in ipairs(set.classes) do number[name] = class end
   for _, entry in ipairs(entries) do
      local photo, part, class = found[scute.nfc(entry.file)], parts[entry.split], number[entry.label]
      if photo and set.is_listed then check_same(set, photo, entry, folder) end
      if not photo and was_left_out and was_left_out(entry, #part.paths + 1) then
         photo, gone = { path = place_of(set, entry) }, gone + 1
      end
      if not photo then
         missing[#missing + 1] = entry.file
      else
         part.paths[#part.paths + 1], part.labels[#part.labels + 1] = photo.path, class
         part.counts[class] = part.counts[class] + 1
         crops.add(part, photo.part and set[photo.part] or {}, photo.index)
         digests[photo.path] = entry.digest
      end
   end
   if #missing > 0 then fail_for_missing(folder, missing) end
   set.train, set.val = parts.train, parts.val
   if #parts.test.paths > 0 then set.test = parts.test end
   local new = n - (#entries - gone)
   if new > 0 then
      set.notes[#set.notes + 1] = ("%s new since the run began and left out"):format(
         new == 1 and "1 photo is" or new .. " photos are")
   end
   return digests
end

--- Writes the split of a set into a folder of several runs, with the digests that are known (set.digests). A file of that name
-- that somebody else wrote is not touched.
function split_file.save(set, folder)
   local path = folder .. "/" .. split_file.NAME
   if lfs.attributes(path) and not split_file.read(path) then
      console.fail("output_dir: '%s' is a file of yours; move it away, or choose another --output_dir", path)
   end
   console.guard("output_dir", scute.files.mkdirs, folder)
   console.guard("output_dir", scute.files.write, path, split_file.text(set, set.digests or {},
      rawget(set, "test") and OF_RUNS))
end

return split_file
