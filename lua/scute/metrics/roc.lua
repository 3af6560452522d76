-- The receiver operating characteristic: how many of what is true a threshold lets through, for how many of what is not.
local is_tensor = require("scute.nn.module").is_tensor
local paired = require "scute.metrics.paired"
local scute = require "scute"

local CHUNK = 100000 -- scores that are in a list of Lua's at a time

local Roc = { __name = "scute.roc" }
Roc.__index = Roc

function Roc:__tostring()
   return ("ROC of %d and %d scores: area %.4f, equal error rate %.4f; :at(0.01) is the threshold for a share of false alarms")
      :format(self.positives, self.negatives, self.auc, self.eer)
end

-- ---- sorted ----

-- Scores and outcomes as tensors. mine: what was made here and has to be freed.
local function as_tensors(scores, same)
   local mine = {}
   if not is_tensor(scores) then
      scores = scute.tensor(scores, { dtype = "f64" })
      mine[#mine + 1] = scores
   end
   if not is_tensor(same) then
      local numbers = {}
      for i, value in ipairs(same) do numbers[i] = (value == true or value == 1) and 1 or 0 end
      same = scute.tensor(numbers, { dtype = "u8" })
      mine[#mine + 1] = same
   end
   return scores, same, mine
end

-- visit(score, outcome) from the highest score down, a few at a time.
local function each_descending(scores, same, visit)
   local order <close> = scores:argsort(1, true, true)
   for from = 1, order.shape[1], CHUNK do
      local at <close> = order:slice(1, from, math.min(order.shape[1], from + CHUNK - 1))
      local values <close> = scores:index_select(1, at)
      local outcomes <close> = same:index_select(1, at)
      local outcome = outcomes:values()
      for i, score in ipairs(values:values()) do visit(score, outcome[i] ~= 0) end
   end
end

-- ---- points ----

-- Keeps the points between which a line has a bend, and the first and last, as scikit-learn's drop_intermediate.
local function bends()
   local list, before, last = {}, nil, nil
   local function is_bend(a, b, c)
      return c[2] - b[2] ~= b[2] - a[2] or c[3] - b[3] ~= b[3] - a[3]
   end
   local function add(point)
      if last and (not before or is_bend(before, last, point)) then list[#list + 1] = last end
      before, last = last, point
   end
   return add, function()
      list[#list + 1] = last
      return list
   end
end

-- The counts { threshold, false alarms, hits } at each threshold of a bend; twice the area, in counts; of all how many are true
-- and how many not.
local function count(scores, same)
   local add, finish = bends()
   local hits, alarms, area = 0, 0, 0
   local current, old_hits, old_alarms
   local function close_step()
      if not current then return end
      area = area + (alarms - old_alarms) * (hits + old_hits)
      add { current, alarms, hits }
   end
   each_descending(scores, same, function(score, is_same)
      if score ~= current then
         close_step()
         current, old_hits, old_alarms = score, hits, alarms
      end
      if is_same then hits = hits + 1 else alarms = alarms + 1 end
   end)
   close_step()
   return finish(), area, hits, alarms
end

-- Where false alarms and misses are as frequent, on the line between two points.
local function equal_error(points)
   local before = points[1]
   for i = 2, #points do
      local point = points[i]
      local gap = point.false_positive + point.true_positive - 1
      if gap >= 0 then
         local gap_before = before.false_positive + before.true_positive - 1
         local share = gap > gap_before and gap_before / (gap_before - gap) or 0
         return before.false_positive + share * (point.false_positive - before.false_positive)
      end
      before = point
   end
   return 0 / 0
end

--- The threshold that lets through as much of what is true as it can with at most this share of what is not (0 to 1): the
-- threshold (a score from it on counts as true), the share of true ones, and the share of false ones, of the points of the
-- curve. Without any: math.huge, 0, 0.
function Roc:at(share)
   if type(share) ~= "number" or not (share >= 0 and share <= 1) then
      error(("roc:at: expected a share of false alarms from 0 to 1, found %s"):format(tostring(share)), 2)
   end
   local best = { threshold = math.huge, true_positive = 0.0, false_positive = 0.0 }
   for _, point in ipairs(self.points) do
      if point.false_positive <= share and point.true_positive > best.true_positive then best = point end
   end
   return best.threshold, best.true_positive, best.false_positive
end

--- The ROC of scores, the higher the more alike. scores: a list of numbers or a tensor (N). same: for each whether it is true
-- (true, 1) or not (false, 0), a list or a tensor (N) of u8 or i64. Returns { auc = area under the curve (0.5: no better than
-- chance; equal scores count half), eer = equal error rate, positives, negatives = how many are true and how many not, points =
-- list of { threshold, false_positive, true_positive } (shares of the scores from that threshold on), from (math.huge, 0, 0),
-- without those on a straight line between others }. Where only one kind is there, auc and eer are NaN and there are no points.
local function roc(scores, same)
   local n = paired.check("metrics.roc", "scores", scores, same)
   if n == 0 then return setmetatable({ auc = 0 / 0, eer = 0 / 0, positives = 0, negatives = 0, points = {} }, Roc) end
   local counts, area, hits, alarms
   scute.no_grad(function()
      local x, y, mine = as_tensors(scores, same)
      counts, area, hits, alarms = count(x, y)
      for _, tensor in ipairs(mine) do tensor:free() end
   end)
   local found = setmetatable({ auc = 0 / 0, eer = 0 / 0, positives = hits, negatives = alarms, points = {} }, Roc)
   if hits == 0 or alarms == 0 then return found end
   found.points[1] = { threshold = math.huge, false_positive = 0.0, true_positive = 0.0 }
   for i, c in ipairs(counts) do
      found.points[i + 1] = { threshold = c[1], false_positive = c[2] / alarms, true_positive = c[3] / hits }
   end
   found.auc, found.eer = area / (2 * hits * alarms), equal_error(found.points)
   return found
end

return { roc = roc }
