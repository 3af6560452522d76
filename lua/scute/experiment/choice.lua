-- Which variant is measured on photos that chose nothing: the best one where the data set has photos for the test, and of
-- nested folds, in each outer one, the one that its inner ones have chosen.
local gather = require "scute.experiment.gather"
local plan = require "scute.experiment.plan"
local sample = require "scute.experiment.sample"

local choice = {}

-- Means over the finished inner runs of a row in an outer fold: { row, runs = how many, figure, loss (nil where one has none)
-- }.
local function standing(row, fold, metric)
   local figures, losses = {}, {}
   for _, record in ipairs(row.results) do
      if record.fold == fold and record.state == "finished" then
         figures[#figures + 1], losses[#losses + 1] = record.figures[metric.name], record.figures.loss
      end
   end
   return { row = row, runs = #figures, figure = sample.mean(figures),
      loss = #losses == #figures and sample.mean(losses) or nil }
end

-- Whether one is better than the best one so far; of equal ones the lower loss is, then the first of the plan.
local function is_better(one, best, metric)
   if not best or one.figure ~= best.figure then return not best or metric:is_better(one.figure, best.figure) end
   return one.loss ~= nil and best.loss ~= nil and one.loss < best.loss
end

-- The row that is best in an outer fold, of those that may have a rank and whose inner runs there are all finished.
local function best_in_fold(made, by_name, fold, metric, rank)
   local best
   for _, variant in ipairs(made.variants) do
      local row = by_name[variant.name]
      local one = standing(row, fold, metric)
      local counts = one.runs == made.nested and not (rank and rank(row.options, row))
      if counts and is_better(one, best, metric) then best = one end
   end
   return best and best.row
end

--- By outer fold (of seeds and plain folds: by 1 and by each) the name of the variant that is chosen there. rows, ranked: of a
-- trial; rank: of the script, as scute.experiment.trial takes it.
function choice.of(made, rows, ranked, metric, rank)
   local by_fold, by_name = {}, {}
   for _, row in ipairs(rows) do by_name[row.name] = row end
   for fold = 1, made.folds or 1 do
      local best = ranked[1]
      if made.nested then best = best_in_fold(made, by_name, fold, metric, rank) end
      by_fold[fold] = best and best.name
   end
   return by_fold
end

--- The runs that are to be measured and were not, as scute.experiment.parent does runs. chosen: what choice.of returns.
function choice.wanted(self, chosen)
   local list = {}
   if not (self.plan.nested or rawget(self.given.set, "test")) then return list end
   for _, run in ipairs(plan.runs(self.plan)) do
      local found = chosen[run.fold or 1] == run.variant and gather.one(self.folder, run)
      if found and found.state == "finished" and not found.test then list[#list + 1] = { run = run, kind = "test" } end
   end
   return list
end

return choice
