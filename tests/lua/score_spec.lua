-- What a model says about photos, in the one place where photos are scored; and that all who ask agree.
local scute = require "scute"
local models, optim, train, data = scute.models, scute.optim, scute.train, scute.data
local console = require "scute.base.console"
local scratch = dofile "tests/lua/scratch.lua"

local root

local function trained(options)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = models.create("resnet18", { classes = set.classes, image_size = 64 }):freeze "backbone"
   options.optimizer = optim.sgd(model:groups { lr = 0.05 })
   options.workers, options.batch_size, options.epochs = 1, 10, 2
   return train.fit(model, set, options), model, set
end

local function warnings(f, ...)
   local warn, told = console.warn, {}
   console.warn = function(format, ...) told[#told + 1] = format:format(...) end
   local results = table.pack(pcall(f, ...))
   console.warn = warn
   if not results[1] then error(results[2], 0) end
   return told, table.unpack(results, 2, results.n)
end

setup(function() root = scratch.make(true) end)
teardown(function() scratch.remove(root) end)

describe("scute.score", function()
   it("says what the model says, photo by photo, and names what it cannot read", function()
      scute.manual_seed(2)
      local part, classes = data.list(root .. "/photos")
      local model = models.create("resnet18", { classes = classes, image_size = 32 })
      local seen = scute.score(model, part,
         { want = { "guesses", "logits", "losses", "features" }, batch_size = 5, workers = 1 })
      assert.is_true(model.training) -- as it was
      assert.is_true(seen.complete)
      assert.equal(1, #seen.bad)
      assert.matches("900.bmp", seen.bad[1].path)
      assert.equal(#part.paths - 1, #seen.indices)
      assert.same({ #seen.indices, 512 }, seen.features.shape)
      model:eval()
      local losses = scute.cross_entropy(seen.logits, scute.tensor(seen.y, { dtype = "i64" }), { reduction = "none" }):values()
      for at, index in ipairs(seen.indices) do
         assert.equal(part.labels[index], seen.y[at])
         assert.is_true(math.abs(losses[at] - seen.losses[at]) < 1e-6)
         if at % 7 == 1 then
            local x = scute.image.load(part.paths[index]):preprocess(model.preprocessing)
            local own = scute.no_grad(model, x)
            for c, value in ipairs(own:values()) do
               assert.is_true(math.abs(value - seen.logits[at][c]) < 1e-4) -- batches of 1 and of 5 sum in other orders
            end
            assert.equal(own:argmax(2):values()[1], seen.guesses[at])
         end
      end
   end)

   it("leaves every module in the mode that it was in", function()
      local part, classes = data.list(root .. "/photos")
      local model = models.create("resnet18", { classes = classes, image_size = 32 })
      model:get("layer1"):eval()
      scute.score(model, { paths = { part.paths[1] } })
      assert.is_true(model.training and model:get("layer2").training)
      assert.is_false(model:get("layer1").training or model:get("layer1.0.bn1").training)
   end)

   it("hands over batches instead, and wants no labels where no losses are asked for", function()
      local part, classes = data.list(root .. "/photos")
      local model, n = models.create("resnet18", { classes = classes, image_size = 32 }), 0
      local kept
      local seen = scute.score(model, { paths = part.paths }, { want = { "features" }, each = function(batch)
         n = n + #batch.indices:values()
         assert.is_nil(batch.y)
         assert.is_nil(batch.guesses)
         kept, batch.features = batch.features, nil
      end })
      assert.equal(#part.paths - 1, n)
      assert.is_nil(seen.indices)
      assert.is_truthy(kept:numel()) -- taken out of the batch, so not freed
      assert.error_matches(function() scute.score(model, { paths = part.paths }, { want = { "losses" } }) end,
         "losses need labels")
      assert.error_matches(function()
         scute.score(model, { paths = part.paths }, { loss = function(logits, y) return scute.cross_entropy(logits, y) end })
      end, "score: a loss needs labels")
      local _, why = pcall(function() scute.score(model, { paths = {} }) end)
      assert.matches("score_spec.lua:%d+: score: expected at least one photo, found none", why)
      assert.error_matches(function() scute.score(model, part, { want = { "loss" } }) end, "a list of guesses, logits, losses")
      assert.error_matches(function() scute.score(model, part.paths) end, "expected photos as { paths = , labels = }")
      assert.error_matches(function() scute.score("resnet18", part) end, "expected a model of scute.models, found resnet18")
   end)

   for _, cached in ipairs { "auto", "off" } do
      it("is what validation, evaluate and predict say, cache_features = " .. cached, function()
         for _, precision in ipairs { "fp32", "bf16" } do
            local result, _, set = trained { precision = precision, cache_features = cached, output_dir = root .. "/" .. cached
               .. precision }
            local model, metadata = models.load(result.folder .. "/best.safetensors")
            assert.equal(precision, metadata.precision)
            -- Where the processor has no bfloat16 a model that was trained in it is looked at in fp32: here it is asked for.
            local asked = { precision = precision, workers = 1 }
            local records = scute.evaluate.photos(model, set.val, set.classes, asked)
            local summary = scute.evaluate.summary(records, model.classes, { resamples = 20 })
            assert.equal(result.best.val_accuracy, summary.accuracy)
            assert.is_true(math.abs(result.best.val_loss - summary.log_loss) < 1e-6) -- float32 and float64 sums
            local paths = {}
            for i, record in ipairs(records) do paths[i] = record.path end
            local said = scute.predict.photos(model, paths, asked)
            for i, photo in ipairs(said.photos) do
               assert.equal(model.classes[records[i].predicted], photo.top[1].class)
               assert.is_true(math.abs(records[i].confidence - photo.top[1].probability) < 1e-6)
            end
         end
      end)
   end

   it("computes in the precision that the model was trained in, where the device does, and says where it does not", function()
      local result, _, set = trained { precision = "bf16", output_dir = root .. "/own" }
      local model = models.load(result.folder .. "/best.safetensors")
      local function logits(options)
         options.want = { "logits" }
         return scute.score(model, set.val, options).logits:values()
      end
      local told, own = warnings(logits, {})
      local bf16, fp32 = logits { precision = "bf16" }, logits { precision = "fp32" }
      assert.are_not.same(bf16, fp32)
      if scute.computes("cpu", "bf16") then
         assert.same(bf16, own)
         assert.same({}, told)
      else
         assert.same(fp32, own)
         assert.same({ "the model was trained in bf16, which cpu does not compute in; it is looked at in fp32" }, told)
      end
      model:to "ref"
      told = warnings(function() scute.score(model, set.val, { device = "ref" }) end)
      assert.same({ "the model was trained in bf16, which ref does not compute in; it is looked at in fp32" }, told)
   end)
end)
