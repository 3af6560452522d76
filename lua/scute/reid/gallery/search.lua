-- The rows of a gallery that are most like a query, all of them looked at: products of matrices, block by block over the file's
-- own memory, of which the best of each block are kept.
local scute = require "scute"

local BYTES = 64 << 20 -- of a block of embeddings, and of its similarities with the queries
local QUERIES = 1024   -- that go together
local ALIGNED = 16     -- rows: each block begins at a multiple of 64 bytes, so that it is used where it lies

local function block_rows(width, queries)
   local most = math.min(65536, BYTES // (4 * math.max(width, queries)))
   return math.max(ALIGNED, most // ALIGNED * ALIGNED)
end

-- 0 for the rows of a block that count, minus infinity for the others: f32 (n).
local function bias_of(gallery, side, from, to)
   local sides <close> = gallery.mapped:tensor("side", from, to)
   local zeros <close> = scute.zeros(to - from + 1)
   local minus <close> = scute.full({ to - from + 1 }, -math.huge)
   local is_same <close> = sides:eq(side)
   local is_unknown <close> = sides:eq(0)
   local others <close> = scute.where(is_unknown, zeros, minus)
   return scute.where(is_same, zeros, others)
end

-- The best `top` of two lists of each query, the first one's before equal ones of the second. Takes both over.
local function merged(best, more, top)
   if not best then return more end
   local values <close> = scute.concat({ best.scores, more.scores }, 2)
   local rows <close> = scute.concat({ best.rows, more.rows }, 2)
   for _, list in ipairs { best, more } do
      list.scores:free()
      list.rows:free()
   end
   local scores, places = values:topk(math.min(top, values.shape[2]), 2)
   local chosen = rows:gather(2, places)
   places:free()
   return { scores = scores, rows = chosen }
end

local function best_of_block(gallery, queries, side, from, to, top)
   local block <close> = gallery.mapped:tensor("embeddings", from, to)
   local bias <close> = side and bias_of(gallery, side, from, to) or nil
   local similar <close> = queries:linear(block, bias)
   local scores, places = similar:topk(math.min(top, to - from + 1), 2)
   local rows = places + (from - 1)
   places:free()
   return { scores = scores, rows = rows }
end

local function search(gallery, queries, side, top, step)
   local best
   step = step or block_rows(gallery.width, queries.shape[1])
   for from = 1, gallery.count, step do
      local to = math.min(from + step - 1, gallery.count)
      best = merged(best, best_of_block(gallery, queries, side, from, to, top), top)
   end
   return best
end

-- Some of the lists below each other; their own are freed.
local function below(parts)
   local joined = require "scute.base.joined"
   local scores, rows = {}, {}
   for i, part in ipairs(parts) do scores[i], rows[i] = part.scores, part.rows end
   return joined(scores), joined(rows)
end

--- The `top` rows of a gallery (at most all of them) that are most similar to each of the queries (Q, D), the most similar
-- first, of equal ones the first: scores (Q, k) f32 and the rows' numbers (Q, k) i64. side: the number of a side: rows that are
-- known to show another one stand behind, at minus infinity. step: rows of a block (as many as 64 MiB hold).
return function(gallery, queries, side, top, step)
   return scute.no_grad(function()
      local parts = {}
      for from = 1, queries.shape[1], QUERIES do
         local some <close> = queries:slice(1, from, math.min(from + QUERIES - 1, queries.shape[1]))
         parts[#parts + 1] = search(gallery, some, side, top, step)
      end
      gallery.mapped:check()
      return below(parts)
   end)
end
