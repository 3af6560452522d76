-- Which runs are measured on photos that chose nothing, once the variant is chosen: those of the best one where the data set
-- has photos for the test, and of nested folds, in each outer one, those of the variant that its inner ones have chosen.
local plan = require "scute.experiment.plan"
local gather = require "scute.experiment.gather"
local sample = require "scute.experiment.sample"
local shown = require "scute.experiment.shown"

local choice = {}

-- The finished inner runs of a variant in an outer fold: their records.
local function inner_runs(self, variant, fold)
   local list = {}
   for _, run in ipairs(plan.runs(self.plan)) do
      local found = run.variant == variant.name and run.fold == fold and gather.one(self.folder, run)
      if found and found.state == "finished" then list[#list + 1] = found end
   end
   return list
end

-- Means over the inner runs of a variant in an outer fold: { name, figure, loss (nil where one has none) }.
local function standing(name, list, metric)
   local figures, losses = {}, {}
   for i, found in ipairs(list) do figures[i], losses[#losses + 1] = found.figures[metric], found.figures.loss end
   return { name = name, figure = sample.mean(figures), loss = #losses == #figures and sample.mean(losses) or nil }
end

-- Whether one is better than the best one so far; of equal ones the lower loss is.
local function is_better(one, best, lower)
   if not best then return true end
   if one.figure ~= best.figure then return (one.figure < best.figure) == lower end
   return one.loss ~= nil and best.loss ~= nil and one.loss < best.loss
end

-- The variant with the best mean in an outer fold, of those that get a rank and whose inner runs there are all finished.
local function best_in_fold(self, fold)
   local made, rank, best = self.plan, shown.rank_of(self), nil
   for _, variant in ipairs(made.variants) do
      local list = inner_runs(self, variant, fold)
      if #list == made.nested and not (rank and rank(variant.options, variant)) then
         local one = standing(variant.name, list, made.metric)
         local lower = list[1].lower or made.lower or false -- of a metric of the script's a record knows
         if is_better(one, best, lower) then best = one end
      end
   end
   return best and best.name
end

-- By outer fold (1 where there are none) the variant that is measured.
local function chosen(self)
   local made, by_fold = self.plan, {}
   if made.nested then
      for fold = 1, made.folds do by_fold[fold] = best_in_fold(self, fold) end
   elseif rawget(self.given.set, "test") then
      local best = shown.trial(self).ranked[1]
      for fold = 1, made.folds or 1 do by_fold[fold] = best and best.name end
   end
   return by_fold
end

--- The runs that are to be measured and were not, as scute.experiment.parent does runs.
function choice.wanted(self)
   local by_fold, list = chosen(self), {}
   for _, run in ipairs(plan.runs(self.plan)) do
      local found = by_fold[run.fold or 1] == run.variant and gather.one(self.folder, run)
      if found and found.state == "finished" and not found.test then list[#list + 1] = { run = run, kind = "test" } end
   end
   return list
end

return choice
