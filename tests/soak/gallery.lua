-- A gallery at the size of a large collection: 10^6 embeddings of 512 numbers, 10^5 individuals, mapped. What opening and a
-- batch of queries take, that planted photos are found, that the program's own memory stays small, and that adding keeps all
-- of it. Takes 5 GB of disk in the folder for temporary files (TMPDIR). Usage: scute tests/soak/gallery.lua [ROWS]
local scute = require "scute"
local file = require "scute.reid.gallery.file"
local gallery = require "scute.reid.gallery"
local rows = require "scute.reid.gallery.rows"
local tally = dofile "tests/tally.lua"
local check = tally.check

local ROWS, WIDTH, EACH, QUERIES, PIECE = tonumber(arg[1]) or 1000000, 512, 10, 32, 20000
local MODEL = ("5ca1ab1e"):rep(8)
local ROOM = 256 << 20 -- bytes of tensors beside the mapped file

local path = (os.getenv "TMPDIR" or "/tmp") .. "/scute_gallery_soak.safetensors"

local function timed(name, f, ...)
   local before = scute.clock()
   local results = table.pack(f(...))
   local seconds = (scute.clock()) - before
   print(("%-48s %7.3f s"):format(name, seconds))
   return seconds, table.unpack(results, 1, results.n)
end

local function piece(number)
   scute.manual_seed(number)
   local x <close> = scute.randn(math.min(PIECE, ROWS - (number - 1) * PIECE), WIDTH)
   return x:normalize()
end

local function write()
   local columns = rows.columns()
   for i = 1, ROWS do
      local identity = ("turtle %06d"):format((i - 1) // EACH + 1)
      columns:add({ identity = identity, file = ("%s/%d.jpg"):format(identity, i), side = i % 2 == 0 and "left" or "right",
         date = "2020-05-06" }, "row " .. i)
   end
   file.write(path, columns, WIDTH, function(put)
      for number = 1, (ROWS + PIECE - 1) // PIECE do
         local x <close> = piece(number)
         put(x)
      end
   end, { model = MODEL })
end

-- Photos that are a little off from rows of the gallery, and which these are.
local function planted()
   local list, wanted = {}, {}
   for q = 1, QUERIES do
      local row = (q * 7919 * 7919) % ROWS + 1
      local x <close> = piece((row - 1) // PIECE + 1)
      local at = (row - 1) % PIECE + 1
      list[q], wanted[q] = x:slice(1, at, at), row
   end
   local exact <close> = scute.concat(list, 1)
   local noise <close> = scute.randn(QUERIES, WIDTH)
   local off <close> = exact + noise * 0.02
   return off:normalize(), wanted
end

-- The products alone, which are the least that exact search can do.
local function products(g, queries)
   scute.no_grad(function()
      for from = 1, g.count, 32768 do
         local block <close> = g.mapped:tensor("embeddings", from, math.min(from + 32767, g.count))
         local scores <close> = queries:linear(block)
         check(scores.shape[1] == QUERIES, "products")
      end
   end)
end

local function all_found(scores, found, wanted)
   scores, found = scores:totable(), found:totable()
   for q, row in ipairs(wanted) do
      if found[q][1] ~= row or scores[q][1] < 0.8 or scores[q][1] < scores[q][5] then return false end
   end
   return true
end

local ok, err = pcall(function()
   timed("writing and reading back", write)
   scute.flush()
   local before = scute.memory().live
   local _, g = timed("opening, with its checksum", gallery.open, path, { model = MODEL })
   check(g.count == ROWS and #g.identities == (ROWS + EACH - 1) // EACH, "all rows are there")
   local queries, wanted = planted()
   timed(("a batch of %d queries, the first"):format(QUERIES), g.search, g, queries)
   local least = timed("its products alone", products, g, queries)
   local seconds, scores, found = timed(("a batch of %d queries"):format(QUERIES), g.search, g, queries)
   check(all_found(scores, found, wanted), "planted photos are found")
   check(seconds < 4 * least + 0.5, "search takes little more than the products", ("%.3f s, %.3f s"):format(seconds, least))
   local _, list = timed("candidates, of the left side", g.candidates, g, queries, { side = "left" })
   check(#list == QUERIES and #list[1] == 5, "candidates")
   check(scute.memory().peak - before < ROOM, "memory beside the file", scute.memory().peak - before)
   timed("enrolling one photo", g.append, g, { embeddings = queries:slice(1, 1, 1), rows = { { identity = "new" } } })
   check(g.count == ROWS + 1 and g:row(ROWS + 1).identity == "new" and g:row(ROWS).file, "nothing is lost")
   g:close()
end)
check(ok, "it comes to its end", err)
os.remove(path)
tally.finish()
