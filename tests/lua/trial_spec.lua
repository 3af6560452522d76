-- What an experiment comes to, of records made by hand: rows, tests, words, files, and answers as data.
local by_run = require "scute.experiment.by_run"
local cjson = require "cjson"
local csv = require "scute.base.csv"
local files = require "scute.experiment.files"
local headline = require "scute.experiment.headline"
local plans = require "scute.experiment.plan"
local scratch = dofile "tests/lua/scratch.lua"
local tell = require "scute.experiment.tell"
local trial = require "scute.experiment.trial"

local EXACT = 1e-12 -- sums of some dozen numbers below 1, added in another order

local function near(expected, found, tolerance)
   assert.is_true(math.abs(expected - found) <= (tolerance or EXACT), ("expected %.17g, found %.17g"):format(expected, found))
end

local function mean(list)
   local sum = 0
   for _, value in ipairs(list) do sum = sum + value end
   return sum / #list
end

-- A run of a variant: `right` says which photos, p1 and so on, were recognised, "." which it did not validate.
local function run(variant, number, right, more)
   local made = { format = 1, state = "finished", variant = variant, run = "seed" .. number, seed = number, metric = "accuracy",
      figures = {}, best_epoch = 3, epochs = 4, seconds = 10, images_per_second = 50, parameters = 1000, trainable = 100,
      jobs = 1, threads = 2, classes = { "blue", "red" }, photos = {}, labels = {}, predicted = {},
      values = { accuracy = {}, loss = {} } }
   for i = 1, #right do
      local said = right:sub(i, i)
      if said ~= "." then
         local at, class = #made.photos + 1, i % 2 + 1
         made.photos[at], made.labels[at] = "p" .. i, class
         made.predicted[at] = said == "1" and class or 3 - class
         made.values.accuracy[at], made.values.loss[at] = said == "1" and 1 or 0, said == "1" and 0.125 + i / 64 or 2 + i / 64
      end
   end
   for name, list in pairs(made.values) do made.figures[name] = mean(list) end
   for key, value in pairs(more or {}) do made[key] = value end
   return made
end

local function fold(variant, number, right, more)
   local made = run(variant, 0, right, more)
   made.fold, made.run = number, "fold" .. number
   return made
end

local function plan(names, more)
   local made = { format = 1, name = "experiment", variants = {}, seeds = 2, seed = 0, metric = "accuracy", search = "all",
      photos = 40, classes = 2, class_names = { "blue", "red" }, settings = { { "photos", "40 in 2 classes" },
         { "budget of a run", "epochs=4" } } }
   for i, name in ipairs(names) do made.variants[i] = { name = name, options = { lr = 10.0 ^ -i } } end
   for key, value in pairs(more or {}) do made[key] = value end
   return made
end

-- Two runs each of variants by what they recognise.
local function two_runs(list)
   local records = {}
   for name, right in pairs(list) do records[name] = { run(name, 0, right), run(name, 1, right) } end
   return records
end

local function statements(found)
   return table.concat(tell.statements(found), "\n")
end

local function conclusion(found)
   return table.concat(tell.conclusion(found), "\n")
end

describe("trial", function()
   it("ranks by the metric and says what can be told apart", function()
      local found = trial.of(plan { "low", "high" }, two_runs { low = "00000010", high = "11111111" }, {})
      assert.same({ "high", "low" }, { found.rows[1].name, found.rows[2].name })
      assert.same({ 1, 2, 2, 2 }, { found.rows[1].rank, found.rows[2].rank, found.rows[1].runs, found.rows[1].wanted })
      assert.same({ 1, 0.125, 0, 8, 0 }, { found.rows[1].figure, found.rows[2].figure, found.rows[1].sd, found.photos,
         found.missing })
      assert.equal(found.rows[1], found.best)
      assert.is_true(found.pairs[1].apart)
      assert.matches("high is better than low: %+87.5 points %(", statements(found))
      assert.matches("^high is better than low by 87.5 points %b()%.\nPoints of accuracy; the intervals hold together at 95 %% "
         .. "for all pairs of variants %(paired test over 8 photos and 2 seeds%)%.\n100.0%% %(95 %% interval 67.6 to 100.0 "
         .. "%%%): accuracy of high on 8 photos%.\nThe best epoch of each run and the best variant were chosen on the photos "
         .. "that validate, so figures there are optimistic; photos kept for a test, or nested folds, would say",
         conclusion(found))
   end)

   it("says of equals that they cannot be told apart, and what could be", function()
      local found = trial.of(plan { "a", "b" }, two_runs { a = "11110000", b = "00001111" }, {})
      assert.matches("a and b cannot be told apart on 8 photos: %+0.0 points %b(); the smallest difference that they "
         .. "could show: %d+.%d points %(found in 80 %% of such comparisons%)", statements(found))
      assert.matches("^a is level with b %b(), which 8 photos cannot tell from chance", conclusion(found))
   end)

   it("tells small networks in digits that count, and of how many classes they are", function()
      local function text_of(more)
         return tell.text(trial.of(plan({ "a" }, { seeds = 1 }), { a = { run("a", 0, "11", more) } }, {}))
      end
      local found = text_of { parameters = 2689, trainable = 90, multiply_adds = 4321 }
      assert.matches(" 2%.7k +90 +4%.3 k ", found)
      assert.is_nil(found:find "params: with")
      found = text_of { parameters = 389000, trainable = 999900, multiply_adds = 3700000, parameters_1000 = 641000 }
      assert.matches(" 389k +1000k +3%.7 M ", found)
      assert.matches("params: with the classes of these photos, where published networks have 1000;", found)
   end)

   it("turns better round where less is", function()
      local records = two_runs { a = "00000000", b = "11111111" }
      local found = trial.of(plan({ "a", "b" }, { metric = "loss", lower = true }), records, {})
      assert.same({ "b", "loss", true }, { found.best.name, found.metric.name, found.metric.lower })
      near(-1.875, found.pairs[1].difference)
      assert.is_true(found.pairs[1].apart and found.pairs[1].high < 0)
      assert.matches("b is better than a: %-1.875 %(%-%d.%d+ to %-1.%d+%)", statements(found))
      assert.matches("^b is better than a by 1.875 %(.*\nDifferences of loss, of which less is better; ", conclusion(found))
      assert.is_nil(conclusion(found):find "point")
   end)

   it("tests a metric by its pseudo-values, about the figure of the run", function()
      local records = two_runs { a = "1111111111", b = "1111111111" }
      for name, list in pairs(records) do
         for _, record in ipairs(list) do
            record.values.f1, record.figures.f1 = {}, name == "a" and 0.9 or 0.4
            for i = 1, 10 do record.values.f1[i] = (name == "a" and 0.93 or 0.41) + (i % 2 == 0 and 0.25 or -0.25) end
         end
      end
      local found = trial.of(plan({ "b", "a" }, { metric = "f1" }), records, {})
      near(0.9, found.best.figure)
      near(0.5, found.pairs[1].difference)
      assert.is_true(found.pairs[1].apart)
      assert.is_true(found.best.high <= 1)
      assert.matches("by 50.0 points .*Points of macro F1; .*90.0%% %(95 .*macro F1 of a on 10 photos", conclusion(found))
   end)

   it("takes the runs for units of a figure that no photo has a part of", function()
      local records = {}
      for v, name in ipairs { "cheap", "dear" } do
         records[name] = {}
         for r = 1, 3 do
            records[name][r] = run(name, r - 1, "1111", { figures = { cost = 100 * v + r + v * r % 2, accuracy = 1 } })
         end
      end
      local found = trial.of(plan({ "dear", "cheap" }, { metric = "cost", lower = true, seeds = 3 }), records, {})
      assert.same({ "cheap", true, false }, { found.best.name, found.pairs[1].apart, found.by_photo })
      assert.matches("paired test over 3 seeds; no photo has a part of its own in cost", statements(found))
      assert.matches("^experiment: 2 variants, 3 seeds each, by cost %(less is better%)\n", tostring(found))
      local more = trial.of(plan({ "dear", "cheap" }, { metric = "cost", seeds = 3 }), records, {})
      assert.matches(" by cost %(more is better%)\n.*\nDifferences of cost, of which more is better; ", tostring(more))
      for _, name in ipairs { "cheap", "dear" } do records[name] = { records[name][1] } end
      found = trial.of(plan({ "dear", "cheap" }, { metric = "cost", lower = true, seeds = 1 }), records, {})
      assert.is_false(found.pairs[1].apart)
      assert.matches("cheap and dear cannot be told apart on 1 seed: %-99 %(no interval: too few or too alike to tell%); no "
         .. "difference could show here", statements(found))
   end)

   it("pools folds, and takes the inner ones of an outer one for one run", function()
      local records = { a = {}, b = {} }
      for f = 1, 4 do
         local mask = ("."):rep(2 * f - 2)
         records.a[f], records.b[f] = fold("a", f, mask .. "11"), fold("b", f, mask .. "10")
      end
      local found = trial.of(plan({ "a", "b" }, { folds = 4 }), records, {})
      assert.same({ 8, 4, 1, 0.5 }, { found.photos, found.folds, found.rows[1].figure, found.rows[2].figure })
      assert.matches("paired test over 8 photos in 4 folds", statements(found))
      records = { a = {}, b = {} }
      for outer = 1, 2 do
         for inner = 1, 2 do
            local mask = ("."):rep(4 * outer - 4 + 2 * inner - 2)
            for _, name in ipairs { "a", "b" } do
               table.insert(records[name], fold(name, 3 - outer, mask .. (name == "a" and "11" or "10"), { inner = inner,
                  test = name == "a" and { photos = { "p" .. outer, "q" .. outer }, figures = { accuracy = inner / 2 },
                     values = { accuracy = { 1, inner - 1 } } } or nil }))
            end
         end
      end
      found = trial.of(plan({ "a", "b" }, { folds = 2, nested = 2 }), records, {})
      assert.same({ 4, 4, 8, 0.75, 4 }, { found.rows[1].wanted, found.rows[1].runs, found.photos, found.test.figure,
         found.test.photos })
      assert.matches("^75.0%% %(95 %% interval %d+.%d to %d+.%d %%%): accuracy on 4 photos of outer folds, which chose "
         .. "nothing; the inner ones chose a%.", conclusion(found))
      assert.is_nil(conclusion(found):find "would say what the choice is worth")
   end)

   -- Nested folds of one variant; test(outer, inner): what is known of its photos to test.
   local function nested_runs(outer_folds, inner_folds, test)
      local records = { a = {} }
      for outer = 1, outer_folds do
         for inner = 1, inner_folds do
            table.insert(records.a, fold("a", outer, "11111111", { inner = inner, test = test(outer, inner) }))
         end
      end
      return records, plan({ "a" }, { folds = outer_folds, nested = inner_folds, metric = "cost" })
   end

   it("takes the outer folds for units of a test by runs, whose inner models test the same photos", function()
      local records, made = nested_runs(3, 4, function(outer, inner)
         return { photos = { "t" .. outer }, figures = { cost = 10 * outer + inner % 2 } }
      end)
      for _, record in ipairs(records.a) do record.figures.cost = 1 end
      local found = trial.of(made, records, {}).test
      local low, high = by_run.interval({ 10.5, 20.5, 30.5 }, { folds = true })
      assert.same({ 20.5, low, high }, { found.figure, found.low, found.high })
      assert.equal("on photos of outer folds, which chose nothing; the inner ones chose a", found.words)
   end)

   it("says of how many outer folds the photos of the test are", function()
      local records, made = nested_runs(3, 2, function(outer)
         return outer ~= 2 and { photos = { "t" .. outer }, figures = { accuracy = 1 }, values = { accuracy = { 1 } } } or nil
      end)
      made.metric = "accuracy"
      assert.equal("on 2 photos of 2 of 3 outer folds, which chose nothing; the inner ones chose a "
         .. "(4 of 6 models were tested)", trial.of(made, records, {}).test.words)
   end)

   it("has the photos that chose nothing for its headline", function()
      local records = two_runs { a = "11111111", b = "11110111" }
      for _, record in ipairs(records.a) do
         record.test = { photos = { "t1", "t2", "t3", "t4" }, figures = { accuracy = 0.75 },
            values = { accuracy = { 1, 1, 1, 0 } } }
      end
      local found = trial.of(plan { "a", "b" }, records, {})
      assert.same({ 0.75, 4, { "a" } }, { found.test.figure, found.test.photos, found.test.variants })
      assert.matches("^75.0%% %(95 %% interval 30.1 to 95.4 %%%): accuracy by a on 4 photos kept for the test, which chose "
         .. "nothing%.\na is ahead of b", conclusion(found))
      assert.equal("75.0%", (headline.figure(found)))
   end)

   it("measures what is chosen now, and says what was before", function()
      local records = two_runs { a = "11111111", b = "11110111" }
      local function test(correct) return { photos = { "t1", "t2" }, figures = { accuracy = correct / 2 },
         values = { accuracy = { 1, correct - 1 } } } end
      for _, record in ipairs(records.a) do record.test = test(2) end
      for _, record in ipairs(records.b) do record.test = test(1) end
      local found = trial.of(plan { "b", "a" }, records, {})
      assert.same({ 1, { "a" }, { "b" } }, { found.test.figure, found.test.variants, found.test.before })
      assert.matches("accuracy by a on 2 photos kept for the test, which chose nothing %(b was chosen before and measured "
         .. "there too%)%.", conclusion(found))
      records.a[2].test = nil
      assert.matches("by a on 2 photos kept for the test, which chose nothing %(1 of 2 models was tested; b was chosen before",
         trial.of(plan { "b", "a" }, records, {}).test.words)
      records.a[1].test = nil
      assert.is_nil(trial.of(plan { "b", "a" }, records, {}).test)
   end)

   it("chooses in each outer fold what is best there, by less where that is better, and nothing without a rank", function()
      local function record(name, outer, inner, cost)
         return fold(name, outer, ("."):rep(2 * outer) .. "11", { inner = inner, run = ("fold%d.%d"):format(outer, inner),
            lower = true, figures = { cost = cost },
            test = { photos = { "t" .. outer }, figures = { cost = 10 * cost }, values = { cost = { 10 * cost } } } })
      end
      local records, costs = {}, { own = { 0, 0 }, a = { 1, 4 }, b = { 3, 2 } }
      for name, list in pairs(costs) do
         records[name] = {}
         for outer, cost in ipairs(list) do
            for inner = 1, 2 do table.insert(records[name], record(name, outer, inner, cost)) end
         end
      end
      local found = trial.of(plan({ "own", "a", "b" }, { folds = 2, nested = 2, metric = "cost" }), records, {},
         { rank = function(_, row) return row.name == "own" and "random weights" or nil end })
      assert.same({ 15, 2, { "a", "b" } }, { found.test.figure, found.test.photos, found.test.variants })
   end)

   it("gives no rank to what is not whole, and says why", function()
      local records = two_runs { whole = "11110000", foreign = "11111111", own = "11111111", cut = "11111111" }
      records.part = { run("part", 0, "11111111") }
      for _, record in ipairs(records.foreign) do record.photos[1] = "other" end
      for _, record in ipairs(records.cut) do record.state, record.epochs = "paused", 2 end
      local found = trial.of(plan { "whole", "part", "foreign", "own", "cut", "broken", "nothing" }, records,
         { { variant = "broken", run = "seed0", message = "out of memory", how = "memory" } },
         { rank = function(options) return options.lr == 1e-4 and "random weights" or nil end,
            stopped = { cut = { epoch = 2, why = "0.61, 5th of 12" } } })
      local why = {}
      for _, row in ipairs(found.rows) do why[row.name] = row.unranked or "ranked" end
      assert.same({ whole = "ranked", part = "1 of 2 runs", foreign = "other photos", own = "random weights",
         cut = "stopped after epoch 2: 0.61, 5th of 12", broken = "failed: out of memory", nothing = "no run yet" }, why)
      assert.same({ "whole", 4, 2, 0 }, { found.best.name, found.missing, found.rows[2].stopped_at and 0 or 2, #found.pairs })
      local text = statements(found)
      assert.matches("^Only whole has a rank, so there is nothing to test%.\nWithout a rank, and left out of the tests: ", text)
      assert.matches("Failed: broken, seed0: out of memory\n4 runs are missing; resume finishes them%.\n1 run failed; resume "
         .. "tries it again%.$", text)
      assert.matches("1 variant was stopped early by what these photos said; the test is of those that ran whole, given that "
         .. "choice", conclusion(found))
   end)

   it("has for its best none that gets no rank, while there is another one", function()
      local records = two_runs { random = "11111111", part = "11110000" }
      records.part[2] = nil
      local function rank(_, row) return row.name == "random" and "random weights" or nil end
      local found = trial.of(plan { "random", "part" }, records, {}, { rank = rank })
      assert.same({ "part", "1 of 2 runs" }, { found.best.name, found.best.unranked })
      found = trial.of(plan { "random" }, records, {}, { rank = rank })
      assert.same({ "random", "random weights" }, { found.best.name, found.best.unranked })
   end)

   it("has no loss below 0 in an interval, but where there are such losses", function()
      local function low_of(losses, by_run_alone)
         local one, other = run("a", 0, ("1"):rep(#losses)), run("a", 1, ("1"):rep(#losses))
         for _, record in ipairs { one, other } do
            record.values.loss, record.figures.loss = not by_run_alone and losses or nil, mean(losses) * (1 + record.seed)
            record.test = { photos = record.photos, figures = record.figures, values = record.values }
         end
         local found = trial.of(plan({ "a" }, { metric = "loss", lower = true }), { a = { one, other } }, {})
         assert.equal(found.rows[1].low, found.test.low)
         return found.rows[1].low
      end
      assert.equal(0, low_of { 0, 0, 0, 0, 0, 4 })
      assert.equal(0, low_of({ 1, 2 }, true))
      assert.is_true(low_of { -0.25, 0, 0, 0, 0, 4 } < 0)
      assert.is_true(low_of { 3, 3.5, 3, 3.5, 3, 3.5 } < 3)
   end)

   it("gives no rank to a loss that overflowed, whatever else there is", function()
      local names, records = {}, {}
      for i = 1, 8 do
         names[i] = "v" .. i
         records[names[i]] = { run(names[i], 0, "11110000") }
         local odd = ({ 0 / 0, math.huge, -math.huge })[i % 4]
         if odd then
            records[names[i]][1].values.loss[3], records[names[i]][1].figures.loss = odd, odd
         end
      end
      local found = trial.of(plan(names, { metric = "loss", lower = true, seeds = 1 }), records, {})
      local why = {}
      for _, row in ipairs(found.rows) do why[row.name] = row.unranked or "ranked" end
      assert.same({ v1 = "its loss is not a number", v2 = "its loss is infinite", v3 = "its loss is infinite", v4 = "ranked",
         v5 = "its loss is not a number", v6 = "its loss is infinite", v7 = "its loss is infinite", v8 = "ranked" }, why)
      assert.same({ "v4", 1, false }, { found.best.name, #found.pairs, found.pairs[1].apart })
      assert.equal(8, #trial.of(plan(names, { seeds = 1 }), records, {}).ranked) -- of equal accuracy, ordered by loss
      assert.matches("left out of the tests: .*v1 %(its loss is not a number%)", statements(found))
   end)

   it("waits for runs that a search has paused for now", function()
      local records = two_runs { a = "11110000", b = "11111111" }
      records.b[1].state, records.b[1].epochs = "paused", 2
      local found = trial.of(plan { "a", "b" }, records, {}, { stopped = {} })
      assert.same({ "b", "1 of 2 runs, 1 paused after epoch 2", 1 }, { found.unranked[1].name, found.unranked[1].unranked,
         found.missing })
      assert.is_nil(rawget(found.unranked[1], "stopped_at"))
      assert.is_nil(conclusion(found):find "stopped early")
   end)

   it("misses no run that failed, and none of a variant that is out of a search for that", function()
      local records = two_runs { a = "11110000", b = "11111111", c = "11111111" }
      records.b[1].state, records.b[1].epochs = "paused", 2
      records.c[2] = nil
      local failures = { { variant = "b", run = "seed0", kind = "train", message = "burst" },
         { variant = "c", run = "seed1", kind = "train", message = "too slow", over = true },
         { variant = "a", run = "seed1", kind = "test", message = "no file" } }
      local found = trial.of(plan { "a", "b", "c" }, records, failures, {})
      assert.same({ 0, "1 of 2 runs, 1 paused after epoch 2, failed: burst", "1 of 2 runs, failed: too slow" },
         { found.missing, found.unranked[1].unranked, found.unranked[2].unranked })
      assert.equal("a", found.best.name)
      assert.matches("Failed: a, seed1, test: no file\n3 runs failed; resume tries them again%.$", statements(found))
      records.b[2].state, records.b[2].epochs = "paused", 2
      assert.same({ 1, 0 }, { trial.of(plan { "a", "b", "c" }, records, failures, {}).missing,
         trial.of(plan({ "a", "b", "c" }, { search = "halving" }), records, failures, {}).missing })
   end)

   it("says that times do not compare where runs went on at once", function()
      local records = two_runs { a = "1111", b = "1111" }
      assert.is_nil(trial.of(plan { "a", "b" }, records, {}).times)
      records.b[2].threads = 1
      assert.matches("different numbers of threads", trial.of(plan { "a", "b" }, records, {}).times)
      assert.matches("different numbers of threads %(1, 2%), which alone makes the last digits differ",
         statements(trial.of(plan { "a", "b" }, records, {})))
      for _, list in pairs(records) do
         for _, record in ipairs(list) do record.jobs = 2 end
      end
      local text = tostring(trial.of(plan { "a", "b" }, records, {}))
      assert.matches("time%*  photos/s%*", text)
      assert.matches("\n%*: not to be compared, since 2 runs went on at once", text)
   end)

   it("has the smaller network first of equals, then the lower loss, and small differences in digits that count", function()
      local records = two_runs { a = "1110", b = "1110", c = "1110" }
      for r = 1, 2 do
         records.b[r].figures.loss, records.b[r].values.loss[1] = records.a[r].figures.loss - 1e-4, 0.125 + 1 / 64 - 4e-4
         records.c[r].parameters = 999
      end
      local names = {}
      for i, row in ipairs(trial.of(plan { "a", "b", "c" }, records, {}).rows) do names[i] = row.name end
      assert.same({ "c", "b", "a" }, names)
      local by_loss = trial.of(plan({ "a", "b" }, { metric = "loss", lower = true }), records, {})
      assert.matches("^b is ahead of a by 0.0001 %(", conclusion(by_loss))
   end)

   it("stays readable with a grid, a single variant, and nothing done", function()
      local names, list = {}, {}
      for i = 1, 12 do
         names[i] = ("lr=%d"):format(i)
         list[names[i]] = ("1"):rep(i) .. ("0"):rep(12 - i)
      end
      local found = trial.of(plan(names), two_runs(list), {})
      assert.equal(66, #found.pairs)
      local lines = tell.statements(found)
      assert.equal(13, #lines)
      assert.matches("^55 more pairs, of which none is of lr=12, are in comparison.json and trial.pairs", lines[13])
      assert.matches("and 7 more", conclusion(found))
      local alone = trial.of(plan { "a" }, two_runs { a = "11110000" }, {})
      assert.equal("50.0%", conclusion(alone):match "^%S+")
      assert.matches("The best epoch of each run was chosen", conclusion(alone))
      local nothing = trial.of(plan { "a", "b" }, {}, {})
      assert.same({ 0, 4, 0 }, { nothing.photos, nothing.missing, #nothing.pairs })
      assert.is_nil(nothing.best)
      assert.matches("4 runs are missing", tostring(nothing))
   end)

   it("sets its table in parts where the terminal is narrow", function()
      local found = trial.of(plan { "a", "b" }, two_runs { a = "1111", b = "1101" }, {})
      assert.equal(2, select(2, tell.table(found):gsub("\n", "")))
      for _, width in ipairs { 80, 60, 40 } do
         for line in tell.table(found, width):gmatch "[^\n]+" do assert.is_true(utf8.len(line) <= width, line) end
      end
   end)

   it("knows its fields", function()
      local found = trial.of(plan { "a", "b" }, two_runs { a = "1111", b = "1101" }, {})
      local read = assert(load("local found = ... return found.rwos", "=script"))
      assert.error_matches(function() read(found) end, "a trial of scute.experiment has no 'rwos'; did you mean 'rows'%?")
      read = assert(load("local found = ... return found.rows[1].figur", "=script"))
      assert.error_matches(function() read(found) end, "a row of a trial has no 'figur'; did you mean 'figures?'%?")
      assert.is_nil(load("return (...).rows[1].latency", "=script")(found))
   end)

   it("has every answer as data", function()
      local found = trial.of(plan { "a", "b" }, two_runs { a = "1111", b = "1101" }, {})
      local all = found:answers()
      assert.equal(16, #all)
      local of = found:answers "p3"
      assert.equal(4, #of)
      assert.same({ "p3", "b", "seed0", "red", "blue", false }, { of[3].photo, of[3].variant, of[3].run, of[3].truth,
         of[3].predicted, of[3].right })
      near(2 + 3 / 64, of[3].loss)
      assert.matches("^16 answers of a trial\nphoto  variant  run .*… 6 more$", tostring(all))
      assert.error_matches(function() found:answers "p9" end, "answers: no run validated a photo 'p9'")
      assert.error_matches(function() found:answers("p3", "p4") end, "takes no more than that")
   end)
end)

describe("trial, on disk", function()
   local folder

   before_each(function() folder = scratch.make() end)
   after_each(function() scratch.remove(folder) end)

   local function text(name)
      local file <close> = assert(io.open(folder .. "/" .. name))
      return file:read "a"
   end

   -- The rows of a CSV by their titles.
   local function rows_of(name)
      local rows, list = csv.parse(text(name)), {}
      for n = 2, #rows do
         list[n - 1] = {}
         for k, title in ipairs(rows[1]) do list[n - 1][title] = rows[n][k] end
      end
      return list
   end

   it("has a row for each variant and for each run", function()
      local records = two_runs { a = "11111111", b = "01111111" }
      records.a[1].test = { photos = { "t" }, figures = { accuracy = 1 }, values = { accuracy = { 1 } } }
      local made = plan { "a", "b" }
      made.variants[2].options = { lr = 0.5, epochs = 'says "x, y"' }
      local found = trial.of(made, records, { { variant = "b", run = "seed2", message = "no, not it" } }, { folder = folder })
      files.write(folder, found)
      local variants, runs = rows_of "comparison.csv", rows_of "results.csv"
      assert.same({ "1", "a", "0.1", "1", "" }, { variants[1].rank, variants[1].variant, variants[1].lr, variants[1].accuracy,
         variants[1].first_ahead })
      assert.same({ "2", "0.5", 'says "x, y"', "4", "0.125", "false" }, { variants[2].rank, variants[2].lr,
         variants[2].option_epochs, variants[2].epochs, variants[2].first_ahead, variants[2].first_apart })
      assert.equal(5, #runs)
      assert.same({ "a", "seed0", "0", "finished", "1", "1", "10" }, { runs[1].variant, runs[1].run, runs[1].seed,
         runs[1].state, runs[1].accuracy, runs[1].test_accuracy, runs[1].seconds })
      assert.same({ "b", "seed2", "failed", "no, not it", "" }, { runs[5].variant, runs[5].run, runs[5].state, runs[5].message,
         runs[5].accuracy })
   end)

   it("says the same in all files", function()
      local found = trial.of(plan { "a", "b|c" }, two_runs { a = "11111111", ["b|c"] = "01111111" }, {}, { folder = folder })
      files.write(folder, found)
      local json, pair = cjson.decode(text "comparison.json"), found.pairs[1]
      assert.same({ "paired test over 8 photos and 2 seeds", "accuracy", false },
         { json.test, json.metric, json.less_is_better })
      near(pair.smallest, json.pairs["a - b|c"].smallest, 1e-9)
      assert.same({ seed0 = 1, seed1 = 1 }, json.variants.a.of_runs)
      assert.equal("epochs=4", json.settings["budget of a run"])
      assert.equal(table.concat(tell.conclusion(found), " "), json.conclusion)
      local md = text "comparison.md"
      assert.matches("| 2. | b\\|c | 87.5%% ± 0.0 |", md)
      assert.matches("- a and b|c cannot be told apart on 8 photos: %+12.5 points", md)
      assert.matches("\nfiles: [^\n]+/comparison.md, comparison.csv, comparison.json, results.csv$", tostring(found))
   end)

   it("has no number for what is infinite", function()
      local records = {}
      for _, name in ipairs { "a", "b" } do records[name] = { run(name, 0, "11", { figures = { cost = #name } }) } end
      local found = trial.of(plan({ "a", "b" }, { metric = "cost", seeds = 1 }), records, {})
      files.write(folder, found)
      local json = cjson.decode(text "comparison.json")
      assert.equal(cjson.null, json.pairs["a - b"].low)
      assert.equal(cjson.null, json.variants.a.low)
   end)

   it("chooses in nested folds the variant with the lower loss where figures are equal", function()
      local made, records = plan({ "a", "b" }, { folds = 2, nested = 2 }), { a = {}, b = {} }
      for _, each in ipairs(plans.runs(made)) do
         local found = fold(each.variant, each.fold, "11110000", { inner = each.inner, run = each.run })
         found.figures.loss = (each.variant == "b") == (each.fold == 2) and 0.25 or 0.5
         table.insert(records[each.variant], found)
      end
      assert.same({ "a", "b" }, trial.of(made, records, {})._chosen)
   end)
end)
