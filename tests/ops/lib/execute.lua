-- Runs one case on a device in a dtype, forward and backward.
local scute = require "scute"
local cases = require "cases"

local M = {}

local function make(entry, values, device, dtype)
   local options = { dtype = entry.float and dtype or entry.spec.dtype, device = device }
   local flat = scute.tensor(values, options)
   return flat:reshape(entry.spec.shape)
end

-- arguments(case, device, dtype[, numbers]) -> named arguments for the op, list of tensors by flat index.
-- `numbers` replaces the hashed values of inputs: {flat index = list}.
function M.arguments(case, device, dtype, numbers)
   local named, tensors = {}, {}
   for name, value in pairs(case.attrs or {}) do named[name] = value end
   for i, entry in ipairs(case.flat) do
      local value = entry.number
      if entry.spec then
         value = make(entry, numbers and numbers[i] or cases.values(entry.spec, entry.salt), device, dtype)
         if entry.grad then value:requires_grad_() end
         tensors[i] = value
      end
      if entry.index then
         named[entry.param] = named[entry.param] or {}
         named[entry.param][entry.index] = value
      else
         named[entry.param] = value
      end
   end
   return named, tensors
end

-- The same seed before each call, so that random ops repeat themselves.
function M.call(case, named)
   scute.manual_seed(1234)
   return table.pack(scute[case.op](named))
end

function M.upstream(output, k)
   return cases.values({ shape = output.shape }, 1000 + k)
end

local function is_float(t)
   return t.dtype ~= "i64" and t.dtype ~= "u8"
end

local function run_backward(outputs, rounding)
   for k = 1, outputs.n do
      local y = outputs[k]
      if is_float(y) and y.requires_grad then
         local g = scute.tensor(M.upstream(y, k), { dtype = rounding or y.dtype, device = y.device })
         y:backward(g:to(y.dtype):reshape(y.shape), { retain = k < outputs.n })
      end
   end
end

local function has_changed(t, before)
   for i, value in ipairs(t:values()) do
      if value ~= before[i] then return true end
   end
   return false
end

-- run(case, device, dtype[, numbers, rounding]) -> list of {name, values, dtype, float}: outputs as out1 ..., gradients as
-- grad.NAME, inputs that were changed in place as after.NAME; each with the index of a list as in grad.params.2.
-- Upstream gradients are rounded to the dtype `rounding` first.
function M.run(case, device, dtype, numbers, rounding)
   local named, tensors = M.arguments(case, device, dtype, numbers)
   local results, before = {}, {}
   local function add(name, t)
      results[#results + 1] = { name = name, values = t:values(), dtype = t.dtype, float = is_float(t) }
   end
   for i in pairs(case.flat) do before[i] = tensors[i] and tensors[i]:values() end
   local outputs = M.call(case, named)
   for k = 1, outputs.n do add("out" .. k, outputs[k]) end
   run_backward(outputs, rounding)
   for i, entry in ipairs(case.flat) do
      local name = entry.index and ("%s.%d"):format(entry.param, entry.index) or entry.param
      if tensors[i] and tensors[i].grad then add("grad." .. name, tensors[i].grad) end
      if entry.grad and case.differentiable and not tensors[i].grad then
         error(("no gradient reached '%s'"):format(name), 0)
      end
      if tensors[i] and has_changed(tensors[i], before[i]) then add("after." .. name, tensors[i]) end
   end
   return results
end

-- The sum over all float outputs of output times upstream gradient: what backward differentiates.
function M.objective(case, device, dtype, numbers)
   return scute.no_grad(function()
      local total = 0
      local outputs = M.call(case, (M.arguments(case, device, dtype, numbers)))
      for k = 1, outputs.n do
         if is_float(outputs[k]) then
            local values, upstream = outputs[k]:values(), M.upstream(outputs[k], k)
            for i = 1, #values do total = total + values[i] * upstream[i] end
         end
      end
      return total
   end)
end

-- ---- half width: inputs and upstream gradients are the same on both sides ----

-- Tolerances: results are rounded to half a unit in the last place; an op made of others rounds in between as well.
M.HALVES = { f16 = 2 ^ -10, bf16 = 2 ^ -7 }

-- Numbers of a case, rounded to the dtype, for run's `numbers`.
function M.rounded(case, dtype)
   local numbers = {}
   for i, entry in ipairs(case.flat) do
      if entry.float then numbers[i] = scute.tensor(cases.values(entry.spec, entry.salt), { dtype = dtype }):values() end
   end
   return numbers
end

return M
