-- Files of galleries: safetensors that any reader of those opens, written piece by piece (so that a large one never lies in
-- memory as a whole), sealed with a checksum, and read where they lie.
--
--    embeddings   F32 (M, D), a row of length 1 a photo; first, and aligned to 64 bytes, so that it is used without a copy
--    individual, ends   I32 (M)      side, names, rows   U8        see scute.reid.gallery.rows; names: a JSON list
--    __metadata__   checksum (see host/files/seal.h), gallery = "1", sides (a JSON list), model (sha256 of the model's file),
--       and what scute.reid.gallery puts there
local core = require "scute.core"
local console = require "scute.base.console"
local json = require "scute.base.json"
local rows = require "scute.reid.gallery.rows"
local sorted_keys = require "scute.base.sorted_keys"

local file = {}

local FORMAT = "1"
local ALIGNMENT = 64
local NO_SUM = "00000000"
local PIECE = 16 << 20 -- bytes that are copied at a time

-- Where each entry lies: "name":{...} in order.
local function entries_text(entries)
   local parts, at = {}, 0
   for i, entry in ipairs(entries) do
      local name, dtype, shape, bytes = table.unpack(entry)
      parts[i] = ('%s:{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}'):format(json.line(name), dtype,
         table.concat(shape, ","), at, at + bytes)
      at = at + bytes
   end
   return table.concat(parts, ",")
end

-- The checksum first: its place is looked for by its name. Padded with spaces, so that the data begins aligned.
local function header_text(metadata, entries)
   local pairs_of = { ('"checksum":"%s"'):format(NO_SUM), ('"gallery":"%s"'):format(FORMAT) }
   for _, key in ipairs(sorted_keys(metadata)) do
      pairs_of[#pairs_of + 1] = json.line(key) .. ":" .. json.line(metadata[key])
   end
   local text = ('{"__metadata__":{%s},%s}'):format(table.concat(pairs_of, ","), entries_text(entries))
   return text .. (" "):rep(-(8 + #text) % ALIGNMENT)
end

local AT_ONCE = 1000 -- texts that become JSON together: one by one is slow, all of a million at once takes much memory

local function list_text(list)
   local texts = {}
   for from = 1, #list, AT_ONCE do
      local some = table.move(list, from, math.min(from + AT_ONCE - 1, #list), 1, {})
      texts[#texts + 1] = json.line(some):sub(2, -2)
   end
   return "[" .. table.concat(texts, ",") .. "]"
end

local function write(path, columns, width, embeddings, metadata)
   local writer <close> = core.files.create(path)
   local texts = { names = list_text(columns.names) }
   for _, name in ipairs { "individual", "ends", "side", "rows" } do texts[name] = columns:column(name) end
   local entries = { { "embeddings", "F32", { columns.count, width }, 4 * columns.count * width },
      { "individual", "I32", { columns.count }, 4 * columns.count }, { "ends", "I32", { columns.count }, 4 * columns.count } }
   for i, name in ipairs { "side", "names", "rows" } do entries[3 + i] = { name, "U8", { #texts[name] }, #texts[name] } end
   local all = { sides = list_text(columns.sides) }
   for key, value in pairs(metadata) do all[key] = value end
   local header = header_text(all, entries)
   writer:write(("<I8"):pack(#header))
   writer:write(header)
   embeddings(function(piece) writer:write(piece) end)
   for i = 2, #entries do writer:write(texts[entries[i][1]]) end
   writer:patch(8 + select(2, header:find('"checksum":"', 1, true)), writer:sum())
   writer:verify()
   writer:commit()
end

--- Writes a gallery, in the place of what has that name. columns: of scute.reid.gallery.rows, at least one row. embeddings:
-- function(put), which puts f32 tensors (n, width), one after the other, columns.count rows together. metadata: texts by name.
function file.write(path, columns, width, embeddings, metadata)
   console.guard(nil, write, path, columns, width, embeddings, metadata)
end

--- Rows from..to of the embeddings of an open gallery, piece by piece, to put().
function file.copy(gallery, from, to, put)
   local step = math.max(1, PIECE // (4 * gallery.width))
   for first = from, to, step do
      local piece <close> = gallery.mapped:tensor("embeddings", first, math.min(first + step - 1, to))
      put(piece)
   end
end

local function is_vector(mapped, name, dtype, count)
   local found, shape = mapped:shape(name)
   return found == dtype and #shape == 1 and (not count or shape[1] == count)
end

-- What the numbers in it have to be before anything is looked up by them.
local function check_numbers(path, stored)
   local function largest(name)
      local column <close> = stored.mapped:tensor(name)
      local low <close> = column:min()
      local high <close> = column:max()
      return low:item(), high:item()
   end
   local low, high = largest "individual"
   local _, most = largest "side"
   local _, last = largest "ends"
   local _, bytes = stored.mapped:shape "rows"
   if low < 1 or high > #stored.names or most > #stored.sides or last ~= bytes[1]
      or ("<i4"):unpack(stored.ends, 4 * stored.count - 3) ~= last then
      console.fail("%s is damaged: its rows name individuals or sides that are not there", path)
   end
end

local function check_shapes(path, mapped)
   local dtype, shape = mapped:shape "embeddings"
   local count = dtype == "f32" and #shape == 2 and shape[1]
   if not count or not is_vector(mapped, "individual", "i64", count) or not is_vector(mapped, "ends", "i64", count)
      or not is_vector(mapped, "side", "u8", count) or not is_vector(mapped, "names", "u8")
      or not is_vector(mapped, "rows", "u8") then
      console.fail("%s is damaged: it does not hold what a gallery does", path)
   end
   return shape
end

local function open(path)
   local source <close> = core.files.open(path)
   local mapped = core.weight_files.map(source)
   local format = mapped:metadata "gallery"
   if not format then
      console.fail("%s is no gallery, but another safetensors file; scripts/identify.lua makes galleries", path)
   elseif format ~= FORMAT then
      console.fail("%s is a gallery of another version of scute ('%s', this one reads '%s')", path, format, FORMAT)
   end
   core.weight_files.verify(source)
   return mapped
end

--- Opens a gallery: { mapped, count, width, columns }. It is read once, to see that it is whole.
function file.open(path)
   local mapped = console.guard(nil, open, path)
   local shape = check_shapes(path, mapped)
   local columns = rows.stored(mapped, path, mapped:bytes "names", mapped:metadata "sides")
   check_numbers(path, columns)
   return { mapped = mapped, count = shape[1], width = shape[2], columns = columns }
end

return file
