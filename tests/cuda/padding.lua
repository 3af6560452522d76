-- Convolutions whose padding differs before and after, TensorFlow's "same", which the descriptors of cuDNN do not know: photos
-- are padded for it, where they have to be and no more, and scute's own kernels take it as it is.
-- Usage: SCUTE_PLUGINS=build/softgpu SCUTE_CUDA_CACHE= scute tests/cuda/padding.lua [DEVICE]
local plugins = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder")
package.cpath = plugins .. "/?.so;" .. package.cpath

local scute = require "scute"
local softgpu = require "softgpu"
local tally = dofile "tests/tally.lua"
local check = tally.check
local _, check_near, calls = dofile "tests/cuda/measured.lua"(check, softgpu)

local device = arg[1] or "cuda"
local FUSED, TIMED = "cudnnConvolutionBiasActivationForward", "cudnnFindConvolutionForwardAlgorithmEx"
scute.manual_seed(1)

-- TensorFlow's "same" padding of one dimension: zeros before and after.
local function zeros(size, kernel, a)
   local stride, reach = a.stride or 1, (a.dilation or 1) * (kernel - 1) + 1
   local total = math.max(((size + stride - 1) // stride - 1) * stride + reach - size, 0)
   return total // 2, total - total // 2
end

-- What conv2d with padding "same_tf" comes to, by zeros around x, and whether there are more on one side.
local function by_hand(x, w, a)
   local top, bottom = zeros(x.shape[3], w.shape[3], a)
   local left, right = zeros(x.shape[4], w.shape[4], a)
   local padded <close> = x:pad { left, right, top, bottom }
   local y = padded:conv2d(w, nil, { stride = a.stride or 1, dilation = a.dilation, groups = a.groups })
   return y, top ~= bottom or left ~= right
end

local function same_tf(x, w, a)
   return x:conv2d(w, nil, { stride = a.stride or 1, dilation = a.dilation, groups = a.groups, padding = "same_tf" })
end

-- How many times photos are padded for cuDNN, or their gradient is cut out, by f(...).
local function paddings(f, ...)
   local function count()
      local n = 0
      for kernel, launches in pairs(softgpu.launches()) do
         if kernel:find("conv_pad", 1, true) then n = n + launches end
      end
      return n
   end
   local before = count()
   f(...)
   return count() - before
end

-- The result of convolve(x, w, a) in a width, and the gradients of both, as lists of numbers.
local function results_of(convolve, x, w, a, dtype)
   local own_x, own_w = x:detach():requires_grad_(), w:detach():requires_grad_()
   local y, is_uneven = scute.autocast(dtype, function() return convolve(own_x, own_w, a) end)
   y:to("f32"):pow(2):sum():backward()
   return { y = y:to("f32"):values(), ["the gradient of x"] = own_x.grad:values(),
      ["the gradient of w"] = own_w.grad:values() }, is_uneven
end

local SAME = { -- x, kernel
   { { 2, 4, 8, 7 }, { 3, 3 }, stride = 2 },  -- the lower side alone
   { { 2, 4, 7, 8 }, { 3, 3 }, stride = 2 },  -- the right one
   { { 2, 4, 8, 10 }, { 3, 3 }, stride = 2 }, -- both
   { { 2, 4, 7, 9 }, { 3, 3 }, stride = 2 },  -- as much on both sides
   { { 2, 3, 8, 10 }, { 3, 3 }, stride = 2 }, -- of a photo: pixels of no whole vector
   { { 1, 8, 6, 5 }, { 2, 4 } },
   { { 1, 8, 10, 9 }, { 5, 2 }, stride = 3 },
   { { 2, 8, 8, 8 }, { 3, 3 }, stride = 2, dilation = 2 },
   { { 2, 8, 8, 6 }, { 3, 3 }, stride = 2, groups = 2 },
   { { 2, 8, 8, 6 }, { 3, 3 }, stride = 2, groups = 8 }, -- scute's own kernels
   { { 2, 4, 8, 8 }, { 1, 1 }, stride = 2 },
   { { 1, 4, 1, 2 }, { 7, 3 }, stride = 2 },
}

local function pads_what_cudnn_cannot()
   scute.tf32(false)
   for _, a in ipairs(SAME) do
      local x, kernel = scute.randn(a[1]), a[2]
      local w = scute.randn { 8, a[1][2] // (a.groups or 1), kernel[1], kernel[2] }
      local name = ("same_tf, %d x %d of %d x %d, stride %d"):format(kernel[1], kernel[2], a[1][3], a[1][4], a.stride or 1)
      local expected, is_uneven = results_of(by_hand, x:to "ref", w:to "ref", a, "f32")
      local times = is_uneven and a.groups ~= a[1][2] and 3 or 0 -- forward, and for each of the gradients
      for dtype, room in pairs { f32 = 1e-6, f16 = 4e-3, bf16 = 3e-2 } do
         local found
         local n = paddings(function() found = results_of(same_tf, x:to(device), w:to(device), a, dtype) end)
         for what, numbers in pairs(expected) do
            check_near(found[what], numbers, room, ("%s, %s: %s"):format(name, dtype, what))
         end
         check(n == times, name .. ": padded where sides differ, and no more", ("%d times, not %d"):format(n, times))
      end
   end
   scute.tf32(false, true)
end

-- Two convolutions of equal photos, filters and results, that differ in where the zeros are.
local function tells_paddings_apart()
   local x, w = scute.randn(2, 5, 8, 8), scute.randn(6, 5, 3, 3)
   local own_x, own_w = x:to(device), w:to(device)
   for _, padding in ipairs { 1, "same_tf" } do
      local expected = padding == 1 and x:conv2d(w, nil, { stride = 2, padding = 1 }) or by_hand(x, w, { stride = 2 })
      local function convolve()
         local y <close> = own_x:conv2d(own_w, nil, { stride = 2, padding = padding })
         return y:values()
      end
      check(calls(TIMED, convolve) == 0 and calls(TIMED, convolve) == 1, ("padding %s is timed by itself"):format(padding))
      check_near(convolve(), expected:values(), 1e-2, ("padding %s has its own numbers"):format(padding))
   end
end

local function pads_once_in_one()
   scute.tf32(false)
   local x, own = scute.randn(2, 3, 8, 10), {}
   local p = { weight = scute.randn(6, 3, 3, 3), gamma = scute.rand(6) + 0.5, beta = scute.randn(6), mean = scute.randn(6),
      var = scute.rand(6) + 0.5 }
   for name, t in pairs(p) do own[name] = t:to(device) end
   local function evaluate(photos, q, act)
      return scute.no_grad(scute.conv_bn_act, { x = photos, weight = q.weight, bn_weight = q.gamma, bn_bias = q.beta,
         running_mean = q.mean, running_var = q.var, act = act, eps = 1e-5, stride = 2, padding = "same_tf" })
   end
   for act, fused in pairs { relu = 1, relu6 = 0 } do
      local found, in_one
      local n = paddings(function()
         in_one = calls(FUSED, function() found = evaluate(x:to(device), own, act):values() end)
      end)
      check_near(found, evaluate(x, p, act):values(), 1e-6, "same_tf with " .. act)
      check(n == 1 and in_one == fused, "same_tf with " .. act .. ": photos are padded once, in one where cuDNN does it",
         ("%d times, %d in one"):format(n, in_one))
   end
   scute.tf32(false, true)
end

-- A bias in one with the convolution, that no algorithm does after all: two steps, and a second look that is not worth a copy.
local function pads_nothing_for_what_fails()
   local x, w, bias = scute.randn(2, 7, 8, 8), scute.randn(6, 7, 3, 3), scute.randn(6)
   local own = { x:to(device), w:to(device), bias:to(device) }
   local expected, found = (by_hand(x, w, { stride = 2 }) + bias:reshape { 6, 1, 1 }):values(), nil
   local function convolve()
      local y <close> = own[1]:conv2d(own[2], own[3], { stride = 2, padding = "same_tf" })
      found = y:values()
   end
   for n = 1, 40 do softgpu.fail(FUSED, n, 3000) end
   local first = paddings(convolve)
   softgpu.fail_nothing()
   check_near(found, expected, 1e-2, "same_tf with a bias that cuDNN does not add")
   local second = paddings(convolve)
   check_near(found, expected, 1e-2, "same_tf with such a bias again")
   check(first == 2 and second == 1, "what fails is padded for once", ("%d times, then %d"):format(first, second))
end

-- Each allocation fails, and the one after it, when the first is tried again.
local function pads_where_memory_is_short()
   scute.tf32(false)
   local x, w = scute.randn(3, 4, 8, 8), scute.randn(6, 4, 3, 3)
   local expected, own_x, own_w = results_of(by_hand, x, w, { stride = 2 }, "f32"), x:to(device), w:to(device)
   local function live()
      for _ = 1, 2 do collectgarbage() end
      scute.flush()
      return scute.memory(device).live
   end
   local before = live()
   for n = 1, 8 do
      live()
      for attempt = n, n + 1 do softgpu.fail("cudaMalloc", attempt, 2) end
      local ok, found = pcall(results_of, same_tf, own_x, own_w, { stride = 2 }, "f32")
      softgpu.fail_nothing()
      check(ok or scute.error_kind(found) == "out of memory", "same_tf where memory is short", found)
      for what, numbers in pairs(ok and expected or {}) do check_near(found[what], numbers, 1e-6, "short memory: " .. what) end
      check(live() == before, "same_tf where memory is short leaves nothing", live() - before)
   end
   scute.tf32(false, true)
end

local function pads_in_graphs()
   local x, w = scute.randn(2, 4, 8, 8), scute.randn(6, 4, 3, 3)
   local own_x, own_w = scute.zeros(x.shape):to(device), w:to(device):requires_grad_()
   local function step()
      local y <close> = same_tf(own_x, own_w, { stride = 2 })
      local squares <close> = y * y
      local sum <close> = squares:sum()
      sum:backward()
   end
   step()
   own_w:zero_grad()
   local graph <close> = assert(scute.record(device, { own_x, own_w }, step))
   own_w:zero_grad()
   scute.average_step { averages = { own_x }, values = { x:to(device) }, decay = 0 } -- in place
   check(graph:launch(), "a graph with same_tf fits")
   check_near(own_w.grad:values(), results_of(by_hand, x, w, { stride = 2 }, "f32")["the gradient of w"], 1e-2,
      "a graph pads what photos it finds")
end

pads_what_cudnn_cannot()
tells_paddings_apart()
pads_once_in_one()
pads_nothing_for_what_fails()
pads_where_memory_is_short()
pads_in_graphs()
tally.finish()
