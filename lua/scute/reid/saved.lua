-- What a run of re-identification leaves beside its weights, so that everybody who measures or goes on with the model does so
-- with the photos that it did not learn from:
--    reid.csv    the catalogue as it was split: columns file, identity, date, encounter, side, box, split (train, val, test;
--                empty: in no part), a row for each of the catalogue's, in its order; what is not known is empty
--    reid.json   protocol and text of the split, seed, leak, how many photos and individuals each part has, and what else the
--                run tells (crop, calibration, ...)
local lfs = require "lfs"
local scute = require "scute.core"
local console = require "scute.base.console"
local csv = require "scute.base.csv"
local json_file = require "scute.base.json_file"
local to_json = require "scute.base.json"

local saved = {}

saved.CSV, saved.JSON = "reid.csv", "reid.json"

local COLUMNS = { "file", "identity", "date", "encounter", "side", "box", "split" }
local HEADER = table.concat(COLUMNS, ",")
local PARTS = { "train", "val", "test" }

--- A box as the file has it, "x y width height"; "" for none.
function saved.box_text(box)
   if not box then return "" end
   return ("%.9g %.9g %.9g %.9g"):format(box[1], box[2], box[3], box[4])
end

-- ---- writing ----

local function csv_text(rows, split)
   local part_of, lines = {}, { HEADER }
   for _, name in ipairs(PARTS) do
      for _, i in ipairs(split[name]) do part_of[i] = name end
   end
   local cells = {}
   for i, row in ipairs(rows) do
      cells[1], cells[2], cells[3], cells[4], cells[5] = row.file, row.identity, row.date, row.encounter, row.side
      cells[6], cells[7] = saved.box_text(row.box), part_of[i]
      lines[i + 1] = csv.line(cells, #COLUMNS)
   end
   lines[#lines + 1] = ""
   return table.concat(lines, "\n")
end

local ORDER = { "protocol", "text", "seed", "given", "val_fraction", "test_fraction", "val_from", "test_from", "leak",
   "leak_of", "leak_day", "leak_val", "kind", "photos", "individuals", "notes" }

-- What reid.json says of a split.
local function facts_of(split)
   local facts = { photos = {} }
   for _, name in ipairs(ORDER) do
      if name ~= "photos" then facts[name] = rawget(split, name) end
   end
   if #split.notes == 0 then facts.notes = nil end
   for _, name in ipairs(PARTS) do facts.photos[name] = #split[name] end
   return facts
end

-- Its text: what is said of the split first, then the rest by name.
local function json_text(facts)
   local order, is_known = table.move(ORDER, 1, #ORDER, 1, {}), { _order = true }
   for _, name in ipairs(ORDER) do is_known[name] = true end
   local more = {}
   for name in pairs(facts) do
      if not is_known[name] then more[#more + 1] = name end
   end
   table.sort(more)
   table.move(more, 1, #more, #order + 1, order)
   facts._order = order
   return to_json(facts)
end

--- Writes both files into a folder, which is made where there is none. more: what else reid.json tells, by name (crop,
-- calibration, ...), plain data.
function saved.write(folder, catalogue, split, more)
   local facts = facts_of(split)
   for name, value in pairs(more or {}) do facts[name] = value end
   console.guard("output_dir", scute.files.mkdirs, folder)
   console.guard("output_dir", scute.files.write, folder .. "/" .. saved.CSV, csv_text(catalogue.rows, split))
   console.guard("output_dir", scute.files.write, folder .. "/" .. saved.JSON, json_text(facts))
end

--- Adds to what reid.json in a folder tells, by name: plain data. What it told under such a name before is replaced.
function saved.add(folder, more)
   local path = folder .. "/" .. saved.JSON
   local facts, why = json_file.read(path)
   if not facts then console.fail("%s: %s", path, why) end
   for name, value in pairs(more) do facts[name] = value end
   console.guard("output_dir", scute.files.write, path, json_text(facts))
end

--- Notes in what reid.json will tell of a calibration to which file of weights it belongs: other ones in the same folder, or of
-- the same name after more training, say other similarities.
function saved.mark_fitted(more, weights)
   if more.calibrated_on and lfs.attributes(weights) then
      more.calibrated_on.model = console.guard("model", scute.weights.sha256, weights)
   end
end

--- Whether the calibration and the threshold that reid.json tells belong to a file of weights; true where it does not say.
function saved.is_fitted(facts, weights)
   local digest = type(facts.calibrated_on) == "table" and facts.calibrated_on.model
   return not digest or digest == console.guard("model", scute.weights.sha256, weights)
end

--- A hook for train.fit that writes both files into the run's folder before anything trains. A run that goes on leaves what it
-- finds there.
function saved.hook(catalogue, split, more)
   return { on_fit_begin = function(run)
      if not run.folder then return end
      if run.resumed and lfs.attributes(run.folder .. "/" .. saved.JSON) then return end
      saved.write(run.folder, catalogue, split, more)
   end }
end

-- ---- reading ----

local function number_of(word)
   local number = tonumber(word)
   return number and (math.tointeger(number) or number)
end

-- The box in a text, nil where it is none.
local function read_box(text)
   local x, y, width, height = text:match "^(%S+) (%S+) (%S+) (%S+)$"
   local box = { number_of(x), number_of(y), number_of(width), number_of(height) }
   return #box == 4 and box or nil
end

local IS_PART = { [""] = true, train = true, val = true, test = true }

-- Whether the cells of a row are what such a file has, but for the box.
local function is_row(cells)
   return #cells == #COLUMNS and cells[1] ~= "" and IS_PART[cells[7]] ~= nil
end

local function filled(text)
   return text ~= "" and text or nil
end

-- A row of the file; nil where it is none.
local function row_of(cells)
   if not is_row(cells) then return nil end
   local box = filled(cells[6]) and read_box(cells[6])
   if filled(cells[6]) and not box then return nil end
   return { file = cells[1], identity = filled(cells[2]), date = filled(cells[3]), encounter = filled(cells[4]),
      side = filled(cells[5]), box = box, split = filled(cells[7]) }
end

-- The rows of a file as make(cells) has them.
local function read_rows(path, make)
   local file, why = io.open(path, "rb")
   if not file then return nil, why end
   local next_row, list = csv.reader(file:read "a" or ""), {}
   file:close()
   local cells, at, bad_line = next_row() -- a row and its line; behind the last one nil; else nil, what is wrong, and its line
   if cells and table.concat(cells, ",") ~= HEADER or not cells and not bad_line then
      return nil, ("%s: expected the columns %s"):format(path, HEADER)
   end
   local message, line
   while cells do
      cells, at, bad_line = next_row()
      local row = cells and make(cells)
      if cells and not row then
         message, line = ("expected %s, with a box as four numbers, and train, val, test or nothing as split"):format(
            table.concat(COLUMNS, ", ")), at
         break
      end
      list[#list + 1] = row
   end
   if bad_line then message, line = at, bad_line end
   if message then return nil, ("%s, line %d: %s"):format(path, line, message) end
   return list
end

--- What reid.json in a folder tells: { protocol, text, seed, leak, ... }; nil and why where there is none, or it is damaged.
function saved.facts(folder)
   local facts, why = json_file.read(folder .. "/" .. saved.JSON)
   if not facts then return nil, why end
   if type(facts.protocol) ~= "string" or type(facts.text) ~= "string" then
      return nil, ("%s/%s: no protocol in it"):format(folder, saved.JSON)
   end
   return facts
end

-- What is wrong with rows that reid.json tells something else of: a file that was cut off, or is of another run.
local function fault_of(folder, rows, photos)
   local n = { train = 0, val = 0, test = 0 }
   for _, row in ipairs(rows) do
      if row.split then n[row.split] = n[row.split] + 1 end
   end
   for _, name in ipairs(PARTS) do
      if type(photos) ~= "table" or n[name] ~= photos[name] then
         return ("%s/%s has %s of the part %s, and %s says %s: it was cut off, or they are of two runs"):format(folder,
            saved.CSV, console.count(n[name], "photo"), name, saved.JSON, type(photos) == "table" and photos[name] or "nothing")
      end
   end
end

local function read(folder, make)
   local facts, why = saved.facts(folder)
   if not facts then return nil, why end
   facts.rows, why = read_rows(folder .. "/" .. saved.CSV, make)
   why = why or fault_of(folder, facts.rows, facts.photos)
   if why then return nil, why end
   return facts
end

--- What a run of re-identification saved in its folder: { rows = list of { file, identity, date, encounter, side, box, split },
-- in the order of the catalogue, protocol, text, seed, leak, ... as reid.json has them }; nil and why where there is nothing,
-- or it is damaged.
function saved.read(folder)
   return read(folder, row_of)
end

--- The same for who asks for the split alone: rows are { file, identity, date, encounter, box = its text, split }.
function saved.parts(folder)
   return read(folder, function(cells)
      if not is_row(cells) then return nil end
      return { file = cells[1], identity = filled(cells[2]), date = filled(cells[3]), encounter = filled(cells[4]),
         box = cells[6], split = filled(cells[7]) }
   end)
end

return saved
