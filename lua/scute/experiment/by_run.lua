-- Which differences between variants are real by a figure that has no part of each photo: a number that a run as a whole came
-- to. The unit is then the run alone: the differences of runs of the same seed (or fold), Student's t of them, and for several
-- variants the studentized range (Tukey 1953), as scute.experiment.paired has it of photos. Of V variants and R runs each the
-- mean variance of the pairs has (V - 1) (R - 1) degrees of freedom, and a pair takes it where its own is smaller. One run says
-- nothing about others, and neither do runs that all came to the same: of small whole numbers two often do.
--
-- Folds share most of the photos that train, so their figures go together: the variance of a mean is then that of the
-- differences times 1 / K + 1 / (K - 1), the share of photos that validate over those that train (Nadeau and Bengio 2003).
local sample = require "scute.experiment.sample"
local studentized = require "scute.experiment.studentized"

local by_run = {}

local LEVEL = 0.95 -- of intervals
local POWER = 0.8  -- with which the smallest difference is found
local EXACT = 1e-9 -- of the figures: deviations that are no more come of rounding

-- By what the variance of so many runs is divided for that of their mean.
local function shrinking(runs, folds)
   return 1 / (1 / runs + (folds and 1 / (runs - 1) or 0))
end

local function less(first, second)
   local list = {}
   for r, value in ipairs(first) do list[r] = value - second[r] end
   return list
end

-- The variance of figures; nil where they say nothing about it: of one run, of runs that are all alike, and where the squares
-- are too large for a number. largest: of all figures.
local function variance_of(list, largest)
   local variance = sample.variance(list)
   return variance and variance > (EXACT * largest) ^ 2 and sample.is_finite(variance) and variance or nil
end

-- How large the figures of all variants are at most.
local function size_of(variants)
   local largest = 0
   for _, figures in ipairs(variants) do
      for _, value in ipairs(figures) do largest = math.max(largest, math.abs(value)) end
   end
   return largest
end

-- variance: of the mean.
local function of_pair(difference, variance, t, freedom)
   local deviation = math.sqrt(variance)
   local of_power = studentized.quantile(2 * POWER - 1, 2, freedom)
   local low, high = difference - t * deviation, difference + t * deviation
   return { difference = difference, low = low, high = high, apart = low > 0 or high < 0,
      smallest = (t + of_power) * deviation }
end

local function nothing_known(difference)
   return { difference = difference, low = -math.huge, high = math.huge, apart = false }
end

--- Compares variants with one another. variants: list of lists of figures, one of each run, in the same order of runs.
-- o: { level = of all pairs together (0.95), folds = whether runs are folds }. Returns a list as paired.compare does.
function by_run.compare(variants, o)
   local level, runs, found, mean_variance = o and o.level or LEVEL, #variants[1], {}, 0
   local largest = size_of(variants)
   for first = 1, #variants do
      for second = first + 1, #variants do
         local list = less(variants[first], variants[second])
         local variance = variance_of(list, largest)
         found[#found + 1] = { first = first, second = second, difference = sample.mean(list), variance = variance }
         mean_variance = mean_variance + (variance or 0)
      end
   end
   mean_variance = mean_variance / #found
   local freedom = (#variants - 1) * (runs - 1)
   local t = freedom > 0 and studentized.quantile(level, #variants, freedom)
   for k, pair in ipairs(found) do
      local variance = math.max(pair.variance or 0, mean_variance) / shrinking(runs, o and o.folds)
      found[k] = variance > 0 and of_pair(pair.difference, variance, t, freedom) or nothing_known(pair.difference)
      found[k].first, found[k].second = pair.first, pair.second
   end
   return found
end

--- Low and high end of the interval of one variant's figure. o as for compare.
function by_run.interval(figures, o)
   local center, variance = sample.mean(figures), variance_of(figures, size_of { figures })
   if not variance then return -math.huge, math.huge end
   local t = studentized.quantile(o and o.level or LEVEL, 2, #figures - 1)
   local half = t * math.sqrt(variance / shrinking(#figures, o and o.folds))
   return center - half, center + half
end

return by_run
