-- By side: the left and the right side of an animal are different pictures. How well each is known again in the whole gallery,
-- among photos of the same side, and among those of the others alone.
local folder = require "scute.data.folder"
local metrics = require "scute.metrics"
local scute = require "scute"

local MOST = 12 -- sides that are compared; more are no sides

-- The embeddings and names of the rows for which wanted(row) holds; nil of none.
local function pick(part, wanted)
   local at, names = {}, {}
   for i, row in ipairs(part.rows) do
      if wanted(row) then at[#at + 1], names[#names + 1] = i, row.identity end
   end
   if #at == 0 then return nil end
   local index <close> = scute.tensor(at, { dtype = "i64", device = part.x.device })
   return part.x:index_select(1, index), names
end

-- Top-1 of some queries among some of the gallery, and of how many photos that is; nil where none has anything to find there.
local function top1(x, names, gallery, wanted)
   local y, others = pick(gallery, wanted)
   if not y then return nil end
   local found = metrics.retrieval { queries = x, gallery = y, query_labels = names, gallery_labels = others, top = { 1 } }
   y:free()
   if found.queries > 0 then return found.top[1], found.queries end
end

-- Sides of the queries, those that are not known last.
local function sides_of(rows)
   local names, seen = {}, {}
   for _, row in ipairs(rows) do
      if row.side and not seen[row.side] then names[#names + 1], seen[row.side] = row.side, true end
   end
   return folder.sort_bytes(names)
end

-- Shares of the answers to queries of one side, of individuals in the gallery.
local function in_all(answers, side)
   local n, right, precision = 0, 0, 0.0
   for _, answer in ipairs(answers) do
      if answer.row.side == side and answer.is_known then
         n, right, precision = n + 1, right + (answer.is_right and 1 or 0), precision + answer.precision
      end
   end
   return n, n > 0 and right / n or 0 / 0, n > 0 and precision / n or 0 / 0
end

--- List of { side (nil: not known), photos = queries of individuals in the gallery, top1, map, same, other, same_photos,
-- other_photos = how many have something to find there }; empty where no side is known.
return function(queries, gallery, answers)
   local names, list = sides_of(queries.rows), {}
   if #names == 0 or #names > MOST then return list end
   for i, side in ipairs(names) do
      local entry = { side = side }
      entry.photos, entry.top1, entry.map = in_all(answers, side)
      local x, of = pick(queries, function(row) return row.side == side end)
      entry.same, entry.same_photos = top1(x, of, gallery, function(row) return row.side == side end)
      entry.other, entry.other_photos = top1(x, of, gallery, function(row) return row.side and row.side ~= side end)
      x:free()
      list[i] = entry
   end
   local photos, first, map = in_all(answers, nil)
   if photos > 0 then list[#list + 1] = { photos = photos, top1 = first, map = map } end
   return list
end
