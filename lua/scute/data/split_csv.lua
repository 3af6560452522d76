-- A split that somebody made with care, from a CSV file: which photos train and which validate is knowledge (no photo of
-- one encounter on both sides, say) that folders do not hold.
--
-- Columns, in any order, others are passed over:
--   file    path of a photo, below the data folder or absolute
--   label   its class
--   split   train; val, valid or validation; test. Where nothing is val, test validates; otherwise it is there for a test
--   group   optional: what belongs together (an encounter, an animal); a warning tells of groups on both sides
local lfs = require "lfs"
local scute = require "scute.core"
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local content = require "scute.data.content"
local csv = require "scute.base.csv"
local folder = require "scute.data.folder"
local note = require "scute.data.note"

local split_csv = {}

local PARTS = { train = "train", val = "val", valid = "val", validation = "val", test = "test" }
local SHOWN = 3 -- groups on both sides that are named

local function read_rows(path)
   local file, why = io.open(path, "rb")
   if not file then console.fail("split_csv: cannot open '%s': %s", path, why:match "([^:]+)$":gsub("^%s+", "")) end
   local text, problem = file:read "a"
   file:close()
   if not text then console.fail("split_csv: cannot read '%s': %s", path, problem) end
   local rows, message, line = csv.parse(text)
   if not rows then console.fail("split_csv: %s, line %d: %s", path, line, message) end
   if #rows < 2 then console.fail("split_csv: '%s' has no rows; it needs the columns file, label, split", path) end
   return rows
end

-- Column name -> its number, from the first row.
local function read_header(path, header)
   local columns = {}
   for i, name in ipairs(header) do
      name = name:match "^%s*(.-)%s*$":lower()
      if columns[name] then console.fail("split_csv: %s: the column '%s' is there twice", path, name) end
      columns[name] = i
   end
   for _, name in ipairs { "file", "label", "split" } do
      if not columns[name] and #header == 1 and header[1]:find "[;\t]" then
         console.fail("split_csv: %s: expected commas between the fields, found %s", path,
            header[1]:find ";" and "semicolons" or "tabs")
      elseif not columns[name] then
         console.fail("split_csv: %s: the column '%s' is missing; found %s", path, name, table.concat(header, ", "))
      end
   end
   return columns
end

-- A path in one way of writing it: "./a//b/../c.jpg" is "a/c.jpg".
local function cleaned(path)
   local parts = {}
   for part in path:gmatch "[^/]+" do
      if part == ".." and #parts > 0 and parts[#parts] ~= ".." then
         parts[#parts] = nil
      elseif part ~= "." then
         parts[#parts + 1] = part
      end
   end
   return (path:sub(1, 1) == "/" and "/" or "") .. table.concat(parts, "/")
end

-- One row as {file, label, part, group, line}, checked.
local function read_row(path, columns, row, width)
   local function fail(format, ...)
      console.fail("split_csv: %s, line %d: %s", path, row.line, format:format(...))
   end
   if #row ~= width then fail("expected %d fields as in the first line, found %d", width, #row) end
   local entry = { file = row[columns.file], label = scute.nfc(row[columns.label]:match "^%s*(.-)%s*$"), line = row.line,
      part = PARTS[row[columns.split]:match "^%s*(.-)%s*$":lower()], group = columns.group and row[columns.group] or "" }
   if entry.file == "" then fail "the file is empty" end
   if entry.label == "" then fail("the label of '%s' is empty", entry.file) end
   if not entry.part then
      fail("unknown split '%s'; expected train, val (or valid, validation) or test", row[columns.split])
   end
   return entry
end

local function check_files(path, dir, entries)
   local missing, first, by_path = 0, nil, {}
   for _, entry in ipairs(entries) do
      entry.path = entry.file:sub(1, 1) == "/" and cleaned(entry.file) or dir .. "/" .. cleaned(entry.file)
      local whole = cleaned(entry.path:sub(1, 1) == "/" and entry.path or lfs.currentdir() .. "/" .. entry.path)
      local earlier = by_path[whole]
      if earlier then
         console.fail("split_csv: %s, line %d: '%s' is listed already in line %d", path, entry.line, entry.file, earlier.line)
      end
      by_path[whole] = entry
      if lfs.attributes(entry.path, "mode") ~= "file" then
         missing, first = missing + 1, first or entry
      end
   end
   if missing > 0 then
      console.fail("split_csv: %s, line %d: there is no file '%s'%s; paths are relative to data_dir", path, first.line,
         first.path, missing > 1 and (" (and %d more are missing)"):format(missing - 1) or "")
   end
end

local function is_there(entries, part)
   for _, entry in ipairs(entries) do
      if entry.part == part then return true end
   end
   return false
end

-- A warning where photos of one group train and validate: the accuracy then says little about new groups.
local function check_groups(path, entries, validates)
   local sides, names = {}, {}
   for _, entry in ipairs(entries) do
      local side = entry.part == "train" and "train" or entry.part == validates and "val"
      if entry.group ~= "" and side then
         local seen = sides[entry.group]
         if not seen then
            seen = { train = 0, val = 0 }
            sides[entry.group], names[#names + 1] = seen, entry.group
         end
         seen[side] = seen[side] + 1
      end
   end
   local shared = {}
   for _, name in ipairs(names) do
      if sides[name].train > 0 and sides[name].val > 0 then shared[#shared + 1] = name end
   end
   if #shared == 0 then return end
   console.warn("split_csv: %s: %s of %d on both sides of the split (%s%s): the accuracy will be better than on new ones", path,
      #shared == 1 and "1 group" or #shared .. " groups", #names, table.concat(shared, ", ", 1, math.min(SHOWN, #shared)),
      #shared > SHOWN and ", ..." or "")
end

local function class_names(path, entries, validates)
   local trains, seen = {}, {}
   for _, entry in ipairs(entries) do
      if entry.part == "train" and not seen[entry.label] then
         folder.check_name("split_csv", entry.label)
         seen[entry.label], trains[#trains + 1] = true, entry.label
      end
   end
   for _, entry in ipairs(entries) do
      if entry.part == validates and not seen[entry.label] then
         console.fail("split_csv: %s, line %d: class '%s' validates but does not train; a model cannot learn a class it has "
            .. "no photos of", path, entry.line, entry.label)
      end
   end
   if #trains < 2 then
      console.fail("split_csv: %s: expected at least two classes that train, found %s", path,
         #trains == 0 and "none" or "'" .. trains[1] .. "' only")
   end
   return folder.sort_bytes(trains)
end

-- The entries whose files are photos by their first bytes; the others are noted, and end it where they are all of a class in
-- one part.
local function readable(set, path, entries)
   local paths, message, total, left = {}, {}, {}, {}
   for i, entry in ipairs(entries) do paths[i] = entry.path end
   local photos, broken = content.sort({ paths }, true)
   for _, entry in ipairs(broken) do
      message[entry.path] = entry.message
      set.broken[#set.broken + 1] = { path = entry.path, message = entry.message }
   end
   local kept = {}
   for _, entry in ipairs(entries) do
      local key = entry.part .. " " .. entry.label
      total[key] = (total[key] or 0) + 1
      if not message[entry.path] then kept[#kept + 1], left[key] = entry, true end
   end
   for _, entry in ipairs(#kept < #entries and entries or {}) do
      local key = entry.part .. " " .. entry.label
      if entry.part ~= "test" and not left[key] then
         console.fail("split_csv: %s: none of the %s of class '%s' with the split %s can be read; the first: %s", path,
            console.count(total[key], "photo"), entry.label, entry.part, message[entry.path])
      end
   end
   return #photos[1] < #entries and kept or entries
end

local function fill(part, entries, wanted, classes)
   local numbers = {}
   for class, name in ipairs(classes) do numbers[name], part.counts[class] = class, 0 end
   for _, entry in ipairs(entries) do
      local class = entry.part == wanted and numbers[entry.label]
      if class then
         part.paths[#part.paths + 1], part.labels[#part.labels + 1] = entry.path, class
         part.counts[class] = part.counts[class] + 1
      end
   end
end

-- What belongs together, by path; nil where the file says nothing of it.
local function groups_of(entries)
   local groups = {}
   for _, entry in ipairs(entries) do groups[entry.path] = entry.group ~= "" and entry.group or nil end
   return next(groups) and groups or nil
end

-- The photos of the split "test" of classes that train, where others validate; nil where there are none.
local function to_test(entries, validates, classes)
   local part = as_text.part { paths = {}, labels = {}, counts = {} }
   if validates ~= "test" then fill(part, entries, "test", classes) end
   return #part.paths > 0 and part or nil
end

local function add_notes(set, entries, validates)
   local without = {}
   for class, name in ipairs(set.classes) do
      if set.val.counts[class] == 0 then without[#without + 1] = name end
   end
   note(set.notes, without, "has no photo that validates", "have no photo that validates")
   if validates ~= "val" then return end
   local tests, all = set.test and #set.test.paths or 0, 0
   for _, entry in ipairs(entries) do all = all + (entry.part == "test" and 1 or 0) end
   if tests > 0 then
      set.notes[#set.notes + 1] = ("%s of the split 'test' %s there for a test, and neither %s nor %s"):format(
         console.count(tests, "photo"), tests == 1 and "is" or "are", tests == 1 and "trains" or "train",
         tests == 1 and "validates" or "validate")
   end
   if all > tests then
      set.notes[#set.notes + 1] = ("%s of the split 'test' left alone, of classes that do not train"):format(
         console.count(all - tests, "photo"))
   end
end

--- Fills a data set (see data.open) from the file at `path`. wanted: the split that validates, "val" or "test" (default: val
-- where it is there). What is wrong with it is a failure of one line.
function split_csv.fill(set, path, wanted)
   local rows = read_rows(path)
   local columns, entries = read_header(path, rows[1]), {}
   for i = 2, #rows do entries[i - 1] = read_row(path, columns, rows[i], #rows[1]) end
   local validates = wanted or is_there(entries, "val") and "val" or "test"
   if not is_there(entries, validates) then
      console.fail("split_csv: %s: no photo validates; give some of them the split %s", path, wanted or "val")
   end
   set.classes = class_names(path, entries, validates)
   check_files(path, set.dir, entries)
   entries = readable(set, path, entries)
   set.is_listed = true -- by somebody, and so nobody else's to change
   fill(set.train, entries, "train", set.classes)
   fill(set.val, entries, validates, set.classes)
   set.test = to_test(entries, validates, set.classes)
   set.groups = groups_of(entries)
   check_groups(path, entries, validates)
   add_notes(set, entries, validates)
   set.split = ("%s, %s"):format(path:match "[^/]+$", validates)
end

return split_csv
