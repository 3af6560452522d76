-- Both kinds of derivatives side by side: each of each output by each input, or one in a direction drawn for all.
local leaves = require "scute.gradcheck.leaf"
local slopes = require "scute.gradcheck.slopes"

local compare = {}

-- Keeps the worst of the places where two derivatives differ. NaN differs from everything.
local function note(found, place, analytic, numeric, allowed)
   found.n = found.n + 1
   local off = math.abs(analytic - numeric)
   if off <= allowed then return end
   found.wrong = found.wrong + 1
   local how = off == off and off / math.max(allowed, 1e-300) or math.huge
   if not found.worst or how > found.worst.how then
      place.how, place.analytic, place.numeric, place.allowed = how, analytic, numeric, allowed
      found.worst = place
   end
end

-- What has to be known of a place to say more about it: the slopes on either side, and what rounding can make of a difference.
local function describe(place, sides, ulp)
   place.forward = (sides.above - sides.here) / (sides.at_above - sides.at_here)
   place.back = (sides.here - sides.below) / (sides.at_here - sides.at_below)
   local most = math.max(math.abs(sides.above), math.abs(sides.below))
   place.rounding, place.size = 4 * ulp * most / (sides.at_above - sides.at_below), most
   return place
end

-- By element i of a leaf: a difference for each element of each output.
local function by_element(check, leaf, i, gradients, found)
   local above, below = leaves.moved(leaf, { [i] = 1 }, check.eps), leaves.moved(leaf, { [i] = -1 }, check.eps)
   local high, low = slopes.at(check.f, check.inputs, leaf, above), slopes.at(check.f, check.inputs, leaf, below)
   for k, output in ipairs(check.outputs) do
      if not (high[k] and low[k] and #high[k] == output.numel and #low[k] == output.numel) then
         error("gradcheck: f gives another shape, or another number of outputs, for other numbers of " .. leaf.name, 0)
      end
      for j = 1, output.numel do
         local gradient = gradients[k][j]
         local numeric = (high[k][j] - low[k][j]) / (above[i] - below[i])
         local place = describe({ i = i, j = j, absent = not gradient }, { above = high[k][j], here = check.here[k][j],
            below = low[k][j], at_above = above[i], at_here = leaf.values[i], at_below = below[i] }, check.ulp)
         note(found[k], place, gradient and gradient[i] or 0, numeric, check.atol + check.rtol * math.abs(numeric))
      end
   end
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
      local of_leaf, found = {}, {}
      for k, output in ipairs(check.outputs) do
         found[k], of_leaf[k] = { n = 0, wrong = 0 }, {}
         for j = 1, output.numel do of_leaf[k][j] = gradients[k][j][l] end
      end
      for i = 1, #leaf.values do by_element(check, leaf, i, of_leaf, found) end
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
         local found, width = { n = 1, wrong = 0 }, 2 * check.eps
         note(found, { absent = not gradient, rounding = 4 * check.ulp * most * math.sqrt(output.numel) / width, size = most },
            analytic / width, numeric / width,
            check.atol * math.sqrt(output.numel) + check.rtol * math.sqrt(squares) / width)
         results[l][k] = found
      end
   end
   return results
end

return compare
