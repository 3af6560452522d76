-- scute.reid.gallery: the embeddings of known individuals in one file, and who is most like a query among them.
--
--    local found = reid.embeddings(model, rows)
--    local gallery = reid.gallery.create("turtles.safetensors", { embeddings = found.x, rows = rows,
--       model = "reid/best.safetensors" })
--    local gallery = reid.gallery.open("turtles.safetensors", { model = "reid/best.safetensors" })
--    for _, candidate in ipairs(gallery:candidates(query, { top = 5 })[1]) do print(candidate.identity, candidate.score) end
--
-- The file is a safetensors file (see lua/scute/reid/gallery/file.lua), which is read where it lies: a million embeddings of
-- 512 numbers take 2 GB of disk and none of the program's memory. It is never changed in place: what is added makes a new
-- file, which takes the name of the old one when it is whole and on disk, so that a gallery stays as it is for who has it open,
-- and a program that is killed leaves the old one. Who adds to it holds <name>.lock meanwhile. Somebody else who writes into
-- the file in place (cp over it, say) while it is searched is noticed, and the search fails.
local lfs = require "lfs"
local scute = require "scute"
local absolute = require "scute.base.absolute"
local columns_of = require("scute.reid.gallery.rows").columns
local console = require "scute.base.console"
local file = require "scute.reid.gallery.file"
local is_tensor = require("scute.nn.module").is_tensor
local json = require "scute.base.json"
local json_file = require "scute.base.json_file"
local lock = require "scute.reid.gallery.lock"
local options = require "scute.base.options"
local search = require "scute.reid.gallery.search"

local gallery = {}

local Gallery = { __name = "scute.gallery" }
Gallery.__index = Gallery

-- ---- what is given ----

local function is_embeddings(value)
   return is_tensor(value) and #value.shape == 2 and value.dtype == "f32"
end

local EMBEDDINGS = { "embeddings", required = true, is = is_embeddings, expected = "embeddings, a tensor f32 (N, D)",
   help = "embeddings (N, D) f32 of length 1, as reid.embeddings gives them" }
local ROWS = { "rows", required = true, is = options.of_type "table", expected = "a list of rows, one an embedding",
   help = "what each is of, N of them: { identity, file, path, side, encounter, date, time, box }, as in a catalogue" }

local ONCE = { "once", flag = true, default = false,
   help = "rows of a photo (path and box) that is there already, or stands among the rows before, are not added" }

-- Fails where a row is no vector of length 1; NaN is none.
local function check_lengths(what, x)
   local norms <close> = x:norm(2, 2)
   for i, length in ipairs(norms:values()) do
      if length ~= length or math.abs(length - 1) > 1e-3 then
         error(("%s: embedding %d has the length %g; expected 1, as reid.embeddings gives them (x:normalize())"):format(what, i,
            length), 4)
      end
   end
end

local function check_path(what, path)
   if type(path) ~= "string" or path == "" then
      error(("%s: expected the path of a file, found %s"):format(what, console.brief(path)), 3)
   end
end

local function check_embeddings(what, x, rows)
   if #rows ~= x.shape[1] then
      error(("%s: expected a row for each of the %d embeddings, found %d"):format(what, x.shape[1], #rows), 4)
   end
   check_lengths(what, x)
end

-- The path of a file by the real path of its folder: one file has one, however it is reached. known: a table, for who asks of
-- many files.
local function settled(path, known)
   local full = absolute(path)
   local folder, name = full:match "^(.*/)([^/]*)$"
   if name == "" then return full end
   local real = known and known[folder] or scute.files.real(folder) or folder
   if known then known[folder] = real end
   return (real:gsub("/$", "")) .. "/" .. name
end

-- A gallery behind a link is that file: a new one would take the place of the link alone, and photos are told from its folder.
local function behind_link(path)
   return lfs.symlinkattributes(path, "mode") == "link" and scute.files.real(path) or path
end

-- Where a photo lies: from the folder of the gallery if it is in there, so that both may move; else by its absolute path.
local function path_from(home, path, known)
   local full = settled(path, known)
   return full:sub(1, #home) == home and full:sub(#home + 1) or full
end

local function home_of(path)
   return settled(path):match "^(.*/)"
end

local function add_rows(columns, rows, path)
   local home, folders = home_of(path), {}
   for i, row in ipairs(rows) do
      if type(row) ~= "table" then error(("gallery: row %d: expected a table, found %s"):format(i, console.brief(row)), 4) end
      local told = setmetatable({ path = row.path and path_from(home, row.path, folders) }, { __index = row })
      columns:add(told, ("row %d (%s)"):format(i, tostring(row.file or row.path or "no file")))
   end
end

local function is_same_box(a, b)
   if not a or not b then return not a and not b end
   return a[1] == b[1] and a[2] == b[2] and a[3] == b[3] and a[4] == b[4]
end

-- Of rows the first that is of the same box of its photo; nil where none is.
local function with_box(rows, box)
   for _, row in ipairs(rows) do
      if is_same_box(row.box, box) then return row end
   end
end

-- The rows of a gallery that are of the photo at `path`; of none where there is no gallery yet.
local function rows_of_photo(now, path)
   local rows = {}
   for i, number in ipairs(now and now:find(path) or {}) do rows[i] = now:row(number) end
   return rows
end

-- The places of rows whose photo (path and box) is not in the gallery, nor among the rows before; and the others, as a list of
-- { row, as = the identity that it has there }.
local function only_new(now, rows)
   local places, others, by_path, folders = {}, {}, {}, {}
   for i, row in ipairs(rows) do
      local path = row.path and settled(row.path, folders)
      local alike = path and (by_path[path] or rows_of_photo(now, path)) or {}
      local there = with_box(alike, row.box)
      if there then
         others[#others + 1] = { row = row, as = there.identity }
      else
         places[#places + 1], alike[#alike + 1] = i, row
      end
      if path then by_path[path] = alike end
   end
   return places, others
end

-- Options of create or append without the rows that are there already, and these.
local function once(now, o)
   local places, others = only_new(now, o.rows)
   local rows = {}
   for i, place in ipairs(places) do rows[i] = o.rows[place] end
   o.rows = #rows > 0 and rows or nil
   if #rows == 0 then
      o.embeddings = nil
   elseif #others > 0 then
      local index <close> = scute.tensor(places, { dtype = "i64" })
      o.embeddings = o.embeddings:index_select(1, index)
   end
   return o, others
end

-- The sha256 that a model is known by: of its file, or as it is told.
local function digest_of(model)
   if #model == 64 and not model:find "[^%x]" then return model:lower() end
   return console.guard("model", scute.weights.sha256, model)
end

local PIECE = 16 << 20 -- bytes that are written at a time

-- The embeddings, in pieces that are on the CPU.
local function put_tensor(x)
   return function(put)
      local count, width = table.unpack(x.shape)
      local step = math.max(1, PIECE // (4 * width))
      for from = 1, count, step do
         local piece <close> = x:slice(1, from, math.min(from + step - 1, count))
         local here <close> = piece:to "cpu"
         put(here)
      end
   end
end

-- ---- making and opening ----

local CREATE = options.declare("reid.gallery.create", {
   EMBEDDINGS, ROWS,
   { "model", required = true, text = true,
     help = "the file of the model that made them, or its sha256: others are refused" },
   { "preprocessing", is = options.of_type "table", expected = "a table", show = "none",
     help = "what the model does to photos (model.preprocessing), to be told" },
   { "protocol", text = true, show = "none", help = "how the photos were split that the model was measured on, one line" },
   { "calibration", is = options.of_type "table", expected = "what calibration:plain() gives", show = "none",
     help = "from similarity to probability: calibration:plain() of metrics.isotonic or metrics.platt" },
   { "notes", is = options.of_type "table", expected = "a table of texts by name", show = "none",
     help = "further texts to keep, by name" },
   { "overwrite", flag = true, default = false, help = "in the place of a gallery that is there" },
   ONCE,
})

-- The metadata of a file, as texts.
local function metadata_of(o)
   local digest = digest_of(o.model)
   local texts = { model = digest, protocol = o.protocol,
      preprocessing = o.preprocessing and json.line(o.preprocessing),
      calibration = o.calibration and json.line(o.calibration), notes = o.notes and json.line(o.notes) }
   if digest ~= o.model:lower() then texts.model_file = json.valid(o.model) end
   return texts
end

local TEXTS = { "model", "model_file", "protocol", "preprocessing", "calibration", "notes" }

local function decoded(path, mapped, key)
   local text = mapped:metadata(key)
   if not text then return nil end
   return json_file.decode(text) or console.fail("%s is damaged: its %s cannot be read", path, key)
end

-- What was opened becomes the fields of a gallery.
local function take(self, path)
   local opened = file.open(path)
   local mapped = opened.mapped
   for name, value in pairs(opened) do self[name] = value end
   self.path, self.model, self.model_file = path, mapped:metadata "model", mapped:metadata "model_file"
   self.protocol, self.identities = mapped:metadata "protocol", opened.columns.names
   self.sides = opened.columns.sides
   for _, key in ipairs { "preprocessing", "calibration", "notes" } do self[key] = decoded(path, mapped, key) end
   return self
end

local function refuse_model(self, digest)
   console.fail("%s is a gallery of another model (%s, sha256 %s...); this one has sha256 %s..., to which its embeddings mean "
      .. "nothing: name that model, or make the gallery anew", self.path, self.model_file or "its file is not told",
      tostring(self.model):sub(1, 12), digest:sub(1, 12))
end

local OPEN = options.declare("reid.gallery.open", {
   { "model", text = true, show = "any",
     help = "the file of the model that asks, or its sha256: a gallery of another is refused" },
})

--- Opens a gallery (as scute.reid.gallery.create or scripts/identify.lua wrote it) and reads it once, to see that it is whole.
-- Fails where there is none, where it is damaged or cut off, or of another model. Returns a gallery: count (rows), width
-- (numbers of an embedding), identities and sides (lists of names), model (sha256), protocol, preprocessing, calibration,
-- notes, and methods.
function gallery.open(path, given)
   local o = OPEN:read(given)
   check_path("reid.gallery.open", path)
   local self = take(setmetatable({}, Gallery), behind_link(path))
   local digest = o.model and digest_of(o.model)
   if digest and digest ~= self.model then refuse_model(self, digest) end
   return self
end
OPEN:describes(gallery.open)

--- Makes a gallery of embeddings and what they are of, at least one. Returns it, open, and with `once` what append does. The
-- path of a row is kept as it is from the folder of the gallery, or as an absolute one.
function gallery.create(path, given)
   local o = CREATE:read(given)
   check_path("reid.gallery.create", path)
   check_embeddings("reid.gallery.create", o.embeddings, o.rows)
   path = behind_link(path)
   local held <close> = lock(path) -- luacheck: ignore
   if not o.overwrite and lfs.attributes(path) then
      console.fail("%s is there already; overwrite = true takes its place, gallery:append adds to it", path)
   end
   local others
   if o.once then o, others = once(nil, o) end
   local columns = columns_of()
   add_rows(columns, o.rows, path)
   file.write(path, columns, o.embeddings.shape[2], put_tensor(o.embeddings), metadata_of(o))
   return gallery.open(path), others
end
CREATE:describes(gallery.create)

-- ---- adding ----

-- The numbers of rows that stay, as ranges { first, last }.
local function ranges_to_keep(now, drop)
   if not drop then return { { 1, now.count } } end
   local ranges = {}
   for i = 1, now.count do
      if not drop(now:row(i), i) then
         local last = ranges[#ranges]
         if last and last[2] == i - 1 then last[2] = i else ranges[#ranges + 1] = { i, i } end
      end
   end
   return ranges
end

local function texts_of(mapped)
   local texts = {}
   for _, key in ipairs(TEXTS) do texts[key] = mapped:metadata(key) end
   return texts
end

-- What is said of the rows that stay. Where some go, individuals may go with them.
local function kept_columns(now, ranges)
   local all = #ranges == 1 and ranges[1][1] == 1 and ranges[1][2] == now.count
   local columns = columns_of(all and now.columns or nil)
   if all then
      columns:copy_all(now.columns)
      return columns
   end
   for _, range in ipairs(ranges) do
      for i = range[1], range[2] do columns:copy(now.columns, i) end
   end
   return columns
end

-- The file that is there, without what is dropped and with what is added, in its own place.
local function rewrite(now, o)
   local ranges = ranges_to_keep(now, o.drop)
   local columns = kept_columns(now, ranges)
   if o.rows then add_rows(columns, o.rows, now.path) end
   if columns.count == 0 then
      console.fail("%s would be empty: none of its photos is left; it stays as it is", now.path)
   end
   file.write(now.path, columns, now.width, function(put)
      for _, range in ipairs(ranges) do file.copy(now, range[1], range[2], put) end
      if o.embeddings then put_tensor(o.embeddings)(put) end
      now.mapped:check()
   end, texts_of(now.mapped))
end

local APPEND = options.declare("reid.gallery:append", {
   { "embeddings", is = is_embeddings, expected = EMBEDDINGS.expected, show = "none", help = EMBEDDINGS.help },
   { "rows", is = ROWS.is, expected = ROWS.expected, show = "none", help = ROWS.help },
   ONCE,
   { "drop", is = options.of_type "function", expected = "a function of a row", show = "none",
     help = "function(row, number) -> true where a row of the gallery is to be left out; row: as gallery:row gives it" },
})

--- Adds rows behind those that are there, and leaves out those that `drop` names. Waits for another program that is adding;
-- what that has added by then stays. The file is written anew and takes the name of the old one when it is whole and on disk;
-- this gallery is then the new one. Returns the gallery, and with `once` a list of { row, as = its identity in the gallery }
-- of the rows that were not added.
function Gallery:append(given)
   local o = APPEND:read(given)
   if (o.embeddings == nil) ~= (o.rows == nil) then
      error("gallery:append: expected embeddings and rows, or neither of them", 2)
   end
   if o.embeddings then
      check_embeddings("gallery:append", o.embeddings, o.rows)
      if o.embeddings.shape[2] ~= self.width then
         error(("gallery:append: expected embeddings of %d numbers, found %d"):format(self.width, o.embeddings.shape[2]), 2)
      end
   end
   local held <close> = lock(self.path) -- luacheck: ignore
   local now <close> = gallery.open(self.path, { model = self.model })
   local others
   if o.once and o.rows then o, others = once(now, o) end
   if o.rows or o.drop then rewrite(now, o) end
   self.mapped:close()
   return take(self, self.path), others
end
APPEND:describes(Gallery.append)

-- ---- asking ----

--- What is said of row `number`: { identity, side, file, path, encounter, date, time, box, enrolled }, as far as it is known.
function Gallery:row(number)
   if math.type(number) ~= "integer" or number < 1 or number > self.count then
      error(("gallery:row: expected a number from 1 to %d, found %s"):format(self.count, console.brief(number)), 2)
   end
   return self.columns:row(number)
end

--- Where the photo of a row lies, as gallery:row gives it; nil where that is not told.
function Gallery:path_of(row)
   local path = row.path or row.file
   if not path or path:sub(1, 1) == "/" then return path end
   return (self.path:match "^(.*/)" or "") .. path
end

--- The numbers of the rows of the photo that lies at `path`.
function Gallery:find(path)
   return self.columns:find("path", path_from(home_of(self.path), path))
end

local function is_sides(value)
   return type(value) == "string" or type(value) == "table"
end

local SIDE = { "side", is = is_sides, expected = "the name of a side, or a list with one (or false) for each query",
   show = "all", help = "the side that the queries show: rows of which it is known that they show another one do not count" }

local SEARCH = options.declare("reid.gallery:search", {
   { "top", whole = true, min = 1, default = 5, help = "rows of each query, at most as many as there are" },
   SIDE,
})

local function check_queries(self, what, queries)
   if not is_embeddings(queries) then
      error(("%s: expected queries, a tensor f32 (Q, %d), found %s"):format(what, self.width, console.brief(queries)), 3)
   elseif queries.shape[2] ~= self.width then
      error(("%s: expected embeddings of %d numbers, found %d"):format(what, self.width, queries.shape[2]), 3)
   end
   check_lengths(what, queries)
end

-- The number of a side; 0 of one that no row shows, so that those of unknown side remain. nil: all rows count.
local function number_of_side(self, side)
   if not side then return nil end
   for number, name in ipairs(self.sides) do
      if name == side then return number end
   end
   return 0
end

-- Queries of one side together: list of { side's number or nil, places }.
local function by_side(self, side, n)
   if type(side) ~= "table" then return { { number_of_side(self, side) } } end
   if #side ~= n then error(("gallery: side: expected one for each of the %d queries, found %d"):format(n, #side), 4) end
   local groups, of = {}, {}
   for i, name in ipairs(side) do
      if not of[name] then
         of[name] = { number_of_side(self, name), places = {} }
         groups[#groups + 1] = of[name]
      end
      table.insert(of[name].places, i)
   end
   return groups
end

-- Parts of the queries' rows put back into the order of the queries.
local function in_order(parts, groups)
   local joined, place_of, at = require "scute.base.joined", {}, 0
   for _, group in ipairs(groups) do
      for _, place in ipairs(group.places) do
         at = at + 1
         place_of[place] = at
      end
   end
   local order <close> = scute.tensor(place_of, { dtype = "i64" })
   local whole <close> = joined(parts)
   return whole:index_select(1, order)
end

local function search_groups(self, queries, groups, top)
   if not groups[1].places then return search(self, queries, groups[1][1], top) end
   local scores, rows = {}, {}
   for i, group in ipairs(groups) do
      local places <close> = scute.tensor(group.places, { dtype = "i64" })
      local some <close> = queries:index_select(1, places)
      scores[i], rows[i] = search(self, some, group[1], top)
   end
   return in_order(scores, groups), in_order(rows, groups)
end

--- The rows that are most similar to each of the queries, (Q, D) f32 of length 1: exact, all rows are looked at. Returns scores
-- (Q, k) f32, the cosines, the highest first (of equal ones the first row), and rows (Q, k) i64, their numbers; k = top, or the
-- rows there are. Rows of another side that is known stand last, at minus infinity.
function Gallery:search(queries, given)
   local o = SEARCH:read(given)
   check_queries(self, "gallery:search", queries)
   return search_groups(self, queries, by_side(self, o.side, queries.shape[1]), math.min(o.top, self.count))
end
SEARCH:describes(Gallery.search)

local CANDIDATES = options.declare("reid.gallery:candidates", {
   { "top", whole = true, min = 1, default = 5, help = "individuals of each query, at most as many as there are" },
   SIDE,
})

-- The first row of each individual among the rows of a query: list of { identity, score, row }, at most `top`; and whether more
-- rows could bring more.
local function individuals_of(self, scores, rows, top)
   local list, seen = {}, {}
   for k, score in ipairs(scores) do
      if score == -math.huge then return list, false end
      local identity = self.columns:identity_of(rows[k])
      if not seen[identity] then
         seen[identity] = true
         list[#list + 1] = { identity = identity, score = score, row = rows[k] }
         if #list == top then return list, false end
      end
   end
   return list, #rows < self.count
end

local PLACES = 1 << 22 -- rows of queries that are looked through at once

-- The individuals of some queries, by their numbers, among their `count` best rows; those of them that want more rows.
local function look_through(self, queries, side, numbers, count, top, found)
   local left = {}
   local index <close> = scute.tensor(numbers, { dtype = "i64" })
   local some <close> = queries:index_select(1, index)
   if type(side) == "table" then
      local whole = side
      side = {}
      for i, q in ipairs(numbers) do side[i] = whole[q] end
   end
   local scores, rows = search_groups(self, some, by_side(self, side, #numbers), count)
   local score_lists, row_lists = scores:totable(), rows:totable()
   scores:free()
   rows:free()
   for i, q in ipairs(numbers) do
      local more
      found[q], more = individuals_of(self, score_lists[i], row_lists[i], top)
      if more then left[#left + 1] = q end
   end
   return left
end

--- The individuals that are most similar to each of the queries, each by its most similar photo: a list for each query of
-- { identity, score = cosine, row = number of that photo's row }, the most similar first. With a side, individuals without a
-- photo that may show it are no candidates.
function Gallery:candidates(queries, given)
   local o = CANDIDATES:read(given)
   check_queries(self, "gallery:candidates", queries)
   by_side(self, o.side, queries.shape[1])
   local top, found, wanting = math.min(o.top, #self.identities), {}, {}
   local count = math.min(self.count, 4 * top + 12)
   for q = 1, queries.shape[1] do wanting[q] = q end
   while #wanting > 0 do -- individuals with many photos may fill all places
      local step, left = math.max(1, PLACES // count), {}
      for from = 1, #wanting, step do
         local numbers = table.move(wanting, from, math.min(from + step - 1, #wanting), 1, {})
         local more = look_through(self, queries, o.side, numbers, count, top, found)
         table.move(more, 1, #more, #left + 1, left)
      end
      wanting, count = left, math.min(self.count, 8 * count)
   end
   return found
end
CANDIDATES:describes(Gallery.candidates)

--- How many rows each individual has: a table by name.
function Gallery:photos()
   local counts = {}
   for i = 1, self.count do
      local identity = self.columns:identity_of(i)
      counts[identity] = (counts[identity] or 0) + 1
   end
   return counts
end

--- Lets go of the file; tensors of it live on. Also with <close>.
function Gallery:close()
   self.mapped:close()
end
Gallery.__close = Gallery.close

function Gallery:__tostring()
   return ("gallery %s: %s of %s, embeddings of %d numbers%s"):format(self.path, console.count(self.count, "photo"),
      console.count(#self.identities, "individual"), self.width, self.protocol and ("; " .. self.protocol) or "")
end

return gallery
