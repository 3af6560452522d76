-- In what precision a run computes: "fp32", "bf16", "fp16", or "auto", which is bfloat16 where the device computes in it and
-- that is faster, and float32 elsewhere.
--
-- When it is faster was measured on a CPU with avx512_bf16, one thread: training steps of resnet18 and 50, efficientnet_b0 and
-- b3, mobilenet_v2 and baseline_cnn take 0.5 to 0.97 of the time of float32 for batches of 40,000 pixels (10 photos of 64
-- pixels, 1 of 224) and more; with 16,000 pixels efficientnet_b0 takes 1.0 to 1.1 of it.
--
-- In half precision the products of a network (convolutions, linear layers) and what lies between them are half-width;
-- logits, losses, statistics of batch norm, weights, gradients and the optimizer's state stay float32, and so do all files.
--
-- float16 has few exponents: small gradients vanish in it. So the loss is scaled before backward (Micikevicius et al. 2018,
-- https://arxiv.org/abs/1710.03740) and the gradients are divided by the scale before they are clipped. Where one
-- overflows the update is left out and the scale halved; after 2000 updates without it doubles. Scale, counters and the
-- flag of an overflow are tensors of the device, which the optimizer's step reads there; the host learns of it once the
-- update is on its way.
local scute = require "scute"
local console = require "scute.base.console"
local diagnose = require "scute.train.diagnose"

local precision = {}

precision.NAMES = { "auto", "fp32", "bf16", "fp16" }

local DTYPES = { fp32 = "f32", bf16 = "bf16", fp16 = "f16" }
local LEAST = 40000 -- pixels of a batch from which on bfloat16 is faster
local SCALE, PATIENCE = 65536, 40 -- the scale at the start; overflows in a row that no scale can help

--- The dtype of products for a name on a device; warns where the device has that dtype for storage only. pixels: of a batch
-- (default: many).
function precision.dtype(name, device, pixels)
   if name == "auto" then return scute.computes(device, "bf16") and (pixels or LEAST) >= LEAST and "bf16" or "f32" end
   local dtype = DTYPES[name]
   if not dtype then
      local nearest = scute.nearest(tostring(name), precision.NAMES)
      error(("precision: expected one of %s, found '%s'%s"):format(table.concat(precision.NAMES, ", "), tostring(name),
         nearest and ("; did you mean '%s'?"):format(nearest) or ""), 0)
   end
   if not scute.computes(device, dtype) then
      console.warn("%s has no %s arithmetic: it is computed in float32 and rounded, which takes longer than fp32", device, name)
   end
   return dtype
end

-- ---- loss scaling ----

local function number(run, value)
   return scute.full({}, value, { device = run.device })
end

local function set(run, values)
   local scaler = run.scaler
   for _, name in ipairs { "scale", "good_steps", "skipped" } do scaler[name] = number(run, values[name]) end
end

--- Learns whether the gradients of an update overflowed; then it has changed nothing, and is as if it had not been. last:
-- what run.last was in that update.
function precision.settle(run, last)
   local scaler = run.scaler
   if not scaler or not scaler.pending then return end
   local found <close> = scaler.pending:get()
   scaler.pending:free()
   scaler.pending, run.optimizer.found_inf = nil, nil
   if found:item() == 0 then
      scaler.in_a_row = 0
      return
   end
   scaler.in_a_row = scaler.in_a_row + 1
   if last.skipped then return end -- for another reason as well
   run.optimizer:take_back()
   run.step, run.skipped, last.skipped = run.step - 1, run.skipped + 1, "overflow"
   if scaler.in_a_row >= PATIENCE and not run.finds_rates then
      run.meter:clear()
      console.fail("the gradients overflowed in %d steps in a row, up to epoch %d, step %d, however small the loss was scaled; "
         .. "use --precision bf16 or fp32, or lower --learning_rate", PATIENCE, run.epoch, run.step + 1)
   end
end

local function report(run)
   if run.outcome == "finished" and run.skipped > 0 then
      console.line("float16: %s left out because gradients overflowed; the loss was scaled by %g in the end",
         console.count(run.skipped, "update"), run.scaler.scale:item())
   end
end

local scaler_hook = {
   name = "loss scaler",
   save = function(run)
      local scaler = run.scaler
      return { scale = scaler.scale:item(), good_steps = scaler.good_steps:item(), skipped = scaler.skipped:item(),
         in_a_row = scaler.in_a_row }
   end,
   load = function(run, state)
      set(run, state)
      run.scaler.in_a_row = state.in_a_row
   end,
   on_backward_begin = function(run) run.loss = run.loss * run.scaler.scale end,
   on_backward_end = function(run)
      local scaler = run.scaler
      run.optimizer:unscale_grad(scaler.scale, scaler.found_inf)
      scute.scale_update_ { scale = scaler.scale, good_steps = scaler.good_steps, skipped = scaler.skipped,
         found_inf = scaler.found_inf, interval = scaler.interval }
      if run.skip then return end
      run.optimizer.found_inf = scaler.found_inf
      scaler.pending = scaler.found_inf:later()
   end,
   on_fit_end = report,
}

-- ---- a run ----

--- Reads run.precision: run.half is the dtype of its products, nil for float32.
function precision.read(run)
   local dtype = precision.dtype(run.precision, run.device, run.preprocess and run.batch_size * run.preprocess.crop ^ 2)
   run.precision = dtype == "f32" and "fp32" or dtype == "f16" and "fp16" or "bf16"
   run.half = dtype ~= "f32" and dtype or nil
   if dtype ~= "f16" then return end
   run.scaler = { found_inf = number(run, 0), in_a_row = 0, interval = 2000 }
   set(run, { scale = SCALE, good_steps = 0, skipped = 0 })
end

--- The hook of the loss scaler, to be called before all others; nil where there is none.
function precision.hook(run)
   return run.scaler and scaler_hook
end

--- f(...) in the run's precision; what it returns is one tensor, of float32.
function precision.call(run, f, ...)
   if not run.half then return f(...) end
   local y = scute.autocast(run.half, f, ...)
   if y.dtype == "f32" then return y end
   local wide = y:to "f32"
   y:free()
   return wide
end

--- The first layer whose output is not finite for a batch, as half a sentence; see scute.train.diagnose.
function precision.first_nonfinite(run, x)
   return diagnose.first_nonfinite(run.model, function() return precision.call(run, run.feed.forward, x) end, x)
end

return precision
