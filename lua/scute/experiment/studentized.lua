-- Quantiles of the studentized range (Tukey 1953): how far apart the largest and the smallest of k equally good results lie,
-- in deviations that were themselves estimated with so many degrees of freedom. Of two results it is Student's t.
local studentized = {}

local STEP = 0.25 -- of the sums below, which stand for integrals of bells: their error falls exponentially with it
local REACH = 7   -- deviations beyond which a bell holds less than 1e-11
local WIDEST = 2 * REACH + 2 -- a range that holds all
local GRID = 1 / 16 -- between ranges for which a probability is summed up

local grids = {} -- number of results -> probabilities

-- Abramowitz and Stegun 1964, 26.2.17: wrong by at most 7.5e-8.
local function normal(z)
   local t = 1 / (1 + 0.2316419 * math.abs(z))
   local tail = math.exp(-z * z / 2) * 0.3989422804014327 * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937
      + t * (-1.821255978 + t * 1.330274429))))
   return z > 0 and 1 - tail or tail
end

-- The probability that k standard normal numbers have a range of at most w, as a sum.
local function summed(w, k)
   local sum = 0
   for z = -REACH, REACH + w, STEP do
      sum = sum + math.exp(-z * z / 2) * math.max(0, normal(z) - normal(z - w)) ^ (k - 1)
   end
   return math.min(1, k * sum * STEP * 0.3989422804014327)
end

-- That sum at all multiples of GRID, for a number of results.
local function on_grid(k)
   if not grids[k] then
      grids[k] = {}
      for i = 0, math.ceil(WIDEST / GRID) + 2 do grids[k][i] = summed(i * GRID, k) end
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

-- The same where the deviation is an estimate: s^2 is a chi-square over its degrees of freedom, summed over x = log s.
local function cumulative(q, k, freedom)
   local step, sum, all = STEP / math.sqrt(freedom), 0, 0
   local low = -REACH / math.sqrt(freedom) * (1 + 3 / freedom)
   for x = low, REACH / math.sqrt(freedom), step do
      local weight = math.exp(freedom * (x + 0.5 - math.exp(2 * x) / 2))
      all = all + weight
      if weight > 0 then sum = sum + weight * within(q * math.exp(x), k) end
   end
   return sum / all
end

-- Degrees of freedom are estimates: rounded down (to a tenth, above 30 to three, above 300 to thirty), most are known already.
local function rounded(freedom)
   if freedom > 3000 then return 1e6 end -- whose deviation is as good as known
   local unit = freedom < 30 and 0.1 or freedom < 300 and 3 or 30
   return math.max(1, freedom // unit * unit)
end

local function solve(share, k, freedom)
   local low, high = 0, 4
   while cumulative(high, k, freedom) < share do low, high = high, 2 * high end
   while high - low > 1e-5 * high do
      local middle = (low + high) / 2
      if cumulative(middle, k, freedom) < share then low = middle else high = middle end
   end
   return high
end

local known = {}

--- How many deviations of a difference hold the differences of k equally good results together, with the probability `share`:
-- the quantile of their studentized range over the square root of 2. freedom: degrees of freedom of the deviation.
function studentized.quantile(share, k, freedom)
   freedom = rounded(freedom)
   local key = ("%.9g %d %g"):format(share, k, freedom)
   known[key] = known[key] or solve(share, k, freedom) / math.sqrt(2)
   return known[key]
end

return studentized
