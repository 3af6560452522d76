-- Quantiles of the studentized range (Tukey 1953): how far apart the largest and the smallest of k equally good results lie,
-- in deviations that were themselves estimated with so many degrees of freedom. Of two results it is Student's t.
local studentized = {}

local STEP = 0.25 -- of the sums below, which stand for integrals of bells: their error falls exponentially with it
local REACH = 7   -- deviations beyond which a bell holds less than 1e-11
local WIDEST = 2 * REACH + 2 -- a range that holds all
local EXACT = 1e-5 -- of a quantile
local GRID = 1 / 16 -- between ranges for which a probability is summed up

local grids = {} -- number of results -> probabilities

-- Abramowitz and Stegun 1964, 26.2.17: wrong by at most 7.5e-8.
local function normal(z)
   local t = 1 / (1 + 0.2316419 * math.abs(z))
   local tail = math.exp(-z * z / 2) * 0.3989422804014327 * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937
      + t * (-1.821255978 + t * 1.330274429))))
   return z > 0 and 1 - tail or tail
end

-- The bell and what lies below it at all multiples of GRID that are asked for, by their number.
local bells = setmetatable({}, { __index = function(self, i)
   self[i] = math.exp(-(i * GRID) ^ 2 / 2)
   return self[i]
end })
local normals = setmetatable({}, { __index = function(self, i)
   self[i] = normal(i * GRID)
   return self[i]
end })

-- The probability that k standard normal numbers have a range of at most i times GRID, as a sum.
local function summed(i, k)
   local sum = 0
   for z = -REACH // GRID, REACH // GRID + i, STEP // GRID do
      sum = sum + bells[z] * math.max(0, normals[z] - normals[z - i]) ^ (k - 1)
   end
   return math.min(1, k * sum * STEP * 0.3989422804014327)
end

-- That sum for a number of results, at all multiples.
local function on_grid(k)
   if not grids[k] then
      grids[k] = {}
      for i = 0, math.ceil(WIDEST / GRID) + 2 do grids[k][i] = summed(i, k) end
   end
   return grids[k]
end

-- The same from what is known of its neighbours: the cubic through four of them, which is wrong by less than 1e-6.
local function within(w, k)
   if w > WIDEST then return 1 end
   if k == 2 then return 2 * normal(w / math.sqrt(2)) - 1 end
   local at = math.max(1, math.floor(w / GRID))
   local grid, x = on_grid(k), w / GRID - at
   local a, b, c, d = grid[at - 1], grid[at], grid[at + 1], grid[at + 2]
   return (-a * x * (x - 1) * (x - 2) + 3 * b * (x + 1) * (x - 1) * (x - 2) - 3 * c * (x + 1) * x * (x - 2)
      + d * (x + 1) * x * (x - 1)) / 6
end

-- Deviations that are estimates with so many degrees of freedom, and what each weighs: s^2 is a chi-square over them, at steps
-- of x = log s.
local function estimates(freedom)
   local step, all, list = STEP / math.sqrt(freedom), 0, {}
   local low = -REACH / math.sqrt(freedom) * (1 + 3 / freedom)
   for x = low, REACH / math.sqrt(freedom), step do
      local weight = math.exp(freedom * (x + 0.5 - math.exp(2 * x) / 2))
      all = all + weight
      if weight > 0 then list[#list + 1] = { deviation = math.exp(x), weight = weight } end
   end
   for _, each in ipairs(list) do each.weight = each.weight / all end
   return list
end

-- The probability of a range where the deviation is one of those.
local function cumulative(q, k, list)
   local sum = 0
   for _, each in ipairs(list) do sum = sum + each.weight * within(q * each.deviation, k) end
   return sum
end

-- Degrees of freedom are estimates: rounded down (to a tenth, above 30 to three, above 300 to thirty), most are known already.
local function rounded(freedom)
   if freedom > 3000 then return 1e6 end -- whose deviation is as good as known
   local unit = freedom < 30 and 0.1 or freedom < 300 and 3 or 30
   return math.max(1, freedom // unit * unit)
end

-- Regula falsi that halves the end that stays (the Illinois variant: Dowell and Jarratt 1971).
local function solve(share, k, freedom)
   local list, low, high = estimates(freedom), 0, 4
   local below, above = -share, cumulative(high, k, list) - share
   while above < 0 do
      low, below, high = high, above, 2 * high
      above = cumulative(high, k, list) - share
   end
   local stayed = 0
   while high - low > EXACT * high do
      local middle = (low * above - high * below) / (above - below)
      local found = cumulative(middle, k, list) - share
      if math.abs(found) < EXACT * 1e-3 then return middle end
      if found < 0 then
         low, below = middle, found
         if stayed > 0 then above = above / 2 end
         stayed = 1
      else
         high, above = middle, found
         if stayed < 0 then below = below / 2 end
         stayed = -1
      end
   end
   return high
end

local known = {} -- by share, number of results, and degrees of freedom

local function table_in(parent, key)
   local found = parent[key]
   if not found then
      found = {}
      parent[key] = found
   end
   return found
end

--- How many deviations of a difference hold the differences of k equally good results together, with the probability `share`:
-- the quantile of their studentized range over the square root of 2. freedom: degrees of freedom of the deviation.
function studentized.quantile(share, k, freedom)
   freedom = rounded(freedom)
   local quantiles = table_in(table_in(known, share), k)
   local found = quantiles[freedom]
   if not found then
      found = solve(share, k, freedom) / math.sqrt(2)
      quantiles[freedom] = found
   end
   return found
end

return studentized
