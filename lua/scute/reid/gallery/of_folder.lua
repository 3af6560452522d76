-- The gallery of a folder of photos: one file in it, gallery.safetensors, brought up to date whenever it is asked for. Photos
-- that are new, or were written to since, go through the model; those that are gone are left out; what was enrolled by hand
-- stays.
local lfs = require "lfs"
local catalogue = require "scute.reid.catalogue"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local embeddings = require "scute.reid.embeddings"
local found = require "scute.reid.catalogue.found"
local gallery = require "scute.reid.gallery"
local json = require "scute.base.json"
local lock = require "scute.reid.gallery.lock"
local scute = require "scute.core"

local of_folder = {}

local NAME = "gallery.safetensors"

--- The file of a folder's gallery; that of a table or annotations lies beside them.
function of_folder.file(folder)
   if lfs.attributes(folder, "mode") == "file" then folder = folder:match "^(.*)/" or "." end
   return (folder:gsub("(.)/+$", "%1")) .. "/" .. NAME
end

-- Of a row's file when it was read, and of its mask, which is not kept itself.
local function stamp_of(row)
   local stamp, mask = scute.files.stamp(row.path), crops.mark({ masks = { row.mask or false } }, 1)
   return stamp and stamp .. mask or nil
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

-- What is read of a folder, and with which options: names of columns that the user has not said are those of the model's
-- photos, and the folder may hold others. Folders of photos hold no boxes, whatever the model's photos were cut to.
local function place_of(folder, given, is_hint)
   local at, o = found(folder, given and given.columns, is_hint), {}
   for name, value in pairs(given or {}) do o[name] = value end
   if at.kind == "folders" then
      at, o.columns = found(folder), nil
      if at.kind == "folders" then return folder end
   end
   return at.kind == "csv" and at.path or folder, o
end

-- The rows of known individuals in a folder, by key, and in order, and what is wrong with others.
local function known_rows(folder, o)
   local rows, by_key = {}, {}
   local whole = catalogue(place_of(folder, o.catalogue, o.is_hint))
   for _, row in ipairs(whole.rows) do
      if row.identity then
         local copy = setmetatable({ stamp = stamp_of(row) }, { __index = row })
         local key = key_of(copy)
         if not by_key[key] then rows[#rows + 1], by_key[key] = copy, copy end
      end
   end
   if #rows == 0 then
      console.fail("gallery: there is no photo of a known individual in %s; expected one folder for each individual, or a "
         .. "table of photos (see reid.catalogue)", folder)
   end
   return rows, by_key, whole.problems
end

-- The rows that have to go through the model, by key those of the gallery that go, and how many these are.
local function compare(known, rows, by_key)
   local new, drop, kept, going = {}, {}, {}, 0
   for i = 1, known and known.count or 0 do
      local row = known:row(i)
      if not row.enrolled then
         local key = key_of(row)
         local now = by_key[key]
         kept[key] = kept[key] == nil and now ~= nil and signature_of(now) == signature_of(row)
         if not kept[key] then drop[key], going = true, going + 1 end
      end
   end
   for _, row in ipairs(rows) do
      local key = key_of(row)
      if not kept[key] then new[#new + 1], drop[key] = row, true end
   end
   return new, drop, going
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

-- ---- making it anew ----

-- The gallery that is there, of the model with that sha256.
local function open_known(path, digest)
   local ok, known = pcall(gallery.open, path, { model = digest })
   if ok then return known end
   if not console.is_failure(known) then error(known, 0) end
   console.fail("%s; --rebuild (rebuild = true) makes it anew from its photos", known.message)
end

-- What was enrolled by hand in the gallery that is there, of whichever model, as rows that can be looked at again.
local function enrolled_rows(path)
   local rows = {}
   local ok, old = pcall(gallery.open, path)
   if not ok and not console.is_failure(old) then error(old, 0) end
   if not ok then
      console.warn("%s; what was enrolled in it by hand is lost", old.message)
      return rows
   end
   for i = 1, old.count do
      local row = old:row(i)
      row.path = old:path_of(row) or ("row %d of %s"):format(i, path)
      if row.enrolled then rows[#rows + 1] = row end
   end
   old:close()
   return rows
end

-- Names those that were enrolled by hand and are so no more.
local function tell_lost(rows, bad)
   local by_path = {}
   for _, row in ipairs(rows) do by_path[row.path] = row.identity end
   for _, entry in ipairs(bad) do
      if by_path[entry.path] then
         console.warn("%s was enrolled by hand as %s and cannot be read: it is in the gallery no more", entry.path,
            by_path[entry.path])
      end
   end
end

--- Opens the gallery of a folder of photos (or of a table in it), as it is now. model: the model itself; o: { model = its file,
-- rebuild = true to make it anew, catalogue = options of reid.catalogue, is_hint = true where its columns may be of another
-- table, workers, device, precision, and what gallery.create keeps: protocol, calibration, notes }. What was enrolled by hand
-- stays, and is looked at again where all is made anew. Returns the gallery and what was done: { added, gone = counts of
-- photos, bad = list of {path, message} of those that cannot be read, problems = what the catalogue says is wrong with some }.
function of_folder.open(folder, model, o)
   local path, bad = of_folder.file(folder), {}
   local is_there = lfs.attributes(path) ~= nil
   local known = is_there and not o.rebuild and open_known(path, console.guard("model", scute.weights.sha256, o.model)) or nil
   local rows, by_key, problems = known_rows(folder, o)
   local new, drop, going = compare(known, rows, by_key)
   local enrolled = is_there and o.rebuild and enrolled_rows(path) or {}
   table.move(enrolled, 1, #enrolled, #new + 1, new)
   local before, done = known and known.count or 0, { added = 0, gone = 0, bad = bad, problems = problems }
   if #new > 0 or going > 0 then lock(path):close() end -- what cannot be written is told before hours of looking at photos
   local x, read = look(model, new, o, bad)
   if not known or x or going > 0 then
      o.folder, o.preprocessing = folder, model.preprocessing
      known = change(known, path, x, read, drop, o)
      done.added = read and #read or 0
      done.gone = before + done.added - known.count
      tell_lost(enrolled, bad)
   end
   return known, done
end

return of_folder
