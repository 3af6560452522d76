-- One run of an experiment (see scute.experiment.one), as the process that trains it does it.
local scute = require "scute"
local one = require "scute.experiment.one"
local record = require "scute.experiment.record"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root, set

-- A job of a trial, each in a folder of its own; change: other fields.
local function job(variant, change)
   local made = { kind = "train", variant = variant, run = "seed0", seed = 0, metric = "accuracy",
      folder = root .. "/trial/runs/" .. variant .. "/seed0", trial = root .. "/trial" }
   for name, value in pairs(change or {}) do made[name] = value end
   return made
end

-- What `run` of a script does; given: options of train.fit.
local function fit(given)
   return function(variant, context)
      local model = Small(context.set.classes)
      local options = { workers = 1, batch_size = 8, epochs = not context.epochs and 2 or nil }
      for name, value in pairs(given or {}) do options[name] = value end
      options.optimizer = scute.optim.adamw(model:groups { lr = variant.lr or 0.01 })
      return scute.train.fit(model, context.set, options)
   end
end

local function train(name, change, run, variant)
   return one.train(job(name, change), { set = set, run = run or fit(), variant = variant or { name = name } })
end

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

-- What two runs must agree in to be the same: history, and the bits of the best weights.
local function left_by(found)
   local folder = root .. "/trial/" .. found.model
   return read(folder .. "/history.csv") .. scute.weights.sha256(folder .. "/best.safetensors")
end

setup(function()
   root = scratch.make()
   set = scute.data.open(root .. "/photos")
end)

teardown(function() scratch.remove(root) end)

describe("a run of an experiment", function()
   it("leaves a record, its best weights and no checkpoint, and all else as it was", function()
      scute.manual_seed(7)
      local state, threads = scute.rng_state(), scute.threads()
      local found = train("plain", { metric = "f1", epochs = 2, threads = 1 })
      assert.same({ state, threads }, { scute.rng_state(), scute.threads() })
      assert.is_false(require("scute.train.within").is_under_way())
      local folder = job("plain").folder
      assert.same(found.figures.f1, assert(record.read(folder .. "/result.json")).figures.f1)
      assert.same({ "finished", 2, 6, "runs/plain/seed0/small" }, { found.state, found.epochs, found.updates, found.model })
      assert.same({ 6, 6, 6, 6 }, { #found.photos, #found.labels, #found.predicted, #found.values.f1 })
      assert.is_true(found.parameters > 0 and found.multiply_adds > 0 and found.latency > 0)
      assert.is_not_nil(io.open(folder .. "/small/best.safetensors"))
      assert.is_nil(io.open(folder .. "/small/checkpoint.safetensors"))
   end)

   it("gives the same bits as another of which nothing differs", function()
      local augmented = fit { augment = "light" }
      local first = left_by(train("first", nil, augmented))
      assert.equal(first, left_by(train("second", nil, augmented)))
      assert.not_equal(first, left_by(train("other", { seed = 1 }, augmented)))
   end)

   it("shows the same photos in the same order and augmented alike to variants that differ", function()
      local function seen_by(name, run)
         local list = {}
         train(name, { epochs = 2 }, function(variant, context)
            return run { augment = { scute.augment.preset "light", function(x)
               list[#list + 1] = scute.checksum { x }
               return x
            end } }(variant, context)
         end, { name = name, lr = name == "slow" and 1e-5 or 0.1 })
         return list
      end
      local expected = seen_by("slow", fit)
      assert.is_true(#expected >= 6) -- a function is tried before
      assert.same(expected, seen_by("fast", function(given)
         scute.rand(100) -- draws of the session are none of the photos'
         given.label_smoothing = 0.3
         return fit(given)
      end))
   end)
end)

describe("a run that was broken off", function()
   -- A head first and then all of it, in two trainings one after the other; breaks: whether the second one breaks off.
   local function in_two_steps(breaks)
      return function(_, context)
         local model, result = Small(context.set.classes):freeze "backbone", nil
         for step = 1, 2 do
            if step == 2 then model:unfreeze() end
            local hook = { on_step_end = function(run)
               if breaks and step == 2 and run.step == 4 then error("broken off", 0) end
            end }
            result = scute.train.fit(model:set_dropout(0.2), context.set, { epochs = 2, workers = 1, batch_size = 8,
               hooks = { hook }, save_steps = 1, optimizer = scute.optim.adamw(model:groups { lr = 0.01 }) })
         end
         return result
      end
   end

   it("goes on in the second of its trainings as if it had not stopped", function()
      local whole = train("whole", {}, in_two_steps())
      assert.error_matches(function() train("broken", {}, in_two_steps(true)) end, "broken off")
      local resumed = train("broken", { resume = true }, in_two_steps())
      assert.equal("runs/broken/seed0/fit2/small", resumed.model)
      assert.same({ left_by(whole), whole.values }, { left_by(resumed), resumed.values })
   end)
end)

describe("a run that a search pauses", function()
   -- Everything that draws, averages or remembers. states: gets the random numbers' state after each part of a run.
   local function all(states, patience)
      local add = { on_fit_end = function() states[#states + 1] = scute.rng_state() end }
      return function(variant, context)
         local model = Small(context.set.classes)
         return scute.train.fit(model:set_dropout(0.2), context.set, { workers = 1, batch_size = 8, augment = "light",
            ema = 0.9, early_stop = patience, schedule = "warmup_cosine,warmup=1", hooks = { add },
            optimizer = scute.optim.adamw(model:groups { lr = variant.lr or 0.01 }) })
      end
   end

   local function in_parts(name, run, variant, ...)
      local found
      for _, after in ipairs { ... } do
         found = train(name, { epochs = 5, pause = after, resume = found ~= nil }, run, variant)
         assert.same({ "paused", after }, { found.state, found.epochs })
      end
      return train(name, { epochs = 5, resume = true }, run, variant)
   end

   it("equals one that never stopped", function()
      local states = {}
      local run = all(states, 4)
      local whole = train("whole", { epochs = 5 }, run)
      local ended = in_parts("paused", run, nil, 2, 4)
      assert.same({ "finished", left_by(whole) }, { ended.state, left_by(ended) })
      assert.same({ whole.values, whole.figures, whole.curve }, { ended.values, ended.figures, ended.curve })
      assert.same(states[1], states[4])
      local best = "%s/trial/%s/best_ema.safetensors"
      assert.equal(scute.weights.sha256(best:format(root, whole.model)), scute.weights.sha256(best:format(root, ended.model)))
   end)

   it("stops early in the same epoch", function()
      local run, variant = all({}, 1), { lr = 1e-9 } -- which learns nothing
      local whole = train("whole", { epochs = 5 }, run, variant)
      assert.is_true(whole.epochs < 5)
      assert.equal(whole.epochs, in_parts("paused", run, variant, 1).epochs)
   end)

   it("does not go beyond where it is to stop, if its result was lost", function()
      local run = fit()
      local paused = train("lost", { epochs = 3, pause = 1 }, run)
      local again = train("lost", { epochs = 3, pause = 1, resume = true }, run)
      assert.same({ "paused", 1, paused.values }, { again.state, again.epochs, again.values })
      assert.equal(3, train("lost", { epochs = 3, resume = true }, run).epochs)
   end)

   it("begins anew where its checkpoint is of no use", function()
      local function in_two(first, second, before, now)
         train("changed", { epochs = 3, pause = 1, content = before }, first)
         return left_by(train("changed", { epochs = 3, resume = true, content = now }, second))
      end
      local function thrice(logits, y) return logits:cross_entropy(y):mul(3) end -- a checkpoint does not know functions
      local own = fit { loss = function(logits, y) return logits:cross_entropy(y) end }
      local expected = left_by(train("whole", { epochs = 3 }, own))
      assert.equal(expected, in_two(fit { loss = thrice }, own, { run = "3 times" }, { run = "once" }))
   end)
end)
