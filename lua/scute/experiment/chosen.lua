-- What the chosen variant came to on photos that chose nothing: those kept for the test, or, of nested folds, those of each
-- outer fold, for which the inner ones chose.
local by_run = require "scute.experiment.by_run"
local console = require "scute.base.console"
local paired = require "scute.experiment.paired"
local sample = require "scute.experiment.sample"
local values = require "scute.experiment.values"

local chosen = {}

-- Of variants that have a test: the records of those that are chosen in their fold, in the order of their runs, the names of
-- these, each once, and of those that were chosen before in a fold and no longer are.
local function tested(all, by_fold)
   local records, names, others = {}, {}, {}
   for _, row in ipairs(all) do
      local before, any = #records, false
      for _, record in ipairs(row.results) do
         local is_chosen = by_fold[record.fold or 1] == row.name
         if record.test and is_chosen then records[#records + 1] = record end
         any = any or record.test ~= nil and not is_chosen
      end
      if #records > before then names[#names + 1] = row.name end
      if any then others[#others + 1] = row.name end
   end
   return records, names, others
end

-- Of nested folds the runs with the same inner fold tested all photos together, each in its outer fold.
local function run_of(record)
   return record.inner or record.fold or record.seed
end

local function test_of(record)
   return record.test
end

-- The figures of the runs, of nested folds the mean in each outer one, whose inner models tested the same photos.
local function figures_of(records, metric)
   local lists, by_unit, figures = {}, {}, {}
   for _, record in ipairs(records) do
      local unit = record.inner and record.fold or record
      if not by_unit[unit] then
         by_unit[unit] = {}
         lists[#lists + 1] = by_unit[unit]
      end
      table.insert(by_unit[unit], record.test.figures[metric.name])
   end
   for i, list in ipairs(lists) do figures[i] = sample.mean(list) end
   return figures, #lists
end

-- Figure, interval and number of photos, of photos where each has its part in the figure, else of the runs.
local function measured(records, metric, folds)
   local tests = {}
   for i, record in ipairs(records) do tests[i] = record.test end
   if not values.are_known(tests, metric.name) then
      local figures, wanted = figures_of(records, metric)
      if #figures < wanted then return nil end
      local low, high = by_run.interval(figures, { folds = folds ~= nil })
      return sample.mean(figures), metric:within(low, high, math.min(table.unpack(figures)))
   end
   local numbers = values.numbers()
   local runs = values.of(records, metric.name, numbers, test_of, run_of)
   local low, high = paired.interval(runs, numbers[1], metric:bounds())
   low, high = metric:within(low, high, values.least(runs))
   return values.mean(runs), low, high, numbers[1]
end

-- Of how many of the outer folds there are tests, where some have none.
local function part_text(records, folds)
   local seen, count = {}, 0
   for _, record in ipairs(records) do
      if not seen[record.fold] then seen[record.fold], count = true, count + 1 end
   end
   return count < folds and ("%d of %d "):format(count, folds) or ""
end

-- What else there is to know, in brackets: models that were not tested, and variants that were and are not chosen now.
local function remarks_of(others, count, wanted)
   local list = {}
   if count < wanted then
      list[1] = ("%d of %s %s tested"):format(count, console.count(wanted, "model"), count == 1 and "was" or "were")
   end
   if #others > 0 then
      list[#list + 1] = ("%s %s chosen before and measured there too"):format(table.concat(others, ", "),
         #others == 1 and "was" or "were")
   end
   return #list > 0 and (" (%s)"):format(table.concat(list, "; ")) or ""
end

local function words_of(names, photos, outer, remarks)
   local on, chosen_ones = photos and console.count(photos, "photo") or "photos", table.concat(names, ", ")
   if outer then
      return ("on %s of %souter folds, which chose nothing; the inner ones chose %s%s"):format(on, outer, chosen_ones, remarks)
   end
   return ("by %s on %s kept for the test, which chose nothing%s"):format(chosen_ones, on, remarks)
end

--- all: rows of a trial; made: its plan; by_fold: what scute.experiment.choice says of it; wanted: how many models are to be
-- tested. Returns { figure, low, high, photos, words, variants = names of those that are chosen, before = of those that were
-- chosen and measured once, and are not now }; nil where nothing was tested.
function chosen.of(all, metric, made, by_fold, wanted)
   local records, names, others = tested(all, by_fold)
   if #records == 0 then return nil end
   local figure, low, high, photos = measured(records, metric, made.folds)
   if not figure then return nil end
   return { figure = figure, low = low, high = high, photos = photos, variants = names, before = others,
      words = words_of(names, photos, made.nested and part_text(records, made.folds), remarks_of(others, #records, wanted)) }
end

return chosen
