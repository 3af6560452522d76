-- The precision of a run (see scute.base.precision), and loss scaling.
--
-- float16 has few exponents: small gradients vanish in it. So the loss is scaled before backward (Micikevicius et al. 2018,
-- https://arxiv.org/abs/1710.03740) and the gradients are divided by the scale before they are clipped. Where one
-- overflows the update is left out and the scale halved; after 2000 updates without it doubles. Scale, counters and the
-- flag of an overflow are tensors of the device, which the optimizer's step reads there; the host learns of it once the
-- update is on its way.
local scute = require "scute"
local console = require "scute.base.console"
local base = require "scute.base.precision"
local diagnose = require "scute.train.diagnose"

local precision = {}

local SCALE, PATIENCE = 65536, 40 -- the scale at the start; overflows in a row that no scale can help

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

--- Reads run.precision: run.half is the dtype of its products, nil for float32. The model keeps it, for those who look at it
-- later.
function precision.read(run)
   local dtype = base.dtype(run.precision, run.device, run.preprocess and run.batch_size * run.preprocess.crop ^ 2)
   run.precision, run.half = base.name(run.precision, dtype, run.device), dtype ~= "f32" and dtype or nil
   run.model.precision = run.precision
   if dtype ~= "f16" then return end
   run.scaler = { found_inf = number(run, 0), in_a_row = 0, interval = 2000 }
   set(run, { scale = SCALE, good_steps = 0, skipped = 0 })
end

--- The hook of the loss scaler, to be called before all others; nil where there is none.
function precision.hook(run)
   return run.scaler and scaler_hook
end

--- The first layer whose output is not finite for a batch, as half a sentence; see scute.train.diagnose.
function precision.first_nonfinite(run, x)
   return diagnose.first_nonfinite(run.model, function() return run.feed.forward(x) end, x)
end

return precision
