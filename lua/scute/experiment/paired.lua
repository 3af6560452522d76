-- Which differences between variants are real. All answered for the same photos, in several runs each: of several seeds,
-- where every run answers for every photo, or of folds, where every photo is answered for once. A difference hangs on which
-- photos there happened to be and on how training happened to go, so its variance has two parts:
--
--   photos  q / n: q is the mean square of D_i, the answers of the first for photo i less those of the second, averaged over
--           their runs; a photo about which both agree says nothing.
--   runs    of seeds, for either variant (s^2 - e / n) / S: s^2 is the variance of its S accuracies, e that of the residuals of
--           photos x seeds, which the first part has already (the crossed analysis of variance: Searle, Casella and McCulloch,
--           Variance Components, 1992, chapter 4). Of folds the same of the differences, whose residuals are those within a
--           fold. Three seeds say little about that, so a pair takes the mean of all pairs where its own is smaller.
--
-- Their sum has the degrees of freedom of Satterthwaite (1946). Those of the photos' part are 2 m - 1 of the
-- m = (sum D_i^2)^2 / sum D_i^4 photos that disagree, so that fewer than six of them never tell two variants apart: as in the
-- sign test.
--
-- Interval and verdict are one: the interval holds all differences d with
--
--   (D - d)^2 <= t^2 ((q - d^2) / n + runs),
--
-- which is Wilson's score interval (1927) for paired answers, and two variants are told apart where it leaves out 0. t is
-- the quantile of the studentized range of all variants (Tukey 1953; with the degrees of freedom of each pair, as Games and
-- Howell 1976), so that the intervals of all pairs hold together. Of two variants it is Student's.
--
-- What it does not know: folds share photos that train, and how much that ties them together cannot be estimated (Bengio and
-- Grandvalet 2004). Where the seeds of one variant spread eight times as much as those of another, by four points, simulated
-- variants of 1000 photos that are equally good are told apart in 8 % of comparisons rather than 5 %.
local studentized = require "scute.experiment.studentized"

local paired = {}

local POWER = 0.8      -- with which the smallest difference is found
local FEWEST = 6       -- photos that have to disagree before two variants can be told apart
local PRECISION = 1e-4 -- of the smallest difference

local function mean(list)
   local sum = 0
   for _, value in ipairs(list) do sum = sum + value end
   return sum / #list
end

-- The mean of the squared distances to the mean, with n - 1.
local function variance(list)
   local center, sum = mean(list), 0
   for _, value in ipairs(list) do sum = sum + (value - center) ^ 2 end
   return sum / (#list - 1)
end

-- ---- what the runs add: {part = variance of a mean that is theirs, whole = with the photos' residuals in it} ----

-- Of runs of the same photos; averages: of the photos over the runs, which also stand for what a run could not read.
local function of_seeds(runs, averages)
   local means, squares, photos, count = {}, 0, #averages, #runs
   if count < 2 or photos < 2 then return { part = 0, whole = 0 } end
   for r, run in ipairs(runs) do
      local sum = 0
      for i = 1, photos do
         local value = run[i] or averages[i]
         sum, squares = sum + value, squares + (value - averages[i]) ^ 2
      end
      means[r] = sum / photos
   end
   local spread = variance(means)
   local residual = (squares - photos * (count - 1) * spread) / ((photos - 1) * (count - 1))
   return { part = (spread - residual / photos) / count, whole = spread / count }
end

-- Of runs that have photos of their own. fold_of: the run of each photo.
local function of_folds(values, fold_of, count)
   local folds, means, noise = {}, {}, 0
   for r = 1, count do folds[r] = {} end
   for i, value in ipairs(values) do table.insert(folds[fold_of[i]], value) end
   for r, fold in ipairs(folds) do
      means[r] = mean(fold)
      noise = noise + (#fold > 1 and variance(fold) / #fold or 0)
   end
   local spread = variance(means)
   return { part = (spread - noise / count) / count, whole = spread / count }
end

local function sum_of(first, second)
   return { part = first.part + second.part, whole = first.whole + second.whole }
end

-- ---- one pair ----

-- Both parts together: variance, and its degrees of freedom.
local function total(photos, photos_freedom, runs)
   local sum = photos + runs.part
   return sum, math.max(1, sum ^ 2 / (photos ^ 2 / photos_freedom + runs.whole ^ 2 / runs.freedom))
end

-- Both ends of where a x^2 - 2 b x + c <= 0.
local function ends(a, b, c)
   local half = math.sqrt(math.max(0, b * b - a * c))
   return (b - half) / a, (b + half) / a
end

-- Where answers differ by d, a share d of the photos disagrees at least; d is found with POWER where it exceeds t deviations of
-- no difference and t(POWER) of its own. nil where not even 1 does.
local function smallest(photos, q, m, runs, quantile)
   local _, freedom = total(math.max(q, FEWEST / photos) / photos, 2 * math.max(m, math.min(FEWEST, photos)) - 1, runs)
   local t, of_power = quantile(freedom), studentized.quantile(2 * POWER - 1, 2, freedom)
   local function is_found(d)
      local square = math.max(q, d)
      return d >= t * math.sqrt(square / photos + runs.part) + of_power * math.sqrt((square - d * d) / photos + runs.part)
   end
   if not is_found(1) then return nil end
   local low, high = 0, 1
   while high - low > PRECISION do
      local middle = (low + high) / 2
      if is_found(middle) then high = middle else low = middle end
   end
   return high
end

-- differences: of the photos; runs: {part, whole, freedom}; quantile(freedom) = t.
local function of_pair(differences, runs, quantile, level)
   local photos, sum, second, fourth = #differences, 0, 0, 0
   for _, d in ipairs(differences) do
      sum, second, fourth = sum + d, second + d * d, fourth + d ^ 4
   end
   local difference, q, m = sum / photos, second / photos, second > 0 and second * second / fourth or 0
   local low, high
   if m == 0 then -- of photos that all agree, how many others may disagree (Clopper and Pearson 1934)
      high = 1 - ((1 - level) / 2) ^ (1 / photos)
      low = -high
   else
      local _, freedom = total(q / photos, 2 * m - 1, runs)
      local square = quantile(freedom) ^ 2
      low, high = ends(1 + square / photos, difference, difference ^ 2 - square * (q / photos + runs.part))
   end
   return { difference = difference, low = math.max(low, -1), high = math.min(high, 1), apart = low > 0 or high < 0,
      smallest = smallest(photos, q, m, runs, quantile) }
end

-- ---- all of them ----

-- Where every photo is answered for by one run of several: the number of that run for each photo; else nil.
local function folds_of(runs, photos)
   local of = {}
   for r, run in ipairs(runs) do
      for i in pairs(run) do
         if of[i] then return nil end
         of[i] = r
      end
   end
   return #runs > 1 and #of == photos and of or nil
end

local function averages_of(runs, photos)
   local list = {}
   for i = 1, photos do
      local sum, count = 0, 0
      for r = 1, #runs do
         local value = runs[r][i]
         if value then sum, count = sum + value, count + 1 end
      end
      list[i] = sum / count
   end
   return list
end

local function less(first, second)
   local list = {}
   for i, value in ipairs(first) do list[i] = value - second[i] end
   return list
end

-- What the runs add to each pair: its own, or the mean of all pairs where that is more.
local function settle(pairs_, freedom)
   local part, whole = 0, 0
   for _, pair in ipairs(pairs_) do part, whole = part + pair.runs.part / #pairs_, whole + pair.runs.whole / #pairs_ end
   for _, pair in ipairs(pairs_) do
      pair.runs = { part = math.max(0, part, pair.runs.part), whole = math.max(whole, pair.runs.whole), freedom = freedom }
   end
end

-- Averages of the photos, and what the runs add, for each variant.
local function read(variants, photos, fold_of)
   local averages, runs = {}, {}
   for v, variant in ipairs(variants) do
      averages[v] = averages_of(variant, photos)
      runs[v] = fold_of and of_folds(averages[v], fold_of, #variant) or of_seeds(variant, averages[v])
   end
   return averages, runs
end

--- Compares variants with one another. variants: list of lists of runs, a run a table from photo (1 to photos) to how right
-- its answer was, 0 to 1. level (default 0.95) holds for all pairs together. Returns a list of
-- {first, second (numbers of variants, first < second), difference (mean of the first less that of the second), low, high,
-- apart (whether that interval leaves out 0), smallest (the difference that is found in 80 % of such comparisons; nil where
-- so many photos can show none)}.
function paired.compare(variants, photos, level)
   level = level or 0.95
   local fold_of, found = folds_of(variants[1], photos), {}
   local averages, alone = read(variants, photos, fold_of)
   for first = 1, #variants do
      for second = first + 1, #variants do
         local differences = less(averages[first], averages[second])
         found[#found + 1] = { first = first, second = second, differences = differences,
            runs = fold_of and of_folds(differences, fold_of, #variants[1]) or sum_of(alone[first], alone[second]) }
      end
   end
   local estimates = fold_of and #variants - 1 or #variants
   settle(found, math.max(1, estimates * (#variants[1] - 1)))
   local function quantile(freedom) return studentized.quantile(level, #variants, freedom) end
   for k, pair in ipairs(found) do
      found[k] = of_pair(pair.differences, pair.runs, quantile, level)
      found[k].first, found[k].second = pair.first, pair.second
   end
   return found
end

--- Low and high end of the interval of the accuracy of one variant by itself: Wilson's of the photos, which weigh less where
-- the runs do not answer them alike, widened by what the runs add. Each part has the quantile of its own degrees of freedom,
-- and the squares of their widths add up (Zou and Donner 2008), so that two seeds that agree do not widen it.
function paired.interval(runs, photos, level)
   level = level or 0.95
   local averages, added = read({ runs }, photos, folds_of(runs, photos))
   local p, spread = mean(averages[1]), 0
   for _, value in ipairs(averages[1]) do spread = spread + (value - p) ^ 2 / photos end
   local weight = p > 0 and p < 1 and spread / (p * (1 - p)) or 1
   local share = studentized.quantile(level, 2, math.huge) ^ 2 * weight / photos
   local wide = studentized.quantile(level, 2, math.max(1, #runs - 1)) ^ 2 * math.max(0, added[1].part)
   local low, high = ends(1 + share, p + share / 2, p * p - wide)
   return math.max(0, low), math.min(1, high)
end

return paired
