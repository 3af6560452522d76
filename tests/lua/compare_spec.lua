local cjson = require "cjson"
local scute = require "scute"
local options = require "scute.base.options"
local budgets = require "scute.experiment.budgets"
local cost = require "scute.experiment.cost"
local folds = require "scute.experiment.folds"
local names = require "scute.compare.names"
local scratch = dofile "tests/lua/scratch.lua"
local sample = require "scute.experiment.sample"

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
      for i, name in ipairs { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2", "other",
         "resnet50_a1", "efficientnet_lite0", "efficientnet_v2_s", "convnext_tiny", "mobilenet_v3_large" } do
         shown[i] = names.show(name)
      end
      assert.same({ "ResNet-18", "ResNet-50", "EfficientNet-B0", "EfficientNet-B3", "MobileNetV2", "other", "ResNet-50 A1",
         "EfficientNet-Lite0", "EfficientNetV2-S", "ConvNeXt-Tiny", "MobileNetV3-Large" }, shown)
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

describe("experiment.budgets", function()
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

describe("experiment.sample", function()
   it("has the statistics of numpy", function()
      local file <close> = assert(io.open("tests/golden/summary.json"))
      local golden = cjson.decode(file:read "a")
      near(golden.mean, sample.mean(golden.values), EXACT)
      near(golden.deviation, sample.deviation(golden.values), EXACT)
      near(golden.median, sample.median(golden.values), EXACT)
      near(golden.median_of_8, sample.median(table.move(golden.values, 1, 8, 1, {})), EXACT)
      local counts = scute.metrics.confusion(4)
      local function whole(list)
         for i, value in ipairs(list) do list[i] = math.tointeger(value) end
         return list
      end
      counts:add(whole(golden.predicted), whole(golden.labels))
      near(golden.balanced, counts:balanced_accuracy(), EXACT)
      assert.is_nil(sample.deviation { 1 })
   end)
end)

describe("experiment.cost", function()
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

describe("experiment.folds", function()
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

describe("compare.starts", function()
   local starts = require "scute.compare.starts"

   it("tells the official weights, a file, and random numbers", function()
      assert.same({ weights = "scratch" }, starts.of("resnet18", "none"))
      local path = scratch.make() .. "/own.safetensors"
      local _ <close> = setmetatable({}, { __close = function() scratch.remove(path:match "^(.*)/") end })
      scute.models.save(scute.models.baseline_cnn { classes = 2 }, path)
      assert.same({ weights = scute.weights.sha256(path), path = path }, starts.of("baseline_cnn", "baseline_cnn=" .. path))
   end)

   it("refuses what is no choice of weights", function()
      assert.equal("resnet18=a.pth", starts.check "resnet18=a.pth")
      assert.error_matches(function() starts.check "resnet19=a.pth" end, "did you mean 'resnet18'")
      assert.error_matches(function() starts.check "a.pth" end, "expected imagenet, none or MODEL=FILE,..., found 'a.pth'")
   end)

   it("gives random weights no rank, but where all models have them", function()
      assert.equal("random weights", scute.compare.unranked { weights = "random" })
      assert.is_nil(scute.compare.unranked { weights = "scratch" })
   end)
end)

describe("compare.block", function()
   local function row(name, more)
      local made = { name = name, runs = 2, parameters_1000 = 11689512, seconds = 45 * 60, figures = { accuracy = 0.8125 } }
      for key, value in pairs(more or {}) do made[key] = value end
      return made
   end

   it("is the course's", function()
      local function block(...) return scute.compare.block { rows = { ... } } end
      local first = "Model Comparison Results:\n--------------------------\nResNet-18:\n  - Parameters: 11.7M\n"
         .. "  - Training time: 45 minutes\n  - Validation accuracy: 81.2%"
      assert.equal(first, block(row "ResNet-18"))
      assert.equal(first, block(row "ResNet-18", row("ResNet-34", { runs = 0 }))) -- of which no run is done
      assert.matches("Training time: 119 seconds", block(row("a", { seconds = 119.4 })))
      assert.matches("Training time: 2 minutes", block(row("a", { seconds = 119.6 })))
      assert.equal(first .. "\n\nb:\n  - Parameters: 11.7M\n  - Training time: 45 minutes\n  - Validation accuracy: 81.2%\n\n"
         .. "Started from random weights, so not to be compared: b",
         block(row "ResNet-18", row("b", { unranked = "random weights" })))
   end)
end)
