local cjson = require "cjson"
local scute = require "scute"
local options = require "scute.base.options"
local budgets = require "scute.experiment.budgets"
local cost = require "scute.experiment.cost"
local folds = require "scute.experiment.folds"
local names = require "scute.compare.names"
local scratch = dofile "tests/lua/scratch.lua"
local summary = require "scute.compare.summary"
local tell = require "scute.compare.tell"

local function near(expected, found, tolerance)
   assert.is_true(math.abs(expected - found) <= tolerance, ("expected %.17g, found %.17g"):format(expected, found))
end

local EXACT = 1e-12 -- sums of some dozen numbers below 1, added in another order

describe("compare.flags", function()
   it("have the rates and the augmentation of the protocol", function()
      local flags = options.declare("compare", scute.compare.flags)
      for protocol, expected in pairs { frozen = { 0.003, "none" }, finetune = { 0.0001, "light" } } do
         local values = flags:values { data_dir = "photos", protocol = protocol }
         assert.same(expected, { values.learning_rate, values.augment })
      end
      assert.equal(0.1, flags:values({ data_dir = "photos", learning_rate = 0.1 }).learning_rate)
   end)
end)

describe("compare.names", function()
   local known = { "efficientnet_b0", "efficientnet_b3", "mobilenet_v2", "resnet18", "resnet50" }

   it("shows what people call a model", function()
      local shown = {}
      for i, name in ipairs { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2", "other" } do
         shown[i] = names.show(name)
      end
      assert.same({ "ResNet-18", "ResNet-50", "EfficientNet-B0", "EfficientNet-B3", "MobileNetV2", "other" }, shown)
   end)

   it("takes lists and patterns, each model once", function()
      assert.same({ "resnet50", "resnet18" }, names.select("resnet50,resnet*", known))
      assert.same({ "efficientnet_b0", "efficientnet_b3" }, names.select("efficientnet_b[03]", known))
      assert.same({ "resnet18", "mobilenet_v2" }, names.select(" resnet18, mobilenet_v?", known))
   end)

   it("names the nearest of an unknown model, and a pattern that matches nothing", function()
      assert.error_matches(function() names.select("resnet18,resnet51", known) end, "did you mean 'resnet50'")
      assert.error_matches(function() names.select("vgg*", known) end, "no model matches 'vgg%*'")
      assert.error_matches(function() names.select("res[net", known) end, "no pattern")
      assert.error_matches(function() names.select(",", known) end, "found none")
   end)
end)

describe("compare.budgets", function()
   it("reads epochs and minutes", function()
      assert.same({ epochs = 10 }, budgets.read "epochs=10")
      assert.same({ minutes = 0.5 }, budgets.read "minutes=0.5")
      for _, text in ipairs { "epochs=0", "epochs=1.5", "minutes=0", "hours=1", "10", "epochs", "minutes=1.2.3" } do
         assert.error_matches(function() budgets.read(text) end, "expected epochs=N or minutes=N")
      end
   end)

   -- Epochs that are run, and why no more, of a budget of a minute with a clock of which a step takes `step` seconds.
   local function run_for_a_minute(step)
      local real, now = scute.clock, 1000
      local _ <close> = setmetatable({}, { __close = function() scute.clock = real end })
      scute.clock = function() return now end -- luacheck: ignore
      local budget = budgets.new { name = "net", minutes = 1.0 }
      local hook = budget.hooks[2]
      local run = { epoch = 0, epochs = budget.epochs, feed = { steps = 5 }, meter = { clear = function() end } }
      while run.epoch < run.epochs and not run.stopped do
         run.epoch = run.epoch + 1
         hook.on_epoch_begin(run)
         for i = 1, run.feed.steps do
            run.step, now = i, now + step
            hook.on_step_end(run)
         end
         hook.on_epoch_end(run)
      end
      return run
   end

   it("ends a run after the last epoch that fits its minutes", function()
      local run = run_for_a_minute(4) -- three epochs of 20 s
      assert.equal(3, run.epoch)
      assert.matches("the next would not fit", run.stopped)
      assert.equal(2, run_for_a_minute(5).epoch)
   end)

   it("refuses a run of which not even the first epoch fits, with what would", function()
      assert.error_matches(function() run_for_a_minute(13) end,
         "net did not fit the budget of minutes=1: one epoch takes about .*; give it at least minutes=1.2")
   end)
end)

describe("compare.summary", function()
   it("has the statistics of numpy", function()
      local file <close> = assert(io.open("tests/golden/summary.json"))
      local golden = cjson.decode(file:read "a")
      near(golden.mean, summary.mean(golden.values), EXACT)
      near(golden.deviation, summary.deviation(golden.values), EXACT)
      near(golden.median, summary.median(golden.values), EXACT)
      near(golden.median_of_8, summary.median(table.move(golden.values, 1, 8, 1, {})), EXACT)
      near(golden.balanced, summary.balanced(golden.labels, golden.predicted), EXACT)
      assert.is_nil(summary.deviation { 1 })
   end)
end)

describe("compare.cost", function()
   it("counts what torchvision's table says", function() -- "GFLOPS" of its documentation are multiply-adds
      for name, expected in pairs { resnet18 = { 11689512, 1.81e9 }, mobilenet_v2 = { 3504872, 0.30e9 },
         efficientnet_b0 = { 5288548, 0.39e9 } } do
         local model = scute.models.create(name)
         local own, published = cost.parameters(model)
         assert.same({ expected[1], expected[1] }, { own, published })
         near(expected[2], cost.multiply_adds(model), 0.006e9) -- the table has two decimals
      end
   end)

   it("knows the network with 1000 classes from one with two", function()
      local own, published = cost.parameters(scute.models.create("resnet18", { classes = 2 }))
      assert.same({ 11689512 - 998 * 513, 11689512 }, { own, published })
   end)

   it("counts a head of several layers as it is with 1000 classes", function()
      local nn = scute.nn
      scute.models.register("headed", function(classes)
         return nn.Sequential { nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 3, 8 }, nn.ReLU(),
            nn.Linear { 8, #classes } }
      end)
      local own, published = cost.parameters(scute.models.create("headed", { classes = 2 }))
      assert.same({ 4 * 8 + 9 * 2, 4 * 8 + 9 * 1000 }, { own, published })
   end)

   it("leaves the ops as they were, also after an error", function()
      local before = scute.conv2d
      assert.error(function()
         cost.multiply_adds({ preprocessing = { crop = 32 }, eval = function() end })
      end)
      assert.equal(before, scute.conv2d)
   end)
end)

describe("compare.folds", function()
   local function set_of(counts)
      local set = { dir = "d", classes = {}, train = { paths = {}, labels = {} }, val = { paths = {}, labels = {} } }
      for class, n in ipairs(counts) do
         set.classes[class] = "class" .. class
         for i = 1, n do
            local part = i % 3 == 0 and set.val or set.train
            table.insert(part.paths, ("d/%d/%03d"):format(class, i))
            table.insert(part.labels, class)
         end
      end
      return set
   end

   it("lets every photo validate once, in folds of equal size, class by class", function()
      local set, seen = set_of { 11, 7, 5 }, {}
      for fold = 1, 4 do
         local made = folds(set, fold, 4, 1)
         assert.equal(23, #made.train.paths + #made.val.paths)
         assert.is_true(#made.val.paths == 5 or #made.val.paths == 6)
         assert.is_true(made.val.counts[1] >= 2 and made.val.counts[2] >= 1 and made.val.counts[3] >= 1)
         for _, path in ipairs(made.val.paths) do seen[path] = (seen[path] or 0) + 1 end
      end
      local photos = 0
      for _, times in pairs(seen) do
         photos = photos + 1
         assert.equal(1, times)
      end
      assert.equal(23, photos)
   end)

   it("trains on a class with a single photo, and refuses more folds than photos", function()
      for fold = 1, 3 do assert.equal(1, folds(set_of { 6, 1 }, fold, 3, 0).train.counts[2]) end
      assert.error_matches(function() folds(set_of { 3, 3 }, 1, 5, 0) end, "no class has more than 3 photos")
   end)
end)

describe("compare.summary, of runs", function()
   -- Eight photos of two classes; `right` says which are recognised.
   local function result(right, more)
      local made = { parameters = 10, parameters_1000 = 11700000, multiply_adds = 1.81e9, seconds = 45 * 60, latency = 0.02,
         images_per_second = 50, peak_memory = 1e9, best_epoch = 7, photos = {}, labels = {}, predicted = {} }
      for i = 1, #right do
         made.photos[i], made.labels[i] = "p" .. i, i % 2 + 1
         made.predicted[i] = right:sub(i, i) == "1" and i % 2 + 1 or 2 - i % 2
      end
      for key, value in pairs(more or {}) do made[key] = value end
      return made
   end
   local plan = { models = { "resnet18", "resnet50", "efficientnet_b0" }, seeds = 2, seed = 0, data_dir = "d", photos = 40,
      classes = 2, split = "val/", protocol = "frozen", budget = "epochs=1", augment = "none", batch_size = 8,
      starts = { resnet18 = { weights = "a" }, resnet50 = { weights = "b" }, efficientnet_b0 = { weights = "random" } } }

   it("ranks by accuracy, leaves random weights out, and says what can be told apart", function()
      local found = summary.of(plan, {
         resnet18 = { result "11111111", result "11111111" }, resnet50 = { result "00000010", result "00000000" },
         efficientnet_b0 = { result "11111111", result "11111111" },
      }, {})
      assert.same({ "resnet18", "resnet50" }, { found.ranked[1].model, found.ranked[2].model })
      assert.same({ "efficientnet_b0", "random weights" }, { found.unranked[1].model, found.unranked[1].unranked })
      assert.equal(1 / 16, found.ranked[2].accuracy)
      near(math.sqrt(2) / 16, found.ranked[2].accuracy_sd, EXACT)
      assert.equal(1, #found.pairs)
      assert.is_true(found.pairs[1].apart)
      assert.matches("ResNet%-18 is better than ResNet%-50: %+93.8 points", tell.statements(found)[2])
   end)

   it("says of equals that they cannot be told apart, the smaller one first", function()
      local found = summary.of(plan, { resnet18 = { result("11110000", { parameters = 9 }), result "11110000" },
         resnet50 = { result "00001111", result "00001111" } }, {})
      assert.equal("resnet18", found.ranked[1].model)
      assert.matches("ResNet%-18 and ResNet%-50 cannot be told apart on 8 photos: %+0.0 points", tell.statements(found)[2])
   end)

   it("writes what the test says, and what it was, into all files", function()
      local few = { resnet18 = { result "11111111", result "11111111" }, resnet50 = { result "01111111", result "01111111" } }
      local found, folder = summary.of(plan, few, {}), scratch.make()
      local _ <close> = setmetatable({}, { __close = function() scratch.remove(folder) end })
      tell.write(folder, plan, found)
      local function text(name)
         local file <close> = assert(io.open(folder .. "/comparison." .. name))
         return file:read "a"
      end
      local json, pair = cjson.decode(text "json"), found.pairs[1]
      assert.equal("paired test over 8 photos and 2 seeds", json.test)
      near(pair.smallest, json.pairs["resnet18 - resnet50"].smallest, 1e-9)
      assert.matches("cannot be told apart on 8 photos: %+12.5 points %b(); the smallest difference that they "
         .. "could show: %d+.%d points %(found in 80 %% of such comparisons%)", text "md")
      assert.matches("Which differences are real %(paired test over 8 photos and 2 seeds; the intervals hold", text "md")
      local header, first, second = text "csv":match "^([^\n]+)\n([^\n]+)\n([^\n]+)\n$"
      assert.matches("balanced,first_ahead,first_ahead_low,first_ahead_high,first_apart,first_smallest$", header)
      assert.matches(",,,,,$", first)
      assert.matches(",0%.125,%-0%.%d+,0%.%d+,false,0%.%d+$", second)
   end)

   it("says what one seed leaves open, and that folds are folds", function()
      local headline = require "scute.compare.headline"
      assert.equal("paired test over 1 photo; one seed, so what another would change is not in it",
         headline.test { photos = 1, seeds = 1 })
      assert.equal("paired test over 20 photos in 5 folds", headline.test { photos = 20, folds = 5 })
   end)

   it("does not take six photos and three seeds for proof", function()
      local six = { resnet18 = { result "111110", result "111111", result "111101" },
         resnet50 = { result "011110", result "111101", result "101101" } }
      local found = summary.of({ models = plan.models, seeds = 3, starts = plan.starts }, six, {})
      near(1 / 6, found.pairs[1].difference, EXACT)
      assert.is_false(found.pairs[1].apart)
   end)

   it("says in its headline what its test says", function()
      local headline = require "scute.compare.headline"
      local three = { models = plan.models, seeds = 1, seed = 0, starts = { resnet18 = { weights = "a" },
         resnet50 = { weights = "b" }, efficientnet_b0 = { weights = "c" } } }
      local function verdict(a, b, c)
         local found = summary.of(three, { resnet18 = a and { result(a) }, resnet50 = b and { result(b) },
            efficientnet_b0 = c and { result(c) } }, {})
         return headline.verdict(found), found
      end
      assert.equal("ResNet-18 is better than ResNet-50 by 100.0 points (+27.6 to +100.0)", (verdict("11111111", "00000000")))
      local near_by = verdict("11111111", "11110111")
      assert.matches("^ResNet%-18 is ahead of ResNet%-50 by 12.5 points %(%-%d+.%d to %+%d+.%d%), which 8 photos cannot tell "
         .. "from chance$", near_by)
      assert.matches("^ResNet%-18 is level with ResNet%-50 %(%-%d+.%d to %+%d+.%d%), which 8 photos cannot tell from chance$",
         (verdict("11110000", "00001111")))
      assert.matches("^ResNet%-18 is ahead of ResNet%-50 by 12.5 points %b(), which 8 photos cannot tell from chance; it is "
         .. "better than EfficientNet%-B0 by 100.0 points %b()$", (verdict("11111111", "11110111", "00000000")))
      assert.matches("^ResNet%-18 is level with ResNet%-50 %b() and ahead of EfficientNet%-B0 by 12.5 points %b(), which 8 "
         .. "photos", (verdict("11111111", "11111111", "11110111")))
      for _, text in ipairs { near_by, (verdict("11110000", "00001111")) } do
         assert.is_nil(text:find "better" or text:find "best" or text:find "win")
      end
      local none, alone = verdict "11110000"
      assert.is_nil(none)
      assert.same({ "50.0 %", "(95 % interval " }, { headline.accuracy(alone), select(2, headline.accuracy(alone)):sub(1, 15) })
      local _, sure = verdict "11111111"
      assert.equal("(95 % interval 67.6 to 100.0 %) of 8 photos were recognised by ResNet-18",
         select(2, headline.accuracy(sure)))
      assert.is_nil(headline.accuracy(summary.of(three, {}, {})))
      assert.equal("", headline.chosen { budget = "epochs=1" })
      assert.matches("chosen on the same photos", headline.chosen { budget = "epochs=2" })
      local _, both = verdict("11111111", "11110111")
      assert.matches("ResNet%-18 is ahead of .*cannot tell from chance%. Points .*%. 100.0 %% %(95 .*ResNet%-18%. The best "
         .. "epoch", tell.conclusion({ budget = "epochs=3" }, both))
   end)

   it("gives no rank to a model whose runs are not all there", function()
      local found = summary.of(plan, { resnet18 = { result "11110000", result "11110000" }, resnet50 = { result "11111111" } },
         { { model = "resnet50", run = "seed1", message = "out of memory" } })
      assert.same({ "resnet50", "1 of 2 runs" }, { found.unranked[1].model, found.unranked[1].unranked })
      assert.matches("Failed: ResNet%-50, seed1: out of memory", table.concat(tell.statements(found), "\n"))
   end)

   it("sets its table in parts where the terminal is narrow", function()
      local found = summary.of(plan, { resnet18 = { result "11111110", result "11111110" },
         efficientnet_b0 = { result "11111100", result "11111100" } }, {})
      local whole = tell.table(found)
      assert.equal(3, select(2, whole:gsub("\n", "")) + 1)
      assert.equal(whole, tell.table(found, 200))
      for _, width in ipairs { 80, 60, 40, 10 } do
         local words, parts = {}, 0
         for line in tell.table(found, width):gmatch "[^\n]+" do
            assert.is_true(width < 40 or utf8.len(line) <= width, line)
            parts = parts + (line:find "ResNet%-18" and 1 or 0)
            for word in line:gmatch "%S+" do words[word] = true end
         end
         for word in whole:gsub("random weights", ""):gmatch "%S+" do assert.is_true(words[word], word) end
         assert.is_true(parts > 1)
      end
   end)

   it("prints the course's block", function()
      local found = summary.of(plan, { resnet18 = { result "11111110", result "11111100" } }, {})
      assert.equal("Model Comparison Results:\n--------------------------\nResNet-18:\n  - Parameters: 11.7M\n"
         .. "  - Training time: 45 minutes\n  - Validation accuracy: 81.2%", tell.block(found))
      found.ranked[1].seconds = 119.4
      assert.matches("Training time: 119 seconds", tell.block(found))
      found.ranked[1].seconds = 119.6
      assert.matches("Training time: 2 minutes", tell.block(found))
   end)
end)
