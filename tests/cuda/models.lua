-- One training step and one evaluation of each backbone on a GPU, two pictures of 64 x 64, in float32, float16 and bfloat16.
-- What is right is float64 on ref. How far off float32 or halves may be no constant says: a net of fifty layers whose batch
-- norms see eight values a channel makes much of a rounding. The measure is the CPU in the same precision: its error is of
-- the same roundings in another order, so the GPU's may be 3 times as large.
-- Usage: scute tests/cuda/models.lua [DEVICE [model ...]]
local scute = require "scute"

local device = arg[1] or "cuda"
local names = #arg > 1 and table.move(arg, 2, #arg, 1, {}) or { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3",
   "mobilenet_v2" }
local passed, failed = 0, 0
local SIZE, CLASSES, ROOM = 64, 5, 3
-- Below this an error is as good as none: the last bits of exp and of a square root.
local FLOOR = { f32 = 1e-6, f16 = 2 ^ -11, bf16 = 2 ^ -8 }

local function check(ok, name, detail)
   if ok then
      passed = passed + 1
   else
      failed = failed + 1
      print(("FAILED %s: %s"):format(name, detail))
   end
end

-- |a - b| / |b| over all numbers of two lists of lists; infinite where a number is not finite
local function distance(a, b)
   local off, size = 0, 0
   for i, expected in ipairs(b) do
      assert(#a[i] == #expected)
      for j, value in ipairs(expected) do
         off, size = off + (a[i][j] - value) ^ 2, size + value ^ 2
      end
   end
   off = math.sqrt(off / size)
   return off == off and off or math.huge
end

-- The same weights, pictures, dropped samples and classes everywhere; values of logits, gradients, running statistics,
-- weights after a step, and logits of an evaluation.
local function run(name, where, dtype)
   scute.manual_seed(3)
   local model = scute.models.create(name, { classes = CLASSES, pretrained = "none" })
   local x = scute.randn(2, 3, SIZE, SIZE)
   local wide = dtype == "f64" and "f64" or "f32"
   model:to(wide):to(where)
   x = x:to(wide):to(where)
   local classes = scute.tensor({ 2, 5 }, { dtype = "i64", device = where })
   local results = { logits = {}, gradients = {}, statistics = {}, weights = {}, evaluation = {} }
   scute.manual_seed(4)
   scute.autocast(dtype == "f64" and "f32" or dtype, function()
      local logits = model:train()(x)
      logits:cross_entropy(classes, { label_smoothing = 0.1 }):backward()
      results.logits[1] = logits:values()
   end)
   local parameters, grads, momenta = model:parameters(), {}, {}
   for i, p in ipairs(parameters) do
      grads[i], momenta[i] = p.grad, scute.zeros(p.shape, { device = where, dtype = wide })
      results.gradients[i] = p.grad:values()
   end
   scute.sgd_step { params = parameters, grads = grads, momenta = momenta, lr = 0.01, momentum = 0.9, first = true }
   for i, p in ipairs(parameters) do results.weights[i] = p:detach():values() end
   for _, buffer in model:named_buffers() do
      if buffer.dtype ~= "i64" then results.statistics[#results.statistics + 1] = buffer:values() end
   end
   scute.autocast(dtype == "f64" and "f32" or dtype, function()
      results.evaluation[1] = scute.no_grad(function() return model:eval()(x) end):values()
   end)
   return results
end

for _, name in ipairs(names) do
   local exact = run(name, "ref", "f64")
   for _, dtype in ipairs { "f32", "f16", "bf16" } do
      local cpu = run(name, "cpu", dtype)
      local ok, gpu = pcall(run, name, device, dtype)
      if not ok then check(false, name .. ", " .. dtype, gpu) end
      for what, expected in pairs(ok and exact or {}) do
         local found, bound = distance(gpu[what], expected), distance(cpu[what], expected)
         check(found <= math.max(ROOM * bound, FLOOR[dtype]), ("%s, %s, %s"):format(name, dtype, what),
            ("off by %.3g, the CPU by %.3g"):format(found, bound))
         if os.getenv "VERBOSE" then print(name, dtype, what, found, bound) end
      end
      collectgarbage()
   end
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0, true)
