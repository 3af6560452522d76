-- The state of a run: what every part of it saves and takes back, and runs that are given more epochs.
local scute = require "scute"
local models, optim, schedule, train, data = scute.models, scute.optim, scute.schedule, scute.train, scute.data
local lfs = require "lfs"
local console = require "scute.base.console"
local checkpoint = require "scute.train.checkpoint"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root, folders = nil, 0

local function new_folder()
   folders = folders + 1
   return ("%s/out%d"):format(root, folders)
end

-- change: function(options, model) for what is different.
local function fit(arch, change)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = arch == "small" and Small(set.classes) or models.create(arch, { classes = set.classes, image_size = 32 })
   local options = { workers = 1, batch_size = 8, epochs = 4, save_steps = 1, seed = 3 }
   change(options, model)
   options.optimizer = options.optimizer or optim.sgd(model:groups { lr = 0.02 }, { momentum = 0.9 })
   return train.fit(model, set, options), model
end

-- The same run twice: whole, and broken off as step `at` ends and gone on with in another program's place. Returns both
-- results.
local function broken_off(arch, at, change)
   local whole = fit(arch, change)
   local output = new_folder()
   local ok, why = pcall(fit, arch, function(options, model)
      change(options, model)
      options.output_dir, options.hooks = output, table.move(options.hooks or {}, 1, #(options.hooks or {}), 1, {})
      table.insert(options.hooks, { on_step_begin = function(run)
         if run.step ~= at then return end
         checkpoint.save(run, true) -- the thread that writes those before may be behind
         error("pulled the plug", 0)
      end })
   end)
   assert.is_false(ok)
   assert.equal("pulled the plug", tostring(why))
   local resumed = fit(arch, function(options, model)
      change(options, model)
      options.output_dir, options.resume = output, "auto"
   end)
   return whole, resumed
end

local function same_history(a, b)
   assert.equal(#a.history, #b.history)
   for i, row in ipairs(a.history) do
      for _, name in ipairs { "train_loss", "val_loss", "val_accuracy", "step" } do
         assert.equal(row[name], b.history[i][name], ("epoch %d: %s"):format(i, name))
      end
      assert.same(row.rates, b.history[i].rates)
   end
end

-- What console.line and console.warn said during f().
local function said(f)
   local line, warn, lines = console.line, console.warn, {}
   console.line = function(format, ...) lines[#lines + 1] = format:format(...) end
   console.warn = console.line
   local results = table.pack(pcall(f))
   console.line, console.warn = line, warn
   if not results[1] then error(results[2], 0) end
   return table.concat(lines, "\n"), table.unpack(results, 2, results.n)
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

describe("a run that goes on", function()
   local function change_modules(model, class, fields)
      for _, module in model:named_modules() do
         if module.class_name == class then
            for name, value in pairs(fields) do module[name] = value end
         end
      end
   end

   -- The backbone trains: features of a frozen one with random weights are zeros, to which dropout does nothing.
   it("has the fields that a hook changed: stochastic depth that was unfrozen, dropout", function()
      local whole, resumed = broken_off("efficientnet_b0", 7, function(options, model)
         change_modules(model, "StochasticDepth", { fixed = true })
         options.epochs = 3
         options.hooks = { { on_epoch_begin = function(run)
            if run.epoch ~= 2 then return end
            change_modules(run.model, "StochasticDepth", { fixed = false })
            change_modules(run.model, "Dropout", { p = 0.6 })
         end } }
      end)
      same_history(whole, resumed)
   end)

   it("has what modules and hooks of one's own keep, numbers and tensors", function()
      local Gain = scute.nn.Module:extend "Gain"
      function Gain:build() self.seen = { n = 0 } end
      function Gain:forward(x)
         if self.training then self.seen.n = self.seen.n + 1 end
         return x * (1 + 0.01 * self.seen.n)
      end
      function Gain:get_extra_state() return { n = self.seen.n } end
      function Gain:set_extra_state(state) self.seen.n = state.n end
      local whole, resumed = broken_off("small", 5, function(options, model)
         model:add("gain", Gain())
         local features = model.features
         rawset(model, "features", function(self, x) return self:child "gain"(features(self, x)) end)
         local drift = scute.zeros(3)
         options.epochs = 3
         options.hooks = { {
            name = "drift",
            save = function() return { told = true }, { drift = drift } end,
            load = function(_, state, tensors)
               assert.is_true(state.told)
               drift:copy_(tensors.drift)
            end,
            on_step_end = function(run)
               drift = drift + 0.001
               scute.no_grad(function() run.model:get("fc").bias:copy_(run.model:get("fc").bias + drift:sum()) end)
            end,
         } }
      end)
      same_history(whole, resumed)
   end)

   it("has the state of a loss of one's own", function()
      local calls
      local whole, resumed = broken_off("small", 7, function(options)
         local state = { pull = 0 }
         local Pull = { __call = function(_, logits, y) -- is stronger with each batch that trains
            if logits.requires_grad then state.pull = state.pull + 0.01 end
            return logits:cross_entropy(y) + (logits * logits):mean() * state.pull
         end }
         state.pull, calls = 0, state
         local function save() return { pull = state.pull }, { one = scute.ones(2) } end
         local function load(_, saved, tensors)
            assert.same({ 1, 1 }, tensors.one:values())
            state.pull = saved.pull
         end
         options.loss = setmetatable({ name = "pulling", save = save, load = load }, Pull)
      end)
      same_history(whole, resumed)
      assert.is_true(calls.pull > 0.1)
   end)

   it("knows an own loss and an own schedule by their names and settings", function()
      local output = new_folder()
      local function own(gamma, floor)
         return function(options)
            options.epochs, options.output_dir, options.resume = 1, output, "auto"
            options.loss = setmetatable({ name = "focal", describe = function() return "gamma = " .. gamma end },
               { __call = function(_, logits, y) return logits:cross_entropy(y) end })
            options.schedule = { name = "root", factor = function(step) return math.max(floor, 1 / step) end,
               describe = function() return "floor = " .. floor end }
         end
      end
      fit("small", own(2, 0.1))
      local ok, why = pcall(fit, "small", own(3, 0.2))
      assert.is_false(ok)
      assert.matches("loss is focal gamma = 3 here and focal gamma = 2 there", tostring(why))
      assert.matches("settings of the schedule is root floor = 0.2 here and root floor = 0.1 there", tostring(why))
   end)

   it("has the state of its schedule, its average and its patience", function()
      local whole, resumed = broken_off("small", 8, function(options, model)
         model:freeze "backbone"
         options.epochs, options.ema, options.early_stop = 6, 0.9, 5
         options.schedule = schedule.plateau { patience = 0, gamma = 0.5, metric = "train_loss", threshold = 0.9 }
      end)
      same_history(whole, resumed)
      assert.is_true(whole.history[6].rates.fc < 0.02)
      assert.equal(whole.history[6].ema_val_loss, resumed.history[6].ema_val_loss)
   end)

   it("has the average of its best epoch, which may be behind", function()
      local whole, resumed = broken_off("small", 14, function(options, model)
         model:freeze "backbone"
         options.epochs, options.ema, options.output_dir = 6, 0.5, new_folder()
         options.hooks = { { on_step_begin = function(run)
            if run.epoch > 3 then run.optimizer:scale_lr(-1) end
         end } }
      end)
      assert.is_true(whole.best_ema.epoch < 5) -- the epoch of step 14
      assert.equal(whole.best_ema.epoch, resumed.best_ema.epoch)
      assert.equal(scute.weights.sha256(whole.folder .. "/best_ema.safetensors"),
         scute.weights.sha256(resumed.folder .. "/best_ema.safetensors"))
   end)

   it("has what a hook keeps in tables of any shape, and in tensors alone", function()
      local state, seen, drift = { [2] = 0.5, [4] = 0.25, x = { 1, 2, y = 3 }, [1.5] = "x", [true] = {} }, nil, nil
      local whole, resumed = broken_off("small", 4, function(options, model)
         model:freeze "backbone"
         options.hooks = { { name = "mine", save = function() return state end, load = function(_, saved) seen = saved end },
            { name = "drift", save = function() return nil, { w = scute.ones(3) } end,
              load = function(_, _, tensors) drift = tensors.w:values() end } }
      end)
      same_history(whole, resumed)
      assert.same(state, seen)
      assert.same({ 1, 1, 1 }, drift)
   end)

   it("fails at once, by name, where a hook keeps what cannot be written", function()
      local round = {}
      round.x = { round }
      for text, state in pairs { ["cannot save a function (seen.f)"] = { seen = { f = print } },
         ["cannot save a table that holds itself (x.1)"] = round, ["cannot save a userdata (w)"] = { w = scute.ones(1) } } do
         local ok, why = pcall(fit, "small", function(options, model)
            model:freeze "backbone"
            options.output_dir, options.hooks = new_folder(), { { name = "mine", save = function() return state end } }
         end)
         assert.is_false(ok)
         assert.is_truthy(tostring(why):find("checkpoint: the state of 'mine': " .. text, 1, true), tostring(why))
      end
   end)

   it("is the same though a hook changed a base rate before its first checkpoint", function()
      local whole, resumed = broken_off("small", 7, function(options, model)
         model:freeze "backbone"
         options.save_steps, options.save_every = nil, 1000
         options.hooks = { { on_step_begin = function(run)
            if run.step == 0 then
               for _, group in ipairs(run.optimizer.groups) do group.base_lr = group.base_lr / 10 end
            end
         end } }
      end)
      same_history(whole, resumed)
   end)

   it("is not another one: plan of unfreezing, schedule, loss", function()
      local output = new_folder()
      local function change(options, model)
         options.output_dir, options.unfreeze, options.epochs = output, train.unfreeze.plan(model, "head,layer4@2",
            { epochs = 2 }), 2
         options.schedule, options.arguments = "cosine", { loss = "a" }
      end
      fit("small", change)
      for text, other in pairs {
         ["unfreeze is fc@1,layer4@1,layer3@2, batch norm eval, warmup 0 here and fc@1,layer4@2, batch norm"] =
            function(options) options.unfreeze = { head = 1, layer4 = 1, layer3 = 2 } end,
         ["unfreeze is fc@1,layer4@1,layer3@1,layer2@1,layer1@1,stem@1"] = function(options) options.unfreeze = "all" end,
         ["unfreeze is not given here"] = function(options) options.unfreeze = nil end,
         ["schedule is linear here and cosine there"] = function(options) options.schedule = "linear" end,
         ["settings of the schedule is cosine { minimum = 0.1 } here"] = function(options)
            options.schedule = schedule.cosine { minimum = 0.1 }
         end,
         ["loss is a function here and not given there"] = function(options)
            options.loss = function(logits, y) return scute.cross_entropy(logits, y) end
         end,
         ["--loss is b here and a there"] = function(options)
            options.arguments = { loss = "b" } -- of which a script made a function
         end,
         ["the model's bn1.momentum is 0.5 here and 0.1"] = function(_, model) model:get("bn1").momentum = 0.5 end,
         ["the model's bn1.tried is 1 here and not given there"] = function(_, model) model:get("bn1").tried = 1 end,
         ["label_smoothing is 0.1"] = function(options) options.label_smoothing = 0.1 end,
         ["epochs is 1 here and 2 there, and a run can be lengthened, not shortened"] = function(options)
            options.epochs = 1
            options.unfreeze = "head,layer4@2"
         end,
      } do
         local ok, why = pcall(fit, "small", function(options, model)
            change(options, model)
            options.resume = "auto"
            other(options, model)
         end)
         assert.is_false(ok, text)
         assert.is_truthy(tostring(why):find(text, 1, true), tostring(why))
      end
   end)
end)

describe("checkpoints where a file can have one name only", function()
   local link, rename = lfs.link, os.rename

   before_each(function() lfs.link = function() return nil, "Operation not permitted" end end)
   after_each(function()
      lfs.link = link
      rawset(os, "rename", rename)
   end)

   local function brief(options)
      options.epochs, options.output_dir = 2, options.output_dir or new_folder()
   end

   local function step_of(path)
      return require("scute.train.exact").decode(scute.weights.load(path).metadata.state).parts.position.step
   end

   it("are two all the same, one of them at every moment, and that is told once", function()
      local least, seen = math.huge, false
      rawset(os, "rename", function(from, to)
         local result, message = rename(from, to)
         local folder = from:match "^(.*)/"
         local n = 0
         for file in lfs.dir(folder) do
            if file:find "^checkpoint.*%.safetensors$" and step_of(folder .. "/" .. file) then n = n + 1 end
         end
         seen = seen or n > 0
         if seen then least = math.min(least, n) end
         return result, message
      end)
      local text, result = said(function() return fit("small", brief) end)
      assert.is_true(least >= 1)
      local newest = step_of(result.folder .. "/checkpoint.safetensors")
      assert.is_true(newest - step_of(result.folder .. "/checkpoint-1.safetensors") <= 1) -- 0: the last step ended an epoch too
      local _, times = text:gsub("can have only one name %(Operation not permitted%)", "")
      assert.equal(1, times)
   end)

   it("are gone on from when the new one could not get its name", function()
      local output, failed = new_folder(), 0
      local function change(options) brief(options, nil) end
      local whole = fit("small", change)
      rawset(os, "rename", function(from, to)
         if from:find "checkpoint%.new$" and to:find "/checkpoint%.safetensors$" and failed ~= 0 then
            failed = failed + 1
            return nil, "the cable is out"
         end
         if to:find "checkpoint%-1" then failed = failed + 1 end -- there is one, so that the next cannot be had
         return rename(from, to)
      end)
      local text = said(function()
         return pcall(fit, "small", function(options)
            options.epochs, options.output_dir, options.hooks = 2, output, { { on_step_begin = function(run)
               if run.step == 4 then error("pulled the plug", 0) end
            end } }
         end)
      end)
      assert.matches("no checkpoint could be saved: the cable is out", text)
      rawset(os, "rename", rename)
      local folder = output .. "/small"
      assert.is_nil(lfs.attributes(folder .. "/checkpoint.safetensors"))
      local told, resumed = said(function()
         return fit("small", function(options) options.epochs, options.output_dir, options.resume = 2, output, "auto" end)
      end)
      assert.matches("the checkpoint before it is used: " .. folder .. "/checkpoint-1.safetensors", told, 1, true)
      same_history(whole, resumed)
   end)
end)

describe("a run that is lengthened", function()
   local function rates(result, group)
      local list = {}
      for i, row in ipairs(result.history) do list[i] = row.rates[group] or 0 end
      return list
   end

   -- Runs `epochs` epochs into a folder; then the same with more.
   local function lengthen(from, to, change)
      local output = new_folder()
      local first = fit("small", function(options, model)
         options.epochs, options.output_dir = from, output
         change(options, model)
      end)
      local text, second = said(function()
         return fit("small", function(options, model)
            options.epochs, options.output_dir, options.resume = to, output, "auto"
            change(options, model)
         end)
      end)
      return first, second, text, output
   end

   local function frozen(options, model)
      model:freeze "backbone"
      options.schedule = schedule.warmup_cosine { warmup = 1, epochs = options.epochs }
   end

   it("keeps what it did, and plans a schedule that stretches anew for what remains", function()
      local first, second, text = lengthen(4, 7, frozen)
      assert.equal(7, #second.history)
      for i = 1, 4 do assert.equal(first.history[i].train_loss, second.history[i].train_loss) end
      local found, fresh = rates(second, "fc"), schedule.warmup_cosine { warmup = 1 }:values { epochs = 3, steps_per_epoch = 3 }
      for i = 1, 3 do assert.is_true(math.abs(found[4 + i] - 0.02 * fresh[3 * i]) < 1e-12) end
      assert.is_true(found[5] > 0.0199) -- the full rate again after its warmup
      assert.equal(0, found[4])
      assert.equal(0, found[7])
      assert.matches("lengthened from 4 epochs to 7, of which 3 remain: the schedule %(warmup_cosine%) is planned anew for "
         .. "them; this is not the run that 7 from the start would have been", text)
   end)

   it("goes on with a schedule that does not stretch", function()
      local _, second, text = lengthen(2, 4, function(options, model)
         model:freeze "backbone"
         options.schedule = schedule.exponential(0.5)
      end)
      local found, whole = rates(second, "fc"), schedule.exponential(0.5):values { epochs = 4, steps_per_epoch = 3 }
      for i = 1, 4 do assert.is_true(math.abs(found[i] - 0.02 * whole[3 * i]) < 1e-12) end
      assert.matches("the schedule %(exponential%) goes on", text)
   end)

   it("says where the schedule has a length of its own, after which nothing is learned", function()
      local _, second, text = lengthen(2, 4, function(options, model)
         model:freeze "backbone"
         options.schedule = schedule.cosine(2)
      end)
      assert.same({ 0, 0 }, { table.unpack(rates(second, "fc"), 3) })
      assert.matches("the schedule %(cosine%) goes on", text)
      assert.matches("the schedule %(cosine%) lasts for 2 of the 4 epochs: the learning rate is 0 from then on", text)
   end)

   it("goes on with a schedule that was made for more epochs than the run had", function()
      local _, second, text = lengthen(2, 4, function(options, model)
         model:freeze "backbone"
         options.schedule = schedule.cosine(4)
      end)
      local whole = schedule.cosine(4):values { epochs = 4, steps_per_epoch = 3 }
      local found = rates(second, "fc")
      for i = 1, 4 do assert.is_true(math.abs(found[i] - 0.02 * whole[3 * i]) < 1e-12) end
      assert.matches("the schedule %(cosine%) goes on", text)
      assert.is_nil(text:find "settings")
   end)

   it("plans a schedule to its end, though updates were left out before", function()
      local _, second = lengthen(2, 4, function(options, model)
         model:freeze "backbone"
         options.schedule = "cosine"
         options.hooks = { { on_backward_end = function(run)
            if run.epoch == 1 then run.skip = "not today" end
         end } }
      end)
      local found = rates(second, "fc")
      assert.is_true(found[3] > 0)
      assert.equal(0, found[4])
   end)

   it("takes settings that follow from the length, and says so", function()
      local _, second, text = lengthen(2, 4, function(options, model)
         model:freeze "backbone"
         options.schedule = schedule.step { every = options.epochs / 2, gamma = 0.1 }
      end)
      assert.equal(4, #second.history)
      assert.matches("note: settings of the schedule is step { every = 2.0, gamma = 0.1 } here and step { every = 1.0", text)
   end)

   it("lets what trains go on, and plans gradual unfreezing anew for the rest", function()
      local output = new_folder()
      local function change(options)
         options.output_dir, options.unfreeze = output, "gradual"
      end
      pcall(fit, "small", function(options) -- groups: fc, layer4, layer3, layer2, layer1, stem; 12 epochs: one every 2
         change(options)
         options.epochs, options.hooks = 12, { { on_step_begin = function(run)
            if run.step == 10 then error("enough", 0) end -- the first step of epoch 4 is done; fc and layer4 train
         end } }
      end)
      local joined, from = {}, nil
      local text, result = said(function()
         return fit("small", function(options)
            change(options)
            options.epochs, options.resume = 18, "auto"
            options.hooks = { { on_epoch_begin = function(run)
               from = run.unfreeze.from
               for group in pairs(run.unfreeze.active) do joined[group] = joined[group] or run.epoch end
            end } }
         end)
      end)
      assert.equal(18, #result.history)
      -- 15 epochs remain after the third, 4 groups wait: 3 epochs to each
      assert.same({ fc = 1, layer4 = 3, layer3 = 7, layer2 = 10, layer1 = 13, stem = 16 }, from)
      assert.same({ fc = 4, layer4 = 4, layer3 = 7, layer2 = 10, layer1 = 13, stem = 16 }, joined)
      assert.matches("the unfreezing is planned anew", text)
      assert.matches("layer3 +%.%.%.%.%.%.############  from epoch 7", text)
   end)

   it("leaves epochs that a plan names where they are", function()
      local _, second = lengthen(2, 4, function(options) options.unfreeze = "head,layer4@2,layer3@4" end)
      assert.is_nil(second.history[3].rates.layer3)
      assert.is_truthy(second.history[4].rates.layer3)
   end)

   it("counts the patience anew, also after it was stopped early", function()
      local first, second = lengthen(6, 9, function(options, model)
         model:freeze "backbone"
         options.schedule, options.early_stop = function() return 0 end, 2 -- nothing is learned
      end)
      assert.equal(3, #first.history)
      assert.is_truthy(first.stopped)
      assert.equal(5, #second.history)
      assert.is_truthy(second.stopped)
   end)

   it("goes on from where it was broken off as if it had not been", function()
      local _, whole, _, output = lengthen(3, 6, frozen)
      local copy = new_folder()
      fit("small", function(options, model)
         options.epochs, options.output_dir = 3, copy
         frozen(options, model)
      end)
      local function on(hooks)
         return fit("small", function(options, model)
            options.epochs, options.output_dir, options.resume, options.hooks = 6, copy, "auto", hooks
            frozen(options, model)
         end)
      end
      pcall(on, { { on_step_begin = function(run)
         if run.step == 13 then error("pulled the plug", 0) end
      end } })
      same_history(whole, on {})
      assert.is_truthy(output)
   end)
end)

describe("the best weights", function()
   it("are saved without passing through the model that trains", function()
      local output, save, saved, after = new_folder(), models.save, {}, {}
      models.save = function(model, path, extra, tensors)
         saved[path:match "[^/]+$"] = scute.checksum { model:get("fc").weight }
         return save(model, path, extra, tensors)
      end
      local ok, result = pcall(fit, "small", function(options, model)
         model:freeze "backbone"
         options.output_dir, options.epochs = output, 5
         options.hooks = { {
            on_step_end = function(run) -- what was learned is turned upside down in the end
               local head = run.model:get "fc"
               if run.step < 15 then return end
               scute.no_grad(function() for _, t in ipairs { head.weight, head.bias } do t:copy_(t * -100) end end)
            end,
            on_epoch_end = function(run) after[run.epoch] = scute.checksum { run.model:get("fc").weight } end,
         } }
      end)
      models.save = save
      assert.is_true(ok, tostring(result))
      assert.is_true(result.best.epoch < 5)
      local function in_file(name)
         return scute.checksum { scute.weights.load(result.folder .. name).tensors["fc.weight"] }
      end
      assert.equal(after[5], saved["best.safetensors"]) -- what the model held meanwhile
      assert.equal(after[result.best.epoch], in_file "/best.safetensors")
      assert.equal(after[5], in_file "/last.safetensors")
   end)
end)
