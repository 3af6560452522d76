-- The learning-rate finder: what it finds, and that it leaves nothing behind.
local scute = require "scute"
local models, optim, train, data = scute.models, scute.optim, scute.train, scute.data
local lr_find = require "scute.train.lr_find"
local scratch = dofile "tests/lua/scratch.lua"

local root

-- Everything that training could move, as text; the order of tables does not matter.
local function fingerprint(model, optimizer, set)
   local parts = {}
   local function add(name, tensor)
      parts[#parts + 1] = ("%s %s %s %s"):format(name, scute.checksum { tensor }, tensor.requires_grad,
         tensor.grad and scute.checksum { tensor.grad })
   end
   for name, tensor in model:named_parameters() do add(name, tensor) end
   for name, tensor in model:named_buffers() do add(name, tensor) end
   for name, module in model:named_modules() do
      parts[#parts + 1] = ("%s %s %s"):format(name, rawget(module, "training"), rawget(module, "fixed"))
   end
   local state = optimizer:state_dict()
   for _, name in ipairs(state.names) do add(name, state.tensors[name]) end
   for _, group in ipairs(state.groups) do parts[#parts + 1] = ("%s %a %a"):format(group.name, group.lr, group.base_lr) end
   for name, count in pairs(state.steps) do parts[#parts + 1] = name .. " " .. count end
   for _, part in ipairs { set.train, set.val } do
      for index in pairs(rawget(part, "bad") or {}) do parts[#parts + 1] = "bad " .. index end
   end
   table.sort(parts)
   return table.concat(parts, "\n") .. table.concat(scute.rng_state(), " ")
end

-- EfficientNet has dropout and stochastic depth.
local function new(freeze, arch)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = models.create(arch or "efficientnet_b0", { classes = set.classes, image_size = 32 })
   if freeze then model:freeze "backbone" end
   return model, set, optim.adamw(model:groups { lr = { backbone = 1e-4, head = 1e-3 } })
end

setup(function() root = scratch.make(true) end)
teardown(function() scratch.remove(root) end)

describe("train.lr_find", function()
   it("leaves everything as it was, to the last bit", function()
      local model, set, optimizer = new()
      local options = { optimizer = optimizer, epochs = 1, batch_size = 8, workers = 1, augment = { horizontal_flip = 0.5 } }
      train.fit(model, set, options) -- a past: optimizer state, a bad photo, gradients, statistics that have moved
      model:eval()
      local before = fingerprint(model, optimizer, set)
      local found = train.lr_find(model, set, { optimizer = optimizer, steps = 12, batch_size = 8, workers = 1, mixup = 0.2 })
      assert.is_true(#found.points > 5)
      assert.equal(before, fingerprint(model, optimizer, set))
      local twin, twin_set, twin_optimizer = new()
      options.optimizer = twin_optimizer
      train.fit(twin, twin_set, options)
      local random = scute.rng_state()
      options.optimizer, options.epochs = optimizer, 2
      local a = train.fit(model, set, options)
      scute.rng_state(random)
      options.optimizer = twin_optimizer
      local b = train.fit(twin, twin_set, options)
      assert.equal(b.history[2].train_loss, a.history[2].train_loss)
      assert.equal(fingerprint(twin, twin_optimizer, twin_set), fingerprint(model, optimizer, set))
   end)

   for _, name in ipairs { "bf16", "fp16" } do
      it("does so in " .. name .. ", in which it trains as train.fit does", function()
         local model, set, optimizer = new(false, "resnet18")
         local before = fingerprint(model, optimizer, set)
         local found = train.lr_find(model, set, { optimizer = optimizer, precision = name, steps = 10, batch_size = 21,
            workers = 1 })
         assert.equal(before, fingerprint(model, optimizer, set))
         local plain = train.lr_find(model, set, { optimizer = optimizer, steps = 10, batch_size = 21, workers = 1 })
         assert.equal(before, fingerprint(model, optimizer, set))
         assert.equal(10, #found.points)
         assert.are_not.equal(plain.points[1].loss, found.points[1].loss)
         -- the same photos through the same weights, rounded by 18 layers
         assert.is_true(math.abs(plain.points[1].loss - found.points[1].loss) < 0.05)
         assert.is_nil(optimizer.found_inf)
      end)
   end

   it("leaves out what overflows in fp16, and halves the scale until nothing does", function()
      local model, set, optimizer = new(true)
      local weights, before = {}, fingerprint(model, optimizer, set)
      local found = train.lr_find(model, set, { optimizer = optimizer, precision = "fp16", lowest = 1e-3, highest = 1e-2,
         steps = 20, batch_size = 8, loss = function(logits, y)
            weights[#weights + 1] = scute.checksum { model:get("classifier.1").weight }
            return scute.cross_entropy(logits, y) * 2 ^ 8 -- times a scale of 65536 more than float16 holds
         end })
      assert.equal(weights[1], weights[2])
      assert.are_not.equal(weights[1], weights[20])
      assert.equal(20, #found.points)
      assert.equal(before, fingerprint(model, optimizer, set))
   end)

   it("does so after an error too", function()
      local model, set, optimizer = new(true)
      local before, calls = fingerprint(model, optimizer, set), 0
      local plan = train.unfreeze.plan(model, "head,backbone@2", { epochs = 3 })
      local ok, why = pcall(train.lr_find, model, set, { optimizer = optimizer, unfreeze = plan, batch_size = 8, steps = 20,
         loss = function(logits, y)
            calls = calls + 1
            if calls == 5 then error "enough" end
            return scute.cross_entropy(logits, y)
         end })
      assert.is_false(ok)
      assert.matches("enough", why)
      assert.equal(before, fingerprint(model, optimizer, set))
      assert.is_nil(plan.begun)
      assert.is_nil(next(plan.active))
   end)

   it("finds where the loss falls fastest, and stops where it diverges", function()
      local model, set, optimizer = new(true, "resnet18")
      local found = train.lr_find(model, set, { optimizer = optimizer, highest = 1e6, steps = 80, batch_size = 8,
         output_dir = root .. "/out" })
      assert.equal("fc", found.group)
      assert.is_true(found.suggestion > 1e-5 and found.suggestion < found.lowest and found.lowest < found.stopped)
      assert.is_true(#found.points < 80)
      assert.is_true(math.abs(found.rates.stem / found.rates.fc - 0.1) < 1e-9)
      assert.matches("learning rates of fc from 1e%-06 to .*diverged at .*; suggestion: ", tostring(found))
      local file <close> = assert(io.open(root .. "/out/resnet18_lr_find/lr_find.csv"))
      assert.equal("lr,loss,smoothed", file:read "l")
      assert.is_truthy(io.open(root .. "/out/resnet18_lr_find/lr_find.png"))
      assert.is_nil(io.open(root .. "/out/resnet18"))
   end)

   it("keeps its files in a folder of its own, which is one process's at a time", function()
      local model, set, optimizer = new(true, "resnet18")
      local output, why = root .. "/held", nil
      local function look(loss)
         return train.lr_find(model, set, { optimizer = optimizer, steps = 10, batch_size = 21, output_dir = output,
            loss = loss })
      end
      look()
      local inner
      look(function(logits, y)
         if not inner then
            local ok
            inner, ok, why = true, pcall(look)
            assert(not ok)
         end
         return scute.cross_entropy(logits, y)
      end)
      assert.matches("held/resnet18_lr_find' is in use by another run", tostring(why))
      assert.is_nil(io.open(output .. "/resnet18_lr_find/run.lock"))
      model.weights = { path = output .. "/resnet18/best.safetensors" } -- what it starts from decides where its run will lie
      scute.files.mkdirs(output .. "/resnet18")
      scute.files.write(model.weights.path, "")
      look()
      assert.is_truthy(io.open(output .. "/resnet18_tuned_lr_find/lr_find.csv"))
   end)

   it("survives a loss that is no number", function()
      local model, set, optimizer = new()
      local before = fingerprint(model, optimizer, set)
      local found = train.lr_find(model, set, { optimizer = optimizer, lowest = 1e10, highest = 1e38, steps = 10,
         batch_size = 8 })
      assert.is_truthy(found.stopped)
      assert.is_nil(found.suggestion)
      assert.matches("nothing to suggest", tostring(found))
      assert.equal(before, fingerprint(model, optimizer, set))
      found:figure()
   end)

   it("suggests nothing where nothing is learned", function()
      local model, set, optimizer = new(true)
      local found = train.lr_find(model, set, { optimizer = optimizer, lowest = 1e-12, highest = 1e-9, steps = 30,
         batch_size = 8 })
      assert.is_nil(found.suggestion)
   end)

   it("refuses what makes no sense", function()
      local model, set, optimizer = new(true)
      local function refuses(text, options)
         options.optimizer = options.optimizer == nil and optimizer or options.optimizer or nil
         local ok, why = pcall(train.lr_find, model, set, options)
         assert.is_false(ok)
         assert.matches(text, tostring(why))
      end
      refuses("lowest below highest, found 1 and 0.1", { lowest = 1, highest = 0.1 })
      refuses("option 'steps': expected a whole number of at least 10, found 3", { steps = 3 })
      refuses("option 'highest': expected a number above 0, found %-1", { highest = -1 })
      refuses("unknown option 'step'; did you mean 'steps'", { step = 3 })
      refuses("'optimizer' is missing", { optimizer = false })
      refuses("keeps their proportions", { optimizer = optim.sgd(model:groups { lr = 0 }) })
      model:freeze()
      refuses("nothing to train", {})
      local defaults = lr_find.OPTIONS:read { optimizer = optimizer }
      assert.same({ 1e-6, 1, 100, 4 }, { defaults.lowest, defaults.highest, defaults.steps, defaults.diverged })
   end)
end)
