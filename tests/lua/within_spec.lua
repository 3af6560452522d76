-- What train.fit does within a run of an experiment (see scute.train.within), and what `run` may return.
local scute = require "scute"
local lfs = require "lfs"
local one = require "scute.experiment.one"
local options = require "scute.base.options"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root, set

-- The record of a run of the trial "t"; change: fields of its job.
local function train(run, change)
   local job = { kind = "train", variant = "v", run = "seed3", seed = 3, trial = root .. "/t",
      folder = root .. "/t/runs/v/seed3", metric = "accuracy" }
   for name, value in pairs(change or {}) do job[name] = value end
   return one.train(job, { set = set, run = run, variant = { name = "v", lr = 0.01 } })
end

-- A function that trains a model with options of train.fit.
local function fit(given, model)
   return function(_, context)
      local net, is_free = model or Small(context.set.classes), not (context.epochs or context.minutes)
      local all = { workers = 1, epochs = is_free and 1 or nil }
      for name, value in pairs(given or {}) do all[name] = value end
      all.optimizer = scute.optim.adamw(net:groups { lr = 0.01 })
      return scute.train.fit(net, context.set, all)
   end
end

setup(function()
   root = scratch.make()
   set = scute.data.open(root .. "/photos")
end)

teardown(function() scratch.remove(root) end)

describe("train.fit in a run of an experiment", function()
   it("refuses what the experiment says already", function()
      for name, value in pairs { epochs = 5, output_dir = "models", seed = 4, resume = "auto", overwrite = true, keep = 3 } do
         if name ~= "overwrite" then
            assert.error_matches(function() train(fit { [name] = value }, { epochs = 2 }) end,
               "train.fit: in a run of an experiment " .. name .. " is .*leave it out")
         end
      end
   end)

   it("takes the same values written by hand, and epochs without a budget", function()
      local found = train(fit { epochs = 2, seed = 3, output_dir = root .. "/t/runs/v/seed3" })
      assert.same({ 2, 3 }, { found.epochs, found.seed })
   end)

   it("replaces what a command line says", function()
      local said = options.declare("test", scute.cli.common):values { data_dir = "photos", epochs = 7, seed = 9 }
      local opt = options.declare("test", scute.cli.common):strict(said)
      local found = train(function(_, context)
         local given, net = scute.train.options(opt), Small(context.set.classes)
         given.optimizer, given.workers = scute.optim.adamw(net:groups { lr = 0.01 }), 1
         assert.same({ 2, 3 }, { context.options(opt).epochs, context.options(opt).seed })
         return scute.train.fit(net, context.set, given)
      end, { epochs = 2 })
      assert.equal(2, found.epochs)
   end)

   it("adds a metric that a name says, and refuses one that there is not", function()
      for _, metrics in ipairs { false, "top2", "f1,top2" } do
         assert.is_number(train(fit { metrics = metrics or nil }, { metric = "f1" }).values.f1[1])
      end
      assert.error_matches(function() train(fit(), { metric = "cost" }) end, "a run has no figure 'cost'")
      local found = train(fit { metrics = { cost = function(seen) return #seen.truth - seen.confusion:right() end } },
         { metric = "cost" })
      assert.is_number(found.figures.cost)
   end)

   it("refuses other photos than those of the run", function()
      local other = scute.data.open(root .. "/photos", { seed = 5 })
      local function with(photos)
         return function()
            local net = Small(set.classes)
            return scute.train.fit(net, photos, { workers = 1, optimizer = scute.optim.adamw(net:groups { lr = 0.01 }) })
         end
      end
      assert.error_matches(function() train(with(other)) end, "other photos validate")
      local both = scute.data.open(root .. "/photos")
      table.insert(both.train.paths, set.val.paths[1])
      table.insert(both.train.labels, set.val.labels[1])
      assert.error_matches(function() train(with(both)) end, "trains, but in this run of the experiment it validates or tests")
   end)

   it("refuses a model that was made before it", function()
      local model = Small(set.classes)
      assert.error_matches(function() train(fit({}, model)) end, "was made before the run .* create it in run")
   end)

   it("has a folder for each of several, and refuses a second one with a budget", function()
      local function twice(variant, context)
         fit()(variant, context)
         return fit()(variant, context)
      end
      assert.equal("runs/v/seed3/fit2/small", train(twice).model)
      assert.error_matches(function() train(twice, { epochs = 1 }) end, "a run with a budget %(epochs=1%) trains once")
   end)

   it("stays in the folder of the run where it looks for a rate", function()
      local where
      train(function(variant, context)
         local net = Small(context.set.classes)
         scute.train.lr_find(net, context.set, { workers = 1, steps = 10, output_dir = nil,
            optimizer = scute.optim.adamw(net:groups { lr = 0.01 }) })
         where = lfs.attributes(context.folder .. "/small_lr_find/lr_find.csv", "mode")
         return fit()(variant, context)
      end)
      assert.equal("file", where)
   end)

   it("refuses a schedule by epochs where the budget is minutes", function()
      assert.error_matches(function() train(fit { schedule = "cosine" }, { minutes = 0.02 }) end,
         "goes by epochs, and the budget is minutes=0.02; schedule = context.schedule")
      local real, now = scute.clock, 1000
      local _ <close> = setmetatable({}, { __close = function() scute.clock = real end })
      scute.clock = function() return now end -- luacheck: ignore
      local found = train(function(variant, context)
         local takes_7_seconds = { on_step_end = function() now = now + 7 end }
         return fit { schedule = context.schedule, hooks = { takes_7_seconds } }(variant, context)
      end, { minutes = 1 })
      assert.equal(8, found.epochs) -- of one update each
      assert.matches("the next would not fit the budget", found.stopped)
   end)
end)

describe("a budget", function()
   it("refuses a schedule of another length", function()
      assert.error_matches(function() train(fit { schedule = scute.schedule.cosine(10) }, { epochs = 2 }) end,
         "lasts for 10 epochs, and the budget is epochs=2; leave its epochs out")
   end)

   it("of minutes tells of a frozen network that takes longer", function()
      assert.error_matches(function()
         train(function(_, context)
            local net = Small(context.set.classes):freeze "backbone"
            return scute.train.fit(net, context.set, { workers = 1, optimizer = scute.optim.adamw(net:groups { lr = 0.01 }) })
         end, { minutes = 1e-9 })
      end, "v did not fit the budget of minutes=1e%-09: sending the photos through it once takes about")
   end)
end)

describe("context of a run", function()
   it("knows its fields, and cannot be changed", function()
      train(function(variant, context)
         assert.same({ 3, "v", "seed3" }, { context.seed, context.variant, context.run })
         assert.is_nil(context.schedule)
         assert.error_matches(function() return context.sed end, "context has no 'sed'; did you mean 'seed'")
         assert.error_matches(function() context.seed = 4 end, "context: 'seed' cannot be set")
         return fit()(variant, context)
      end)
   end)
end)

describe("what run returns", function()
   it("is the result of train.fit, or figures and answers", function()
      for _, wrong in ipairs { 3, { accuracy = 0.9 }, { figures = { cost = 1 } }, { figures = { accuracy = "high" } },
         { answers = { 1 } }, { figures = { accuracy = 0 / 0 } } } do
         assert.error_matches(function() train(function() return wrong end) end, "scute.experiment: run of 'v': ")
      end
      for name, value in pairs { accuracy = 5, f1 = -0.1, balanced = 1.5, top2 = 85 } do
         assert.error_matches(function() train(function() return { figures = { accuracy = 0.5, [name] = value } } end) end,
            ("run of 'v': figures: '%s' is a share, from 0 to 1, found %g"):format(name, value):gsub("%-", "%%-"))
      end
      assert.error_matches(function() train(function() end) end, "expected what train.fit returns")
   end)

   it("may be figures of its own", function()
      local found = train(function() return { figures = { cost = 3, accuracy = 0.5 } } end, { metric = "cost" })
      assert.same({ "finished", 3 }, { found.state, found.figures.cost })
      assert.is_nil(found.values)
   end)

   it("says of figures of its own which way is better", function()
      local function own() return { figures = { test_error = 3 } } end
      local found = train(own, { metric = "test_error", lower = true })
      assert.is_true(found.lower)
      assert.is_nil(train(own, { metric = "test_error", lower = false }).lower)
      assert.error_matches(function() train(own, { metric = "test_error" }) end, "run of 'v': figures: is less 'test_error' "
         .. "better%? Say lower = true in scute.experiment, or lower = false where more is")
      local metrics = { cost = { f = function() return 1 end, lower = true } }
      assert.error_matches(function() train(fit { metrics = metrics }, { metric = "cost", lower = false }) end,
         "train.fit: metrics: of 'cost' less is better, and scute.experiment says lower = false")
      assert.is_true(train(fit { metrics = metrics }, { metric = "cost", lower = true }).lower)
   end)

   it("may be answers, of which the figures are told", function()
      local answers, right = {}, {}
      for i, path in ipairs(set.val.paths) do
         answers[i] = { path = path, truth = set.val.labels[i], predicted = 1, loss = i % 2 == 0 and 0.6 or 0.2 }
         right[i] = set.val.labels[i] == 1 and 1 or 0
      end
      local found = train(function() return { answers = answers } end)
      assert.same({ 0.5, right }, { found.figures.accuracy, found.values.accuracy })
      assert.near(0.4, found.figures.loss, 1e-12)
      assert.error_matches(function() train(function() return { answers = answers, figures = { accuracy = 0.6 } } end) end,
         "its figures say accuracy 0.6, and its answers 0.5")
   end)

   it("has an answer for each photo that validates, and for no other", function()
      local val, train_path = set.val, set.train.paths[1]
      local function refuses(text, change)
         local answers = {}
         for i, path in ipairs(val.paths) do answers[i] = { path = path, truth = val.labels[i], predicted = 1 } end
         change(answers)
         assert.error_matches(function() train(function() return { answers = answers } end) end,
            "run of 'v': answers: " .. text)
      end
      refuses("'.*' is no photo that validates in this run %(context.set.val%)", function(a) a[1].path = train_path end)
      refuses("'.*' is answered twice", function(a) a[2] = a[1] end)
      refuses("the class of '.*' is 1 %(blue%) in context.set.val, found 2 as its truth", function(a)
         for _, answer in ipairs(a) do answer.truth = 2 end
      end)
      refuses("'.*' is said to be of class 3, and there are 2 classes", function(a) a[1].predicted = 3 end)
      refuses("there is none for '.*' and 1 more, which validate too", function(a) a[#a], a[#a - 1] = nil, nil end)
   end)
end)
