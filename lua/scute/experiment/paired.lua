-- Which differences between variants are real. All answered for the same photos, in several runs each: of several seeds,
-- where every run answers for every photo, or of folds, where every photo is answered for once. An answer is a number: 0 or 1
-- for wrong and right, the photo's own loss, its pseudo-value of a metric. A difference hangs on which photos there happened to
-- be and on how training happened to go, so its variance has two parts:
--
--   photos  q / n: q is the mean square of D_i, the answers of the first for photo i less those of the second, averaged over
--           their runs; a photo about which both agree says nothing.
--   runs    of seeds, for either variant (s^2 - e / n) / S: s^2 is the variance of its S means, e that of the residuals of
--           photos x seeds, which the first part has already (see scute.experiment.run_part, also for nested folds, whose
--           runs leave out photos). Of folds the same of the differences, whose residuals are those within a fold. Three seeds
--           say little about that, so a pair takes the mean of all pairs where its own is smaller.
--
-- Their sum has the degrees of freedom of Satterthwaite (1946). Those of the photos' part are 2 m - 1 of the
-- m = (sum D_i^2)^2 / sum D_i^4 photos that disagree, so that fewer than six of them never tell two variants apart: as in the
-- sign test.
--
-- Interval and verdict are one: the interval holds all differences d with
--
--   (D - d)^2 <= t^2 ((q - d^2) / n + runs),
--
-- which is Wilson's score interval (1927) for paired answers, and two variants are told apart where it leaves out 0. Of answers
-- without bounds, like losses, the mean square about d is q - D^2 + (D - d)^2 in place of q - d^2, so that a loss of one more
-- for all photos moves the interval by one; whether it leaves out 0 is the same question, D^2 > t^2 (q / n + runs). t is the
-- quantile of the studentized range of all variants (Tukey 1953; with the degrees of freedom of each pair, as Games and
-- Howell 1976), so that the intervals of all pairs hold together. Of two variants it is Student's.
--
-- What it does not know: folds share photos that train, and how much that ties them together cannot be estimated (Bengio and
-- Grandvalet 2004). Where the seeds of one variant spread eight times as much as those of another, by four points, simulated
-- variants of 1000 photos that are equally good are told apart in 8 % of comparisons rather than 5 %.
local run_part = require "scute.experiment.run_part"
local sample = require "scute.experiment.sample"
local studentized = require "scute.experiment.studentized"

local paired = {}

local LEVEL = 0.95     -- of intervals
local POWER = 0.8      -- with which the smallest difference is found
local FEWEST = 6       -- photos that have to disagree before two variants can be told apart
local PRECISION = 1e-4 -- of the smallest difference
local EXACT = 1e-9     -- of a mean: deviations that are no more come of rounding

local is_finite, mean, variance = sample.is_finite, sample.mean, sample.variance

-- ---- what the runs add: see run_part ----

-- fold_of: the run of each photo.
local function of_folds(values, fold_of, count)
   local folds = {}
   for r = 1, count do folds[r] = {} end
   for i, value in ipairs(values) do table.insert(folds[fold_of[i]], value) end
   return run_part.of_folds(folds)
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

-- How many of n photos may disagree where none of so many did, a share of them (Clopper and Pearson 1934).
local function unseen(photos, level)
   return 1 - ((1 - level) / 2) ^ (1 / photos)
end

-- Of the differences of two lists: { count, mean, square = their mean square, variance, number = how many disagree, as if of
-- equal weight }.
local function moments(first, other)
   local photos, sum, second, fourth = #first, 0, 0, 0
   for i = 1, photos do
      local d = first[i] - other[i]
      local square = d * d
      sum, second, fourth = sum + d, second + square, fourth + square * square
   end
   local mean_square, center = second / photos, sum / photos
   return { count = photos, mean = center, square = mean_square, variance = math.max(0, mean_square - center * center),
      number = fourth > 0 and second * second / fourth or 0 }
end

-- The least d >= 0 that is found, between what is and what is not.
local function least(is_found, high)
   local low = 0
   while high - low > PRECISION * math.max(high, PRECISION) do
      local middle = (low + high) / 2
      if is_found(middle) then high = middle else low = middle end
   end
   return high
end

-- Answers of 0 to 1.
local shares = {}

function shares.freedom(number)
   return 2 * number - 1
end

function shares.interval(m, square, runs, level)
   if m.number == 0 then return -unseen(m.count, level), unseen(m.count, level) end
   local low, high = ends(1 + square / m.count, m.mean, m.mean ^ 2 - square * (m.square / m.count + runs.part))
   return math.max(low, -1), math.min(high, 1)
end

-- Where answers differ by d, a share d of the photos disagrees at least; d is found with POWER where it exceeds t deviations of
-- no difference and t(POWER) of its own. nil where not even 1 does.
function shares.smallest(m, quantile, runs)
   local photos, q = m.count, m.square
   local number = math.max(m.number, math.min(FEWEST, photos))
   local _, freedom = total(math.max(q, FEWEST / photos) / photos, shares.freedom(number), runs)
   local t, of_power = quantile(freedom), studentized.quantile(2 * POWER - 1, 2, freedom)
   local function is_found(d)
      local square = math.max(q, d)
      return d >= t * math.sqrt(square / photos + runs.part) + of_power * math.sqrt((square - d * d) / photos + runs.part)
   end
   return is_found(1) and least(is_found, 1) or nil
end

-- Both ends about a mean that all photos have in common. range: how far apart the answers for a photo may lie; 0: not known.
local function nothing_seen(center, photos, level, range)
   if range == 0 then return -math.huge, math.huge end
   return center - range * unseen(photos, level), center + range * unseen(photos, level)
end

-- Answers without bounds. range: how far apart two of them lie.
local numbers = {}

function numbers.freedom(number, photos)
   return math.max(1, math.min(2 * number, photos) - 1)
end

-- Of so few photos as t^2 no difference is too large.
function numbers.interval(m, square, runs, level, range)
   if m.number == 0 then return nothing_seen(0, m.count, level, range) end
   if square >= m.count then return -math.huge, math.huge end
   local spread = m.variance / m.count
   local half = math.sqrt(math.max(0, square * (spread + runs.part) / (1 - square / m.count)))
   return m.mean - half, m.mean + half
end

-- As of shares, where what spreads now spreads about d.
function numbers.smallest(m, quantile, runs, range)
   local photos = m.count
   local number = math.max(m.number, math.min(FEWEST, photos))
   local spread = m.number == 0 and range ^ 2 * FEWEST / photos or m.variance * number / m.number
   local _, freedom = total(spread / photos, numbers.freedom(number, photos), runs)
   local t, of_power = quantile(freedom), studentized.quantile(2 * POWER - 1, 2, freedom)
   local own = math.sqrt(spread / photos + runs.part)
   if t * t >= photos or own == 0 or not is_finite(own) then return nil end
   local function is_found(d) return d >= t * math.sqrt((spread + d * d) / photos + runs.part) + of_power * own end
   local high = own
   while not is_found(high) do high = 2 * high end
   return least(is_found, high)
end

-- Of answers that are no numbers, and of those whose squares are too large for one.
local function nothing_known(difference)
   return { difference = difference, low = -math.huge, high = math.huge, apart = false }
end

-- m: moments of the differences of the photos; runs: {part, whole, freedom}; quantile(freedom) = t; kind: shares or numbers.
local function of_pair(m, runs, quantile, level, kind, range)
   if not (is_finite(m.number) and is_finite(m.square) and is_finite(runs.whole)) then return nothing_known(m.mean) end
   local square = 0
   if m.number > 0 then
      local _, freedom = total(m.square / m.count, kind.freedom(m.number, m.count), runs)
      square = quantile(freedom) ^ 2
   end
   local low, high = kind.interval(m, square, runs, level, range)
   return { difference = m.mean, low = low, high = high, apart = low > 0 or high < 0,
      smallest = kind.smallest(m, quantile, runs, range) }
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
      runs[v] = fold_of and of_folds(averages[v], fold_of, #variant) or run_part.of_crossed(variant, averages[v])
   end
   return averages, runs
end

-- How far apart the averages of all variants lie, as far as they are numbers.
local function range_of(averages)
   local low, high = math.huge, -math.huge
   for _, list in ipairs(averages) do
      for _, value in ipairs(list) do
         if is_finite(value) then low, high = math.min(low, value), math.max(high, value) end
      end
   end
   return math.max(0, high - low)
end

--- Compares variants with one another. variants: list of lists of runs, a run a table from photo (1 to photos) to a number: how
-- right its answer was, 0 to 1, or with o.unbounded any (its loss, its pseudo-value of a metric). o.level (default 0.95) holds
-- for all pairs together; o.range: how far apart such numbers of a photo may lie, where that is known. Returns a list of
-- {first, second (numbers of variants, first < second), difference (mean of the first less that of the second), low, high,
-- apart (whether that interval leaves out 0), smallest (the difference that is found in 80 % of such comparisons; nil where
-- so many photos can show none)}.
function paired.compare(variants, photos, o)
   local level, kind = o and o.level or LEVEL, o and o.unbounded and numbers or shares
   local fold_of, found = folds_of(variants[1], photos), {}
   local averages, alone = read(variants, photos, fold_of)
   for first = 1, #variants do
      for second = first + 1, #variants do
         local runs = fold_of and of_folds(less(averages[first], averages[second]), fold_of, #variants[1])
         found[#found + 1] = { first = first, second = second, runs = runs or sum_of(alone[first], alone[second]) }
      end
   end
   local estimates = fold_of and #variants - 1 or #variants
   settle(found, math.max(1, estimates * (#variants[1] - 1)))
   local range = o and o.range or range_of(averages)
   local function quantile(freedom) return studentized.quantile(level, #variants, freedom) end
   for k, pair in ipairs(found) do
      found[k] = of_pair(moments(averages[pair.first], averages[pair.second]), pair.runs, quantile, level, kind, range)
      found[k].first, found[k].second = pair.first, pair.second
   end
   return found
end

-- Wilson's of the photos, which weigh less where the runs do not answer them alike; but no less than where `answers` of each
-- were independent, since runs that err on different photos by chance make no photo certain.
local function share_interval(averages, p, level, wide, _, answers)
   local photos, spread = #averages, 0
   for _, value in ipairs(averages) do spread = spread + (value - p) ^ 2 / photos end
   local weight = p > 0 and p < 1 and math.max(1 / answers, spread / (p * (1 - p))) or 1
   local share = studentized.quantile(level, 2, math.huge) ^ 2 * weight / photos
   local low, high = ends(1 + share, p + share / 2, p * p - wide)
   return math.max(0, low), math.min(1, high)
end

-- Student's of the photos.
local function number_interval(averages, center, level, wide, range)
   local photos = #averages
   if photos < 2 then return -math.huge, math.huge end
   local spread = variance(averages)
   if spread <= (EXACT * center) ^ 2 and wide == 0 then return nothing_seen(center, photos, level, range) end
   local narrow = studentized.quantile(level, 2, photos - 1) ^ 2 * spread / photos
   local half = math.sqrt(narrow + wide)
   if not is_finite(half) then return -math.huge, math.huge end
   return center - half, center + half
end

-- How often a photo was answered, on average.
local function answers_of_each(runs, photos)
   local count = 0
   for _, run in ipairs(runs) do
      for _ in pairs(run) do count = count + 1 end
   end
   return count / photos
end

--- Low and high end of the interval of one variant by itself, widened by what the runs add. o as for compare. Each part has the
-- quantile of its own degrees of freedom, and the squares of their widths add up (Zou and Donner 2008), so that two seeds that
-- agree do not widen it.
function paired.interval(runs, photos, o)
   local level = o and o.level or LEVEL
   local averages, added = read({ runs }, photos, folds_of(runs, photos))
   local wide = studentized.quantile(level, 2, math.max(1, #runs - 1)) ^ 2 * math.max(0, added[1].part)
   local of = o and o.unbounded and number_interval or share_interval
   return of(averages[1], mean(averages[1]), level, wide, o and o.range or 0, answers_of_each(runs, photos))
end

return paired
