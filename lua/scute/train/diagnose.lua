-- Where numbers go wrong: the first layer of a network that gives infinities or NaN.
local scute = require "scute"
local Module = require "scute.nn.module"
local finite = require "scute.base.finite"

local diagnose = {}

local function is_finite(tensor)
   return finite.problem(tensor) == nil
end

local function first_of(tensors)
   for name, tensor in tensors do
      if tensor.dtype ~= "i64" and not is_finite(tensor) then return ("'%s' is not finite"):format(name) end
   end
end

-- Modules tell of what they computed in the order in which they are done, so that the first is an innermost one.
local function first_output(model, forward)
   local first
   scute.no_grad(Module.observed, function(module, output)
      if not first and Module.is_tensor(output) and not is_finite(output) then first = module end
   end, function() forward():free() end)
   if not first then return nil end
   for name, module in model:named_modules() do
      if module == first then return name ~= "" and name or "model", first.class_name end
   end
end

--- What of a network is not finite first, as half a sentence: its input x, a weight, the output of a layer when
-- `forward()` sends x through it once more, or a running statistic (they come last, because an output that is not finite
-- has spoilt the next ones); nil where all is finite this time.
function diagnose.first_nonfinite(model, forward, x)
   if not is_finite(x) then return "what goes into the network is not finite" end
   local weight = first_of(model:named_parameters())
   if weight then return weight end
   local name, class = first_output(model, forward)
   if name then return ("the first output that is not finite is that of %s (%s)"):format(name, class) end
   return first_of(model:named_buffers())
end

return diagnose
