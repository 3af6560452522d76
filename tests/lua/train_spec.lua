local scute = require "scute"
local models, optim, train, data = scute.models, scute.optim, scute.train, scute.data
local best_of, stopping = require "scute.train.best", require "scute.train.stopping"
local photos = dofile "tests/cli/photos.lua"
local Small = dofile "tests/lua/small.lua"

local root

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

local function failure(f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok)
   return tostring(err)
end

-- A small run: a frozen network with random weights on two kinds of photos of 32 pixels; `arch`: one of scute.models.
local function fit(change)
   change = change or {}
   scute.manual_seed(change.seed or 0)
   local set = change.set or data.open(root .. "/" .. (change.photos or "two"), { seed = 0 })
   local model = change.model or change.arch and models.create(change.arch, { classes = set.classes, image_size = 32 })
      or Small(set.classes)
   if change.freeze ~= false then model:freeze "backbone" end
   local options = { optimizer = optim.adamw(model:groups { lr = change.lr or 0.01 }), epochs = 2, batch_size = 8,
      output_dir = root .. "/out", workers = 1 }
   for key, value in pairs(change.options or {}) do options[key] = value end
   options.seed = change.seed or 0
   return train.fit(model, set, options), model
end

setup(function()
   require("scute.base.console").quiet = true
   root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/two", { blue = 14, red = 13 })
   photos.set(root .. "/bad", { blue = 8, red = 8 })
   photos.write_file(root .. "/bad/red/005.bmp", "\xff\xd8\xff not a photo")
   photos.write_file(root .. "/bad/blue/note, \"quoted\".jpg", "nor is this, by its first bytes")
   photos.write_file(root .. "/bad/blue/readme.txt", "nor is this, and nobody would think so")
   photos.set(root .. "/none", { a = 6, b = 6 })
   for i = 1, 6 do photos.write_file(("%s/none/b/%03d.bmp"):format(root, i), "\xff\xd8\xff") end
end)

teardown(function()
   require("scute.base.console").quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

before_each(function() os.execute(("rm -rf '%s/out'"):format(root)) end)

describe("train.fit", function()
   it("learns, and writes the history, the weights and an account of the run", function()
      local result = fit { arch = "resnet18", options = { epochs = 6 } }
      assert.equal(6, #result.history)
      assert.is_true(result.history[6].train_loss < result.history[1].train_loss)
      assert.is_true(result.best.val_accuracy >= 0.8)
      assert.equal(root .. "/out/resnet18", result.folder)
      local lines = {}
      for line in read(result.folder .. "/history.csv"):gmatch "[^\n]+" do lines[#lines + 1] = line end
      assert.equal("epoch,step,lr_fc,train_loss,train_accuracy,val_loss,val_accuracy", lines[1])
      assert.equal(7, #lines)
      local run = require "cjson".decode(read(result.folder .. "/run.json"))
      assert.equal("finished", run.state)
      assert.same({ "blue", "red" }, run.classes)
      assert.equal(21, run.photos.train)
      assert.equal(result.best.epoch, run.result.best_epoch)
      assert.is_nil(io.open(result.folder .. "/bad_images.csv"))
   end)

   it("draws what the learning rates will be before the first step", function()
      local drawn
      local result = fit { options = { epochs = 1, hooks = { { on_step_begin = function(run)
         drawn = drawn or read(run.folder .. "/schedule.png"):sub(2, 4)
      end } } } }
      assert.equal("PNG", drawn)
      os.remove(result.folder .. "/schedule.png")
      fit { options = { epochs = 1, schedule = scute.schedule.plateau(2) } } -- follows the run: nothing to show
      assert.is_nil(io.open(result.folder .. "/schedule.png"))
   end)

   it("repeats bit for bit, whatever the number of workers", function()
      local texts = {}
      for i, workers in ipairs { 0, 1, 3 } do
         texts[i] = read(fit({ options = { workers = workers } }).folder .. "/history.csv")
      end
      assert.equal(texts[1], texts[2])
      assert.equal(texts[1], texts[3])
      assert.is_not.equal(texts[1], read(fit({ seed = 1 }).folder .. "/history.csv"))
   end)

   it("repeats bit for bit where everything trains", function()
      local one = read(fit({ freeze = false, lr = 1e-3, options = { epochs = 1 } }).folder .. "/history.csv")
      local two = read(fit({ freeze = false, lr = 1e-3, options = { epochs = 1, workers = 3 } }).folder .. "/history.csv")
      assert.equal(one, two)
   end)

   it("sends each photo through a frozen backbone once, to the same effect as in every epoch", function()
      local function convolutions(options)
         scute.profile "reset"
         local result = fit { options = options }
         local calls = 0
         for _, row in ipairs(scute.profile()) do
            if row.op:find "^conv" then calls = calls + row.forward_calls end
         end
         assert.is_true(calls > 0)
         return calls, result
      end
      local once = convolutions { epochs = 1 }
      local cached, a = convolutions { epochs = 3 }
      local every_time, b = convolutions { epochs = 3, cache_features = "off" }
      assert.equal(once, cached)
      assert.is_true(every_time > 2 * cached)
      for i = 1, 3 do -- batches of another size: the backbone's sums differ in the last bits
         assert.is_true(math.abs(a.history[i].train_loss - b.history[i].train_loss) < 1e-3)
         assert.is_true(math.abs(a.history[i].val_loss - b.history[i].val_loss) < 1e-3)
      end
   end)

   it("leaves the frozen backbone as it is, bit for bit", function()
      scute.manual_seed(0)
      local before = models.create("resnet18", { classes = 2, image_size = 32 }):state_dict()
      local _, model = fit { arch = "resnet18", options = { cache_features = "off" } }
      local after, changed = model:state_dict(), {}
      for _, name in ipairs(after.names) do
         local a, b = before.tensors[name], after.tensors[name]
         if scute.checksum { a } ~= scute.checksum { b } then changed[#changed + 1] = name end
      end
      assert.same({ "fc.weight", "fc.bias" }, changed)
   end)

   it("leaves the weights of the best epoch in the model and in best.safetensors", function()
      local spoil = { on_step_end = function(run)
         if run.epoch > 2 then scute.no_grad(function() run.model:get("fc").weight:fill_(0) end) end
      end }
      local result, model = fit { arch = "resnet18", options = { epochs = 4, hooks = { spoil } } }
      assert.is_true(result.best.epoch <= 2)
      local best, last = models.load(result.folder .. "/best.safetensors"), models.load(result.folder .. "/last.safetensors")
      assert.same(best:get("fc").weight:values(), model:get("fc").weight:values())
      assert.is_not.same(last:get("fc").weight:values(), model:get("fc").weight:values())
      assert.same({ "blue", "red" }, best.classes)
   end)

   it("has the best epoch's weights after a resume, too, where later ones were worse", function()
      local spoil = { on_step_end = function(run)
         if run.epoch > 2 then scute.no_grad(function() run.model:get("fc").weight:fill_(0) end) end
      end }
      local stop = { on_step_end = function(run)
         if run.epoch == 4 then error("stopped", 0) end
      end }
      local result, model = fit { options = { epochs = 4, hooks = { spoil } } }
      local epoch, expected = result.best.epoch, model:get("fc").weight:values()
      assert.is_true(epoch <= 2)
      os.execute(("rm -rf '%s/out'"):format(root))
      assert.equal("stopped", failure(fit, { options = { epochs = 4, save_steps = 1, hooks = { spoil, stop } } }))
      result, model = fit { options = { epochs = 4, resume = "auto", hooks = { spoil } } }
      assert.equal(epoch, result.best.epoch)
      assert.same(expected, model:get("fc").weight:values())
      assert.same(expected, scute.weights.load(result.folder .. "/best.safetensors").tensors["fc.weight"]:values())
   end)

   it("stops early where it gets no better", function()
      local result = fit { lr = 0, options = { epochs = 9, early_stop = 2 } }
      assert.equal(3, #result.history)
      assert.equal(1, result.best.epoch)
   end)

   it("stops on a loss that is no number, and keeps what was good", function()
      local schedule = { factor = function(step) return step <= 3 and 1 or 1e38 end }
      local text = failure(fit, { arch = "resnet18", options = { epochs = 5, schedule = schedule } })
      assert.matches("the loss became .* in epoch %d, step %d", text)
      assert.matches("best weights so far, of epoch %d, are in .*best.safetensors", text)
      assert.is_truthy(models.load(root .. "/out/resnet18/best.safetensors"))
      local folder = root .. "/out/resnet18/"
      assert.matches('"state": "failed",\n  "error": "[^\n]*the loss became .* in epoch', read(folder .. "run.json"))
      assert.matches("failed, started .*<p>It ended with an error: [^\n]*the loss became", read(folder .. "report.html"))
   end)

   it("says at once that everything is frozen", function()
      local set = data.open(root .. "/two", { seed = 0 })
      local model = Small(set.classes):freeze()
      local _, why = pcall(train.fit, model, set, { optimizer = optim.adamw(model:groups { lr = 0.1 }), epochs = 1 })
      assert.matches("nothing to train: every parameter of small is frozen", require("scute.base.console").message(why))
   end)

   it("uses a batch as large as there are photos where more are asked for", function()
      local steps = 0
      fit { options = { batch_size = 500, epochs = 1, hooks = { { on_step_end = function() steps = steps + 1 end } } } }
      assert.equal(1, steps)
   end)

   it("joins a last batch of one photo to the one before it where batch norm trains", function()
      local sizes = {}
      fit { freeze = false, lr = 1e-4, options = { batch_size = 10, epochs = 1,
         hooks = { { on_step_end = function(run) sizes[#sizes + 1] = run.last.n end } } } }
      assert.same({ 10, 11 }, sizes)
   end)

   it("leaves bad photos out and lists them, each once", function()
      for _, cache in ipairs { "auto", "off" } do
         local result = fit { photos = "bad", options = { epochs = 3, cache_features = cache } }
         assert.equal(3, #result.history)
         local lines = {}
         for line in read(result.folder .. "/bad_images.csv"):gmatch "[^\n]+" do lines[#lines + 1] = line end
         assert.equal(3, #lines)
         table.sort(lines)
         assert.is_truthy((lines[1] .. lines[2]):find('note, ""quoted"".jpg', 1, true))
      end
   end)

   it("stops at a bad photo where that is asked for", function()
      assert.matches("bad/", failure(fit, { photos = "bad", options = { on_bad_image = "error" } }))
   end)

   it("ends where no photo of a class can be read: what the others come to is no result", function()
      for _, cache in ipairs { "auto", "off" } do
         assert.matches("none of the 5 photos of class 'b' that train can be read; the last: .*none/b/",
            failure(fit, { photos = "none", options = { cache_features = cache } }))
      end
   end)

   it("finds an output folder that cannot be written before it starts", function()
      photos.write_file(root .. "/file", "in the way")
      local stepped = false
      local text = failure(fit, { options = { output_dir = root .. "/file/out",
         hooks = { { on_step_end = function() stepped = true end } } } })
      assert.matches("^output_dir: ", text)
      assert.is_false(stepped)
   end)

   it("keeps the weights of the epoch that is best by what is asked for", function()
      for by, better in pairs {
         accuracy = function(a, b) return a.val_accuracy > b.val_accuracy or a.val_accuracy == b.val_accuracy
            and a.val_loss < b.val_loss end,
         balanced = function(a, b) return a.balanced > b.balanced or a.balanced == b.balanced and a.val_loss < b.val_loss end,
         loss = function(a, b) return a.val_loss < b.val_loss end,
      } do
         local result = fit { options = { best_by = by, epochs = 6 } }
         local best = result.history[1]
         for _, row in ipairs(result.history) do
            if better(row, best) then best = row end
         end
         assert.equal(best.epoch, result.best.epoch)
      end
   end)

   -- The best epoch and the one that a patience of 2 stops in (or the last), of epochs with these accuracies and losses.
   local function course(by, accuracies, losses)
      local hook, run = stopping.hook(2), { best_by = by, epochs = #accuracies + 1 }
      for i, accuracy in ipairs(accuracies) do
         run.row = { epoch = i, val_accuracy = accuracy, balanced = accuracy, val_loss = losses[i] }
         if best_of.is_better(run.row, run.best, by) then run.best = run.row end
         hook.on_epoch_end(run)
         if run.stopped then return { run.best.epoch, i } end
      end
      return { run.best.epoch, #accuracies }
   end

   it("keeps an epoch with a loss over one of which it is no number", function()
      local nan = 0 / 0
      assert.same({ 3, 3 }, course("accuracy", { 0.5, 0.5, 0.5 }, { nan, nan, 0.7 }))
      assert.is_true(best_of.is_better({ val_loss = 0.4 }, { val_loss = nan }, "loss"))
      assert.is_false(best_of.is_better({ val_loss = nan }, { val_loss = 0.4 }, "loss"))
      assert.is_false(best_of.is_better({ val_loss = nan }, { val_loss = nan }, "loss"))
   end)

   it("counts the patience in epochs that best_by does not find better", function()
      local falling, rising = { 0.9, 0.8, 0.7, 0.6 }, { 0.1, 0.2, 0.3, 0.4 }
      assert.same({ 1, 3 }, course("accuracy", falling, falling))
      assert.same({ 1, 3 }, course("balanced", falling, falling))
      assert.same({ 4, 4 }, course("loss", falling, falling))
      assert.same({ 1, 3 }, course("loss", rising, rising))
      assert.same({ 4, 4 }, course("accuracy", { 0.5, 0.5, 0.5, 0.5 }, falling)) -- as accurate, with a lower loss
   end)

   it("meets the photos anew in every run of a program, also those that cannot be read", function()
      local set = data.open(root .. "/bad", { seed = 0 })
      for _, cached in ipairs { "off", "auto" } do
         local options = { cache_features = cached, output_dir = root .. "/out/" .. cached }
         local alone = fit { photos = "bad", options = options }
         fit { set = set, seed = 1, options = { cache_features = cached, output_dir = false } }
         local after = fit { set = set, options = options }
         for i, row in ipairs(alone.history) do assert.equal(row.train_loss, after.history[i].train_loss) end
         assert.is_truthy(io.open(after.folder .. "/bad_images.csv"))
      end
   end)

   it("begins with the schedule and the plan as they were made, in a second run too", function()
      local rates, schedules = {}, scute.schedule.plateau { patience = 0, metric = "train_loss", threshold = 0.9, gamma = 0.1 }
      local set = data.open(root .. "/two", { seed = 0 })
      local plan
      for run = 1, 2 do
         local model = Small(set.classes)
         plan = plan or train.unfreeze.plan(model, "head", { epochs = 3 })
         local result = fit { set = set, model = model, freeze = false, options = { schedule = schedules, unfreeze = plan,
            epochs = 3 } }
         rates[run] = { result.history[1].rates.fc, result.history[2].rates.fc, result.history[3].rates.fc }
         assert.is_true(model:is_backbone_frozen())
      end
      assert.same(rates[1], rates[2])
      assert.is_true(rates[1][3] < rates[1][1])
   end)

   it("refuses a plan for another length or another model", function()
      local set = data.open(root .. "/two", { seed = 0 })
      local model, other = Small(set.classes), models.create "mobilenet_v2"
      assert.matches("unfreeze: the plan is one for 5 epochs and the run has 2; make it with { epochs = 2 }", failure(fit, {
         set = set, model = model, options = { unfreeze = train.unfreeze.plan(model, "all", { epochs = 5 }) } }))
      assert.matches("the plan is one for a model with the groups ", failure(fit, {
         set = set, model = model, options = { unfreeze = train.unfreeze.plan(other, "all", { epochs = 2 }) } }))
   end)

   it("refuses model, photos and optimizer that do not belong together", function()
      local set = data.open(root .. "/two", { seed = 0 })
      local function create(classes) return Small(classes or 1000) end
      local turned = create { "red", "blue" }
      assert.matches("the model is one for 2 classes %(red, blue%) and the photos have 2 classes %(blue, red%)",
         failure(fit, { set = set, model = turned }))
      assert.matches("the model is one for 1000 classes and the photos have 2 %(blue, red%)",
         failure(fit, { set = set, model = create() }))
      local named = create(2)
      fit { set = set, model = named }
      assert.same(set.classes, named.classes)
      local wide = create(set.classes)
      wide.fc = scute.nn.Linear { 8, 5 }
      assert.matches("the model has 5 outputs and the photos have 2 classes", failure(fit, { set = set, model = wide }))
      local model = create(set.classes)
      local early = optim.adamw(model:groups { lr = 0.01 })
      model.fc = scute.nn.Linear { 8, 2 }
      assert.matches("'fc.weight' trains, but the optimizer does not have it", failure(fit, { set = set, model = model,
         options = { optimizer = early } }))
      assert.matches("expected a model of scute.models, which has a backbone, .* found a Sequential", failure(fit, { set = set,
         model = scute.nn.Sequential { scute.nn.Linear { 2, 2 } }, freeze = false }))
      assert.matches("there is none in set.train", failure(fit, { set = { dir = "", classes = set.classes, notes = {},
         train = { paths = {}, labels = {} }, val = set.val }, model = create(set.classes) }))
   end)

   it("refuses a layer beside those of the model, frozen or not", function()
      local set, nn, frozen = data.open(root .. "/two", { seed = 0 }), scute.nn, models.unfreeze_layers
      local function put(name, layer, model)
         model = model or models.create("baseline_cnn", { classes = set.classes, image_size = 32 })
         local parent, last = name:match "^(.*)%.([^.]+)$"
         local holder = parent and model:get(parent) or model
         holder:add(last or name, layer)
         return model
      end
      local function refuses(text, model)
         assert.matches(text, failure(fit, { set = set, model = model, freeze = false }))
      end
      local text = "the model has no layer 'classifier' of its own, and nothing uses it; its head is 'fc': model.fc = ..."
      refuses(text, put("classifier", nn.Linear { 256, 2 }))
      refuses(text, frozen(put("classifier", nn.Linear { 256, 2 }), { "fc" }))
      refuses("'classifier' trains, but no group of the model has it; its head is 'fc' %(model.fc = ...%)",
         put("classifier", nn.Linear { 8, 2 }, Small(set.classes)))
      fit { set = set, model = frozen(put("teacher", nn.Linear { 8, 2 }, Small(set.classes)), { "fc" }), freeze = false,
         options = { output_dir = false, epochs = 1 } }
      fit { set = set, model = put("dropout", nn.Dropout { p = 0.1 }, Small(set.classes)), options = { output_dir = false,
         epochs = 1 } }
   end)

   it("is told of pictures that cannot be drawn, and they cost nothing else", function()
      local console = require "scute.base.console"
      local names, warned, warn = { "schedule", "curves", "confusion", "top_losses", "batch" }, {}, console.warn
      for _, name in ipairs(names) do rawset(scute.plot, name, function() error("out of memory", 0) end) end
      console.warn = function(format, ...) warned[#warned + 1] = format:format(...) end
      local ok, result = pcall(fit, { arch = "resnet18", options = { tensorboard = true } })
      for _, name in ipairs(names) do rawset(scute.plot, name, nil) end -- it looks for them where they are
      console.warn = warn
      assert.is_true(ok, tostring(result))
      assert.is_truthy(#warned >= 2 and table.concat(warned, "\n"):find "schedule.png: .*report.html: [^\n]*out of memory")
      assert.matches('"state": "finished"', read(result.folder .. "/run.json"))
      assert.equal(3, select(2, read(result.folder .. "/history.csv"):gsub("\n", "")))
      assert.same(models.load(result.folder .. "/best.safetensors").classes, { "blue", "red" })
   end)

   it("runs without an output folder", function()
      local result = fit { options = { output_dir = false } }
      assert.is_falsy(result.folder)
   end)

   it("asks a schedule for what is to come before anything is written", function()
      local rates = { 1, 0.5 }
      for message, schedule in pairs {
         ["schedule: the function gave nil in step 7 %(epoch 3%), expected a number of at least 0"] = function(_, epoch)
            return rates[epoch]
         end,
         ["schedule 'x': factor gave %-?nan in step 1 %(epoch 1%)"] = { name = "x", factor = function() return 0 / 0 end },
         ["schedule 'custom': save: cannot save a function"] = { factor = function() return 1 end, observe = print,
            load = print, save = function() return print end },
         ["schedule: it has 'observe' and no 'save' and 'load'"] = { factor = math.sqrt, observe = print },
         ["a function f%(step, epoch%), also as factor of a table, found a table"] = { save = print },
      } do
         assert.matches(message, failure(fit, { options = { epochs = 3, schedule = schedule } }))
      end
      assert.is_nil(io.open(root .. "/out/small/run.json"))
   end)

   it("draws a schedule of one's own, but not one that follows the run", function()
      local folder = fit({ options = { epochs = 1, schedule = { factor = function(step) return 1 / step end } } }).folder
      assert.is_truthy(io.open(folder .. "/schedule.png"))
      folder = fit({ options = { epochs = 1, schedule = { live = true, factor = function() return 1 end } } }).folder
      assert.is_nil(io.open(folder .. "/schedule.png"))
   end)

   it("refuses options that it does not know, with the nearest", function()
      assert.matches("unknown option 'epoch'; did you mean 'epochs'", failure(fit, { options = { epoch = 3 } }))
      assert.matches("train.fit: expected a model of scute.models, found nil", failure(train.fit))
      assert.matches("expected photos as data.open returns them, found nil", failure(train.fit, scute.nn.Linear(2, 2)))
   end)

   it("refuses numbers that make no sense", function()
      for name, cases in pairs {
         epochs = { { 0, "a whole number of at least 1, found 0" }, { 1.5, "found 1.5" }, { "3", "found '3'" } },
         batch_size = { { -1, "of at least 1, found %-1" } }, accumulate = { { 0, "of at least 1" } },
         keep = { { 0, "of at least 1" } }, save_steps = { { 0, "of at least 1" } }, workers = { { -1, "of at least 0" } },
         label_smoothing = { { 1, "a number of at least 0 and below 1, found 1" }, { 0 / 0, "found %-?nan" } },
         mixup = { { -1, "a number of at least 0" } }, cutmix = { { math.huge, "found inf" } },
         clip_norm = { { 0, "a number above 0, found 0" } }, clip_value = { { -1, "above 0" } },
         save_every = { { 0, "above 0" } },
         schedule = { { 3, "a schedule of scute.schedule, its name, or a function" }, { "cosin", "did you mean 'cosine'" } },
         unfreeze = { { 3, "a plan of" }, { "hed", "did you mean 'head'" } },
         augment = { { 3, "a description as" }, { "lihgt", "did you mean 'light'" } },
         output_dir = { { 3, "a text, found 3" } },
         cache_features = { { 0, "auto, off or a number" }, { "0", "auto, off or a whole number" } },
         on_bad_image = { { "x", "one of skip, error, found 'x'" } },
         early_stop = { { -1, "a patience in whole epochs of at least 0, or a table, found %-1" },
            { "x", "a patience in whole epochs of at least 0, or a table, found 'x'" } },
         resume = { { 3, "a text, found 3" } }, optimizer = { { 3, "an optimizer of scute.optim" },
            { { step = print, groups = {} }, "lacks zero_grad, take_back, scale_grad, .*; scute.optim.define makes one" } },
         ema = { { 1, "expected a decay of at least 0 and below 1, found 1" },
            { { decay = 0.9, raising = true }, "there is no 'raising'; it takes decay and rising" } },
      } do
         for _, case in ipairs(cases) do
            local text = failure(fit, { options = { [name] = case[1] } })
            assert.matches(name, text)
            assert.matches(case[2], text)
         end
      end
      assert.matches("option 'seed': expected a whole number of at least 0 and of at most 99999999999999, found 1",
         failure(fit, { seed = 10 ^ 14 }))
      assert.is_nil(io.open(root .. "/out/small/run.json"))
   end)
end)
