-- A catalogue as a table: a CSV file with a row for each photo.
local cjson = require "cjson"
local console = require "scute.base.console"
local file_text = require "scute.base.file_text"
local scute = require "scute.core"
local boxes = require "scute.reid.catalogue.boxes"
local columns = require "scute.reid.catalogue.columns"
local csv = require "scute.base.csv"
local dates = require "scute.reid.catalogue.dates"
local masks = require "scute.reid.catalogue.masks"
local said = require "scute.reid.catalogue.said"
local sides = require "scute.reid.catalogue.sides"

local sheet = {}

local PARTS = { train = "train", training = "train", database = "train", gallery = "train", val = "valid", valid = "valid",
   validation = "valid", test = "test", testing = "test", query = "test" }

local find = string.find

-- A row's field, nil where it says nothing.
local function cell(row, number)
   local text = number and row[number]
   return text and said(text) or nil
end

-- A function that reads individuals: name in one way of writing it, nil where it is not known. What says so is counted.
local function identities(opened)
   local names, unknown = {}, {}
   local function clean(text)
      if not utf8.len(text) then
         console.fail("%s, line %d: the identity '%s' is not UTF-8; save the file as UTF-8", opened.path, opened.line, text)
      end
      local name = scute.nfc(text)
      names[text] = name:lower() ~= "unknown" and name or false
      return names[text]
   end
   return function(row, number)
      local text = cell(row, number)
      local name = text and names[text]
      if text and name == nil then name = clean(text) end
      if name then return name end
      local written = row[number] or ""
      unknown[written] = (unknown[written] or 0) + 1
   end, unknown
end

-- A function that reads the given splits of a row. Photos in the same parts share one table.
local function splits(chosen, trouble)
   local known, list = {}, chosen.splits
   local function read(row, file, place)
      local of_row = {}
      for _, split in ipairs(list) do
         local text = cell(row, split[2])
         of_row[split[1]] = text and PARTS[text:lower()]
         if text and not PARTS[text:lower()] then
            trouble:add("split", file, place(), "unknown split '%s'; expected train, val (or valid) or test", text)
            return of_row
         end
      end
      return of_row, true
   end
   return function(row, file, place)
      local key = list[1] and row[list[1][2]]
      for i = 2, #list do key = key .. "\0" .. row[list[i][2]] end
      local of_row = key and known[key]
      if key and not of_row then
         local is_good
         of_row, is_good = read(row, file, place)
         known[key] = is_good and of_row or nil -- each that is not is told
      end
      return of_row
   end
end

local function box_of(row, at)
   if type(at) ~= "table" then
      local text = cell(row, at)
      if text then return boxes.read(text) end
      return nil
   end
   local values = {}
   for i = 1, 4 do values[i] = cell(row, at[i]) end
   if next(values) == nil then return nil end
   return boxes.of(tonumber(values[1]), tonumber(values[2]), tonumber(values[3]), tonumber(values[4]))
end

-- What JSON or Python wrote: { 'counts': ..., 'size': ... }, [[...]].
local function mask_of(text, width, height)
   local first = text:sub(1, 1)
   if first ~= "{" and first ~= "[" then return nil, "expected run lengths or polygons of COCO, found a text" end
   if first == "{" and not find(text, '"', 1, true) then
      text = text:gsub("\\\\", "\\"):gsub("\\", "\\\\"):gsub("'", '"')
   end
   local ok, value = pcall(cjson.decode, text)
   if not ok or type(value) ~= "table" then return nil, "the mask was cut off" end
   return masks.check(value, width, height)
end

--- Opens a table. Returns { path, name, header, columns } and a function that returns its rows and their lines one after the
-- other.
-- wanted: which column says what (see columns.choose).
function sheet.open(path, wanted)
   local next_row = csv.reader(file_text(path))
   local function checked_row()
      local row, at, line = next_row()
      if line then console.fail("%s, line %d: %s", path, line, at) end
      return row, at
   end
   local header = checked_row()
   if not header then console.fail("'%s' is empty", path) end
   return { path = path, name = path:match "[^/]+$", header = header, columns = columns.choose(path, header, wanted) },
      checked_row
end

local function check_columns(opened)
   for _, what in ipairs { "file", "identity" } do
      if not opened.columns[what] then
         console.fail("%s: no column says the %s; name it (%s); it has %s", opened.path, what, columns.how(what),
            table.concat(opened.header, ", "))
      end
   end
end

-- What is cut out of a row's photo: box, and mask where it is wanted. Returns false where the photo is left out for it.
local function cut_of(opened, row, entry, o, trouble)
   local at = opened.columns
   local box, why = box_of(row, at.box)
   if why then
      trouble:add("box", entry.file, opened.place(opened.line), "the box of '%s': %s", entry.file, why)
      return false
   end
   entry.box = box
   local text = o.mask and cell(row, at.mask)
   if text then
      entry.mask, why = mask_of(text, boxes.pixels(cell(row, at.width)), boxes.pixels(cell(row, at.height)))
      if why then trouble:add("mask", entry.file, opened.place(opened.line), "%s", why) end
   end
   return true
end

-- The box as far as it is inside of the photo, where that is known; false where none of it is.
local function clip(opened, row, entry, trouble)
   local at = opened.columns
   local width, height = boxes.pixels(cell(row, at.width)), boxes.pixels(cell(row, at.height))
   local inside, is_cut = boxes.within(entry.box, width, height)
   local box = entry.box
   if inside and not is_cut then entry.box = inside return true end
   trouble:add(inside and "clipped" or "outside", entry.file, opened.place(opened.line), "the box %s, %s, %s, %s of a photo%s",
      box[1], box[2], box[3], box[4], width and height and (" of %d x %d pixels"):format(width, height) or "")
   entry.box = inside
   return inside ~= nil
end

local function slashes(text)
   return find(text, "\\", 1, true) and not find(text, "/", 1, true) and text:gsub("\\", "/") or text
end

-- A function that makes an entry of a row.
local function entries(opened, trouble)
   local at = opened.columns
   local identity, unknown = identities(opened)
   local split = splits(at, trouble)
   local function where() return opened.place(opened.line) end
   opened.unknown = unknown
   return function(row)
      local file = cell(row, at.file)
      if not file then
         trouble:add("unnamed", "", where(), "the file is empty")
         return nil
      end
      file = slashes(file)
      local entry = { file = file, identity = identity(row, at.identity), split = split(row, file, where) }
      local text = cell(row, at.date)
      if text then
         local why
         entry.date, entry.time, why = dates.read(text)
         if why then trouble:add("date", file, where(), "'%s' %s", text, why) end
      end
      text = not entry.time and cell(row, at.time)
      if text then entry.time = dates.time(text) or select(2, dates.read(text)) end
      entry.encounter = cell(row, at.encounter)
      text = cell(row, at.side)
      entry.side = text and sides.read(text)
      return entry
   end
end

--- Reads the rows of an opened table (see sheet.open). visit(entry, row) gets each: entry = { file, identity, date, time,
-- encounter, side, split } as far as they are said. Afterwards opened.unknown has how often each text stood for an individual
-- that is not known.
function sheet.each(opened, next_row, trouble, visit)
   check_columns(opened)
   opened.place = function(line) return ("%s, line %d"):format(opened.name, line) end
   local entry_of, width = entries(opened, trouble), #opened.header
   for row, line in next_row do
      opened.line = line
      if #row ~= width then
         console.fail("%s, line %d: expected %d fields as in the first line, found %d", opened.path, line, width, #row)
      end
      local entry = entry_of(row)
      if entry then visit(entry, row) end
   end
end

-- Whether boxes are used: crop is "box" where a column has boxes, unless the user says "none".
local function crop_of(opened, crop)
   if crop == "none" then return "none" end
   local has_boxes = opened.columns.box ~= nil
   if crop == nil then return has_boxes and "box" or "none" end
   if not has_boxes then
      console.fail("crop: '%s': no column of %s says the boxes; name it (%s), or take 'none'", crop, opened.path,
         columns.how "box")
   elseif crop ~= "box" then
      console.fail("crop: '%s': %s does not say what its boxes show; take 'box', or 'none'", crop, opened.path)
   end
   return crop
end

-- What photos lack that others have cut out.
local function add_lacking(notes, rows, crop, mask)
   local whole, bare = 0, 0
   for _, row in ipairs(rows) do whole, bare = whole + (row.box and 0 or 1), bare + (row.mask and 0 or 1) end
   if crop ~= "none" and whole > 0 then
      notes[#notes + 1] = console.count(whole, "photo is", "photos are") .. " without a box, taken whole"
   end
   if mask and bare > 0 then notes[#notes + 1] = console.count(bare, "photo has", "photos have") .. " no mask" end
end

--- Reads a table as a catalogue: { rows, lines = where each row stands, place = function(line) -> words, notes, crop, splits,
-- unknown }. o: the options of reid.catalogue.
function sheet.read(path, o, trouble)
   local opened, next_row = sheet.open(path, o.columns)
   local crop = crop_of(opened, o.crop)
   if o.mask and not opened.columns.mask then
      console.fail("mask: no column of %s says the masks; name it (%s)", path, columns.how "mask")
   end
   local rows, lines, n = {}, {}, 0
   sheet.each(opened, next_row, trouble, function(entry, row)
      if crop ~= "none" or o.mask then
         if not cut_of(opened, row, entry, o, trouble) then return end
         if crop == "none" then entry.box = nil end
         if entry.box and not clip(opened, row, entry, trouble) then return end
      end
      n = n + 1
      rows[n], lines[n] = entry, opened.line
   end)
   local names = {}
   for i, split in ipairs(opened.columns.splits) do names[i] = split[1] end
   local notes = { columns.text(opened.header, opened.columns) }
   add_lacking(notes, rows, crop, o.mask)
   return { rows = rows, lines = lines, place = opened.place, crop = crop, splits = names, unknown = opened.unknown,
      notes = notes }
end

return sheet
