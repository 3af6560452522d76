local scute = require "scute"
local models, optim, train, data = scute.models, scute.optim, scute.train, scute.data
local unfreeze = train.unfreeze
local scratch = dofile "tests/lua/scratch.lua"

local root

local function failure(f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok)
   assert.is_true(require("scute.base.console").is_failure(err), tostring(err))
   assert.is_nil(tostring(err):find "\n")
   return tostring(err), err.exit
end

local function resnet()
   return scute.nn.init.skip(models.resnet18, { classes = 2, image_size = 32 })
end

-- All tensors of a model as they are now: {name = checksum}.
local function sums_of(model)
   local sums = {}
   for name, tensor in pairs(model:state_dict().tensors) do sums[name] = scute.checksum { tensor } end
   return sums
end

setup(function() root = scratch.make(true) end)
teardown(function() scratch.remove(root) end)

describe("an unfreeze schedule", function()
   local model, names = resnet(), { "stem", "layer1", "layer2", "layer3", "layer4", "fc" }

   -- The epochs in which stem, layer1 ... fc join; "-" for never.
   local function epochs_of(schedule, epochs)
      local plan, text = unfreeze.plan(model, schedule, { epochs = epochs or 10 }), {}
      for i, name in ipairs(names) do text[i] = tostring(plan.from[name] or "-") end
      return table.concat(text, " "), plan
   end

   it("is a list of groups with epochs", function()
      assert.equal("- - - 6 3 1", (epochs_of "head,layer4@3,layer3@6"))
      assert.equal("- - - 6 3 1", (epochs_of " fc , layer4 @ 3,layer3@6 "))
      assert.equal("5 5 5 5 2 1", (epochs_of "head,layer4@2,backbone@5"))
      assert.equal("3 1 1 1 1 1", (epochs_of { head = 1, layer4 = 1, layer3 = 1, layer2 = 1, layer1 = 1, stem = 3 }))
      assert.equal("4 4 4 4 2 1", (epochs_of { head = 1, layer4 = 2, backbone = 4 }))
   end)

   it("is gradual, all or none", function()
      assert.equal("11 9 7 5 3 1", (epochs_of "gradual:2"))
      assert.equal("6 5 4 3 2 1", (epochs_of "gradual"))
      assert.equal("11 9 7 5 3 1", (epochs_of("gradual", 12)))
      assert.equal("6 5 4 3 2 1", (epochs_of("gradual", 3)))
      assert.equal("6 5 4 3 2 1", (epochs_of(nil)))
      assert.equal("1 1 1 1 1 1", (epochs_of "all"))
      assert.equal("- - - - - 1", (epochs_of "none"))
   end)

   it("refuses what makes no sense, as a mistake in the command", function()
      for schedule, text in pairs {
         ["head,layr4@3"] = "no group 'layr4' in resnet18; did you mean 'layer4'?; groups: stem, layer1, "
            .. "layer2, layer3, layer4, fc, backbone, head",
         ["head,layer4@3,layer3@2"] = "goes backwards: 'layer3@2' comes after 'layer4@3'",
         ["layer4@3"] = "nothing would train before epoch 3: begin with head, as in head,layer4@3",
         ["head,layer4@0"] = "'layer4@0': expected an epoch of at least 1 behind the @, found '0'",
         ["head,layer4@x"] = "found 'x'", ["head,layer4@-1"] = "found '-1'", ["head,layer4@1.5"] = "found '1.5'",
         ["head,fc@2"] = "'fc' is named twice", ["head,layer4@2,layer4@3"] = "'layer4' is named twice",
         ["head,,layer4@2"] = "expected GROUP or GROUP@EPOCH, found ''", ["head@1@2"] = "found '1@2'",
         ["@3"] = "found '@3'", ["head layer4"] = "expected GROUP or GROUP@EPOCH",
         ["gradual:0"] = "expected a whole number of epochs", ["gradual:"] = "expected a whole number of epochs",
         ["gradual:x"] = "expected a whole number of epochs", ["Head"] = "did you mean 'head'",
      } do
         local message, status = failure(unfreeze.plan, model, schedule, { epochs = 10 })
         assert.is_truthy(message:find(text, 1, true), schedule .. ": " .. message)
         assert.equal(2, status)
      end
      assert.matches("expected {group = epoch}", (failure(unfreeze.plan, model, { head = 0 }, { epochs = 10 })))
   end)

   it("warns of what lies beyond the run", function()
      local _, plan = epochs_of("head,layer4@11", 10)
      assert.equal(1, #plan.warnings)
      assert.matches("layer4@11 lies beyond the 10 epochs", plan.warnings[1])
      local _, gradual = epochs_of("gradual:2", 3)
      assert.equal(0, #gradual.warnings)
   end)

   it("is drawn as a timeline", function()
      local _, plan = epochs_of("head,layer4@3", 5)
      local lines = {}
      for line in plan:timeline { fc = 0.001, layer4 = 1e-4, layer3 = 1 }:gmatch "[^\n]+" do lines[#lines + 1] = line end
      assert.equal(7, #lines)
      assert.equal("  fc      #####  from the start, learning rate 0.001", lines[2])
      assert.equal("  layer4  ..###  from epoch 3, learning rate 0.0001", lines[3])
      assert.equal("  layer3  .....  frozen", lines[4])
      local _, long = epochs_of("head,layer4@101", 200)
      assert.matches("4 to a character", long:timeline())
      assert.matches("\n  layer4  " .. ("%."):rep(25) .. ("#"):rep(25) .. "  from", long:timeline())
   end)

   it("says until when nothing joins", function()
      local _, plan = epochs_of("head,layer4@3,layer3@6", 10)
      assert.same({ 2, 5, 10 }, { plan:unchanged_until(1), plan:unchanged_until(3), plan:unchanged_until(6) })
   end)

   it("freezes and unfreezes", function()
      local _, plan = epochs_of "head,layer4@3,layer3@6"
      assert.same({ "fc" }, plan:apply(model, 1))
      assert.same({}, plan:apply(model, 2))
      assert.same({ "layer4" }, plan:apply(model, 3))
      assert.is_true(model:get("layer4.0.conv1").weight.requires_grad)
      assert.is_false(model:get("layer3.0.conv1").weight.requires_grad)
      local _, resumed = epochs_of "head,layer4@3,layer3@6"
      assert.same({ "fc", "layer4", "layer3" }, resumed:apply(model, 7))
   end)
end)

describe("rates by depth", function()
   local model = resnet()

   it("decay towards the stem", function()
      local rates = optim.layer_decay(model, 1, 0.5)
      assert.same({ stem = 1 / 16, layer1 = 1 / 8, layer2 = 1 / 4, layer3 = 1 / 2, layer4 = 1, fc = 1 }, rates)
      assert.equal(3, optim.layer_decay(model, 1, 0.5, 3).fc)
      for _, decay in ipairs { 0, -1, 1.1, 0 / 0, "x" } do
         assert.error_matches(function() optim.layer_decay(model, 1, decay) end, "expected a decay above 0")
      end
      assert.error_matches(function() optim.layer_decay(model, 0, 0.5) end, "above 0, found 0")
   end)

   it("spread geometrically", function()
      local rates = optim.lr_range(model, 1e-5, 1)
      for name, exponent in pairs { stem = -5, layer1 = -4, layer2 = -3, layer3 = -2, layer4 = -1, fc = 0 } do
         assert.is_true(math.abs(rates[name] / 10 ^ exponent - 1) < 1e-12, name)
      end
      assert.error_matches(function() optim.lr_range(model, 1e-3, 1e-4) end, "range is empty")
      assert.error_matches(function() optim.lr_range(model, 0, 1e-4) end, "above 0, found 0")
   end)

   it("are what the optimizer takes", function()
      local optimizer = optim.adamw(model:groups { lr = optim.layer_decay(model, 1e-2, 0.1) })
      assert.is_true(math.abs(optimizer:get_lr "layer3" / 1e-3 - 1) < 1e-12)
   end)
end)

-- A run on 22 photos in batches of 8; `each` is called at the end of every epoch with the run.
local function fit(schedule, options, each)
   scute.manual_seed(0)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = models.create("resnet18", { classes = set.classes, image_size = 32 })
   local plan = unfreeze.plan(model, schedule, { epochs = options.epochs, batch_norm = options.batch_norm,
      warmup = options.warmup })
   local result = train.fit(model, set, {
      optimizer = optim.adamw(model:groups { lr = options.lr or optim.layer_decay(model, 1e-3, 0.5) }),
      epochs = options.epochs, batch_size = 8, unfreeze = plan, workers = 1, augment = options.augment,
      cache_features = options.cache_features, output_dir = options.output_dir, hooks = { { on_epoch_end = each },
         options.hook or {} },
   })
   return result, model
end

describe("a progressive run", function()
   it("trains what joined, and leaves what waits bit for bit, statistics too", function()
      local before, seen = nil, {}
      fit("head,layer4@2,layer3@3", { epochs = 3, hook = {
         on_fit_begin = function(run) before = sums_of(run.model) end,
      } }, function(run)
         local now, changed = sums_of(run.model), {}
         for name in pairs(before) do
            if before[name] ~= now[name] then changed[name:match "^%w+"] = true end
         end
         seen[run.epoch] = changed
      end)
      assert.same({ { fc = true }, { fc = true, layer4 = true }, { fc = true, layer4 = true, layer3 = true } }, seen)
   end)

   it("writes every group's effective rate into each row", function()
      local result = fit("head,layer4@2,layer3@3", { epochs = 3, output_dir = root .. "/out" })
      local file <close> = assert(io.open(result.folder .. "/history.csv"))
      local lines = {}
      for line in file:lines() do lines[#lines + 1] = line end
      assert.equal("epoch,step,lr_layer3,lr_layer4,lr_fc", lines[1]:match "^epoch,step,lr_%w+,lr_%w+,lr_%w+")
      assert.equal("1,3,0,0,0.001", lines[2]:match "^%d+,%d+,[^,]+,[^,]+,[^,]+")
      assert.equal("2,6,0,0.001,0.001", lines[3]:match "^%d+,%d+,[^,]+,[^,]+,[^,]+")
      assert.equal("3,9,0.0005,0.001,0.001", lines[4]:match "^%d+,%d+,[^,]+,[^,]+,[^,]+")
   end)

   it("changes neither the state of what trained before nor the sequence of the photos", function()
      local function record(schedule)
         local states, labels = {}, {}
         fit(schedule, { epochs = 2, lr = 1e-4, cache_features = "off", hook = {
            on_epoch_begin = function(run)
               if run.epoch == 2 then
                  local state = run.optimizer:state_dict()
                  for name, tensor in pairs(state.tensors) do states[name] = scute.checksum { tensor } end
                  states.steps = state.steps
               end
            end,
            on_fit_begin = function(run)
               local forward = run.photos.batches
               run.photos.batches = function(part, o)
                  local iterate, a, b, closing = forward(part, o)
                  return function()
                     local x, y, indices = iterate()
                     if x and part == run.set.train then labels[#labels + 1] = table.concat(indices:values(), " ") end
                     return x, y, indices
                  end, a, b, closing
               end
            end,
         } })
         return states, labels
      end
      local progressive, order = record "head,layer4@2"
      local frozen, expected = record "none"
      assert.is_true(#order == 6)
      assert.same(expected, order)
      assert.same({ ["fc.weight"] = 3, ["fc.bias"] = 3 }, progressive.steps)
      for name, sum in pairs(frozen) do assert.same(sum, progressive[name]) end
   end)

   it("trains on features in the order of the photos, while the backbone is frozen", function()
      local a = fit("head,layer4@3", { epochs = 3, lr = 1e-3 })
      local b = fit("head,layer4@3", { epochs = 3, lr = 1e-3, cache_features = "off" })
      for i = 1, 3 do
         assert.equal(a.history[i].step, b.history[i].step)
         -- the backbone's sums differ in the last bits between batches of 16 and of 8, then Adam carries them on
         assert.is_true(math.abs(a.history[i].train_loss - b.history[i].train_loss) < 2e-3)
      end
   end)

   it("starts a group that joins with fresh state and its own warmup", function()
      local rates, steps = {}, nil
      fit("head,layer4@2", { epochs = 3, lr = 0.01, warmup = 4, hook = {
         on_step_begin = function(run)
            rates[#rates + 1] = ("%.4f/%.4f"):format(run.optimizer:get_lr "fc", run.optimizer:get_lr "layer4")
         end,
         on_fit_end = function(run) steps = run.optimizer:state_dict().steps end,
      } })
      assert.same({ "0.0100/0.0025", "0.0100/0.0050", "0.0100/0.0075", "0.0100/0.0100", "0.0100/0.0100", "0.0100/0.0100" },
         table.move(rates, 4, 9, 1, {}))
      assert.equal(9, steps["fc.weight"])
      assert.equal(6, steps["layer4.0.conv1.weight"])
   end)

   it("gives the best epoch's weights back where a group joined after it", function()
      local best
      local spoil = { on_step_end = function(run)
         if run.epoch == 2 then
            scute.no_grad(function()
               run.model:get("fc").weight:fill_(0)
               run.model:get("layer4.0.conv1").weight:fill_(0)
            end)
         end
      end }
      local result, model = fit("head,layer4@2", { epochs = 2, hook = spoil, output_dir = root .. "/out" }, function(run)
         if run.epoch == 1 then best = sums_of(run.model) end
      end)
      assert.equal(1, result.best.epoch)
      local now, saved = sums_of(model), sums_of(models.load(result.folder .. "/best.safetensors"))
      for name, sum in pairs(best) do
         assert.equal(sum, now[name], name)
         assert.equal(sum, saved[name], name)
      end
   end)

   it("leaves nothing to chance in what is frozen", function()
      local model = models.create("efficientnet_b0", { classes = 2, image_size = 32 })
      local depths = 0
      local function active()
         local n = 0
         for _, module in model:named_modules() do
            if module.class_name == "StochasticDepth" then
               depths = depths + 1
               n = n + (module:is_active() and 1 or 0)
            end
         end
         return n
      end
      model:train()
      local all = active()
      assert.is_true(all > 5 and depths > all)
      unfreeze.plan(model, "none", { epochs = 1 }):apply(model, 1)
      assert.equal(0, active())
      local x = scute.randn(2, 3, 32, 32)
      assert.same(model:embed(x):values(), model:features(x):values())
      model:unfreeze "stage7"
      assert.is_true(active() <= 1)
      model:unfreeze()
      assert.equal(all, active())
   end)

   it("lets the norms of frozen layers do what is asked", function()
      local function changes(mode)
         local before, parameters, statistics = nil, false, false
         local hook = { on_fit_begin = function(run) before = sums_of(run.model) end }
         fit("none", { epochs = 1, batch_norm = mode, hook = hook },
            function(run)
               local now = sums_of(run.model)
               parameters = before["layer1.0.bn1.weight"] ~= now["layer1.0.bn1.weight"]
               statistics = before["layer1.0.bn1.running_mean"] ~= now["layer1.0.bn1.running_mean"]
            end)
         return parameters, statistics
      end
      assert.same({ false, false }, { changes "eval" })
      assert.same({ false, true }, { changes "train" })
      assert.same({ true, false }, { changes "train_affine" })
   end)
end)

describe("cached views", function()
   local augment = { horizontal_flip = 0.5, random_resized_crop = { scale = { 0.3, 1 } } }

   -- Convolutions that ran forward, and the result.
   local function count(options)
      scute.profile "reset"
      local result = fit(options.schedule or "none", options)
      local calls = 0
      for _, row in ipairs(scute.profile()) do
         if row.op:find "^conv" then calls = calls + row.forward_calls end
      end
      assert.is_true(calls > 0)
      return calls, result
   end

   it("are K, taken in turn, the first K epochs as without a cache", function()
      local one = count { epochs = 1, augment = augment, cache_features = 1 }
      local few, cached = count { epochs = 6, augment = augment, cache_features = 2 }
      local _, every = count { epochs = 2, augment = augment, cache_features = "off" }
      assert.is_true(few > one and few < 2 * one)
      for i = 1, 2 do assert.is_true(math.abs(cached.history[i].train_loss - every.history[i].train_loss) < 2e-3) end
   end)

   it("are not kept by themselves where photos are augmented, nor where they are not wanted", function()
      local off = count { epochs = 3, augment = augment, cache_features = "off" }
      assert.equal(off, (count { epochs = 3, augment = augment, cache_features = "auto" }))
      assert.is_true(count { epochs = 3, augment = {}, cache_features = "auto" } < off)
      assert.is_true(count { epochs = 3, cache_features = 3 } < off)
   end)

   it("are no more than the epochs in which the backbone is frozen", function()
      local three = count { epochs = 3, augment = augment, cache_features = 3 }
      assert.equal(three, (count { epochs = 3, augment = augment, cache_features = 50 }))
   end)

   it("differ from each other, and repeat bit for bit", function()
      local _, a = count { epochs = 4, augment = augment, cache_features = 2, lr = 1e-9 }
      local _, b = count { epochs = 4, augment = augment, cache_features = 2, lr = 1e-9 }
      local loss = {}
      for i = 1, 4 do
         loss[i] = a.history[i].train_loss
         assert.equal(loss[i], b.history[i].train_loss)
      end
      assert.is_true(math.abs(loss[1] - loss[2]) > 1e-4) -- other crops; the head hardly moves at that rate
      assert.is_true(math.abs(loss[1] - loss[3]) < 1e-6)
   end)
end)
