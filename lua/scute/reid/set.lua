-- A catalogue and its split as a data set that train.fit takes: its classes are the individuals that train.
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local content = require "scute.data.content"
local folder = require "scute.data.folder"
local leak = require "scute.reid.split.leak"
local note = require "scute.data.note"
local part_of = require "scute.reid.part"
local surplus = require "scute.base.surplus"
local thousands = require("scute.base.columns").thousands

-- ---- what can be read ----

-- What is wrong with files that are no photos by their first bytes, by path.
local function faults_of(rows, split)
   local paths, seen, faults = {}, {}, {}
   for _, name in ipairs { "train", "val", "test" } do
      for _, i in ipairs(split[name]) do
         local path = rows[i].path
         if not seen[path] then seen[path], paths[#paths + 1] = true, path end
      end
   end
   local _, broken = content.sort({ paths }, true)
   for _, entry in ipairs(broken) do faults[entry.path] = entry.message end
   return faults, broken
end

-- The numbers of the rows of a list whose file can be read.
local function readable(rows, list, faults)
   if not next(faults) then return list end
   local kept = {}
   for _, i in ipairs(list) do
      if not faults[rows[i].path] then kept[#kept + 1] = i end
   end
   return kept
end

-- ---- classes ----

-- The individuals of rows in byte order, and the number of each by name.
local function classes_of(rows, list)
   local names, number = {}, {}
   for _, i in ipairs(list) do
      local name = rows[i].identity
      if not number[name] then
         folder.check_name("reid.set", name)
         names[#names + 1], number[name] = name, true
      end
   end
   for class, name in ipairs(folder.sort_bytes(names)) do number[name] = class end
   return names, number
end

local function check_classes(classes, split)
   if #classes >= 2 then return end
   console.fail("reid.set: %s (split: %s); to tell individuals apart at least two are needed", #classes == 0
      and "no individual trains" or ("one individual only trains, '%s'"):format(classes[1]), split.text)
end

local REMEDIES = {
   time_closed = "individuals that were seen on three days are needed, or test_fraction = 0, so that the last day of each one "
      .. "validates",
   encounter = "individuals with three encounters are needed, or test_fraction = 0, so that one of two validates",
   random = "individuals with three photos are needed, or test_fraction = 0, so that one of two validates",
   time_open = "an earlier val_from, or another protocol",
   individual = "individuals with two encounters are needed, so that one validates",
   given = "individuals with two encounters that train are needed, so that one validates",
}

local function fail_for_no_validation(split, unknown)
   console.fail("reid.set: %s (split: %s): %s", unknown == 0 and "no photo validates"
      or ("none of %s that %s is of an individual that trains"):format(console.count(unknown, "photo"),
         unknown == 1 and "validates" or "validate"), split.text, split.val_fraction == 0 and "val_fraction is 0"
      or REMEDIES[split.protocol] or "choose another protocol")
end

-- ---- notes ----

local function add_all(notes, more)
   table.move(more or {}, 1, #(more or {}), #notes + 1, notes)
end

local function add_unknown(notes, n, verb, verbs)
   if n == 0 then return end
   notes[#notes + 1] = ("%s of individuals that do not train: %s only where new ones are asked for"):format(
      n == 1 and "1 photo that " .. verb .. " is" or thousands(n) .. " photos that " .. verbs .. " are",
      n == 1 and "it counts" or "they count")
end

local function add_lost(notes, rows, split, number)
   local lost, seen = {}, {}
   for _, i in ipairs(split.train) do
      local name = rows[i].identity
      if not number[name] and not seen[name] then seen[name], lost[#lost + 1] = true, name end
   end
   note(notes, folder.sort_bytes(lost), "has no photo that trains and can be read, and is unknown",
      "have no photo that trains and can be read, and are unknown")
end

-- ---- the set ----

-- The numbers of the rows of a list whose individual has no number.
local function without(rows, list, number)
   local found = {}
   for _, i in ipairs(list) do
      if not number[rows[i].identity] then found[#found + 1] = i end
   end
   return found
end

-- What belongs together, by path, for cross validation: the photos of one encounter of an individual; nil where none is known.
local function groups_of(rows, split)
   local groups = {}
   for _, name in ipairs { "train", "val" } do
      for _, i in ipairs(split[name]) do
         local row = rows[i]
         if row.encounter then groups[row.path] = row.identity .. " " .. row.encounter end
      end
   end
   return next(groups) and groups or nil
end

local function check(catalogue, split)
   if type(catalogue) ~= "table" or type(catalogue.rows) ~= "table" then
      error("reid.set: expected a catalogue as reid.catalogue returns it, found " .. console.brief(catalogue), 3)
   end
   if type(split) ~= "table" or type(split.train) ~= "table" or type(split.val) ~= "table" then
      error("reid.set: expected a split as reid.split returns it, found " .. console.brief(split), 3)
   end
end

--- A data set for train.fit of a catalogue (see reid.catalogue) and its split (see reid.split). Its classes are the individuals
-- that train, in byte order; photos of others validate nothing. Warns where 1 % of the photos that test, or more, are of an
-- encounter that trains; the share is a note in any case.
-- Returns what data.open does, with is_listed = true and
--    unknown        numbers of the catalogue's rows that validate, of individuals that do not train (new ones)
--    unknown_test   the same of those that test; those of known ones are in set.test (nil: none)
--    leak, reid     the split's, and the split itself
-- Each part has `rows` too, the numbers of its photos in the catalogue, and where the catalogue has such boxes and masks, lists
-- with false for a photo that has none. Files that are no photos are in set.broken.
local function set(catalogue, split, ...)
   surplus.refuse("reid.set(catalogue, split)", "the split's options are those of reid.split", ...)
   check(catalogue, split)
   local rows = catalogue.rows
   local faults, broken = faults_of(rows, split)
   local train, val, test = readable(rows, split.train, faults), readable(rows, split.val, faults),
      readable(rows, split.test, faults)
   local classes, number = classes_of(rows, train)
   check_classes(classes, split)
   local made = as_text.set { dir = catalogue.dir, classes = classes, train = part_of(catalogue, train, number),
      val = part_of(catalogue, val, number), notes = {}, broken = broken, others = 0, split = split.text, is_listed = true,
      groups = groups_of(rows, split), unknown = without(rows, val, number), unknown_test = without(rows, test, number),
      leak = split.leak, reid = split }
   if #made.val.paths == 0 then fail_for_no_validation(split, #made.unknown) end
   if #test > #made.unknown_test then made.test = part_of(catalogue, test, number) end
   add_all(made.notes, catalogue.notes)
   add_all(made.notes, split.notes)
   add_lost(made.notes, rows, split, number)
   add_unknown(made.notes, #made.unknown, "validates", "validate")
   add_unknown(made.notes, #made.unknown_test, "tests", "test")
   made.notes[#made.notes + 1] = leak.text(split)
   leak.warn(split)
   leak.warn_of_none(split)
   return made
end

return surplus.refused_by(set)
