-- Which differences between models are real: the paired bootstrap. All models answered for the same photos; photos are
-- drawn with replacement, the same ones for every model, and the spread of a difference over many such draws says how much
-- of it hangs on which photos there happened to be (Efron and Tibshirani 1993, chapter 13: the percentile interval).
--
-- What is drawn depends on (seed, draw, position) alone: splitmix64 (Steele, Lea and Flood 2014) of a counter.
local bootstrap = {}

local GOLDEN = 0x9e3779b97f4a7c15

local function mix(z)
   z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
   z = (z ~ (z >> 27)) * 0x94d049bb133111eb
   return z ~ (z >> 31)
end

--- The photo, 1 to n, at position j (from 1) of draw b (from 1).
function bootstrap.index(seed, b, j, n)
   local z = mix(mix(seed + GOLDEN) + ((b - 1) * n + j) * GOLDEN)
   return ((z >> 32) * n >> 32) + 1
end

--- Draws of n photos that give intervals to about a hundredth of their width in a few seconds: 2,000 to 10,000.
function bootstrap.draws_for(n)
   return math.max(2000, math.min(10000, 2000000 // n))
end

--- Means of every column over each draw. columns: list of lists of n numbers, entry i of each about the same photo.
-- Returns a list of lists of `draws` numbers.
function bootstrap.replicates(columns, seed, draws)
   local n, means = #columns[1], {}
   for m = 1, #columns do
      if #columns[m] ~= n then
         error(("bootstrap: column %d has %d entries, the first has %d"):format(m, #columns[m], n), 2)
      end
      means[m] = {}
   end
   if n == 0 then error("bootstrap: there is no photo to draw", 2) end
   local start, index, models = mix(seed + GOLDEN), {}, #columns
   for b = 1, draws do
      local counter = start + (b - 1) * n * GOLDEN
      for j = 1, n do
         local z = counter + j * GOLDEN
         z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
         z = (z ~ (z >> 27)) * 0x94d049bb133111eb
         index[j] = (((z ~ (z >> 31)) >> 32) * n >> 32) + 1
      end
      for m = 1, models do
         local column, sum = columns[m], 0
         for j = 1, n do sum = sum + column[index[j]] end
         means[m][b] = sum / n
      end
   end
   return means
end

--- The q-quantile (0 to 1) of a sorted list, linear between neighbours, as numpy's default.
function bootstrap.quantile(sorted, q)
   local h = (#sorted - 1) * q
   local low = math.floor(h)
   local value = sorted[low + 1]
   if low + 2 <= #sorted then value = value + (h - low) * (sorted[low + 2] - value) end
   return value
end

--- Low and high end of the interval that holds the share `level` of a list of replicates.
function bootstrap.interval(replicates, level)
   local sorted = table.move(replicates, 1, #replicates, 1, {})
   table.sort(sorted)
   return bootstrap.quantile(sorted, (1 - level) / 2), bootstrap.quantile(sorted, (1 + level) / 2)
end

local function mean(list)
   local sum = 0
   for _, value in ipairs(list) do sum = sum + value end
   return sum / #list
end

--- Compares all columns with one another; `level` (default 0.95) holds for all pairs together (Bonferroni), so that many
-- models do not make a chance difference look real.
-- Returns a list of {first, second, difference, low, high, apart}: numbers of columns, first < second; difference is the
-- mean of the first minus that of the second; apart is true where the interval from low to high does not hold 0. Also
-- returns the replicates.
function bootstrap.pairs(columns, seed, draws, level)
   local replicates = bootstrap.replicates(columns, seed, draws)
   local count, found = #columns * (#columns - 1) // 2, {}
   local each = 1 - (1 - (level or 0.95)) / math.max(count, 1)
   for first = 1, #columns do
      for second = first + 1, #columns do
         local differences = {}
         for b = 1, draws do differences[b] = replicates[first][b] - replicates[second][b] end
         local low, high = bootstrap.interval(differences, each)
         found[#found + 1] = { first = first, second = second, low = low, high = high,
            difference = mean(columns[first]) - mean(columns[second]), apart = low > 0 or high < 0 }
      end
   end
   return found, replicates
end

return bootstrap
