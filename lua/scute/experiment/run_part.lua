-- What runs add to the variance of a mean over photos, as { part = what is theirs, whole = with the photos' residuals in it }.
--
-- Runs that answer for the same photos are those of a crossed analysis of variance, of which cells may be missing: a photo that
-- a run could not read, or of nested folds those of the outer fold. Effects of the runs are those of least squares over the
-- photos that were answered: they solve C r = q for the information matrix C, and their variance has e tr(C+) / (K - 1) of the
-- residual variance e in it (Searle, Casella and McCulloch, Variance Components, 1992, chapters 4 and 5).
local sample = require "scute.experiment.sample"

local run_part = {}

local SINGULAR = 1e-9 -- a pivot, against the number of photos

-- The sum of the squares of what each run weighs in the mean. shares: list of the number of photos that are a run's.
local function weight_of(shares, photos)
   local sum = 0
   for _, share in ipairs(shares) do sum = sum + (share / photos) ^ 2 end
   return sum
end

-- ---- runs with photos of their own ----

--- lists: what each run answered for photos that no other one did.
function run_part.of_folds(lists)
   local means, noise, sizes, photos = {}, 0, {}, 0
   for _, list in ipairs(lists) do
      if #list > 0 then
         means[#means + 1], sizes[#sizes + 1], photos = sample.mean(list), #list, photos + #list
         noise = noise + (#list > 1 and sample.variance(list) / #list or 0)
      end
   end
   if #means < 2 then return { part = 0, whole = 0 } end
   local spread, weight = sample.variance(means), weight_of(sizes, photos)
   return { part = (spread - noise / #means) * weight, whole = spread * weight }
end

-- ---- runs of the same photos ----

-- Adds to a matrix the part of all photos that the runs in `those` answered, `times` of them.
local function add(matrix, those, times)
   local count = #those
   for _, r in ipairs(those) do
      matrix[r][r] = matrix[r][r] + times
      for _, s in ipairs(those) do matrix[r][s] = matrix[r][s] - times / count end
   end
end

-- What the equations need: the information matrix, their right side, the sum of the squares about the photos' averages, how
-- many answers there are, and the photos that are a run's, shared out.
local function equations(runs, averages)
   local count, all = #runs, {}
   local e = { matrix = {}, right = {}, squares = 0, answers = 0, shares = {} }
   for r = 1, count do
      all[r], e.matrix[r], e.right[r], e.shares[r] = r, {}, 0, 0
      for s = 1, count do e.matrix[r][s] = 0 end
   end
   local whole = 0 -- photos that every run answered
   for i, average in ipairs(averages) do
      local those = {}
      for r = 1, count do
         local value = runs[r][i]
         if value then
            those[#those + 1] = r
            e.right[r], e.squares = e.right[r] + value - average, e.squares + (value - average) ^ 2
         end
      end
      for _, r in ipairs(those) do e.shares[r] = e.shares[r] + 1 / #those end
      e.answers = e.answers + #those
      if #those == count then whole = whole + 1 else add(e.matrix, those, 1) end
   end
   add(e.matrix, all, whole)
   return e
end

-- The inverse of a symmetric matrix, by Gauss and Jordan; nil of one that is singular. least: of a pivot.
local function inverse(matrix, least)
   local n, made = #matrix, {}
   for r = 1, n do
      made[r] = {}
      for s = 1, n do made[r][s] = r == s and 1 or 0 end
   end
   for k = 1, n do
      local pivot = matrix[k][k]
      if math.abs(pivot) <= least then return nil end
      for s = 1, n do matrix[k][s], made[k][s] = matrix[k][s] / pivot, made[k][s] / pivot end
      for r = 1, n do
         local factor = r ~= k and matrix[r][k] or 0
         for s = 1, n do
            matrix[r][s], made[r][s] = matrix[r][s] - factor * matrix[k][s], made[r][s] - factor * made[k][s]
         end
      end
   end
   return made
end

-- The effects of the runs, whose sum is 0, and the trace of C+; nil where the photos do not tie all runs together.
local function solve(e, photos)
   local count, effects, trace = #e.right, {}, -1 / photos
   for r = 1, count do
      for s = 1, count do e.matrix[r][s] = e.matrix[r][s] + photos / count end -- C has none for what all have in common
   end
   local inverted = inverse(e.matrix, SINGULAR * photos)
   if not inverted then return nil end
   for r = 1, count do
      effects[r], trace = 0, trace + inverted[r][r]
      for s = 1, count do effects[r] = effects[r] + inverted[r][s] * e.right[s] end
   end
   return effects, trace
end

-- The mean of what each run answered.
local function means_of(runs, photos)
   local means = {}
   for _, run in ipairs(runs) do
      local list = {}
      for i = 1, photos do list[#list + 1] = run[i] end
      means[#means + 1] = sample.mean(list)
   end
   return means
end

-- Where no photos tie the runs together, all that they differ by is theirs.
local function of_loose(runs, photos, weight)
   local whole = (sample.variance(means_of(runs, photos)) or 0) * weight
   return { part = whole, whole = whole }
end

--- runs: tables from photo to value; averages: of the photos over the runs that answered them.
function run_part.of_crossed(runs, averages)
   local count, photos = #runs, #averages
   if count < 2 then return { part = 0, whole = 0 } end
   local e = equations(runs, averages)
   local weight, effects, trace = weight_of(e.shares, photos), solve(e, photos)
   if not effects then return of_loose(runs, photos, weight) end
   local spread, left = sample.variance(effects), e.squares
   for r, effect in ipairs(effects) do left = left - effect * e.right[r] end
   local freedom = e.answers - photos - (count - 1)
   local residual = freedom > 0 and math.max(0, left) / freedom or 0
   return { part = (spread - residual * trace / (count - 1)) * weight, whole = spread * weight }
end

return run_part
