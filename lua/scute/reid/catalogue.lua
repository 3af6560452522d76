-- Catalogues of animals that are known one by one: which photos there are, who is on them, when and from which side they were
-- taken, and where on them the animal is. The parts, in catalogue/:
--    found          what lies at a path
--    folders, sheet, coco (coco_file)   what is read, as people keep it
--    columns        which column says what
--    dates, sides, boxes, masks, said   single values
--    trouble        what is wrong with single photos
--    notes          what is told of all of it
local coco = require "scute.reid.catalogue.coco"
local columns = require "scute.reid.catalogue.columns"
local console = require "scute.base.console"
local content = require "scute.data.content"
local find = require "scute.reid.catalogue.found"
local folders = require "scute.reid.catalogue.folders"
local notes_of = require "scute.reid.catalogue.notes"
local options = require "scute.base.options"
local sheet = require "scute.reid.catalogue.sheet"
local surplus = require "scute.base.surplus"
local trouble = require "scute.reid.catalogue.trouble"

local CATALOGUE = options.declare("reid.catalogue", {
   { "columns", is = options.of_type "table", expected = "a table of names of columns", default = function() return {} end,
     show = "their usual names",
     help = "which columns of a CSV file say what: { file =, identity =, date =, time =, encounter =, side =, box =, mask =, "
        .. "width =, height =, id =, split = }; split is one name, or { name of a split = column }" },
   { "crop", text = true, show = "head, the only category, or the column of boxes",
     help = "what is cut out of the photos: a category of the annotations (turtle, head, flipper, ...), box (the column of a "
        .. "CSV file), or none" },
   { "mask", flag = true, default = false, help = "take masks of the category along, too" },
   { "photos", text = true, show = "where the file lies", help = "the folder below which the paths in a file are" },
   { "check_files", flag = true, default = true,
     help = "look whether each photo is there and is one by its first bytes; what is not is left out and told" },
})

-- ---- photos ----

local function add_paths(rows, base)
   local prefix = base == "/" and "/" or base .. "/"
   for _, row in ipairs(rows) do row.path = row.file:sub(1, 1) == "/" and row.file or prefix .. row.file end
end

-- Takes rows out of a reading: those for which keep(row, i) is false.
local function filter(reading, keep)
   local rows, lines, n = {}, {}, 0
   for i, row in ipairs(reading.rows) do
      if keep(row, i) then
         n = n + 1
         rows[n], lines[n] = row, reading.lines[i]
      end
   end
   reading.rows, reading.lines = rows, lines
end

local function box_text(row)
   return row.box and table.concat(row.box, " ") or ""
end

-- The same photo, or part of one, twice is one; as two individuals it is a contradiction, of which no one here can tell which
-- is true.
local function without_repeats(reading, found)
   local by_path, n = {}, 0
   for _, row in ipairs(reading.rows) do
      by_path[row.path] = (by_path[row.path] or 0) + 1
      if by_path[row.path] == 2 then n = n + 1 end
   end
   reading.has_repeats = n > 0
   if n == 0 then return end
   local seen = {}
   filter(reading, function(row, i)
      if by_path[row.path] == 1 then return true end
      local key = row.path .. "\0" .. box_text(row)
      local before = seen[key]
      seen[key] = before or { row = row, line = reading.lines[i] }
      if not before then return true end
      if before.row.identity == row.identity then
         found:add("repeated", row.file, reading.place(reading.lines[i]), "'%s' is listed already: %s", row.file,
            reading.place(before.line))
         return false
      end
      found:add("contradicted", row.file, reading.place(reading.lines[i]), "'%s' is %s, and '%s' in %s", row.file,
         row.identity and ("'%s'"):format(row.identity) or "of nobody known", before.row.identity or "nobody known",
         reading.place(before.line))
      return true
   end)
end

local function without_unreadable(reading, found)
   local paths, seen, faults = {}, {}, {}
   for _, row in ipairs(reading.rows) do
      if not seen[row.path] then seen[row.path], paths[#paths + 1] = true, row.path end
   end
   local _, broken = content.sort({ paths }, true)
   if #broken == 0 then return end
   for _, entry in ipairs(broken) do faults[entry.path] = entry.message end
   filter(reading, function(row, i)
      local fault = faults[row.path]
      if fault then found:add("unreadable", row.file, reading.place(reading.lines[i]), "%s", fault) end
      return not fault
   end)
end

-- Encounters that nobody gave: an individual on a day.
local function add_encounters(rows)
   for _, row in ipairs(rows) do
      if not row.encounter and row.identity and row.date then row.encounter = row.identity .. " " .. row.date end
   end
end

-- ---- reading ----

local function check_rows(path, reading, found)
   if #reading.rows > 0 then return end
   local first = found.list[1]
   if first then console.fail("no photo of '%s' can be used; the first: %s", path, first.message) end
   console.fail("'%s' lists no photos", path)
end

local function read(at, o, found)
   if at.kind == "folders" then return folders.read(at.path, o, found) end
   if at.kind == "coco" then return coco.read(at.path, at.dir, o, found) end
   return sheet.read(at.path, o, found)
end

-- A catalogue only grows while it is read: left to itself the collector would look at all of it again and again.
local function patient_collector()
   local before = collectgarbage("setpause", 400)
   return setmetatable({}, { __close = function() collectgarbage("setpause", before) end })
end

local function open(path, o)
   local _ <close> = patient_collector()
   local at, found = find(path, o.columns), trouble.new()
   local reading = read(at, o, found)
   reading.lines = reading.lines or {}
   for i = #reading.lines + 1, #reading.rows do reading.lines[i] = i end
   add_paths(reading.rows, o.photos and o.photos:gsub("(.)/+$", "%1") or at.dir)
   without_repeats(reading, found)
   if o.check_files and not reading.is_looked_at then without_unreadable(reading, found) end
   check_rows(path, reading, found)
   add_encounters(reading.rows)
   return { dir = at.dir, kind = at.kind, rows = reading.rows, notes = notes_of(reading, at.kind, found),
      problems = found.list, crop = reading.crop, splits = reading.splits }
end

--- Reads a catalogue of individuals. path: a folder, which is looked into (annotations.json in COCO's form, with
-- metadata_splits.csv or metadata.csv beside it, as SeaTurtleID2022 is distributed; metadata.csv of wildlife-datasets or
-- WildlifeReID-10k; another CSV file; else one folder of photos for each individual), or one of these files. Returns
--    { dir, kind = "folders", "csv", "coco" or "metadata", rows, notes = lines for people, problems = list of { file,
--      message }, crop = what is cut out, splits = names of the given splits }, where a row is
--    { file = the photo's name in the catalogue, path = where it lies, identity (nil: nobody known), date = "YYYY-MM-DD",
--      time = "HH:MM:SS", encounter = the one given, else individual and day, side = "left", "right", "top", ..., box = { x, y,
--      width, height, of = { the photo's width, height } where they are said } in pixels, x and y from 0, mask = COCO's run
--      lengths { counts, size } or polygons, split = { name of a given split = "train", "valid" or "test" } }, each nil where
--      nothing is said of it.
-- A photo stands in several rows where several animals or parts are on it. Rows of a table are in its order, those of
-- annotations in the order of photos' ids, as wildlife-datasets 1.0.9 has them. What is wrong with a single photo (a date
-- that is none, a box over its edge, ...) is told and costs that much only; what makes all of it doubtful (a column that is not
-- there, a file that was cut off) is a failure of one line.
local function catalogue(path, given, ...)
   surplus.refuse("reid.catalogue(path, options)", "options stand in one table", ...)
   local o = CATALOGUE:read(given)
   if type(path) ~= "string" or path == "" then
      error(("reid.catalogue: expected the path of a folder or a file, found %s"):format(console.brief(path)), 2)
   end
   columns.check(o.columns)
   path = path:gsub("(.)/+$", "%1")
   return open(path, o)
end
surplus.refused_by(catalogue)

return CATALOGUE:describes(catalogue)
