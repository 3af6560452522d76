-- A catalogue as annotations in COCO's form: which photos there are, and boxes and masks of parts of the animals in them. Who
-- they are and when they were seen tells a table beside it, as of SeaTurtleID2022 (metadata_splits.csv), or the file itself.
local cjson = require "cjson"
local contains = require "scute.base.contains"
local lfs = require "lfs"
local console = require "scute.base.console"
local scute = require "scute.core"
local boxes = require "scute.reid.catalogue.boxes"
local coco_file = require "scute.reid.catalogue.coco_file"
local columns = require "scute.reid.catalogue.columns"
local dates = require "scute.reid.catalogue.dates"
local masks = require "scute.reid.catalogue.masks"
local options = require "scute.base.options"
local said = require "scute.reid.catalogue.said"
local sheet = require "scute.reid.catalogue.sheet"
local sides = require "scute.reid.catalogue.sides"
local sorted_keys = require "scute.base.sorted_keys"

local coco = {}

local TABLES = { "metadata_splits.csv", "metadata.csv" }
local PREFERRED = "head" -- what is cut out where the user says nothing, as by wildlife-datasets

local IDENTITY = { "identity", "individual", "individual_id" }
local IDENTITY_OF_ANNOTATION = { "identity", "individual", "individual_id", "name" } -- of a photo that is the file's
local DATE = { "date", "date_captured", "datetime" }
local SIDE = { "orientation", "position", "viewpoint", "side" }
local SIDE_OF_FLIPPER = { "location", "orientation", "position", "viewpoint", "side" }

-- ---- fields ----

-- A value of JSON as a text, nil where it says nothing.
local function text_of(value)
   if type(value) == "number" then return math.tointeger(value) and ("%d"):format(value) or tostring(value) end
   return type(value) == "string" and said(value) or nil
end

-- The first of several fields that says something.
local function first_of(entry, names)
   for _, name in ipairs(names) do
      local value = entry[name]
      local text = value ~= nil and text_of(value)
      if text then return text end
   end
end

-- Numbers and texts that mean the same id, as one value.
local function id_of(value)
   local number = tonumber(value)
   if number then return math.tointeger(number) or number end
   return value ~= cjson.null and value ~= "" and value or nil
end

local function attributes_of(annotation)
   return type(annotation.attributes) == "table" and annotation.attributes or {}
end

local clean -- names by what was written, of the file at hand

local function identity_of(entry, names)
   local text = first_of(entry, names)
   if not text then return nil end
   local name = clean[text]
   if name == nil then
      name = scute.nfc(text)
      name = name:lower() ~= "unknown" and name
      clean[text] = name
   end
   return name or nil
end

local function side_of(annotation, category)
   local names = category == "flipper" and SIDE_OF_FLIPPER or SIDE
   local text = first_of(attributes_of(annotation), names) or first_of(annotation, names)
   return text and sides.read(text)
end

-- ---- categories ----

-- Names by id, and all of them in byte order.
local function categories_of(path, data)
   local by_id, names = {}, {}
   for i, category in ipairs(data.categories) do
      local id, name = id_of(category.id), text_of(category.name)
      if not id or not name then console.fail("%s: category %d has no id or no name", path, i) end
      by_id[id], names[name] = name, true
   end
   return by_id, sorted_keys(names)
end

-- Which category is cut out, "none" for whole photos.
local function crop_of(path, names, crop)
   if crop == nil then return contains(names, PREFERRED) and PREFERRED or #names == 1 and names[1] or "none" end
   if crop == "none" or contains(names, crop) then return crop end
   local known = table.move(names, 1, #names, 1, {})
   known[#known + 1] = "none"
   console.fail("crop: '%s' is no category of %s%s", crop, path, options.hint(crop, known))
end

-- ---- photos ----

-- Photos as the table beside the annotations lists them.
local function listed_in(path, o, trouble)
   local opened, next_row = sheet.open(path, o.columns)
   local photos, at = {}, opened.columns
   sheet.each(opened, next_row, trouble, function(entry, row)
      entry.id, entry.line = id_of(at.id and row[at.id]), opened.line
      entry.width, entry.height = boxes.pixels(at.width and row[at.width]), boxes.pixels(at.height and row[at.height])
      photos[#photos + 1] = entry
   end)
   return photos, opened
end

-- Photos as the annotations' own file lists them.
local function listed_here(name, data, trouble)
   local photos = {}
   for i, image in ipairs(data.images) do
      local file = first_of(image, { "file_name", "path" })
      if file then
         local photo = { id = id_of(image.id), file = file, identity = identity_of(image, IDENTITY), line = i,
            width = boxes.pixels(image.width), height = boxes.pixels(image.height) }
         local text = first_of(image, DATE)
         if text then
            local why
            photo.date, photo.time, why = dates.read(text)
            if why then trouble:add("date", file, ("%s, image %d"):format(name, i), "'%s' %s", text, why) end
         end
         photos[#photos + 1] = photo
      else
         trouble:add("unnamed", "", ("%s, image %d"):format(name, i), "it has no file_name")
      end
   end
   return photos
end

-- What the annotations' file says of its photos: ids by file, and files by id.
local function named_there(data)
   local ids, files = {}, {}
   for _, image in ipairs(data.images) do
      local file, id = text_of(image.file_name), id_of(image.id)
      if file then ids[file] = id end
      if file and id then files[id] = file end
   end
   return ids, files
end

-- A table may name photos from another folder on than the annotations do, so that the last part of a name has to do.
local function is_other(file, there)
   return there ~= nil and file:match "[^/\\]*$" ~= there:match "[^/\\]*$"
end

-- Photos by id. The same id has to mean the same file in both.
local function by_id(path, photos, data, place)
   local found = {}
   local ids, files = named_there(data)
   for _, photo in ipairs(photos) do
      photo.id = photo.id or ids[photo.file]
      local id = photo.id
      if id and found[id] then
         console.fail("%s: '%s' has the id %s of '%s'", place(photo.line), photo.file, id, found[id].file)
      elseif id and ids[photo.file] and ids[photo.file] ~= id then
         console.fail("%s: '%s' has the id %s, and in %s %s: boxes would be those of other photos", place(photo.line),
            photo.file, id, path, ids[photo.file])
      elseif id and is_other(photo.file, files[id]) then
         console.fail("%s: '%s' has the id %s, which in %s is '%s': boxes would be those of other photos; say which column "
            .. "has the ids of %s (columns = { id = ... })", place(photo.line), photo.file, id, path, files[id], path)
      end
      if id then found[id] = photo end
   end
   return found
end

-- Widths and heights where only the annotations' file tells them.
local function add_sizes(photos, data)
   for _, image in ipairs(data.images) do
      local photo = photos[id_of(image.id) or false]
      if photo then
         photo.width, photo.height = boxes.pixels(image.width) or photo.width, boxes.pixels(image.height) or photo.height
      end
   end
end

-- In the order of ids where those are numbers, as wildlife-datasets has them. No two are the same.
local function sort_by_id(photos)
   local is_sorted = true
   for i, photo in ipairs(photos) do
      if math.type(photo.id) ~= "integer" then return photos end
      is_sorted = is_sorted and (i == 1 or photos[i - 1].id < photo.id)
   end
   if not is_sorted then table.sort(photos, function(a, b) return a.id < b.id end) end
   return photos
end

-- ---- annotations ----

-- Gives each photo its annotations of the category that is cut out, and where none is, the side from which its head, or else
-- the whole animal, is seen.
local function spread(reading)
   local trouble, crop = reading.trouble, reading.crop
   for i, annotation in ipairs(reading.data.annotations) do
      local photo, category = reading.photos[id_of(annotation.image_id) or false],
         reading.categories[id_of(annotation.category_id) or false]
      if not photo then
         trouble:add("photo", "", reading.annotation(i), "there is no photo with the id %s",
            text_of(annotation.image_id) or "null")
      elseif not category then
         trouble:add("category", reading.prefix .. photo.file, reading.annotation(i), "there is no category with the id %s",
            text_of(annotation.category_id) or "null")
      elseif category == crop then
         photo.annotations = photo.annotations or {}
         table.insert(photo.annotations, i)
      elseif crop == "none" and (category == PREFERRED or not photo.seen) then
         photo.seen = side_of(annotation, category) or photo.seen
      end
   end
end

-- A row of a photo as a whole.
local function row_of(reading, photo)
   return { file = reading.prefix .. photo.file, identity = photo.identity, date = photo.date, time = photo.time,
      encounter = photo.encounter, side = photo.side or photo.seen, split = photo.split }
end

-- The box of an annotation, inside of its photo; nil where the photo is left out.
local function box_of(reading, i, photo)
   local function tell(kind, ...) reading.trouble:add(kind, reading.prefix .. photo.file, reading.annotation(i), ...) end
   local box, why = boxes.read(reading.data.annotations[i].bbox)
   if not box then
      tell("box", "the box of '%s': %s", photo.file, why)
      return nil
   end
   local inside, is_cut = boxes.within(box, photo.width, photo.height)
   if not inside or is_cut then
      tell(inside and "clipped" or "outside", "the box %s, %s, %s, %s of '%s'%s", box[1], box[2], box[3], box[4], photo.file,
         photo.width and photo.height and (" of %d x %d pixels"):format(photo.width, photo.height) or "")
   end
   return inside
end

local function mask_of(reading, i, photo)
   local given = reading.data.annotations[i].segmentation
   if type(given) ~= "table" then return nil end
   local mask, why = reading.data.counts(given), "the run lengths of the mask are damaged"
   if mask then mask, why = masks.check(mask, photo.width, photo.height) end
   if why then reading.trouble:add("mask", reading.prefix .. photo.file, reading.annotation(i), "'%s': %s", photo.file, why) end
   return mask
end

-- A row of an annotation; nil where its photo is left out.
local function cut_row(reading, i, photo)
   local annotation = reading.data.annotations[i]
   local row = row_of(reading, photo)
   row.box = box_of(reading, i, photo)
   if not row.box then return nil end
   row.identity = identity_of(annotation, IDENTITY_OF_ANNOTATION) or identity_of(attributes_of(annotation), IDENTITY)
      or row.identity
   row.side = side_of(annotation, reading.crop) or row.side
   if reading.mask then row.mask = mask_of(reading, i, photo) end
   return row
end

local function add_rows(reading, photos)
   local rows, lines, n, whole, bare = {}, {}, 0, 0, 0
   for _, photo in ipairs(photos) do
      for _, i in ipairs(photo.annotations or {}) do
         local row = cut_row(reading, i, photo)
         if row then
            n = n + 1
            rows[n], lines[n] = row, photo.line
            bare = bare + (reading.mask and not row.mask and 1 or 0)
         end
      end
      if not photo.annotations then
         n, whole = n + 1, whole + 1
         rows[n], lines[n] = row_of(reading, photo), photo.line
      end
   end
   return rows, lines, reading.crop ~= "none" and whole or 0, bare
end

-- ---- reading ----

-- The folder below `dir` that the names of photos begin in, as a prefix of them: that of the file, or images/ in it.
local function prefix_of(dir, below, photos)
   local first = photos[1] and photos[1].file or ""
   for _, inside in ipairs { below, below .. "images/" } do
      if lfs.attributes(dir .. "/" .. inside .. first, "mode") == "file" then return inside end
   end
   return below
end

local function add_notes(notes, reading, whole, bare)
   local crop = reading.crop
   if whole > 0 then
      notes[#notes + 1] = ("%s without a box of '%s', taken whole"):format(console.count(whole, "photo is", "photos are"), crop)
   end
   if bare > 0 then
      notes[#notes + 1] = ("%s no mask of '%s'"):format(console.count(bare, "photo has", "photos have"), crop)
   end
   if crop == "none" and #reading.names > 0 then
      notes[#notes + 1] = ("photos are taken whole; crop cuts out one of: %s"):format(table.concat(reading.names, ", "))
   end
end

-- Which texts stood for nobody, of photos that the annotations' own file lists.
local function unknown_of(rows)
   local n = 0
   for _, row in ipairs(rows) do n = n + (row.identity and 0 or 1) end
   return n > 0 and { [""] = n } or {}
end

-- The photos, and the opened table that lists them, nil where the annotations' own file does.
local function photos_of(folder, name, data, o, trouble)
   for _, beside in ipairs(TABLES) do
      if lfs.attributes(folder .. beside, "mode") == "file" then return listed_in(folder .. beside, o, trouble) end
   end
   return listed_here(name, data, trouble)
end

-- What is known of the annotations before they are given to photos.
local function reading_of(path, name, o, trouble)
   local data = coco_file.read(path)
   local categories, names = categories_of(path, data)
   local reading = { data = data, trouble = trouble, categories = categories, names = names, mask = o.mask,
      crop = crop_of(path, names, o.crop) }
   if o.mask and reading.crop == "none" then
      console.fail("mask: whose it is says crop; expected one of %s", table.concat(names, ", "))
   end
   function reading.annotation(i)
      return ("%s, annotation %s"):format(name, text_of(data.annotations[i].id) or "number " .. i)
   end
   return reading
end

--- Reads annotations as a catalogue (see sheet.read). path: the file; dir: the folder that the catalogue is named after.
function coco.read(path, dir, o, trouble)
   clean = {}
   local name = path:match "[^/]+$"
   local folder = path:sub(1, #path - #name)
   local below = folder:sub(1, #dir + 1) == dir .. "/" and folder:sub(#dir + 2) or ""
   local reading = reading_of(path, name, o, trouble)
   local photos, opened = photos_of(folder, name, reading.data, o, trouble)
   local place = opened and opened.place or function(i) return ("%s, image %d"):format(name, i) end
   reading.photos = by_id(name, photos, reading.data, place)
   reading.prefix = o.photos and "" or prefix_of(dir, below, photos)
   add_sizes(reading.photos, reading.data)
   spread(reading)
   local rows, lines, whole, bare = add_rows(reading, sort_by_id(photos))
   local notes, splits = {}, {}
   if opened then
      notes[1] = columns.text(opened.header, opened.columns)
      for i, split in ipairs(opened.columns.splits) do splits[i] = split[1] end
   end
   add_notes(notes, reading, whole, bare)
   return { rows = rows, lines = lines, place = place, crop = reading.crop, splits = splits, notes = notes,
      unknown = opened and opened.unknown or unknown_of(rows) }
end

return coco
