-- Photos that look for others of the same individual: how far up they find them. Similarities are products of matrices, block
-- by block, so that what is held beside the embeddings does not grow with the number of queries; each row is sorted as a whole.
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local found_in = require "scute.metrics.found_in"
local is_tensor = require("scute.nn.module").is_tensor
local options = require "scute.base.options"
local scute = require "scute"

local ROOM = 512 << 20 -- bytes that a block takes where nothing is said
local PAIR = 18        -- bytes of a pair: a similarity (twice where photos are left out), its place, and two marks
local MOST = 4096      -- queries of a block, which is as fast as any

local function is_embeddings(value)
   return is_tensor(value) and #value.shape == 2 and value.dtype == "f32"
end

local function is_labels(value)
   return type(value) == "table" or is_tensor(value) and #value.shape == 1
end

local function is_counts(value)
   if type(value) ~= "table" or #value == 0 then return false end
   for _, k in ipairs(value) do
      if math.type(k) ~= "integer" or k < 1 then return false end
   end
   return true
end

local RETRIEVAL = options.declare("metrics.retrieval", {
   { "queries", required = true, is = is_embeddings, expected = "embeddings, a tensor f32 (N, D)",
     help = "embeddings (N, D) f32 of the photos that look for others" },
   { "gallery", required = true, is = is_embeddings, expected = "embeddings, a tensor f32 (M, D)",
     help = "embeddings (M, D) f32 of the photos among which they look" },
   { "query_labels", required = true, is = is_labels, expected = "N labels, as a list or a tensor i64 (N)",
     help = "the individual on each: names or numbers, N of them; false where it is not known" },
   { "gallery_labels", required = true, is = is_labels, expected = "M labels, as a list or a tensor i64 (M)",
     help = "the same of the gallery, M of them" },
   { "top", { 1, 5, 10 }, is = is_counts, expected = "a list of whole numbers from 1",
     help = "the k of the top-k shares, a list" },
   { "exclude", is = options.of_type("function", "table"), expected = "a list of lists of rows, or a function(query)",
     help = "what a query is not compared with, such as itself or its own encounter: by query a list of rows of the gallery "
        .. "(false: nothing), or a function(query) that returns such a list or nil" },
   { "keep", whole = true, min = 1, show = "none", help = "also the so many most similar of each query" },
   { "block", whole = true, min = 1, show = "as many as fit into 512 MiB", help = "queries that are compared at a time" },
})

-- ---- what is given ----

-- The length of each embedding; what is none is a failure that names it.
local function lengths_of(name, x)
   local norms <close> = x:norm(2, 2)
   local values = norms:values()
   for i, length in ipairs(values) do
      if not (length > 0 and length < math.huge) then
         console.fail("metrics.retrieval: %s: row %d holds %s; expected embeddings of some length, as a model says them of a "
            .. "photo", name, i, length == 0 and "zeros alone" or length == length and "infinity" or "NaN")
      end
   end
   return values
end

local function list_of(name, labels, n)
   local list = type(labels) == "table" and labels or labels:values()
   if #list ~= n then
      error(("metrics.retrieval: %s: expected %d labels, one an embedding, found %d"):format(name, n, #list), 4)
   end
   return list
end

-- Labels as numbers from 1, in a tensor as wide as comparing is fast; counts of each number in the gallery, and the number of
-- each query: nil where the gallery has none of it.
local function numbered(o)
   local number, counts, codes, of_query = {}, {}, {}, {}
   for i, label in ipairs(o.gallery_labels) do
      if label then
         if not number[label] then
            counts[#counts + 1] = 0
            number[label] = #counts
         end
         counts[number[label]] = counts[number[label]] + 1
      end
      codes[i] = number[label] or 0
   end
   for q, label in ipairs(o.query_labels) do of_query[q] = label and number[label] or nil end
   return codes, counts, of_query
end

local function check(o)
   local q, g = o.queries.shape, o.gallery.shape
   if q[2] ~= g[2] then
      error(("metrics.retrieval: expected embeddings of the same length, found queries of %d numbers and a gallery of %d")
         :format(q[2], g[2]), 3)
   end
   o.query_labels = list_of("query_labels", o.query_labels, q[1])
   o.gallery_labels = list_of("gallery_labels", o.gallery_labels, g[1])
end

-- ---- what a query is not compared with ----

local function rows_without(o, q)
   local rows = o.exclude
   if type(rows) == "function" then rows = rows(q) else rows = rows and rows[q] end
   if not rows then return {} end
   if type(rows) ~= "table" then
      error(("metrics.retrieval: exclude: query %d: expected a list of rows of the gallery, found %s"):format(q,
         console.brief(rows)), 0)
   end
   local list, seen = {}, {}
   for _, row in ipairs(rows) do
      if math.type(row) ~= "integer" or row < 1 or row > #o.gallery_labels then
         error(("metrics.retrieval: exclude: query %d: expected rows from 1 to %d, found %s"):format(q, #o.gallery_labels,
            console.brief(row)), 0)
      end
      if not seen[row] then list[#list + 1], seen[row] = row, true end
   end
   return list
end

-- The similarities with those that do not count at -infinity, where they come last. excluded: by query of the block.
local function without(scores, excluded)
   local most, at, minus = 0, {}, {}
   for _, rows in ipairs(excluded) do most = math.max(most, #rows) end
   if most == 0 then return scores end
   for i, rows in ipairs(excluded) do
      at[i], minus[i] = {}, {}
      for k = 1, most do at[i][k], minus[i][k] = rows[k] or 1, rows[k] and -math.huge or 0 end
   end
   local index <close> = scute.tensor(at, { dtype = "i64", device = scores.device })
   local source <close> = scute.tensor(minus, { dtype = "f32", device = scores.device })
   local left = scores:scatter_add(2, index, source)
   scores:free()
   return left
end

-- ---- one block ----

-- Cosines of some queries with all of the gallery: (n, M).
local function similarities(w, from, to)
   local part <close> = w.queries:slice(1, from, to)
   local unit <close> = part:normalize(2, 2)
   local products <close> = unit:linear(w.gallery)
   return products * w.shrink
end

-- Where in each row of `order` those of the query's own individual stand: (n, most), i64, the first ones first; what stands
-- behind a query's own number of them means nothing. nil where no query has any.
local function places_of_same(w, order, from, to, most)
   if most == 0 then return nil end
   local codes = {}
   for q = from, to do codes[#codes + 1] = { w.of_query[q] or -1 } end
   local own <close> = scute.tensor(codes, { dtype = "f32", device = w.device })
   local same <close> = w.codes:eq(own)
   local sorted <close> = same:gather(2, order)
   local marks, places = sorted:topk(most, 2) -- of equal ones the first come first
   marks:free()
   return places
end

-- How many photos each query of a block has to find, and the most of them.
local function wanted(w, o, from, excluded)
   local list, most = {}, 0
   for i, rows in ipairs(excluded) do
      local code = w.of_query[from + i - 1]
      local n = code and w.counts[code] or 0
      for _, row in ipairs(rows) do
         if code and o.gallery_labels[row] == o.query_labels[from + i - 1] then n = n - 1 end
      end
      list[i], most = n, math.max(most, n)
   end
   return list, most
end

local AT_ONCE = 1000000 -- numbers that are in a list of Lua's

-- visit(i, places) for each row of a tensor (n, k), as a list.
local function each_row(t, visit)
   local n, k = t.shape[1], t.shape[2]
   local step = math.max(1, AT_ONCE // k)
   for from = 1, n, step do
      local to = math.min(n, from + step - 1)
      local part <close> = t:slice(1, from, to)
      for i, row in ipairs(part:totable()) do visit(from + i - 1, row) end
   end
end

-- The `k` first of each row: lists of {row, similarity}. Those that do not count, at the end, are left out.
local function first_of(scores, order, k)
   local at <close> = order:slice(2, 1, math.min(k, order.shape[2]))
   local values <close> = scores:gather(2, at)
   local rows, list = at:totable(), {}
   for i, similar in ipairs(values:totable()) do
      list[i] = {}
      for j, similarity in ipairs(similar) do
         if similarity > -math.huge then list[i][#list[i] + 1] = { row = rows[i][j], similarity = similarity } end
      end
   end
   return list
end

-- {row, similarity} of the first of the query's own individual; nil where it has none.
local function first_right(scores, order, places, counts)
   local at <close> = places:slice(2, 1, 1)
   local where <close> = order:gather(2, at)
   local value <close> = scores:gather(2, where)
   local rows, similar, list = where:flatten(1):values(), value:flatten(1):values(), {}
   for i, n in ipairs(counts) do list[i] = n > 0 and { row = rows[i], similarity = similar[i] } or false end
   return list
end

-- One block; found: what collects.
local function look(w, o, from, to, found)
   local excluded = {}
   for q = from, to do excluded[#excluded + 1] = rows_without(o, q) end
   local counts, most = wanted(w, o, from, excluded)
   local scores <close> = without(similarities(w, from, to), excluded)
   local order <close> = scores:argsort(2, true, true)
   local places <close> = places_of_same(w, order, from, to, most) or scute.zeros(1)
   if most > 0 then
      each_row(places, function(i, row) found:add(from + i - 1, row, counts[i]) end)
      table.move(first_right(scores, order, places, counts), 1, to - from + 1, from, found.right)
   else
      for q = from, to do
         found:add(q, {}, 0)
         found.right[q] = false
      end
   end
   if o.keep then table.move(first_of(scores, order, o.keep), 1, to - from + 1, from, found.nearest) end
end

-- ---- all ----

-- What every block needs: lengths and labels of the gallery as tensors.
local function prepare(o)
   local shrink, device = {}, o.queries.device
   lengths_of("queries", o.queries)
   for i, length in ipairs(lengths_of("gallery", o.gallery)) do shrink[i] = 1 / length end
   local codes, counts, of_query = numbered(o)
   return { queries = o.queries, gallery = o.gallery, counts = counts, of_query = of_query, device = device,
      codes = scute.tensor({ codes }, { dtype = "f32", device = device }),
      shrink = scute.tensor({ shrink }, { dtype = "f32", device = device }) }
end

local RESULT = { __name = "scute.retrieval", __tostring = function(result)
   local rows = {}
   for _, k in ipairs(result.asked) do rows[#rows + 1] = { ("top-%d"):format(k), ("%.3f"):format(result.top[k]) } end
   rows[#rows + 1] = { "mAP", ("%.3f"):format(result.map) }
   rows[#rows + 1] = { "MAP@R", ("%.3f"):format(result.map_at_r) }
   return ("%s in a gallery of %s%s\n%s"):format(console.count(result.queries, "query", "queries"),
      columns.thousands(result.gallery), result.without > 0
         and ("; %d more are of individuals that are not in it"):format(result.without) or "", columns.text(rows, { 1 }))
end }

local function compare_all(o)
   local n, m = o.queries.shape[1], o.gallery.shape[1]
   local w = prepare(o)
   local block = o.block or math.max(1, math.min(MOST, ROOM // (PAIR * m)))
   local found = found_in.new(o.top)
   found.nearest, found.right = o.keep and {} or nil, {}
   for from = 1, n, block do look(w, o, from, math.min(n, from + block - 1), found) end
   w.codes:free()
   w.shrink:free()
   return found
end

--- Retrieval: each photo of `queries` puts those of `gallery` in the order of their similarity, the cosine of the embeddings,
-- and finds its own individual early or late. Of equal similarities the first in the gallery comes first. Returns { top = {[k]
-- = share of queries with at least one right photo among the first k}, map = mean average precision over all ranks, map_at_r =
-- the same over the first R only, R being how many there are to find (Musgrave et al. 2020, https://arxiv.org/abs/2003.08505),
-- queries = how many count, without = how many do not, since nothing of their individual is in the gallery (or left of it),
-- ranks = by query the rank of the first right photo, from 1 (false where it does not count), precisions = its average
-- precision (false), right = {row, similarity} of that photo (false), gallery = photos in it; with `keep` also nearest = by
-- query a list of {row, similarity} }. Shares are NaN where no query counts. On a GPU all of it is computed there.
local function retrieval(given)
   local o = RETRIEVAL:read(given)
   check(o)
   if o.queries.device ~= o.gallery.device then
      error(("metrics.retrieval: expected both on one device, found queries on %s and the gallery on %s"):format(
         o.queries.device, o.gallery.device), 2)
   end
   local found
   scute.no_grad(function() scute.autocast("f32", function() found = compare_all(o) end) end)
   local result = found:result()
   result.nearest, result.right, result.gallery = found.nearest, found.right, o.gallery.shape[1]
   return setmetatable(result, RESULT)
end

return RETRIEVAL:describes(retrieval)
