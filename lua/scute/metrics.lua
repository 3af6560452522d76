-- How well a classifier does, counted as the batches pass: nothing is kept but the confusion counts. And how well embeddings
-- do (retrieval, roc, balanced_open), and what a score is worth as a probability (isotonic, platt, calibration_error); these
-- stand in metrics/.
local as_text = require "scute.metrics.as_text"

local metrics = {}

local Confusion = { __name = "scute.confusion", __tostring = as_text }
Confusion.__index = Confusion

-- The counts of one actual class by predicted class. Only what occurred is kept, since with thousands of classes nearly all
-- are 0; reading gives that 0.
local Row = { __index = function() return 0 end }

--- An empty confusion matrix of `classes` (a number of classes or a list of their names). Field counts[actual][predicted].
function metrics.confusion(classes)
   local n = type(classes) == "table" and #classes or classes
   if math.type(n) ~= "integer" or n < 1 then
      error("confusion: expected a number of classes or a list of names, found " .. tostring(classes), 2)
   end
   local counts = {}
   for i = 1, n do counts[i] = setmetatable({}, Row) end
   return setmetatable({ n = n, total = 0, counts = counts, names = type(classes) == "table" and classes or nil }, Confusion)
end

--- Whether a value is such a matrix.
function metrics.is_confusion(value)
   return getmetatable(value) == Confusion
end

local function class_numbers(what, t, classes)
   if type(t) ~= "table" and type(t) ~= "userdata" then
      error(("confusion: expected %s as a list or a tensor, found %s"):format(what, tostring(t)), 3)
   end
   local list = type(t) == "table" and t or t:values()
   for _, class in ipairs(list) do
      if math.type(class) ~= "integer" or class < 1 or class > classes then
         error(("confusion: expected %s from 1 to %d, found %s"):format(what, classes, tostring(class)), 3)
      end
   end
   return list
end

--- Counts one batch. predicted, actual: class numbers (N), as tables or i64 tensors.
function Confusion:add(predicted, actual)
   predicted = class_numbers("predicted classes", predicted, self.n)
   actual = class_numbers("actual classes", actual, self.n)
   if #predicted ~= #actual then
      error(("confusion: %d predictions for %d photos"):format(#predicted, #actual), 2)
   end
   for i, class in ipairs(actual) do
      self.counts[class][predicted[i]] = self.counts[class][predicted[i]] + 1
   end
   self.total = self.total + #actual
   return self
end

local function by_class(a, b)
   if a[1] ~= b[1] then return a[1] < b[1] end
   return a[2] < b[2]
end

-- {actual, predicted, count} of all that occurred, in no order.
local function each_cell(self)
   local cells = {}
   for i = 1, self.n do
      for j, count in pairs(self.counts[i]) do cells[#cells + 1] = { i, j, count } end
   end
   return cells
end

--- What was counted, as a list of {actual, predicted, count} without the zeros, by actual and then by predicted class.
function Confusion:cells()
   local cells = each_cell(self)
   table.sort(cells, by_class)
   return cells
end

--- The whole matrix, as a list of rows of counts by actual class, zeros too. For few classes.
function Confusion:rows()
   local rows = {}
   for i = 1, self.n do
      rows[i] = {}
      for j = 1, self.n do rows[i][j] = self.counts[i][j] end
   end
   return rows
end

--- Adds a list as cells() gives it.
function Confusion:add_cells(cells)
   for _, cell in ipairs(cells) do
      local row = self.counts[cell[1]]
      row[cell[2]] = row[cell[2]] + cell[3]
      self.total = self.total + cell[3]
   end
   return self
end

--- Adds the counts of another matrix of the same size (the folds of a cross validation, pooled).
function Confusion:merge(other)
   if other.n ~= self.n then error(("confusion: %d and %d classes do not merge"):format(self.n, other.n), 2) end
   for i = 1, self.n do
      for j, count in pairs(other.counts[i]) do self.counts[i][j] = self.counts[i][j] + count end
   end
   self.total = self.total + other.total
   return self
end

--- Photos of that class that were counted.
function Confusion:support(class)
   local sum = 0
   for _, count in pairs(self.counts[class]) do sum = sum + count end
   return sum
end

--- Photos whose class was right.
function Confusion:right()
   local right = 0
   for i = 1, self.n do right = right + self.counts[i][i] end
   return right
end

--- Share of all photos whose class was right, 0 to 1; NaN where nothing was counted.
function Confusion:accuracy()
   return self.total > 0 and self:right() / self.total or 0 / 0
end

--- Share of right answers within each class (recall), averaged over the classes that occurred; NaN where none did.
function Confusion:balanced_accuracy()
   local sum, classes = 0, 0
   for i = 1, self.n do
      local support = self:support(i)
      if support > 0 then
         sum = sum + self.counts[i][i] / support
         classes = classes + 1
      end
   end
   return classes > 0 and sum / classes or 0 / 0
end

--- Precision, recall and F1 of every class: a list of {precision, recall, f1, support = photos of it, predicted = photos said
-- to be it}, by class number. A share of nothing is 0, as scikit-learn's zero_division = 0.
function Confusion:per_class()
   local predicted, list = {}, {}
   for j = 1, self.n do predicted[j] = 0 end
   for _, cell in ipairs(each_cell(self)) do predicted[cell[2]] = predicted[cell[2]] + cell[3] end
   for i = 1, self.n do
      local right, support = self.counts[i][i], self:support(i)
      list[i] = {
         precision = predicted[i] > 0 and right / predicted[i] or 0, recall = support > 0 and right / support or 0,
         f1 = predicted[i] + support > 0 and 2 * right / (predicted[i] + support) or 0,
         support = support, predicted = predicted[i],
      }
   end
   return list
end

--- Precision, recall and F1 over the classes: { macro = {precision, recall, f1}, weighted = ... }. macro weighs every class the
-- same, of those that occurred or were predicted; weighted by the number of photos. NaN where nothing was counted.
function Confusion:averages()
   local list, names = self:per_class(), { "precision", "recall", "f1" }
   local macro, weighted, classes = {}, {}, 0
   for _, entry in ipairs(list) do
      if entry.support + entry.predicted > 0 then classes = classes + 1 end
   end
   for _, name in ipairs(names) do
      local sum, weight = 0, 0
      for _, entry in ipairs(list) do
         sum, weight = sum + entry[name], weight + entry[name] * entry.support
      end
      macro[name] = classes > 0 and sum / classes or 0 / 0
      weighted[name] = self.total > 0 and weight / self.total or 0 / 0
   end
   return { macro = macro, weighted = weighted }
end

--- The most frequent mistakes: a list of {actual, predicted, count}, at most `limit`, the largest first.
function Confusion:most_confused(limit)
   local mistakes = {}
   for _, cell in ipairs(each_cell(self)) do
      if cell[1] ~= cell[2] then mistakes[#mistakes + 1] = cell end
   end
   table.sort(mistakes, function(a, b)
      if a[3] ~= b[3] then return a[3] > b[3] end
      return by_class(a, b)
   end)
   return table.move(mistakes, 1, math.min(limit or #mistakes, #mistakes), 1, {})
end

--- The numbers of the `limit` classes of lowest F1, the lowest first, among those that occurred; of equal ones that with more
-- photos. list: {f1, support} by class number, as per_class gives it.
function metrics.weakest(list, limit)
   local order = {}
   for i, entry in ipairs(list) do
      if entry.support > 0 then order[#order + 1] = i end
   end
   table.sort(order, function(a, b)
      local x, y = list[a], list[b]
      if x.f1 ~= y.f1 then return x.f1 < y.f1 end
      if x.support ~= y.support then return x.support > y.support end
      return a < b
   end)
   return table.move(order, 1, math.min(limit, #order), 1, {})
end

--- Many classes in one line: how many have photos, and in how many all or none were right. list: as per_class gives it.
function metrics.in_short(list)
   local seen, none, all = 0, 0, 0
   for _, entry in ipairs(list) do
      if entry.support > 0 then
         seen = seen + 1
         if entry.f1 == 0 then none = none + 1 elseif entry.f1 == 1 then all = all + 1 end
      end
   end
   return ("%d classes, %d with photos; F1 is 1 in %d of them and 0 in %d"):format(#list, seen, all, none)
end

--- Low and high end of the 95 % interval of a share of `right` in `total`: Wilson's score interval (1927), which holds
-- for small numbers and near 0 and 1 too. NaN where total is 0.
function metrics.interval(right, total)
   if total == 0 then return 0 / 0, 0 / 0 end
   local z = 1.959964
   local p, spread = right / total, z * z / total
   local center = (p + spread / 2) / (1 + spread)
   local half = z / (1 + spread) * math.sqrt(p * (1 - p) / total + spread / (4 * total))
   return math.max(0.0, center - half), math.min(1.0, center + half) -- which rounding may pass
end

metrics.mcnemar = require "scute.metrics.mcnemar"
metrics.retrieval = require "scute.metrics.retrieval"

for _, part in ipairs { "roc", "calibration", "open_set" } do
   for name, value in pairs(require("scute.metrics." .. part)) do metrics[name] = value end
end

local Mean = { __name = "scute.mean" }
Mean.__index = Mean

--- A running mean, weighted by the number of samples behind each value.
function metrics.mean()
   return setmetatable({ sum = 0, weight = 0 }, Mean)
end

--- Adds a value that stands for `weight` samples. Returns itself.
function Mean:add(value, weight)
   self.sum = self.sum + value * weight
   self.weight = self.weight + weight
   return self
end

function Mean:__tostring()
   if self.weight == 0 then return "mean of 0 samples" end
   return ("mean %.6g of %g samples"):format(self:value(), self.weight)
end

--- NaN where nothing was added.
function Mean:value()
   return self.weight > 0 and self.sum / self.weight or 0 / 0
end

return metrics
