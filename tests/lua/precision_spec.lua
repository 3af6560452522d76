-- Training in half precision: what is float32 all the same, loss scaling in float16 (emulated on the CPU), resuming with a
-- scaler, and the layer that is named where numbers are no longer finite.
local scute = require "scute"
local models, optim, train, data = scute.models, scute.optim, scute.train, scute.data
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local root

-- whole: a real network, all of which trains; side: one for photos of that size; otherwise a small one with a frozen backbone.
local function fit(options)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local is_real = options.whole or options.side
   local model = is_real and models.create("resnet18", { classes = set.classes, image_size = options.side or 32 })
      or Small(set.classes)
   if not options.whole then model:freeze "backbone" end
   local prepare = options.prepare
   options.whole, options.prepare, options.side = nil, nil, nil
   if prepare then prepare(model) end
   options.optimizer = options.optimizer or optim.adamw(model:groups { lr = 0.01 })
   options.workers, options.batch_size, options.epochs = 1, options.batch_size or 8, options.epochs or 2
   return train.fit(model, set, options), model, options.optimizer
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

describe("precision", function()
   it("auto is bf16 where the device computes in it and batches are large enough for it to be faster", function()
      local precision = require "scute.base.precision"
      local has = scute.computes("cpu", "bf16")
      assert.equal(has and "bf16" or "f32", precision.dtype("auto", "cpu"))
      assert.equal(has and "bf16" or "f32", precision.dtype("auto", "cpu", 40000))
      assert.equal("f32", precision.dtype("auto", "cpu", 39999))
      assert.equal("f32", precision.dtype("auto", "ref", 1e9))
      local function seen(side, batch)
         local found
         fit { precision = "auto", epochs = 1, batch_size = batch, side = side,
            hooks = { { on_fit_begin = function(run) found = run.precision end } } }
         return found
      end
      assert.equal("fp32", seen(32, 8))
      assert.equal(has and "bf16" or "fp32", seen(64, 10))
   end)

   it("says what it does not know", function()
      assert.has_error(function() fit { precision = "fp61" } end,
         "train.fit: option 'precision': expected one of auto, fp32, fp32_strict, bf16, fp16, found 'fp61'; did you mean "
         .. "'fp16'?")
   end)

   for _, name in ipairs { "bf16", "fp16" } do
      it(name .. " leaves weights, gradients, state and logits in f32, and learns what fp32 learns", function()
         local dtypes = {}
         local function look(run)
            for _, parameter in run.model:named_parameters() do
               dtypes[parameter.dtype] = true
               if parameter.grad then dtypes[parameter.grad.dtype] = true end
            end
            for _, state in pairs(run.optimizer.state) do dtypes[state.exp_avg.dtype] = true end
         end
         local function whole(precision)
            return fit { precision = precision, whole = true, epochs = 1, batch_size = 21,
               hooks = { { on_backward_end = look } } }
         end
         local half, plain = whole(name), whole "fp32"
         assert.same({ f32 = true }, dtypes)
         -- one update of a network of random weights; the loss is a mean over 21 photos of what 18 layers rounded
         assert.is_true(math.abs(half.history[1].train_loss - plain.history[1].train_loss) < 0.03)
         assert.are_not.equal(half.history[1].train_loss, plain.history[1].train_loss)
      end)
   end
end)

describe("the loss scaler", function()
   local HIGH = 2 ^ 24 -- gradients overflow in the first five steps

   -- Starts with a scale.
   local function overflowing(options, scale)
      options.precision = "fp16"
      options.hooks = options.hooks or {}
      table.insert(options.hooks, 1, { on_fit_begin = function(run)
         if run.step == 0 and run.skipped == 0 then run.scaler.scale:fill_(scale) end
      end })
      return fit(options)
   end

   it("leaves overflowing updates out: no weight, schedule, average or count moves", function()
      local rates, weights, averages, skips, last = {}, {}, {}, {}, nil
      local _, _, optimizer = overflowing({
         epochs = 4, ema = 0.5, schedule = scute.schedule.linear(),
         hooks = { {
            on_step_begin = function(run)
               rates[#rates + 1] = run.optimizer:get_lr()
               weights[#weights + 1] = run.model:get("fc").weight:values()
               averages[#averages + 1] = run.average.tensors["fc.weight"] and run.average.tensors["fc.weight"]:values() or {}
            end,
            on_step_end = function(run) skips[#skips + 1], last = run.last.skipped or "none", run end,
         } },
      }, HIGH)
      assert.is_true(last.skipped > 2 and last.step > 2)
      assert.equal(12, last.step + last.skipped)
      for i = 1, 11 do
         if skips[i] == "overflow" then
            assert.same({ rates[i], weights[i], averages[i] }, { rates[i + 1], weights[i + 1], averages[i + 1] })
         else
            assert.is_true(rates[i + 1] < rates[i])
            assert.are_not.same(weights[i], weights[i + 1])
            assert.are_not.same(averages[i], averages[i + 1])
         end
      end
      assert.equal(HIGH / 2 ^ last.skipped, last.scaler.scale:item())
      assert.equal(last.skipped, last.scaler.skipped:item())
      for _, count in pairs(optimizer.steps) do assert.equal(last.step, count) end
   end)

   it("saves a model though every update was left out", function()
      local last
      local watch = { on_step_end = function(run) last = run end }
      overflowing({ epochs = 1, output_dir = root .. "/still", hooks = { watch } }, 2 ^ 120)
      assert.same({ 0, 3 }, { last.step, last.skipped })
      for _, name in ipairs { "best.safetensors", "last.safetensors", "history.csv" } do
         assert.is_truthy(io.open(last.folder .. "/" .. name))
      end
   end)

   it("finds the same gradients whatever the scale", function()
      local found = {}
      for i, scale in ipairs { 1, 65536 } do
         overflowing({ epochs = 1, batch_size = 21, hooks = { { on_backward_end = function(run)
            found[i] = found[i] or { run.model:get("fc").weight.grad:values(), run.scaler.found_inf:item() }
         end } } }, scale)
      end
      assert.equal(0, found[1][2])
      local worst, largest = 0, 0
      for i, value in ipairs(found[1][1]) do
         worst, largest = math.max(worst, math.abs(value - found[2][1][i])), math.max(largest, math.abs(value))
      end
      assert.is_true(worst <= 2 ^ -10 * largest) -- what is subnormal in float16 without a scale is not with one
   end)

   it("doubles after good steps", function()
      local scale
      fit { precision = "fp16", hooks = { {
         on_fit_begin = function(run)
            run.scaler.interval = 2
            run.scaler.scale:fill_(16)
         end,
         on_step_end = function(run) scale = run.scaler.scale:item() end,
      } } }
      assert.equal(16 * 8, scale)
   end)

   it("gives up where no scale helps", function()
      local ok, message = pcall(fit, { precision = "fp16", epochs = 20, hooks = { {
         on_backward_begin = function(run) run.loss = run.loss * math.huge end,
      } } })
      assert.is_false(ok)
      assert.is_truthy(tostring(message.message or message):find "overflowed in 40 steps in a row")
   end)

   it("goes on from a checkpoint to the same bits", function()
      local function run(options)
         options.output_dir, options.save_steps, options.ema = root .. "/" .. options.output_dir, 1, 0.9
         local result, model = overflowing(options, HIGH)
         return result, model:get("fc").weight:values()
      end
      local scaler = {}
      local function watch(i)
         return { on_fit_end = function(r)
            scaler[i] = { r.scaler.scale:item(), r.scaler.good_steps:item(), r.scaler.skipped:item(), r.skipped, r.step }
         end }
      end
      local whole, expected = run { output_dir = "whole", epochs = 4, hooks = { watch(1) } }
      for _, stop in ipairs { 2, 4, 10 } do
         local calls = 0
         local folder = "parts" .. stop
         local ok = pcall(run, { output_dir = folder, epochs = 4, hooks = { { on_step_begin = function()
            calls = calls + 1
            if calls > stop then error "stopped here" end
         end } } })
         assert.is_false(ok)
         local rest, found = run { output_dir = folder, epochs = 4, resume = "auto", hooks = { watch(2) } }
         assert.same(expected, found)
         assert.same(scaler[1], scaler[2])
         assert.is_true(scaler[1][3] > 2 and scaler[1][5] > 2)
         assert.equal(whole.history[4].train_loss, rest.history[4].train_loss)
      end
   end)
end)

describe("a loss that is no number", function()
   local function message_of(options)
      local ok, message = pcall(fit, options)
      assert.is_false(ok)
      return tostring(type(message) == "table" and message.message or message)
   end

   it("names the first layer whose output is not finite", function()
      local text = message_of { whole = true, prepare = function(model)
         scute.no_grad(function() model:get("layer2.0.conv1").weight:fill_(1e38) end)
      end }
      assert.is_truthy(text:find("layer2.0.conv1 (Conv2d)", 1, true), text)
   end)

   it("names a weight that is not finite", function()
      local text = message_of { whole = true, prepare = function(model)
         scute.no_grad(function() model:get("layer3.1.conv2").weight:fill_(0 / 0) end)
      end }
      assert.is_truthy(text:find("'layer3.1.conv2.weight' is not finite", 1, true), text)
   end)
end)
