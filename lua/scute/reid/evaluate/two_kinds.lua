-- Pairs of a query and a photo of the gallery, by whether they are of one individual.
local metrics = require "scute.metrics"
local scute = require "scute"

local MOST = 2000000 -- pairs that are looked at; of more, those of some queries, evenly from all
local LISTED = 200000 -- similarities of different ones that are kept for a picture, evenly from all
local AT_ONCE = 1000000 -- similarities that are in a list of Lua's

-- What a query is not compared with, as a set.
local function set_without(exclude, q)
   local set = {}
   for _, k in ipairs(exclude and exclude(q) or {}) do set[k] = true end
   return set
end

-- Every how many queries one is taken.
local function stride_of(queries, gallery)
   return math.max(1, math.ceil(queries * gallery / MOST))
end

-- visit(query number, similarities with all of the gallery).
local function each_query(queries, gallery, stride, visit)
   local lengths <close> = gallery.x:norm(2, 2)
   local step = stride * math.max(1, AT_ONCE // #gallery.rows)
   for from = 1, #queries.rows, step do
      local at = {}
      for q = from, math.min(#queries.rows, from + step - 1), stride do at[#at + 1] = q end
      local index <close> = scute.tensor(at, { dtype = "i64", device = queries.x.device })
      local some <close> = queries.x:index_select(1, index)
      local one <close> = some:normalize(2, 2)
      local products <close> = one:linear(gallery.x)
      local cosines <close> = products / lengths
      for i, similarities in ipairs(cosines:totable()) do visit(at[i], similarities) end
   end
end

-- At most LISTED of a list, evenly from all.
local function thinned(list)
   local step = math.ceil(#list / LISTED)
   if step <= 1 then return list end
   local some = {}
   for i = 1, #list, step do some[#some + 1] = list[i] end
   return some
end

--- { same, different = lists of similarities, auc, eer = of a threshold between them, of = pairs looked at, drawn = whether
-- these are of some queries only }. exclude: function(query) -> list of photos that it is not compared with, or nil.
return function(queries, gallery, exclude)
   local stride = stride_of(#queries.rows, #gallery.rows)
   local scores, is_same, same, different = {}, {}, {}, {}
   scute.no_grad(function()
      each_query(queries, gallery, stride, function(q, similarities)
         local name, left_out = queries.rows[q].identity, set_without(exclude, q)
         for k, similarity in ipairs(similarities) do
            if not left_out[k] then
               local alike = gallery.rows[k].identity == name
               scores[#scores + 1], is_same[#is_same + 1] = similarity, alike
               local list = alike and same or different
               list[#list + 1] = similarity
            end
         end
      end)
   end)
   local roc = metrics.roc(scores, is_same)
   return { same = same, different = thinned(different), auc = roc.auc, eer = roc.eer, of = #scores, drawn = stride > 1 }
end
