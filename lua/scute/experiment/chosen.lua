-- What the chosen variant came to on photos that chose nothing: those kept for the test, or, of nested folds, those of each
-- outer fold, for which the inner ones chose.
local by_run = require "scute.experiment.by_run"
local console = require "scute.base.console"
local paired = require "scute.experiment.paired"
local sample = require "scute.experiment.sample"
local values = require "scute.experiment.values"

local chosen = {}

-- All records with a test, in the order of their runs, and the variants that they are of, each once.
local function tested(all)
   local records, names = {}, {}
   for _, row in ipairs(all) do
      local before = #records
      for _, record in ipairs(row.results) do
         if record.test then records[#records + 1] = record end
      end
      if #records > before then names[#names + 1] = row.name end
   end
   return records, names
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

local function words_of(names, photos, outer)
   local on = photos and console.count(photos, "photo") or "photos"
   if outer then
      return ("on %s of %souter folds, which chose nothing; the inner ones chose %s"):format(on, outer,
         table.concat(names, ", "))
   end
   return ("by %s on %s kept for the test, which chose nothing"):format(table.concat(names, ", "), on)
end

--- all: rows of a trial; nested, folds: those of its plan. Returns { figure, low, high, photos, words, variants = names of
-- those that were chosen }; nil where nothing was tested.
function chosen.of(all, metric, nested, folds)
   local records, names = tested(all)
   if #records == 0 then return nil end
   local figure, low, high, photos = measured(records, metric, folds)
   if not figure then return nil end
   return { figure = figure, low = low, high = high, photos = photos, variants = names,
      words = words_of(names, photos, nested and part_text(records, folds)) }
end

return chosen
