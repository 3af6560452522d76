-- Both kinds of derivatives side by side: each of each output by each input, or one in a direction drawn for all.
local leaves = require "scute.gradcheck.leaf"
local slopes = require "scute.gradcheck.slopes"

local compare = {}

-- Whether it is neither NaN nor infinite.
local function is_finite(x)
   return x - x == 0
end

-- Keeps the worst of the places where two derivatives differ. From what is not finite everything differs.
local function note(found, place, analytic, numeric, allowed)
   found.n = found.n + 1
   local off = math.abs(analytic - numeric)
   if is_finite(numeric) and off <= allowed then return end
   found.wrong = found.wrong + 1
   local how = is_finite(off) and off / math.max(allowed, 1e-300) or math.huge
   if not found.worst or how > found.worst.how then
      place.how, place.analytic, place.numeric, place.allowed = how, analytic, numeric, allowed
      found.worst = place
   end
end

-- How far two derivatives may be apart beside their share: `atol` of the largest where all are below 1, as those of a mean are,
-- so that none is so small that a backward of zeros passes; but differences are not told from what rounding makes of them.
local function absolute(atol, largest, rounding)
   return math.max(atol * math.min(1, largest), math.min(atol, rounding))
end

-- What has to be known of a place to say more about it: the slopes on either side, and what rounding can make of a difference
-- where the output's numbers are as large as `most`: on the way to a small one there were such, too.
local function describe(place, sides, ulp, most)
   place.forward = (sides.above - sides.here) / (sides.at_above - sides.at_here)
   place.back = (sides.here - sides.below) / (sides.at_here - sides.at_below)
   place.rounding, place.size = 4 * ulp * most / (sides.at_above - sides.at_below), most
   return place
end

-- What element i of a leaf makes of the outputs when it is moved: { high, low = lists of each output's numbers, above, below }.
local function move(check, leaf, i)
   local above, below = leaves.moved(leaf, { [i] = 1 }, check.eps), leaves.moved(leaf, { [i] = -1 }, check.eps)
   local high, low = slopes.at(check.f, check.inputs, leaf, above), slopes.at(check.f, check.inputs, leaf, below)
   for k, output in ipairs(check.outputs) do
      if not (high[k] and low[k] and #high[k] == output.numel and #low[k] == output.numel) then
         error("gradcheck: f gives another shape, or another number of outputs, for other numbers of " .. leaf.name, 0)
      end
   end
   return { high = high, low = low, above = above[i], below = below[i] }
end

local function slope(moved, k, j)
   return (moved.high[k][j] - moved.low[k][j]) / (moved.above - moved.below)
end

-- The larger one, of those that are finite.
local function larger(largest, x)
   local size = math.abs(x)
   return is_finite(size) and size > largest and size or largest
end

-- The largest derivative of output k, as differences have it, and the largest of its numbers.
local function largest_of(moves, k, numel)
   local derivative, number = 0, 0
   for _, moved in ipairs(moves) do
      for j = 1, numel do
         derivative = larger(derivative, slope(moved, k, j))
         number = larger(larger(number, moved.high[k][j]), moved.low[k][j])
      end
   end
   return derivative, number
end

-- Each element of output k by each of a leaf. gradients: of the output's elements, lists.
local function compare_pair(check, leaf, moves, k, gradients)
   local found, numel = { n = 0, wrong = 0 }, check.outputs[k].numel
   local largest, most = largest_of(moves, k, numel)
   for i, moved in ipairs(moves) do
      for j = 1, numel do
         local gradient, numeric = gradients[j], slope(moved, k, j)
         local place = describe({ i = i, j = j, absent = not gradient }, { above = moved.high[k][j], here = check.here[k][j],
            below = moved.low[k][j], at_above = moved.above, at_here = leaf.values[i], at_below = moved.below },
            check.ulp, most)
         note(found, place, gradient and gradient[i] or 0, numeric,
            absolute(check.atol, largest, place.rounding) + check.rtol * math.abs(numeric))
      end
   end
   return found
end

--- Every derivative. Returns for each leaf and each float output { n, wrong, worst }.
function compare.all(check)
   local gradients = {} -- of output k, element j: a list for each leaf
   for k, output in ipairs(check.outputs) do
      gradients[k] = {}
      for j = 1, output.numel do
         gradients[k][j] = slopes.backward(check.outputs, { [k] = { [j] = 1 } }, check.leaves)
      end
   end
   local results = {}
   for l, leaf in ipairs(check.leaves) do
      local moves, found = {}, {}
      for i = 1, #leaf.values do moves[i] = move(check, leaf, i) end
      for k, output in ipairs(check.outputs) do
         local of_leaf = {}
         for j = 1, output.numel do of_leaf[j] = gradients[k][j][l] end
         found[k] = compare_pair(check, leaf, moves, k, of_leaf)
      end
      results[l] = found
   end
   return results
end

-- n numbers between a half and one, of either sign; the same in every program.
local function drawn(n, state)
   local list = {}
   for i = 1, n do
      state = (state * 1103515245 + 12345) & 0x7fffffff
      local share = (state >> 8) / 0x7fffff
      list[i] = share < 0.5 and -0.5 - share or share
   end
   return list
end

--- One derivative for each leaf and each float output: of a sum of the output's elements, by a step of all of the leaf's.
function compare.fast(check)
   local results = {}
   for l, leaf in ipairs(check.leaves) do
      local step = drawn(#leaf.values, l)
      local above = leaves.moved(leaf, step, check.eps)
      for i in ipairs(step) do step[i] = -step[i] end
      local below = leaves.moved(leaf, step, check.eps)
      local high, low = slopes.at(check.f, check.inputs, leaf, above), slopes.at(check.f, check.inputs, leaf, below)
      results[l] = {}
      for k, output in ipairs(check.outputs) do
         local weights = drawn(output.numel, 7 * k)
         local gradient = slopes.backward(check.outputs, { [k] = weights }, check.leaves)[l]
         local numeric, analytic, squares, most = 0, 0, 0, 0
         for j, weight in ipairs(weights) do
            numeric = numeric + weight * (high[k][j] - low[k][j])
            most = math.max(most, math.abs(high[k][j]))
         end
         for i in ipairs(step) do
            local part = (gradient and gradient[i] or 0) * (above[i] - below[i])
            analytic, squares = analytic + part, squares + part * part
         end
         local found, width, root = { n = 0, wrong = 0 }, 2 * check.eps, math.sqrt(output.numel)
         local rounding, own = 4 * check.ulp * most * root / width, math.sqrt(squares) / width
         local largest = is_finite(numeric) and math.max(math.abs(numeric) / width, own) or own
         note(found, { absent = not gradient, rounding = rounding, size = most }, analytic / width, numeric / width,
            absolute(check.atol * root, largest / root, rounding) + check.rtol * own)
         results[l][k] = found
      end
   end
   return results
end

return compare
