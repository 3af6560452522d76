-- Collects at which ranks queries found what they had to find: top-k shares, average precision, MAP@R.
local Found = {}
Found.__index = Found

local found_in = {}

--- For the top-k of these k.
function found_in.new(top)
   local hits = {}
   for _, k in ipairs(top) do hits[k] = 0 end
   return setmetatable({ asked = top, hits = hits, queries = 0, without = 0, map = 0.0, map_at_r = 0.0, ranks = {},
      precisions = {} }, Found)
end

--- Query number q found `n` photos, at the first n ranks of a list in rising order. n = 0: there is nothing to find.
function Found:add(q, ranks, n)
   if n == 0 then
      self.ranks[q], self.precisions[q], self.without = false, false, self.without + 1
      return
   end
   local all, within = 0.0, 0.0
   for i = 1, n do
      local precision = i / ranks[i]
      all = all + precision
      if ranks[i] <= n then within = within + precision end
   end
   self.queries = self.queries + 1
   self.ranks[q], self.precisions[q] = ranks[1], all / n
   self.map, self.map_at_r = self.map + all / n, self.map_at_r + within / n
   for k, hits in pairs(self.hits) do self.hits[k] = hits + (ranks[1] <= k and 1 or 0) end
end

--- The shares; NaN where nothing was to be found.
function Found:result()
   local top, n = {}, self.queries > 0 and self.queries or 0 / 0
   for k, hits in pairs(self.hits) do top[k] = hits / n end
   return { asked = self.asked, top = top, map = self.map / n, map_at_r = self.map_at_r / n, queries = self.queries,
      without = self.without, ranks = self.ranks, precisions = self.precisions }
end

return found_in
