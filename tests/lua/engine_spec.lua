-- What an update is made of: accumulation, clipping, mixing, averages, early stopping, and what happens when memory runs out.
local scute = require "scute"
local models, optim, train, data = scute.models, scute.optim, scute.train, scute.data
local mix, stopping, average = require "scute.train.mix", require "scute.train.stopping", require "scute.train.average"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root

local function near(expected, found, tolerance)
   assert.equal(#expected, #found)
   for i, value in ipairs(expected) do
      assert.is_true(math.abs(value - found[i]) <= tolerance, ("%d: %.9g, expected %.9g"):format(i, found[i], value))
   end
end

local function fit(options)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = Small(set.classes)
   if options.freeze ~= false then model:freeze "backbone" end
   options.freeze = nil
   options.optimizer = optim.sgd(model:groups { lr = 0.05 })
   options.workers, options.batch_size = 1, options.batch_size or 4
   options.epochs = options.epochs or 1
   return train.fit(model, set, options), model
end

-- Checksums of all that an epoch or two feed to the model and to the loss, step by step.
local function batches(threads, workers, options)
   local seen, wrapped = {}, {}
   options.loss = function(logits, y)
      seen[#seen + 1] = "y " .. scute.checksum { y }
      return scute.cross_entropy(logits, y)
   end
   options.hooks = { { on_step_begin = function(run)
      local feed, forward = run.feed, run.feed.forward
      if wrapped[feed] then return end
      wrapped[feed] = true
      feed.forward = function(x)
         seen[#seen + 1] = "x " .. scute.checksum { x }
         return forward(x)
      end
   end } }
   local before = scute.threads()
   scute.threads(threads)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = Small(set.classes)
   if options.frozen then model:freeze "backbone" end
   options.frozen, options.optimizer = nil, optim.sgd(model:groups { lr = 0 })
   options.workers, options.batch_size, options.epochs = workers, 4, 2
   options.augment = scute.augment.preset "strong"
   local ok, why = pcall(train.fit, model, set, options)
   scute.threads(before)
   assert.is_true(ok, tostring(why))
   return seen
end

local Wide = dofile "tests/lua/wide.lua"

local function fit_wide(hooks)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = Wide(set.classes)
   train.fit(model, set, { optimizer = optim.sgd(model:groups { lr = 0.05 }), workers = 1, batch_size = 8, epochs = 1,
      hooks = hooks })
   return model
end

-- A network that a second attempt could spoil: by random numbers (dropout) and by running statistics (batch norm).
local Moody = require("scute.nn.classifier").Classifier:extend "Moody"

function Moody:build(classes)
   local nn = scute.nn
   self.conv, self.bn, self.drop = nn.Conv2d { 3, 4, 3 }, nn.BatchNorm2d { 4 }, nn.Dropout { p = 0.5 }
   self.fc = nn.Linear { 4, #classes }
   self:describe_model { arch = "moody", head = "fc", classes = classes, head_init = "normal",
      groups = { { "stem", { "conv", "bn" } }, { "fc", { "fc" } } },
      preprocessing = { resize = 16, crop = 16, filter = "bilinear", pad_square = false, mean = { 0.5, 0.5, 0.5 },
         std = { 0.2, 0.2, 0.2 } } }
end

function Moody:features(x)
   return self.drop(self.bn(self.conv(x)):relu():global_avg_pool2d():flatten(2))
end

-- Trains it with a loss that finds no memory in training where short(y) says so: there is some again once an attempt has
-- failed. Returns the checksum of all that it has then, and what was told.
local function fit_moody(short)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model, told = Moody(set.classes), {}
   local console = require "scute.base.console"
   local warn = console.warn
   console.warn = function(format, ...) told[#told + 1] = format:format(...) end
   local ok, why = pcall(train.fit, model, set, { optimizer = optim.sgd(model:groups { lr = 0.05 }), workers = 1,
      batch_size = 8, epochs = 2, loss = function(logits, y)
         local back <close> = setmetatable({}, { __close = function() scute.memory_limit(0) end }) -- luacheck: ignore
         if logits.requires_grad and short(y) then scute.memory_limit(1) end
         return scute.cross_entropy(logits, y)
      end })
   console.warn = warn
   assert.is_true(ok, tostring(why))
   local state, all = model:state_dict(), {}
   for i, name in ipairs(state.names) do all[i] = state.tensors[name] end
   return scute.checksum(all), told
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

describe("what is drawn at random", function()
   local kinds = {
      ["mixup and cutmix"] = { mixup = 0.4, cutmix = 1 },
      ["accumulation"] = { accumulate = 3 },
      ["a frozen backbone without cache"] = { frozen = true, cache_features = "off" },
   }
   for name, kind in pairs(kinds) do
      it("is the same with any number of threads and workers: " .. name, function()
         local function run(threads, workers)
            local options = {}
            for key, value in pairs(kind) do options[key] = value end
            return batches(threads, workers, options)
         end
         local expected = run(1, 1)
         assert.is_true(#expected > 20)
         local first = table.concat(expected, "\n", 1, #expected // 2)
         assert.are_not.equal(first, table.concat(expected, "\n", #expected // 2 + 1)) -- epochs differ
         assert.same(expected, run(2, 1))
         assert.same(expected, run(1, 3))
         assert.same(expected, run(2, 0))
      end)
   end
end)

describe("an update", function()
   it("of several batches is that of one large batch, the last and shorter window too", function()
      -- 21 photos: windows of 4 + 4 + 4 and 4 + 5 photos, or batches of 12 and 9
      local sizes = {}
      local hook = { on_step_end = function(run) sizes[#sizes + 1] = run.last.n end }
      local _, many = fit { accumulate = 3, hooks = { hook }, label_smoothing = 0.1 }
      local _, one = fit { batch_size = 12, hooks = { hook }, label_smoothing = 0.1 }
      assert.same({ 12, 9, 12, 9 }, sizes)
      -- the same sums in another order, in float32
      near(one:get("fc").weight:values(), many:get("fc").weight:values(), 2e-6)
   end)

   it("is halved when memory runs out, and stays the same update", function()
      local plain = fit_wide {}
      local micro, sizes, told, model = nil, {}, {}, nil
      local limited = {
         on_step_begin = function(run)
            if run.step ~= 1 then return end
            collectgarbage()
            collectgarbage()
            scute.flush()
            scute.memory_limit(scute.memory().live + 4500000) -- less than two maps and a gradient of 8 photos
         end,
         on_step_end = function(run)
            micro = run.micro
            sizes[#sizes + 1] = run.last.n
         end,
         on_epoch_end = function() scute.memory_limit(0) end,
      }
      local warn = require("scute.base.console").warn
      require("scute.base.console").warn = function(format, ...) told[#told + 1] = format:format(...) end
      local ok, why = pcall(function() model = fit_wide { limited } end)
      scute.memory_limit(0)
      require("scute.base.console").warn = warn
      assert.is_true(ok, tostring(why))
      assert.is_true(micro ~= nil and micro < 8, tostring(micro))
      assert.same({ 8, 8, 5 }, sizes)
      assert.matches("out of memory: from here on %d+ photos? at a time", told[1])
      for _, name in ipairs { "conv", "fc" } do -- the same sums in another order, in float32
         near(plain:get(name).weight:values(), model:get(name).weight:values(), 2e-6)
      end
   end)

   it("is not tried again for an error that only speaks of memory", function()
      local calls = 0
      local ok, why = pcall(fit, { loss = function()
         calls = calls + 1
         error("the box of old photos is out of memory cards", 0)
      end })
      assert.is_false(ok)
      assert.matches("out of memory cards", tostring(why))
      assert.equal(1, calls)
   end)

   it("is tried again where memory ran out in Lua, in a loss of one's own or in a backward", function()
      local tries = 0
      local function fail_once()
         tries = tries + 1
         if tries == 1 then error("not enough memory", 0) end
         if tries > 2 then return end
         scute.memory_limit(1)
         local ok, err = pcall(scute.zeros, 1e6)
         scute.memory_limit(0)
         assert.is_false(ok)
         error(err, 0)
      end
      local counted = scute.func { forward = function(_, x) return x:mul(1) end, backward = function(_, grad)
         fail_once()
         return grad
      end }
      local warn = require("scute.base.console").warn
      require("scute.base.console").warn = function() end
      local ok, why = pcall(fit, { loss = function(logits, y) return counted(scute.cross_entropy(logits, y)) end })
      require("scute.base.console").warn = warn
      assert.is_true(ok, tostring(why))
      assert.is_true(tries > 3, tries)
   end)

   it("is the same in a second attempt, which draws and counts what the first one would have", function()
      local calls = 0
      local plain = fit_moody(function() return false end)
      local again, told = fit_moody(function()
         calls = calls + 1
         return calls == 1
      end)
      assert.equal(7, calls) -- 21 photos are 3 batches, in 2 epochs
      assert.same({}, told)
      assert.equal(plain, again)
   end)

   it("is halved, and what is left of it, until there is room", function()
      local _, told = fit_moody(function(y) return y:numel() > 2 end)
      assert.equal(2, #told)
      for i, photos in ipairs { "4 photos", "2 photos" } do assert.matches("from here on " .. photos, told[i], 1, true) end
   end)

   it("names the photos whose loss is no number", function()
      local ok, why = pcall(fit, { schedule = function(step) return step < 3 and 1 or 1e40 end, epochs = 3 })
      assert.is_false(ok)
      assert.matches("The photos of that step: .*%d%d%d.bmp", tostring(why))
   end)

   it("clips as PyTorch does", function()
      local w = scute.tensor({ 3, -4, 0.5 }, { requires_grad = true })
      local opt = optim.sgd({ w }, { lr = 1 })
      local function gradient()
         opt:zero_grad();
         (w * w * 0.5):sum():backward()
      end
      gradient()
      opt:clip_grad_value(1)
      assert.same({ 1, -1, 0.5 }, w.grad:values())
      gradient()
      local norm = math.sqrt(25.25)
      near({ norm }, { opt:clip_grad_norm(2) }, 1e-6)
      near({ 3 * 2 / norm, -4 * 2 / norm, 0.5 * 2 / norm }, w.grad:values(), 1e-6)
      for _, device in ipairs { "cpu", "ref" } do -- limit / (norm + 1e-6): to be seen where both are small
         local small = scute.tensor({ 3e-6, -4e-6 }, { device = device, requires_grad = true })
         opt = optim.sgd({ small }, { lr = 1 });
         (small * small * 0.5):sum():backward()
         opt:clip_grad_norm(3e-6)
         near({ 1.5e-6, -2e-6 }, small.grad:values(), 1e-12)
      end
   end)
end)

describe("regularisation gives PyTorch's numbers:", function() -- tests/golden/make_regularisation.py has the same formulas
   local golden = require "cjson".decode(assert(io.open "tests/golden/parity/regularisation.json"):read "a")

   local function formula(...)
      local values, n = {}, 1
      for _, size in ipairs { ... } do n = n * size end
      for i = 1, n do values[i] = math.floor(math.sin(1.3 * (i - 1)) * 3 * 1000 + 0.5) / 1000 end
      return scute.tensor(values):reshape { ... }
   end

   local TOLERANCE = 2e-6 -- float32, of numbers up to 3

   it("clipping by norm and by value", function()
      for how, expected in pairs(golden.clipping) do
         local leaves = { formula(2, 3):requires_grad_(), formula(4):requires_grad_() }
         for _, leaf in ipairs(leaves) do (leaf * leaf:detach()):sum():backward() end
         local optimizer = optim.sgd(leaves, { lr = 1 })
         if how == "value" then
            optimizer:clip_grad_value(1.5)
         else
            near({ expected.norm }, { optimizer:clip_grad_norm(how == "loose" and 100 or 2) }, TOLERANCE)
         end
         for i, leaf in ipairs(leaves) do near(expected.gradients[i], leaf.grad:values(), TOLERANCE) end
      end
   end)

   it("label smoothing", function()
      local logits = formula(4, 3):requires_grad_()
      local loss = scute.cross_entropy(logits, scute.tensor({ 1, 2, 3, 2 }, { dtype = "i64" }), { label_smoothing = 0.1 })
      loss:backward()
      near({ golden.smoothing.loss }, { loss:item() }, TOLERANCE)
      near(golden.smoothing.gradient, logits.grad:values(), TOLERANCE)
   end)

   for _, name in ipairs { "mixup", "cutmix" } do
      it(name, function()
         local expected = golden[name]
         local x, y, share = formula(3, 2, 4, 4), scute.tensor({ 1, 2, 3 }, { dtype = "i64" }), expected.share
         local mixed, partner
         if name == "mixup" then
            mixed, partner = mix.up(x, y, share)
         else
            local draws = { (expected.column + 0.5) / 4, (expected.row + 0.5) / 4 }
            mixed, partner, share = mix.cut(x, y, mix.box(share, 4, 4, function() return table.remove(draws, 1) end))
         end
         near(expected.pixels, mixed:values(), TOLERANCE)
         local targets = {}
         for i, class in ipairs(y:values()) do
            for c = 1, 3 do
               targets[#targets + 1] = (c == class and share or 0) + (c == partner:values()[i] and 1 - share or 0)
            end
         end
         near(expected.targets, targets, TOLERANCE)
         local logits = formula(3, 3)
         near({ expected.loss }, { scute.cross_entropy(logits, y):item() * share
            + scute.cross_entropy(logits, partner):item() * (1 - share) }, TOLERANCE)
      end)
   end

   it("the average of the weights", function()
      local net = scute.nn.Linear { 2, 1 }
      local kept = average.new(net, { decay = 0.9, rising = false })
      for t = 1, 5 do
         scute.no_grad(function() net.weight:copy_(scute.tensor { { math.sin(t), math.cos(t) } }) end)
         kept:update(t)
      end
      near(golden.average, kept:within(function() return net.weight:values() end), TOLERANCE)
   end)
end)

describe("mixing", function()
   it("blends each photo with the one before it, and its class", function()
      local x, y = scute.tensor({ 1, 2, 4 }):reshape(3, 1), scute.tensor({ 1, 2, 3 }, { dtype = "i64" })
      local mixed, partner = mix.up(x, y, 0.75)
      assert.same({ 0.75 + 1, 1.5 + 0.25, 3 + 0.5 }, mixed:values())
      assert.same({ 3, 1, 2 }, partner:values())
      local logits = scute.tensor { { 0.1, 0.7, -0.2 }, { 1, 0, 0.5 }, { -1, 0.3, 0.2 } }
      local soft = scute.tensor { { 0.75, 0, 0.25 }, { 0.25, 0.75, 0 }, { 0, 0.25, 0.75 } }
      local parts = scute.cross_entropy(logits, y):item() * 0.75 + scute.cross_entropy(logits, partner):item() * 0.25
      near({ scute.cross_entropy(logits, soft):item() }, { parts }, 1e-6)
   end)

   it("cuts a box out of the one before it, and shares by its area", function()
      local x = scute.arange(1, 32):to("f32"):reshape(2, 1, 4, 4)
      local y = scute.tensor({ 1, 2 }, { dtype = "i64" })
      local mixed, _, share = mix.cut(x, y, 2, 3, 1, 2)
      assert.equal(1 - 4 / 16, share)
      local a, b = x:values(), mixed:values()
      for i = 1, 16 do
         local row, column = (i - 1) // 4 + 1, (i - 1) % 4 + 1
         local inside = row >= 2 and row <= 3 and column <= 2
         assert.equal(inside and a[i + 16] or a[i], b[i])
         assert.equal(inside and a[i] or a[i + 16], b[i + 16])
      end
   end)

   it("draws the share from Beta(a, a)", function()
      math.randomseed(3)
      for _, a in ipairs { 0.2, 1, 4 } do
         local sum, square, n = 0, 0, 20000
         for _ = 1, n do
            local share = mix.beta(a, math.random)
            assert.is_true(share >= 0 and share <= 1)
            sum, square = sum + share, square + share * share
         end
         local mean = sum / n
         -- four standard errors of 20,000 draws
         assert.is_true(math.abs(mean - 0.5) < 0.015, mean)
         assert.is_true(math.abs(square / n - mean ^ 2 - 1 / (4 * (2 * a + 1))) < 0.006)
      end
   end)

   it("trains, with mixup, with cutmix and with both", function()
      for _, kind in ipairs { { mixup = 0.2 }, { cutmix = 1 }, { mixup = 0.4, cutmix = 1 } } do
         local result = fit { mixup = kind.mixup, cutmix = kind.cutmix }
         assert.is_true(result.history[1].train_loss > 0)
      end
   end)
end)

describe("the average of the weights", function()
   it("is PyTorch's, buffers and all, and leaves the model as it was", function()
      local net = scute.nn.Linear { 2, 1 }
      local kept = average.new(net, { decay = 0.9, rising = false })
      local expected
      for t = 1, 5 do
         scute.no_grad(function() net.weight:copy_(scute.tensor { { t, -2 * t } }) end)
         kept:update(t)
         expected = expected and { expected[1] * 0.9 + t * 0.1, expected[2] * 0.9 - 2 * t * 0.1 } or { t, -2 * t }
      end
      near(expected, kept:within(function() return net.weight:values() end), 1e-6)
      assert.same({ 5, -10 }, net.weight:values())
      assert.error_matches(function() average.new(net, 1) end, "expected a decay of at least 0 and below 1")
   end)

   it("follows fast at first: by (1 + t) / (10 + t), as TensorFlow's, until that is the decay", function()
      local seen = {}
      local function large() return 20 end -- the first steps are to be seen in the average of the last
      local result = fit { ema = 0.4, epochs = 2, schedule = large, output_dir = root .. "/ramp",
         hooks = { { on_step_end = function(run) seen[run.step] = run.model:get("fc").weight:values() end } } }
      assert.equal(10, #seen)
      local expected = seen[1]
      for t = 2, #seen do
         local decay = math.min(0.4, (1 + t) / (10 + t))
         for i, value in ipairs(seen[t]) do expected[i] = decay * expected[i] + (1 - decay) * value end
      end
      near(expected, models.load(result.folder .. "/ema.safetensors"):get("fc").weight:values(), 1e-6)
   end)

   it("is validated and saved beside", function()
      local result = fit { ema = 0.9, epochs = 2, output_dir = root .. "/out" }
      assert.is_true(result.history[2].ema_val_loss > 0)
      local header = assert(io.open(result.folder .. "/history.csv")):read "l"
      assert.matches("val_accuracy,ema_val_loss,ema_val_accuracy$", header)
      assert.is_truthy(models.load(result.folder .. "/ema.safetensors"))
   end)

   -- Learns for three epochs and unlearns it in two more, all layers with their statistics.
   local function there_and_back(options)
      local seen = {}
      options.ema, options.epochs, options.freeze, options.batch_size = 0.5, 5, false, 8
      options.hooks = { { on_step_begin = function(run)
         if run.epoch > 3 then run.optimizer:scale_lr(-1) end
      end, on_epoch_end = function(run)
         seen[run.epoch] = { weight = run.average.tensors["conv1.weight"]:clone(),
            mean = run.model:get("bn1").running_mean:clone() }
      end } }
      return fit(options), seen
   end

   it("is kept as it was in its own best epoch, with the statistics of that time", function()
      for _, by in ipairs { "accuracy", "balanced", "loss" } do
         local result, seen = there_and_back { best_by = by, output_dir = ("%s/best_by_%s"):format(root, by) }
         local wanted = 1
         for epoch, row in ipairs(result.history) do
            local other = result.history[wanted]
            local figure = ({ accuracy = "ema_val_accuracy", balanced = "ema_balanced" })[by]
            local better = figure and row[figure] - other[figure] or 0
            if better > 0 or better == 0 and row.ema_val_loss < other.ema_val_loss then wanted = epoch end
         end
         assert.is_true(wanted > 1 and wanted < 5)
         assert.equal(result.history[wanted], result.best_ema)
         local kept = models.load(result.folder .. "/best_ema.safetensors"):state_dict().tensors
         local function same(found, name) return scute.checksum { found } == scute.checksum { kept[name] } end
         for epoch in ipairs(seen) do
            assert.equal(epoch == wanted, same(seen[epoch].weight, "conv1.weight"))
            assert.equal(epoch == wanted, same(seen[epoch].mean, "bn1.running_mean"))
         end
         local told = require("cjson").decode(assert(io.open(result.folder .. "/run.json")):read "a").result
         assert.equal(wanted, told.ema_best_epoch)
         assert.equal(result.best_ema.ema_val_accuracy, told.ema_val_accuracy)
      end
   end)

   it("takes one more copy of what can change, whatever part began to train when", function()
      local function names_of(tensors)
         local names = {}
         for name in pairs(tensors) do names[name] = true end
         return names
      end
      local counts = {}
      fit { ema = 0.5, epochs = 3, unfreeze = "head,layer4@3", hooks = { { on_epoch_end = function(run)
         assert.same(run.changing, names_of(run.best.weights))
         assert.same(run.changing, names_of(run.average.best.weights))
         counts[run.epoch] = #require "scute.base.sorted_keys"(run.changing)
      end } } }
      assert.is_true(counts[3] > counts[2])
   end)
end)

describe("the best weights", function()
   it("are kept of one epoch, however many were the best before", function()
      scute.manual_seed(1)
      local set = data.open(root .. "/photos", { seed = 0 })
      local model, live, better = Wide(set.classes), {}, 0
      local result = train.fit(model, set, { optimizer = optim.sgd(model:groups { lr = 1e-9 }), workers = 1, batch_size = 8,
         epochs = 6, loss = function(logits, y)
            if logits.requires_grad then return scute.cross_entropy(logits, y) end
            better = better - 1
            return scute.full({}, better) -- each epoch is better than the one before
         end, hooks = { { on_epoch_end = function(run)
            collectgarbage()
            collectgarbage()
            live[run.epoch] = scute.memory().live
         end } } })
      assert.equal(6, result.best.epoch)
      for epoch = 3, 6 do assert.is_true(live[epoch] <= live[2], ("%d, then %d"):format(live[2], live[epoch])) end
   end)
end)

describe("early stopping", function()
   local function stop(options, values)
      local hook, run = stopping.hook(options), { epochs = #values }
      for i, value in ipairs(values) do
         local row = { epoch = i, val_loss = value, val_accuracy = value }
         run.row = row
         hook.on_epoch_end(run)
         if run.stopped then return i, run.stopped end
      end
   end

   it("waits for the patience, in the metric's direction, with a minimum change", function()
      local epoch, why = stop({ metric = "val_loss", patience = 2 }, { 3, 2, 2.5, 2.1, 1, 1 })
      assert.equal(4, epoch)
      assert.equal("no better for 2 epochs: val_loss was 2 in epoch 2", why)
      assert.is_nil(stop({ metric = "val_loss", patience = 3 }, { 3, 2, 2.5, 2.1, 1, 1 }))
      assert.equal(4, (stop({ metric = "val_loss", patience = 3, min_change = 0.5 }, { 3, 2.9, 2.8, 2.7, 2.6, 2 })))
      assert.equal(3, (stop({ metric = "val_loss", direction = "max", patience = 2 }, { 3, 2, 1, 4 })))
   end)

   it("stops on divergence and on a metric that is no number", function()
      local epoch, why = stop({ metric = "val_loss", diverged = 10 }, { 1, 11, 1 })
      assert.equal(2, epoch)
      assert.matches("the validation loss reached 11 in epoch 2", why)
      epoch, why = stop({ metric = "val_loss" }, { 1, 0 / 0, 1 })
      assert.equal(2, epoch)
      assert.matches("val_loss is no number in epoch 2", why)
   end)

   it("refuses what it does not know", function()
      assert.error_matches(function() stopping.hook { patince = 3 } end, "did you mean 'patience'")
      assert.error_matches(function() stopping.hook { metric = "loss" } end,
         "option 'metric': there is no figure 'loss'; did you mean 'val_loss'")
   end)
end)
