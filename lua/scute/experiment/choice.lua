-- Which runs are measured on photos that chose nothing, once the variant is chosen: those of the best one where the data set
-- has photos for the test, and of nested folds, in each outer one, those of the variant that its inner ones have chosen.
local plan = require "scute.experiment.plan"
local gather = require "scute.experiment.gather"
local shown = require "scute.experiment.shown"

local choice = {}

-- Mean of the metric by variant, of those whose inner runs in an outer fold are all finished.
local function best_in_fold(self, fold)
   local made, best, figure = self.plan, nil, nil
   for _, variant in ipairs(made.variants) do
      local sum, n = 0, 0
      for _, run in ipairs(plan.runs(made)) do
         local found = run.variant == variant.name and run.fold == fold and gather.one(self.folder, run)
         if found and found.state == "finished" then sum, n = sum + found.figures[made.metric], n + 1 end
      end
      local mean = sum / n
      local is_better = not figure or (made.lower and mean < figure or not made.lower and mean > figure)
      if n == made.nested and is_better then best, figure = variant.name, mean end
   end
   return best
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
