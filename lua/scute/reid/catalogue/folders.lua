-- A catalogue as folders: one for each individual. Folders named train, val and test with those inside are a given split, and
-- what lies deeper tells days, sides and encounters by the names of its folders.
local console = require "scute.base.console"
local class_list = require "scute.base.class_list"
local content = require "scute.data.content"
local dates = require "scute.reid.catalogue.dates"
local folder = require "scute.data.folder"
local layout = require "scute.data.layout"
local scute = require "scute.core"
local sides = require "scute.reid.catalogue.sides"

local folders = {}

local PARTS = { train = "train", val = "valid", test = "test" }

-- The folders below which those of individuals are: a list of { prefix, names, part }; and the names of others that are left
-- alone because some are splits.
local function roots_of(dir, names)
   local of_kind, others, n = {}, {}, 0
   for _, name in ipairs(names) do
      local kind = layout.kind(name)
      if kind and not of_kind[kind] and #folder.folders(dir .. "/" .. name) > 0 then
         of_kind[kind], n = name, n + 1
      else
         others[#others + 1] = name
      end
   end
   if not of_kind.train or n < 2 then return { { prefix = "", names = names } }, {} end
   local roots = {}
   for _, kind in ipairs { "train", "val", "test" } do
      local name = of_kind[kind]
      if name then
         roots[#roots + 1] = { prefix = name .. "/", names = folder.classes(dir .. "/" .. name), part = PARTS[kind] }
      end
   end
   return roots, others
end

-- What the folders between that of an individual and a photo say: day, side, encounter.
local function meaning_of(between)
   local said, rest = {}, {}
   for name in between:gmatch "[^/]+" do
      local date = not said.date and dates.read(name) or nil
      if date then
         said.date = date
      elseif not said.side and sides.is_one(name) then
         said.side = sides.read(name)
      else
         rest[#rest + 1] = name
      end
   end
   said.encounter = #rest > 0 and table.concat(rest, "/") or nil
   return said
end

local function name_of(path, name)
   local clean = scute.nfc(name:match "^%s*(.-)%s*$")
   if not utf8.len(clean) then
      console.fail("the name of the folder '%s' is not UTF-8, as a model file needs it; rename it", path)
   end
   return clean:lower() ~= "unknown" and clean or nil
end

-- The individuals' folders of all roots as lists: { path, prefix, identity, split }, and the files below each.
local function individuals_of(dir, roots)
   local found, files = {}, {}
   for _, root in ipairs(roots) do
      local split = root.part and { given = root.part }
      for _, name in ipairs(root.names) do
         local path = dir .. "/" .. root.prefix .. name
         found[#found + 1] = { path = path, prefix = root.prefix .. name .. "/", identity = name_of(path, name), split = split,
            name = name }
         files[#files + 1] = folder.files(path)
      end
   end
   return found, files
end

local function row_of(individual, path, known)
   local below = path:sub(#individual.path + 2)
   local between = below:match "^(.*)/[^/]*$" or ""
   known[between] = known[between] or meaning_of(between)
   local said = known[between]
   local encounter = said.encounter and ("%s/%s"):format(individual.name, said.encounter)
   return { file = individual.prefix .. below, identity = individual.identity, date = said.date, side = said.side,
      encounter = encounter, split = individual.split }, encounter
end

local function add_notes(notes, dir, others, left, encounters, other_files)
   if #left > 0 then
      notes[#notes + 1] = ("beside the splits in '%s' left alone: %s"):format(dir, class_list.text(left))
   end
   if #others > 0 then
      notes[#notes + 1] = ("%s beside the folders of '%s' left alone"):format(console.count(#others, "file"), dir)
   end
   for _, name in ipairs(others) do
      if name:lower():find "%.csv$" then
         notes[#notes + 1] = ("'%s/%s' is not read: no column of it is called file, or none identity (columns says their "
            .. "names)"):format(dir, name)
      end
   end
   if encounters[1] then
      notes[#notes + 1] = ("folders inside those of individuals are taken as encounters: %s"):format(
         class_list.text(encounters))
   end
   if other_files > 0 then
      notes[#notes + 1] = other_files == 1 and "1 file is no photo and left alone"
         or ("%d files are no photos and left alone"):format(other_files)
   end
end

local function check(dir, names, files)
   if #names > 0 then return end
   if #files == 0 then console.fail("'%s' is empty; it should hold one folder of photos per individual", dir) end
   console.fail("'%s' holds %s, but no folder per individual, no metadata.csv and no annotations.json", dir,
      console.count(#files, "file"))
end

--- Reads folders as a catalogue (see sheet.read).
function folders.read(dir, o, trouble)
   if o.crop and o.crop ~= "none" then
      console.fail("crop: '%s': folders of photos hold no boxes; leave it away, or take 'none'", o.crop)
   end
   if o.mask then console.fail "mask: folders of photos hold no masks" end
   if o.photos then
      console.fail("photos: '%s': it is for a table or annotations, and '%s' is read as folders of photos", o.photos, dir)
   end
   local names, stray = folder.classes(dir), select(2, folder.list(dir))
   check(dir, names, stray)
   local roots, left = roots_of(dir, names)
   local found, files = individuals_of(dir, roots)
   local photos, broken, other_files = content.sort(files)
   for _, entry in ipairs(broken) do
      trouble:add("unreadable", entry.path:sub(#dir + 2), entry.path, "%s", entry.message)
   end
   local rows, n, known, encounters, seen, nobody = {}, 0, {}, {}, {}, 0
   for i, individual in ipairs(found) do
      for _, path in ipairs(photos[i]) do
         local row, encounter = row_of(individual, path, known)
         n = n + 1
         rows[n] = row
         nobody = nobody + (row.identity and 0 or 1)
         if encounter and not seen[encounter] then seen[encounter], encounters[#encounters + 1] = true, encounter end
      end
   end
   local notes = {}
   add_notes(notes, dir, stray, left, encounters, other_files)
   return { rows = rows, place = function(i) return rows[i].file end, crop = "none", notes = notes, is_looked_at = true,
      splits = roots[1].part and { "given" } or {}, unknown = nobody > 0 and { unknown = nobody } or {} }
end

return folders
