-- How a run's device computes what it is asked for: which algorithms, and in float32 how exactly. On a GPU the fastest
-- algorithm of a convolution is chosen by timing when it comes again, or at the end of the epoch; which it was is in the
-- checkpoint and, for convolutions that come later, in a file of the user's, so that a run that goes on computes as it did.
-- Where there can be no such file none is timed after the first epoch. A run that is deterministic times none.
local scute = require "scute"
local console = require "scute.base.console"
local precision = require "scute.base.precision"

local algorithms = {}

--- What the session insists on, the run does.
function algorithms.read(run)
   run.deterministic = run.deterministic or scute.deterministic()
end

--- Until the value that it returns goes out of scope, the device computes as the run says.
function algorithms.hold(run)
   local before, exact = scute.deterministic(), precision.hold(run.precision)
   scute.deterministic(run.deterministic)
   scute.chosen(run.device, "") -- as in a program of its own; there is no checkpoint yet
   return setmetatable({}, { __close = function()
      scute.deterministic(before)
      local _ <close> = exact -- luacheck: ignore
   end })
end

local function tell_precision(run)
   local is_old = run.device:find "^cuda" and not scute.computes(run.device, "tensor_cores")
   if run.half then
      return console.line("precision: %s%s", run.precision,
         is_old and (": %s has no tensor cores, so it saves memory, not time"):format(run.device) or "")
   end
   local rounds = scute.computes(run.device, "tf32")
   if run.precision == "fp32_strict" then
      console.line("precision: fp32_strict%s", rounds and "" or (": fp32, which %s never rounds to TF32"):format(run.device))
   elseif rounds then
      local products = scute.tf32()
      console.line("precision: fp32; convolutions%s round to TF32 (not with --precision fp32_strict)",
         products and " and matrix products" or "")
   elseif is_old then
      console.line("precision: fp32; %s has no tensor cores, with which half precision would be faster", run.device)
   end
end

--- What is not as usual, or not as one may think.
function algorithms.tell(run)
   tell_precision(run)
   if not run.deterministic then return end
   if run.device:find "^cuda" then
      console.line "deterministic: algorithms that give the same bits at every run; none is timed"
   else
      console.line("deterministic: %s gives the same bits at every run anyway, with as many threads", run.device)
   end
end

--- What came once in an epoch is settled at its end, whether or not a checkpoint is due, which may depend on the clock: so a
-- run that goes on from one of them settles the same. To be called before the checkpoint's hook.
algorithms.hook = { on_epoch_end = function(run) scute.chosen(run.device) end }

--- Which algorithms were timed and used, as a part of the run's state.
algorithms.part = {
   name = "algorithms",
   save = function(run) return { chosen = scute.chosen(run.device) } end,
   load = function(run, saved)
      if scute.chosen(run.device, saved.chosen) then return end
      console.warn("the checkpoint was made on another GPU or with another cuDNN, where other algorithms were the fastest: the "
         .. "last digits will differ")
   end,
}

return algorithms
