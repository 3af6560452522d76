-- What a gallery says of its rows, as columns: numbers and bytes that are read where they lie, and a JSON text a row, of which
-- only those are decoded that somebody asks for.
--
--    individual   i32 a row: which of the names, from 1
--    side         a byte a row: which of the sides, from 1; 0: not known
--    rows, ends   texts one behind the other, and an i32 a row: where its text ends
local cjson = require "cjson"
local console = require "scute.base.console"
local json = require "scute.base.json"
local json_file = require "scute.base.json_file"
local scute = require "scute.core"

local rows = {}

--- What is kept of a row beside identity and side, where it is there: file (as it was named), path (where it lies, absolute or
-- from the folder of the gallery), encounter, date, time, box and box_of (the size of its photo), enrolled (true: by hand),
-- stamp (of the file when it was read).
rows.KEPT = { "file", "path", "encounter", "date", "time", "box", "box_of", "enrolled", "stamp" }

local MOST_TEXT = (1 << 31) - 1 -- bytes of all texts, as i32
local MOST_SIDES = 255

local ROOM = 1 << 20 -- bytes, more than a row takes: see scute.base.json

-- Names of files are bytes, JSON is UTF-8: what is none stands as { bytes = its hexadecimal digits }. A box is a list, and the
-- size of its photo stands behind it: x, y, width, height, photo's width, photo's height.
local function to_json(value)
   if type(value) == "table" and value.of then
      return { value[1], value[2], value[3], value[4], value.of[1], value.of[2] }
   end
   if type(value) ~= "string" or utf8.len(value) then return value end
   return { bytes = value:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end) }
end

local function from_json(value)
   if type(value) == "table" and #value == 6 then
      return { value[1], value[2], value[3], value[4], of = { value[5], value[6] } }
   end
   if type(value) ~= "table" or type(value.bytes) ~= "string" then return value end
   return (value.bytes:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- A row in the order of KEPT; by hand, since there may be a million. A list with a field beside its numbers is none in JSON: of
-- which photo's size a box is stands apart.
local function text_of(row)
   local parts, box = {}, row.box
   for _, name in ipairs(rows.KEPT) do
      local value = row[name]
      if name == "box" then value = box and table.move(box, 1, 4, 1, {}) end
      if name == "box_of" then value = box and box.of end
      if value then parts[#parts + 1] = ('"%s":%s'):format(name, cjson.encode(to_json(value))) end
   end
   return "{" .. table.concat(parts, ","):gsub("\\/", "/") .. "}"
end

local function decode(text)
   local kept = json_file.decode(text)
   for name, value in pairs(kept or {}) do kept[name] = from_json(value) end
   if kept and kept.box then kept.box.of, kept.box_of = kept.box_of, nil end
   return kept
end

local Columns = {}
Columns.__index = Columns

-- Numbers of texts, which get the next one where they are new.
local function numbered(list)
   local numbers = {}
   for number, text in ipairs(list) do numbers[text] = number end
   return function(text)
      if not numbers[text] then
         list[#list + 1] = text
         numbers[text] = #list
      end
      return numbers[text]
   end
end

--- Columns to be filled, behind what `before` (the columns of a gallery that is there) says of names and sides.
function rows.columns(before)
   local self = setmetatable({ names = {}, sides = {}, count = 0, bytes = 0, parts = {} }, Columns)
   for _, list in ipairs { "names", "sides" } do
      if before then table.move(before[list], 1, #before[list], 1, self[list]) end
   end
   for _, column in ipairs { "individual", "side", "ends", "rows" } do self.parts[column] = {} end
   self.number_of_name, self.number_of_side = numbered(self.names), numbered(self.sides)
   return self
end

function Columns:put(individual, side, text)
   self.count, self.bytes = self.count + 1, self.bytes + #text
   if self.bytes > MOST_TEXT then
      console.fail("a gallery holds at most %s of what is said of its photos; there is more at row %d",
         console.bytes(MOST_TEXT), self.count)
   end
   self:append { individual = ("<i4"):pack(individual), side = string.char(side), ends = ("<i4"):pack(self.bytes), rows = text }
end

function Columns:append(pieces)
   for name, piece in pairs(pieces) do
      local parts = self.parts[name]
      parts[#parts + 1] = piece
   end
end

--- Adds a row: a table with identity (a text), side (or nil) and what rows.KEPT names. what: how messages call it.
function Columns:add(row, what)
   scute.make_room(ROOM)
   local identity, side = row.identity, row.side
   if type(identity) ~= "string" or identity == "" then
      console.fail("%s has no identity; a gallery holds known individuals only", what)
   elseif not utf8.len(identity) or side and not utf8.len(side) then
      console.fail("%s: the name '%s' is not UTF-8, as a gallery needs it", what, utf8.len(identity) and side or identity)
   end
   local number = side and self.number_of_side(side) or 0
   if number > MOST_SIDES then console.fail("%s: a gallery tells at most %d sides apart", what, MOST_SIDES) end
   self:put(self.number_of_name(identity), number, text_of(row))
end

--- Adds all rows of a gallery's columns, the same that `before` was, to columns that are empty.
function Columns:copy_all(before)
   self:append { individual = before.individual, side = before.side, ends = before.ends, rows = before.mapped:bytes "rows" }
   self.count, self.bytes = before.count, #self.parts.rows[1]
end

--- Adds a row of a gallery's columns as it is, but for the numbers of its names.
function Columns:copy(from, number)
   local side = from.sides[from:side_of(number)]
   self:put(self.number_of_name(from:identity_of(number)), side and self.number_of_side(side) or 0, from:text_of(number))
end

--- All of a column as one string.
function Columns:column(name)
   return table.concat(self.parts[name])
end

-- ---- columns of a file ----

local Stored = {}
Stored.__index = Stored

local function list_of(text, what, path)
   local list = json_file.decode(text or "")
   local ok = list ~= nil
   for _, entry in ipairs(list or {}) do ok = ok and type(entry) == "string" end
   if not ok then console.fail("%s is damaged: its list of %s cannot be read", path, what) end
   return list
end

--- The columns of a mapped file (see scute.weight_files.map). names: their texts, a JSON list; sides: likewise.
function rows.stored(mapped, path, names, sides)
   local self = setmetatable({ mapped = mapped, path = path }, Stored)
   self.names, self.sides = list_of(names, "names", path), list_of(sides, "sides", path)
   self.individual, self.side, self.ends = mapped:bytes "individual", mapped:bytes "side", mapped:bytes "ends"
   self.count = #self.side
   return self
end

local function number_at(column, row)
   return (("<i4"):unpack(column, 4 * row - 3))
end

function Stored:individual_of(row)
   return number_at(self.individual, row)
end

function Stored:identity_of(row)
   return self.names[self:individual_of(row)]
end

function Stored:side_of(row)
   return self.side:byte(row)
end

-- The text of a row.
function Stored:text_of(row)
   local from = row > 1 and number_at(self.ends, row - 1) + 1 or 1
   return self.mapped:bytes("rows", from, number_at(self.ends, row))
end

--- All that is said of a row: { identity, side, file, path, ... }.
function Stored:row(number)
   local kept = decode(self:text_of(number))
   if not kept then console.fail("%s is damaged: what it says of row %d cannot be read", self.path, number) end
   kept.identity, kept.side = self:identity_of(number), self.sides[self:side_of(number)]
   return kept
end

-- The first row whose text ends at that byte or behind it.
local function row_at(ends, count, byte)
   local low, high = 1, count
   while low < high do
      local middle = (low + high) // 2
      if number_at(ends, middle) >= byte then high = middle else low = middle + 1 end
   end
   return low
end

--- The numbers of the rows whose field `name` (one of rows.KEPT, a text) is `value`, in order: found in the text as a whole.
function Stored:find(name, value)
   self.text = self.text or self.mapped:bytes "rows" -- kept: many photos are looked for one after the other
   local text, found = self.text, {}
   local wanted = json.line(name) .. ":" .. json.line(to_json(value))
   local at = text:find(wanted, 1, true)
   while at do
      local row = row_at(self.ends, self.count, at)
      if found[#found] ~= row and self:row(row)[name] == value then found[#found + 1] = row end
      at = text:find(wanted, at + #wanted, true)
   end
   return found
end

return rows
