-- The Lua side of tests/golden/make_parity.py: the same weights, inputs and sampled positions, from scute.rand.
local scute = require "scute"

local parity = { SAMPLES = 256 }

local SEED, INPUT_STREAM, POSITION_STREAM, GRADIENT_STREAM, FIRST_PARAMETER = 20240917, 1, 2, 3, 16
local FOLDER = "tests/golden/parity/"

-- Values low..high of a stream, rounded to float32 so that float32 and float64 runs start from the same numbers.
local function drawn(stream, shape, low, high)
   scute.rng_state { SEED, stream }
   local u <close> = scute.rand(shape, { dtype = "f64", device = "ref" })
   local wide <close> = u * (high - low)
   local shifted <close> = wide + low
   return shifted:to "f32"
end

local NORMS = { 0.5, 1.5 } -- range of the weights of norms, and of those of models by name (NORMS_OF in make_parity.py)
local NORMS_OF = { efficientnet_v2_s = { 0.2, 0.6 } }

local function value_range(name, t, norms)
   if name:find "running_var$" then return 0.5, 1.5 end
   if name:find "running_mean$" then return -0.25, 0.25 end
   local shape = t.shape
   if #shape == 1 then
      if name:find "weight$" then return norms[1], norms[2] end
      return -0.25, 0.25
   end
   local bound = #shape == 4 and math.sqrt(6.0 / (shape[2] * shape[3] * shape[4])) or math.sqrt(3.0 / shape[2])
   return -bound, bound
end

-- Gives every entry of a module its value; dropout is switched off. Returns the module.
function parity.fill(module)
   local state, norms = module:state_dict(), NORMS_OF[rawget(module, "arch")] or NORMS
   scute.no_grad(function()
      for i, name in ipairs(state.names) do
         local t = state.tensors[name]
         if t.dtype ~= "i64" then
            local low, high = value_range(name, t, norms)
            local value <close> = drawn(FIRST_PARAMETER + i - 1, t.shape, low, high)
            t:copy_(value)
         end
      end
   end)
   module:apply(function(child)
      if child.p then child.p = 0 end
   end)
   return module
end

-- A batch of images in -2..2 on a device, in its dtype.
function parity.images(shape, device, dtype)
   return drawn(INPUT_STREAM, shape, -2, 2):to { device = device, dtype = dtype }
end

-- A gradient of an output, in -2..2.
function parity.output_gradient(t)
   return drawn(GRADIENT_STREAM, t.shape, -2, 2):to { device = t.device, dtype = t.dtype }
end

local fractions

-- The sampled entries of a tensor, in logical order, as numbers.
function parity.sample(t)
   if not fractions then
      scute.rng_state { SEED, POSITION_STREAM }
      fractions = scute.rand(parity.SAMPLES, { dtype = "f64" }):values()
   end
   local n, all, found = t:numel(), t:detach():values(), {}
   for i, u in ipairs(fractions) do found[i] = all[math.floor(u * n) + 1] end
   return found, all
end

-- A golden file: tensors by name, metadata as text.
function parity.golden(name)
   local state = scute.weights.load(FOLDER .. name .. ".safetensors", "ref")
   return state.tensors, state.metadata
end

-- Largest difference between a list of numbers and a tensor's, and the largest magnitude of the latter. A NaN on
-- either side makes the difference NaN, and comparisons with it fail.
function parity.difference(found, golden)
   local expected, worst, size = golden:values(), 0, 0
   assert(#expected == #found and #found > 0, "different numbers of values")
   for i, v in ipairs(expected) do
      local d = math.abs(v - found[i])
      if d > worst or d ~= d then worst = d end
      size = math.max(size, math.abs(v))
   end
   return worst, size
end

local function norm(list)
   local sum = 0.0
   for _, v in ipairs(list) do sum = sum + v * v end
   return math.sqrt(sum)
end

-- Compares a module's gradients with golden "norms" (P) and "samples" (P, n), the first n of SAMPLES, parameter by parameter in
-- order.
-- Returns the distance over the whole model (of the samples), that of the worst parameter and its name, and the largest
-- relative difference of a norm. Sizes below 1e-6 of the largest norm count as that: a gradient that is exactly zero
-- in theory has no digits to compare.
function parity.gradients(module, names, norms, samples)
   local all_norms, rows, i, n = norms:values(), samples:values(), 0, samples.shape[2]
   local largest = 0
   for _, v in ipairs(all_norms) do largest = math.max(largest, v) end
   local square, total, worst, worst_name, norm_error = 0.0, 0.0, 0.0, "none", 0.0
   for name, p in module:named_parameters() do
      i = i + 1
      assert(names[i] == name, ("parameter %d is %s, expected %s"):format(i, name, names[i] or "none"))
      local gradient <close> = p.grad
      local found, all = parity.sample(gradient)
      local difference, expected = {}, {}
      for k = 1, n do
         expected[k] = rows[(i - 1) * n + k]
         difference[k] = found[k] - expected[k]
      end
      local d, size = norm(difference), norm(expected)
      square, total = square + d * d, total + size * size
      local relative = d / math.max(size, 1e-6 * largest)
      if relative > worst or relative ~= relative then worst, worst_name = relative, name end
      local e = math.abs(norm(all) - all_norms[i]) / math.max(all_norms[i], 1e-6 * largest)
      if e > norm_error or e ~= e then norm_error = e end
   end
   assert(i == #names and i > 0, "different numbers of parameters")
   return math.sqrt(square / total), worst, worst_name, norm_error
end

-- Names of ops that fell back from cpu to ref since scute.profile "reset".
function parity.fallbacks()
   local names = {}
   for _, row in ipairs(scute.profile()) do
      if row.fallbacks > 0 then names[#names + 1] = row.op end
   end
   return table.concat(names, " ")
end

return parity
