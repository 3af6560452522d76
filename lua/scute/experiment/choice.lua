-- Which variant is measured on photos that chose nothing: the best one where the data set has photos for the test, and of
-- nested folds, in each outer one, the one that its inner ones have chosen.
local gather = require "scute.experiment.gather"
local plan = require "scute.experiment.plan"
local sample = require "scute.experiment.sample"

local choice = {}

-- The figures of a row's finished inner runs in an outer fold.
local function inner_figures(row, fold, metric)
   local list = {}
   for _, record in ipairs(row.results) do
      if record.fold == fold and record.state == "finished" then list[#list + 1] = record.figures[metric.name] end
   end
   return list
end

-- The row with the best mean in an outer fold, of those that may have a rank and whose inner runs there are all finished; of
-- equal ones the first of the plan.
local function best_in_fold(made, by_name, fold, metric, rank)
   local best, figure
   for _, variant in ipairs(made.variants) do
      local row = by_name[variant.name]
      local list = inner_figures(row, fold, metric)
      local mean = #list == made.nested and not (rank and rank(row.options, row)) and sample.mean(list)
      if mean and (not figure or metric:is_better(mean, figure)) then best, figure = row, mean end
   end
   return best
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
