-- Galleries of known individuals: what is written is found again, exactly; nothing is lost, and what does not fit is refused.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local gallery = require "scute.reid.gallery"
local lock = require "scute.reid.gallery.lock"
local search = require "scute.reid.gallery.search"

local MODEL = ("0123456789abcdef"):rep(4)
local OTHER = ("fedcba9876543210"):rep(4)

local root

local function path(name) return root .. "/" .. name end

-- n vectors of length 1.
local function vectors(n, width, seed)
   scute.manual_seed(seed or 1)
   return scute.randn(n, width):normalize()
end

-- A row for each: individuals a1, a2, ... of `each` photos.
local function rows_of(n, each, change)
   local rows = {}
   for i = 1, n do
      local identity = "a" .. (i - 1) // each + 1
      rows[i] = { identity = identity, file = ("%s/%d.jpg"):format(identity, i), date = "2020-01-01" }
      if change then change(rows[i], i) end
   end
   return rows
end

local function made(name, x, rows, more)
   local o = { embeddings = x, rows = rows, model = MODEL }
   for key, value in pairs(more or {}) do o[key] = value end
   return gallery.create(path(name), o)
end

local function text_of(name)
   local file = assert(io.open(path(name), "rb"))
   local text = file:read "a"
   file:close()
   return text
end

local function put_text(name, text)
   local file = assert(io.open(path(name), "wb"))
   file:write(text)
   file:close()
end

local function fails(message, f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok, "nothing failed")
   assert.is_truthy(tostring(err):find(message, 1, true), tostring(err))
   return err
end

-- What exact search has to find: all rows by cosine, of equal ones the first.
local function by_hand(x, query, counts)
   local list = {}
   for i, row in ipairs(x) do
      if not counts or counts(i) then
         local sum = 0.0
         for k, value in ipairs(row) do sum = sum + value * query[k] end
         list[#list + 1] = { i, sum }
      end
   end
   table.sort(list, function(a, b)
      if a[2] ~= b[2] then return a[2] > b[2] end
      return a[1] < b[1]
   end)
   return list
end

setup(function()
   console.quiet = true
   root = os.tmpname()
   os.remove(root)
   lfs.mkdir(root)
end)
teardown(function()
   console.quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

describe("a gallery", function()
   it("tells what was put into it", function()
      local x, rows = vectors(7, 5), rows_of(7, 3, function(row, i)
         row.side = ({ "left", "right" })[i % 3]
         row.path, row.box = path("photos/" .. row.file), i == 2 and { 1, 2.5, 30, 40 } or nil
         if i == 3 then row.box = { 4, 3, 2, 1, of = { 640, 480 } } end
         row.encounter, row.mask = i > 4 and "Bucht \"1\"\n" or nil, { "not kept" }
      end)
      rows[7].file = "odd\xff.jpg"
      local g <close> = made("told.safetensors", x, rows, { protocol = "by encounter, seed 0", preprocessing = { crop = 32 },
         calibration = { kind = "platt", slope = 8, offset = -4 }, notes = { crop = "head" } })
      assert.equal(7, g.count)
      assert.equal(5, g.width)
      assert.same({ "a1", "a2", "a3" }, g.identities)
      assert.same({ "left", "right" }, g.sides)
      assert.same({ MODEL, "by encounter, seed 0", 32, "platt", "head" }, { g.model, g.protocol, g.preprocessing.crop,
         g.calibration.kind, g.notes.crop })
      assert.same({ identity = "a1", file = "a1/2.jpg", path = "photos/a1/2.jpg", date = "2020-01-01", side = "right",
         box = { 1, 2.5, 30, 40 } }, g:row(2))
      assert.same({ 4, 3, 2, 1, of = { 640, 480 } }, g:row(3).box)
      assert.equal(path "photos/a1/2.jpg", g:path_of(g:row(2)))
      assert.same({ "a3", "odd\xff.jpg", "Bucht \"1\"\n" }, { g:row(7).identity, g:row(7).file, g:row(7).encounter })
      assert.is_nil(g:row(3).side)
      assert.same({ a1 = 3, a2 = 3, a3 = 1 }, g:photos())
      assert.same({ 5 }, g:find(path "photos/a2/5.jpg"))
      assert.same({}, g:find(path "photos/a2/50.jpg"))
      assert.is_truthy(tostring(g):find("7 photos of 3 individuals, embeddings of 5 numbers; by encounter, seed 0", 1, true))
      assert.error_matches(function() g:row(8) end, "expected a number from 1 to 7, found 8")
   end)

   it("is a safetensors file, whose embeddings any reader has", function()
      local x = vectors(4, 3)
      made("plain.safetensors", x, rows_of(4, 2)):close()
      local state = scute.weights.load(path "plain.safetensors")
      assert.same(x:totable(), state.tensors.embeddings:totable())
      assert.same({ 1, 1, 2, 2 }, state.tensors.individual:values())
      scute.weights.verify(path "plain.safetensors")
   end)

   it("is read where it lies, and takes no memory", function()
      local x = vectors(4096, 64)
      made("large.safetensors", x, rows_of(4096, 8)):close()
      x:free()
      local before = scute.memory().live
      local g <close> = gallery.open(path "large.safetensors")
      local all = g.mapped:tensor "embeddings"
      assert.equal(before, scute.memory().live)
      all:fill_(2) -- whoever writes gets a copy first
      assert.equal(before + 4096 * 64 * 4, scute.memory().live)
      all:free()
      local again <close> = g.mapped:tensor("embeddings", 1, 16)
      assert.is_true(again:max():item() <= 1)
      scute.weights.verify(path "large.safetensors")
   end)

   it("has 10^4 individuals at once", function()
      local g <close> = made("many.safetensors", vectors(10000, 4), rows_of(10000, 1))
      assert.equal(10000, #g.identities)
      assert.equal("a9876", g:row(9876).identity)
   end)
end)

describe("search", function()
   it("is exact, whatever the blocks", function()
      local x, q = vectors(203, 12), vectors(9, 12, 2)
      local g <close> = made("exact.safetensors", x, rows_of(203, 4))
      local lists, queries = x:totable(), q:totable()
      for _, step in ipairs { 16, 64, 1024 } do
         local scores, rows = search(g, q, nil, 10, step)
         assert.same({ 9, 10 }, scores.shape)
         for i, query in ipairs(queries) do
            local expected = by_hand(lists, query)
            for k = 1, 10 do
               assert.equal(expected[k][1], rows:totable()[i][k])
               assert.is_true(math.abs(expected[k][2] - scores:totable()[i][k]) < 1e-6)
            end
         end
      end
   end)

   it("finds equal ones in their order, and no more than there are", function()
      local one = vectors(1, 6):totable()[1]
      local x = scute.tensor { one, one, one, one, one }
      for _, step in ipairs { 16, 2 } do
         local g <close> = made("equal.safetensors", x, rows_of(5, 1), { overwrite = true })
         local _, rows = search(g, scute.tensor { one }, nil, math.min(9, g.count), step)
         assert.same({ { 1, 2, 3, 4, 5 } }, rows:totable())
         local scores, found = g:search(scute.tensor { one, one }, { top = 9 })
         assert.same({ 2, 5 }, scores.shape)
         assert.same({ 1, 2, 3, 4, 5 }, found:totable()[2])
      end
   end)

   it("leaves out rows that show another side", function()
      local x, q = vectors(60, 8), vectors(4, 8, 3)
      local sides = { "left", "right", false }
      local g <close> = made("sides.safetensors", x, rows_of(60, 5, function(row, i) row.side = sides[i % 3 + 1] or nil end))
      local lists, queries = x:totable(), q:totable()
      local asked = { "left", false, "right", "top" }
      local scores, rows = g:search(q, { top = 60, side = asked })
      scores, rows = scores:totable(), rows:totable()
      for i, query in ipairs(queries) do
         local expected = by_hand(lists, query, function(row)
            local side = sides[row % 3 + 1]
            return not asked[i] or not side or side == asked[i]
         end)
         assert.equal(asked[i] == false and 60 or asked[i] == "top" and 20 or 40, #expected)
         for k, entry in ipairs(expected) do assert.equal(entry[1], rows[i][k]) end
         for k = #expected + 1, 60 do assert.equal(-math.huge, scores[i][k]) end
      end
      local same = select(2, g:search(q:slice(1, 1, 1), { top = 3, side = "left" })):totable()[1]
      assert.same(table.move(rows[1], 1, 3, 1, {}), same)
   end)

   it("gives individuals, however many photos one has", function()
      scute.manual_seed(4)
      local center = scute.randn(1, 16):normalize()
      local near = (center + 0.01 * scute.randn(80, 16)):normalize()
      local x = scute.concat({ near, vectors(40, 16, 5) }, 1)
      local g <close> = made("crowd.safetensors", x, rows_of(120, 1, function(row, i)
         row.identity = i <= 80 and "crowd" or "b" .. (i - 81) // 2
      end))
      local list = g:candidates(center, { top = 3 })[1]
      assert.equal(3, #list)
      assert.equal("crowd", list[1].identity)
      assert.is_true(list[1].score > list[2].score and list[2].score >= list[3].score)
      local expected, seen = {}, {}
      for _, entry in ipairs(by_hand(x:totable(), center:totable()[1])) do
         local identity = g:row(entry[1]).identity
         if not seen[identity] then expected[#expected + 1], seen[identity] = { identity, entry[1] }, true end
      end
      for k, candidate in ipairs(list) do assert.same(expected[k], { candidate.identity, candidate.row }) end
      assert.equal(21, #g:candidates(center, { top = 99 })[1])
      -- of several queries those alone go on that want more rows
      local queries = scute.concat({ x:slice(1, 100, 100), center, x:slice(1, 120, 120) }, 1)
      local function rows_of_list(candidates)
         local numbers = {}
         for k, candidate in ipairs(candidates) do numbers[k] = candidate.row end
         return numbers
      end
      local lists, of_sides = g:candidates(queries), g:candidates(queries, { side = { "left", "left", false } })
      for q, query in ipairs { x:slice(1, 100, 100), center, x:slice(1, 120, 120) } do
         assert.same(rows_of_list(g:candidates(query)[1]), rows_of_list(lists[q]))
         assert.same(rows_of_list(lists[q]), rows_of_list(of_sides[q]))
      end
   end)

   it("refuses queries that are none", function()
      local g <close> = made("small.safetensors", vectors(6, 4), rows_of(6, 2))
      assert.error_matches(function() g:search(vectors(1, 5)) end, "expected embeddings of 4 numbers, found 5")
      assert.error_matches(function() g:search(scute.zeros(1, 4)) end, "embedding 1 has the length 0; expected 1")
      assert.error_matches(function() g:search(scute.full({ 2, 4 }, 0 / 0)) end, "embedding 1 has the length %-?nan")
      assert.error_matches(function() g:search(vectors(1, 4), { topp = 3 }) end, "unknown option 'topp'; did you mean 'top'")
      assert.error_matches(function() g:candidates(vectors(3, 4), { side = { "left" } }) end, "one for each of the 3 queries")
   end)
end)

describe("adding to a gallery", function()
   it("keeps what is there, and what others added", function()
      local x, y, z = vectors(5, 6), vectors(3, 6, 7), vectors(2, 6, 8)
      local g <close> = made("grows.safetensors", x, rows_of(5, 2), { protocol = "p", notes = { a = "b" } })
      local old <close> = gallery.open(path "grows.safetensors")
      local other <close> = gallery.open(path "grows.safetensors")
      other:append { embeddings = y, rows = rows_of(3, 3, function(row) row.side = "left" end) }
      g:append { embeddings = z, rows = rows_of(2, 1, function(row) row.identity, row.enrolled = "Zoë", true end) }
      assert.equal(10, g.count)
      assert.same({ "a1", "a2", "a3", "Zoë" }, g.identities)
      assert.same({ "a1", "left", "Zoë", true }, { g:row(8).identity, g:row(8).side, g:row(10).identity, g:row(10).enrolled })
      assert.same({ "p", "b", MODEL }, { g.protocol, g.notes.a, g.model })
      local all <close> = g.mapped:tensor "embeddings"
      assert.same(scute.concat({ x, y, z }, 1):totable(), all:totable())
      assert.equal(1, g:search(x:slice(1, 1, 1), { top = 1 }):item() // 0.999)
      -- who has the old one open has it whole
      assert.equal(5, old.count)
      assert.equal(5, select(2, old:search(x:slice(1, 5, 5), { top = 1 })):item())
      for name in lfs.dir(root) do assert.is_nil(name:find "%.tmp$" or name:find "%.lock$", name) end
   end)

   it("takes a photo once, whoever adds it, and each animal on it", function()
      local function row(identity, name, box) return { identity = identity, path = path(name), box = box } end
      local x = vectors(3, 6)
      local g, others = made("once.safetensors", x, { row("Ann", "a.jpg"), row("Bob", "../" .. root:match "[^/]*$" .. "/a.jpg"),
         row("Bob", "a.jpg", { 1, 2, 3, 4 }) }, { once = true })
      assert.same({ 2, 1, "Ann" }, { g.count, #others, others[1].as })
      local old <close> = gallery.open(path "once.safetensors")
      g:append { embeddings = x, rows = { row("Cid", "c.jpg"), row("Cid", "b.jpg"), row("Cid", "c.jpg") }, once = true }
      assert.equal(4, g.count)
      assert.same(x:slice(1, 2, 2):totable(), g.mapped:tensor("embeddings", 4, 4):totable())
      others = select(2, old:append { embeddings = x, rows = { row("Dan", "b.jpg"), row("Dan", "d.jpg"),
         row("Dan", "a.jpg", { 1, 2, 3, 4 }) }, once = true })
      assert.same({ 5, 2, "Cid", "Bob" }, { old.count, #others, others[1].as, others[2].as })
      others = select(2, g:append { embeddings = x:slice(1, 1, 1), rows = { row("Eve", "a.jpg") }, once = true })
      assert.same({ 5, 1 }, { g.count, #others })
      g:close()
   end)

   it("behind a link changes the file, and leaves the link", function()
      made("real.safetensors", vectors(2, 6), rows_of(2, 1)):close()
      lfs.link("real.safetensors", path "link.safetensors", true)
      local g <close> = gallery.open(path "link.safetensors")
      g:append { embeddings = vectors(1, 6, 2), rows = { { identity = "new" } } }
      assert.equal("link", lfs.symlinkattributes(path "link.safetensors", "mode"))
      assert.equal(3, gallery.open(path "real.safetensors").count)
   end)

   it("leaves out what is to go, and individuals with it", function()
      local x = vectors(6, 6)
      local g <close> = made("shrinks.safetensors", x, rows_of(6, 2, function(row, i) row.side = "s" .. (i + 1) // 2 end))
      g:append { drop = function(row, i) return row.identity == "a1" or i == 4 end }
      assert.same({ "a2", "a3" }, g.identities)
      assert.same({ "s2", "s3" }, g.sides)
      assert.same({ "a2/3.jpg", "a3/5.jpg", "a3/6.jpg" }, { g:row(1).file, g:row(2).file, g:row(3).file })
      assert.equal(2, select(2, g:search(x:slice(1, 5, 5), { top = 1 })):item())
      fails("would be empty", g.append, g, { drop = function() return true end })
      assert.equal(3, gallery.open(path "shrinks.safetensors").count)
   end)

   it("refuses what does not fit, and changes nothing", function()
      local g <close> = made("same.safetensors", vectors(4, 6), rows_of(4, 2))
      local before = text_of "same.safetensors"
      fails("expected embeddings of 6 numbers, found 5", g.append, g, { embeddings = vectors(1, 5), rows = rows_of(1, 1) })
      fails("expected a row for each of the 2 embeddings, found 1", g.append, g, { embeddings = vectors(2, 6),
         rows = rows_of(1, 1) })
      fails("has no identity", g.append, g, { embeddings = vectors(1, 6), rows = { { file = "x.jpg" } } })
      fails("is not UTF-8, as a gallery needs it", g.append, g, { embeddings = vectors(1, 6),
         rows = { { file = "x.jpg", identity = "\xff" } } })
      fails("expected embeddings and rows, or neither", g.append, g, { rows = {} })
      assert.equal(before, text_of "same.safetensors")
      assert.equal(4, g.count)
   end)

   it("waits for who is writing, and says who it is", function()
      local held <close> = lock(path "busy.safetensors") -- luacheck: ignore
      fails(("busy.safetensors is being written by another program (process %d on "):format(scute.process.id()), lock,
         path "busy.safetensors", 0)
   end)
end)

describe("a gallery that is none", function()
   it("is refused with its reason", function()
      fails("nowhere.safetensors", gallery.open, path "nowhere.safetensors")
      fails("expected a row for each of the 1 embeddings, found 0", made, "none.safetensors",
         vectors(1, 3), {})
      assert.is_nil(lfs.attributes(path "none.safetensors"))
      fails("is no gallery, but another safetensors file", gallery.open, "tests/golden/pth/tiny.safetensors")
      made("model.safetensors", vectors(2, 3), rows_of(2, 1)):close()
      local err = fails("is a gallery of another model", gallery.open, path "model.safetensors", { model = OTHER })
      assert.is_true(console.is_failure(err))
      gallery.open(path "model.safetensors", { model = MODEL:upper() }):close()
      fails("is there already", made, "model.safetensors", vectors(2, 3), rows_of(2, 1))
      fails("model: cannot read", gallery.open, path "model.safetensors", { model = path "no_model.safetensors" })
   end)

   it("is refused where it is damaged", function()
      made("good.safetensors", vectors(40, 6), rows_of(40, 4)):close()
      local good = text_of "good.safetensors"
      for _, at in ipairs { 9, 40, 700, #good // 2, #good - 3, #good } do
         put_text("bad.safetensors", good:sub(1, at - 1) .. string.char(good:byte(at) ~ 1) .. good:sub(at + 1))
         local err = fails("bad.safetensors", gallery.open, path "bad.safetensors")
         assert.is_true(console.is_failure(err), at)
      end
      for _, length in ipairs { 0, 7, 100, 600, #good - 1 } do
         put_text("cut.safetensors", good:sub(1, length))
         fails("cut.safetensors", gallery.open, path "cut.safetensors")
      end
      put_text("longer.safetensors", good .. "x")
      fails("longer.safetensors", gallery.open, path "longer.safetensors")
   end)

   it("is noticed where somebody writes into it, or cuts it off, while it is searched", function()
      local x = vectors(3000, 16)
      local g <close> = made("touched.safetensors", x, rows_of(3000, 4))
      local q = x:slice(1, 2999, 2999)
      assert.equal(2999, select(2, g:search(q, { top = 1 })):item())
      lfs.touch(path "touched.safetensors", 1, 1)
      fails("changed while it was read", g.search, g, q)
      local h <close> = made("cut_off.safetensors", x, rows_of(3000, 4))
      os.execute(("truncate -s 8192 '%s'"):format(path "cut_off.safetensors"))
      fails("cut_off.safetensors: a part of it is gone", h.search, h, q)
      fails("cut_off.safetensors", gallery.open, path "cut_off.safetensors")
   end)
end)
