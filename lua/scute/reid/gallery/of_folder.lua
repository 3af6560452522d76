-- The gallery of a folder of photos: one file in it, gallery.safetensors, brought up to date whenever it is asked for. Photos
-- that are new, or were written to since, go through the model; those that are gone are left out; what was enrolled by hand
-- stays.
local lfs = require "lfs"
local catalogue = require "scute.reid.catalogue"
local console = require "scute.base.console"
local embeddings = require "scute.reid.embeddings"
local found = require "scute.reid.catalogue.found"
local gallery = require "scute.reid.gallery"
local json = require "scute.base.json"
local scute = require "scute.core"

local of_folder = {}

local NAME = "gallery.safetensors"

--- The file of a folder's gallery.
function of_folder.file(folder)
   return (folder:gsub("(.)/+$", "%1")) .. "/" .. NAME
end

-- The same photo may stand in a catalogue several times, with other boxes.
local function key_of(row)
   local box = row.box
   return json.line { row.file or "", box and table.move(box, 1, 4, 1, {}) or false, box and box.of or false }
end

-- What makes an embedding and what is told of it the same.
local function signature_of(row)
   return json.line { row.identity, row.side or false, row.encounter or false, row.date or false, row.time or false,
      row.stamp or false }
end

-- The rows of known individuals in a folder, by key, and in order. Folders of photos hold no boxes, whatever the model's
-- photos were cut to.
local function known_rows(folder, options)
   local rows, by_key = {}, {}
   if found(folder).kind == "folders" then options = nil end
   for _, row in ipairs(catalogue(folder, options).rows) do
      if row.identity then
         local copy = setmetatable({ stamp = scute.files.stamp(row.path) }, { __index = row })
         local key = key_of(copy)
         if not by_key[key] then rows[#rows + 1], by_key[key] = copy, copy end
      end
   end
   if #rows == 0 then
      console.fail("gallery: there is no photo of a known individual in %s; expected one folder for each individual, or a "
         .. "table of photos (see reid.catalogue)", folder)
   end
   return rows, by_key
end

-- The rows that have to go through the model, and by key those of the gallery that go.
local function compare(known, rows, by_key)
   local new, drop, kept = {}, {}, {}
   for i = 1, known and known.count or 0 do
      local row = known:row(i)
      if not row.enrolled then
         local key = key_of(row)
         local now = by_key[key]
         if now and not kept[key] and signature_of(now) == signature_of(row) then kept[key] = true else drop[key] = true end
      end
   end
   for _, row in ipairs(rows) do
      local key = key_of(row)
      if not kept[key] then new[#new + 1], drop[key] = row, true end
   end
   return new, drop
end

local function count_of(set)
   local n = 0
   for _ in pairs(set) do n = n + 1 end
   return n
end

-- The embeddings of rows, and the rows that could be read.
local function look(model, rows, o, bad)
   if #rows == 0 then return nil, nil end
   local seen = embeddings(model, rows, { workers = o.workers, device = o.device, precision = o.precision })
   table.move(seen.bad, 1, #seen.bad, #bad + 1, bad)
   if seen.complete == false then console.stop(130, "interrupted; the gallery stays as it was") end
   if not seen.x then return nil, nil end
   local read = {}
   for i, number in ipairs(seen.rows) do read[i] = rows[number] end
   return seen.x, read
end

local function change(known, path, x, rows, drop, o)
   if known then
      known:append { embeddings = x, rows = rows, drop = next(drop) and function(row)
         return not row.enrolled and drop[key_of(row)] or false
      end or nil }
      return known
   end
   if not x then console.fail("gallery: none of the photos in %s can be read", o.folder) end
   return gallery.create(path, { embeddings = x, rows = rows, model = o.model, preprocessing = o.preprocessing,
      protocol = o.protocol, calibration = o.calibration, notes = o.notes, overwrite = o.rebuild })
end

--- Opens the gallery of a folder of photos, as it is now. model: the model itself; o: { model = its file, rebuild = true to
-- make it anew, catalogue = options of reid.catalogue, workers, device, precision, and what gallery.create keeps: protocol,
-- calibration, notes }. Returns the gallery and what was done: { added, gone = counts of photos, bad = list of {path, message}
-- of those that cannot be read }.
function of_folder.open(folder, model, o)
   local path, bad = of_folder.file(folder), {}
   local known = not o.rebuild and lfs.attributes(path) and gallery.open(path, { model = o.model }) or nil
   local rows, by_key = known_rows(folder, o.catalogue)
   local new, drop = compare(known, rows, by_key)
   local before, done = known and known.count or 0, { added = 0, gone = 0, bad = bad }
   local x, read = look(model, new, o, bad)
   if not known or x or next(drop) and count_of(drop) > #new then
      o.folder, o.preprocessing = folder, model.preprocessing
      known = change(known, path, x, read, drop, o)
      done.added = read and #read or 0
      done.gone = before + done.added - known.count
   end
   return known, done
end

return of_folder
