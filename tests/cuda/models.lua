-- One training step and one evaluation of each backbone on a GPU, two pictures of 64 x 64, in float32, float16 and bfloat16.
-- What is right is float64 on ref. How far off float32 or halves may be no constant says: a net of fifty layers whose batch
-- norms see eight values a channel makes much of a rounding. The measure is the CPU in the same precision: its error is of
-- the same roundings in another order, so the GPU's may be 3 times as large.
-- In half width such a net's gradients are noise, and after a step so is an evaluation, in float32 too: its statistics have
-- hardly begun. So that they say something, forward and backward and an evaluation run where batch norm evaluates, with a
-- variance at which features neither vanish nor grow: there errors stay below STEADY.
-- Usage: scute tests/cuda/models.lua [DEVICE [model ...]]
local scute = require "scute"

local device = arg[1] or "cuda"
scute.tf32(false) -- what is compared is float32
local ALL, TWO, ONE = { "f32", "f16", "bf16" }, { "f32", "bf16" }, { "f32" }
-- Networks that come in fewer widths, a training step in float32 alone: half width's is noise, and its kernels the others have.
local FEWER = { convnext_tiny = true, efficientnet_lite0 = true, efficientnet_v2_s = true, mobilenet_v3_large = true }
local names = #arg > 1 and table.move(arg, 2, #arg, 1, {}) or { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3",
   "mobilenet_v2", "efficientnet_lite0", "efficientnet_v2_s", "convnext_tiny", "mobilenet_v3_large" }
local tally = dofile "tests/tally.lua"
local check = tally.check
local SIZE, CLASSES, ROOM = 64, 5, 3
-- Errors where batch norm evaluates, at least twice the largest that were found on the CPU. Gradients in float32 are off by
-- 1e-5, but one ReLU whose input is a rounding away from 0 makes that 5e-4.
local STEADY = { gradients = { f32 = 2e-3, f16 = 0.06, bf16 = 0.33 }, logits = { f32 = 2e-5, f16 = 0.006, bf16 = 0.07 } }
STEADY.evaluation = STEADY.logits
-- Below this an error is as good as none: the last bits of exp and of a square root.
local FLOOR = { f32 = 1e-6, f16 = 2 ^ -11, bf16 = 2 ^ -8 }

-- The sum of squares of a tensor's numbers.
local function square(t)
   local each <close> = t * t
   local sum <close> = each:sum()
   return sum:item()
end

local sizes = setmetatable({}, { __mode = "k" })

-- The sum of squares of a list, with which several are compared.
local function size_of(list)
   if not sizes[list] then
      local sum = 0
      for _, each in ipairs(list) do sum = sum + square(each) end
      sizes[list] = sum
   end
   return sizes[list]
end

-- |a - b| / |b| over all numbers of two lists of tensors, in float64; infinite where a number is not finite
local function distance(a, b)
   assert(#a == #b and #b > 0)
   local off = 0
   for i, expected in ipairs(b) do
      local found <close> = a[i]:to "f64"
      local difference <close> = found - expected
      off = off + square(difference)
   end
   off = math.sqrt(off / size_of(b))
   return off == off and off or math.huge
end

local function host(t)
   return t:detach():to "cpu"
end

-- What every run of a network begins with: a model, whose weights the others copy, and pictures.
local function beginning(name)
   scute.manual_seed(3)
   return scute.models.create(name, { classes = CLASSES, pretrained = "none" }), scute.randn(2, 3, SIZE, SIZE)
end

-- All variances of a model become one number, at which its features for x are about 0.02.
local function make_steady(model, x)
   local variance, largest = 2, 0
   model:eval()
   while largest < 0.02 do
      variance = variance / 2 ^ 0.125
      for _, module in model:named_modules() do
         if module.running_var then
            module.running_mean:fill_(0)
            module.running_var:fill_(variance)
         end
      end
      largest = scute.no_grad(function() return model:features(x):abs():max():item() end)
   end
end

-- A copy of a model, and of x, on a device.
local function copies(first, x, where, dtype)
   local wide = dtype == "f64" and "f64" or "f32"
   local model = scute.nn.init.skip(scute.models.create, first.arch, { classes = CLASSES, pretrained = "none" })
   model:load_state_dict(first:state_dict())
   return model:to(wide):to(where), x:to(wide):to(where)
end

-- Forward and backward; the same classes and dropped samples everywhere. Returns the logits.
local function learn(model, x, dtype)
   local classes = scute.tensor({ 2, 5 }, { dtype = "i64", device = x.device })
   scute.manual_seed(4)
   return scute.autocast(dtype == "f64" and "f32" or dtype, function()
      local logits = model(x)
      logits:cross_entropy(classes, { label_smoothing = 0.1 }):backward()
      return logits
   end)
end

-- The logits of an evaluation, as a list of one.
local function evaluate(model, x, dtype)
   return scute.autocast(dtype == "f64" and "f32" or dtype, function()
      return { scute.no_grad(function() return host(model:eval()(x)) end) }
   end)
end

-- A step of SGD. Returns the gradients.
local function update(model, lr)
   local parameters, grads, momenta = model:parameters(), {}, {}
   for i, p in ipairs(parameters) do
      grads[i], momenta[i] = p.grad, scute.zeros(p.shape, { device = p.device, dtype = p.dtype })
   end
   scute.sgd_step { params = parameters, grads = grads, momenta = momenta, lr = lr, momentum = 0.9, first = true }
   return grads
end

-- Logits and gradients where batch norm evaluates, and those of an evaluation, which folds it away.
local function steady(first, pictures, where, dtype)
   local model, x = copies(first, pictures, where, dtype)
   local results = { logits = { host(learn(model:eval(), x, dtype)) }, gradients = {}, evaluation = evaluate(model, x, dtype) }
   for i, p in ipairs(model:parameters()) do results.gradients[i] = host(p.grad) end
   return results
end

-- A training step: logits, gradients, running statistics, and weights after it, as lists of tensors on the CPU.
local function run(first, pictures, where, dtype)
   local model, x = copies(first, pictures, where, dtype)
   local results = { logits = { host(learn(model:train(), x, dtype)) }, gradients = {}, statistics = {}, weights = {} }
   results.gradients = update(model, 0.01)
   for i, grad in ipairs(results.gradients) do results.gradients[i] = host(grad) end
   for i, p in ipairs(model:parameters()) do results.weights[i] = host(p) end
   for _, buffer in model:named_buffers() do
      if buffer.dtype ~= "i64" then results.statistics[#results.statistics + 1] = host(buffer) end
   end
   if #results.statistics == 0 then results.statistics = nil end -- a network without batch norm
   return results
end

-- Evaluations before and after an update of weights and statistics: what was made of them for the first is no use for the
-- second.
local function updated(first, pictures, where, dtype)
   local model, x = copies(first, pictures, where, dtype)
   local results = { before = evaluate(model, x, dtype) }
   learn(model:train(), x, dtype)
   update(model, 0.1)
   results.after = evaluate(model, x, dtype)
   return results
end

-- f(first, x, device, dtype) in some precisions against float64, which it returns; the errors may be room(what, dtype, the
-- CPU's).
local function compare(name, first, x, dtypes, f, room)
   local exact = f(first, x, "ref", "f64")
   for _, dtype in ipairs(dtypes) do
      local cpu = f(first, x, "cpu", dtype)
      local ok, gpu = pcall(f, first, x, device, dtype)
      if not ok then check(false, name .. ", " .. dtype, gpu) end
      for what, expected in pairs(ok and exact or {}) do
         local found, bound = distance(gpu[what], expected), distance(cpu[what], expected)
         check(found <= room(what, dtype, bound), ("%s, %s, %s"):format(name, dtype, what),
            ("off by %.3g, the CPU by %.3g"):format(found, bound))
         if os.getenv "VERBOSE" then print(name, dtype, what, found, bound) end
      end
      collectgarbage()
   end
   return exact
end

for _, name in ipairs(names) do
   local first, x = beginning(name)
   local few = FEWER[name]
   compare(name, first, x, few and ONE or ALL, run, function(_, dtype, bound) return math.max(ROOM * bound, FLOOR[dtype]) end)
   make_steady(first, x)
   compare(name .. ", steady", first, x, few and TWO or ALL, steady, function(what, dtype) return STEADY[what][dtype] end)
end

-- A small network: one of fifty layers makes too much of an update.
local small, pictures = beginning "baseline_cnn"
make_steady(small, pictures)
local exact = compare("baseline_cnn, updated", small, pictures, ALL, updated,
   function(_, dtype) return STEADY.logits[dtype] end)
local change = distance({ exact.before[1]:to "f32" }, exact.after)
check(change > 0.5, "an update changes much", change)
tally.finish()
