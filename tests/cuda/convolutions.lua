-- How convolutions come to their algorithm on a GPU: listed and timed, refused and failing (kept for other runs and programs:
-- choices.lua); in parts where a batch has too many elements; with bias, residual and activation in one; and in which width.
-- Usage: SCUTE_PLUGINS=build/softgpu SCUTE_CUDA_CACHE= scute tests/cuda/convolutions.lua [DEVICE]
--        ... DEVICE FUNCTION: one of the parts that want a program of their own
local plugins = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder")
package.cpath = plugins .. "/?.so;" .. package.cpath

local scute = require "scute"
local softgpu = require "softgpu"
local tally = dofile "tests/tally.lua"
local check = tally.check

local device, part = arg[1] or "cuda", arg[2]
local FORWARD, FUSED, TIMED = "cudnnConvolutionForward", "cudnnConvolutionBiasActivationForward",
   "cudnnFindConvolutionForwardAlgorithmEx"
local RANKED = "cudnnGetConvolutionForwardAlgorithm_v7"

local distance, check_near, calls = dofile "tests/cuda/measured.lua"(check, softgpu)

-- Inputs of a convolution that no other part of this file has: each shape is met for the first time.
local side = 5
local function drawn(channels, kernel)
   side = side + 1
   scute.manual_seed(side)
   return scute.randn(2, channels or 4, side, 7), scute.randn(6, channels or 4, kernel or 1, kernel or 1)
end

local function there(x, w)
   return x:to(device):conv2d(w:to(device)):values()
end

-- A convolution of tensors that stay on the device, to be done several times.
local function convolution(...)
   local x, w = drawn(...)
   local own_x, own_w = x:to(device), w:to(device)
   return function()
      local y <close> = own_x:conv2d(own_w)
      return y:values()
   end, x, w
end

-- ---- choosing ----

local function times_what_comes_again()
   local convolve = convolution()
   check(calls(TIMED, convolve) == 0, "what comes once is not timed")
   check(calls(TIMED, convolve) == 1, "what comes again is")
   check(calls(TIMED, convolve) == 0, "once")
   scute.flush()
   check(calls(TIMED, convolve) == 0, "nor after caches are dropped")
   scute.deterministic(true)
   convolve = convolution()
   check(calls(TIMED, function() convolve() convolve() end) == 0, "with scute.deterministic(true) none is timed")
   scute.deterministic(false)
end

-- Layers of a network that are alike, in one pass and in two.
local function times_no_single_pass()
   local x, w = drawn()
   local own, layers = x:to(device), {}
   for i = 1, 3 do layers[i] = (w * i):to(device) end
   local function pass()
      for _, layer in ipairs(layers) do own:conv2d(layer):free() end
   end
   check(calls(TIMED, pass) == 0, "a single pass is not timed, though it has layers that are alike")
   check(calls(TIMED, pass) == 1, "a second one is, once")
end

-- Gradients of layers that are alike: those of a single step are not timed.
local function times_gradients_that_come_again()
   for _, kind in ipairs { "Data", "Filter" } do
      local name, x, w = ("cudnnFindConvolutionBackward%sAlgorithmEx"):format(kind), drawn()
      local own, layers = x:to(device):requires_grad_(), {}
      for i = 1, 3 do layers[i] = (w * i):to(device):requires_grad_() end
      local function step()
         for _, layer in ipairs(layers) do
            local y <close> = own:conv2d(layer)
            local sum <close> = y:sum()
            sum:backward()
         end
      end
      local first, second, third = calls(name, step), calls(name, step), calls(name, step)
      check(first == 0 and second == 1 and third == 0, name .. " in the second step",
         ("%d, %d, %d"):format(first, second, third))
   end
end

local function gives_back_what_timing_took()
   local convolve = convolution()
   convolve()
   local took, gave = softgpu.calls "cudaMalloc", softgpu.calls "cudaFree"
   check(calls(TIMED, convolve) == 1, "timed")
   took, gave = softgpu.calls "cudaMalloc" - took, softgpu.calls "cudaFree" - gave
   check(took == 1 and gave == 1, "memory for timing is given back", ("%d taken, %d given"):format(took, gave))
   local again, x, w = convolution()
   again()
   for n = 1, 2 do softgpu.fail("cudaMalloc", n, 2) end
   local known, found = scute.memory(device).live, nil
   check(calls(TIMED, function() found = again() end) == 0, "where memory is short nothing is timed")
   softgpu.fail_nothing()
   check(scute.memory(device).live == known, "nor is anything kept for it")
   check_near(found, x:conv2d(w):values(), 1e-2, "and heuristics suffice")
   convolve, x, w = convolution()
   convolve()
   softgpu.fail("cudaMalloc", 1, 2)
   check(calls(TIMED, function() found = convolve() end) == 1, "where the pool keeps memory it gives up that")
   softgpu.fail_nothing()
   check_near(found, x:conv2d(w):values(), 1e-2, "and the numbers are right")
end

-- What was timed in a program, as its checkpoints keep it.
local function tells_what_it_chose()
   local convolve = convolution()
   convolve()
   convolve()
   local text = scute.chosen(device)
   check(text:find "\n" and not text:find "nil", "what was chosen is told", text)
   check(scute.chosen(device, text), "and taken")
   check(scute.chosen(device, "nonsense\n\n1 2 3\n"), "nonsense changes nothing")
   check(scute.chosen(device) == text, "and what was chosen stays", scute.chosen(device))
   check(scute.chosen(device, "") and scute.chosen(device) == "", "an empty text forgets it", scute.chosen(device))
   check(scute.chosen(device, text) and scute.chosen(device) == text, "until it is taken again", scute.chosen(device))
   local another = convolution()
   another()
   check(calls(TIMED, function() another() scute.chosen(device) end) == 1, "what came twice is timed once")
   text, another = scute.chosen(device), convolution()
   another()
   check(calls(TIMED, function() check(scute.chosen(device) ~= text, "what came once is told, too") end) == 1,
      "and timed for that")
   check(calls(TIMED, function() another() another() scute.chosen(device) end) == 0, "and stays as it is from then on")
   check(scute.chosen "cpu" == "" and scute.chosen("cpu", ""), "the CPU times nothing")
end

-- Batches of two sizes, each once: the smaller is the rest of an epoch.
local function times_no_rest_of_an_epoch()
   local x, w = drawn()
   local own_x, own_w = x:to(device), w:to(device)
   local rest = own_x:slice(1, 1, 1)
   local function convolve(photos) photos:conv2d(own_w):free() end
   convolve(rest)
   convolve(own_x)
   check(calls(TIMED, scute.chosen, device) == 1, "of two batches that came once the larger is timed for what is told")
   check(calls(TIMED, function() convolve(rest) convolve(rest) end) == 0, "and the smaller stays as it is")
   rest = scute.concat({ own_x, own_x }, 1):slice(1, 1, 3)
   convolve(rest)
   check(calls(TIMED, scute.chosen, device) == 1, "one that is larger yet is timed")
   rest = rest:slice(1, 1, 1)
   check(calls(TIMED, function() convolve(rest) scute.chosen(device) end) == 0, "what was told is known")
end

-- What cannot be timed computes the same in a program that goes on and in one that takes what it told.
local function keeps_what_it_could_not_time()
   local ways = {
      { "cudaMalloc", { 1, 2, 3, 4, 5, 6, 7, 8 }, 2 }, -- in the second call, and for what is told
      { TIMED, { 1, 2 }, 3000 },
   }
   for _, way in ipairs(ways) do
      local name, which, status = table.unpack(way)
      local before, convolve = scute.chosen(device), convolution()
      local first = convolve()
      for _, n in ipairs(which) do softgpu.fail(name, n, status) end
      convolve()
      local text = scute.chosen(device)
      softgpu.fail_nothing()
      check(text ~= before, name .. " fails: what runs instead is told")
      check(calls(TIMED, function()
         for _ = 1, 3 do check(distance(convolve(), first) == 0, name .. " fails: and runs from then on") end
      end) == 0, name .. " fails: and is not timed any more")
   end
end

-- A graph does again what was recorded, whatever would be timed outside.
local function keeps_what_a_graph_has()
   local convolve, x, w = convolution()
   x, w = x:to(device), w:to(device)
   local _ <close> = assert(scute.record(device, { x, w }, function() x:conv2d(w):free() end)) -- luacheck: ignore
   check(calls(TIMED, function() convolve() convolve() scute.chosen(device) end) == 0, "what a graph has is not timed")
end

-- ---- failing ----

local function moves_on_after_any_failure()
   for _, status in ipairs { 2000, 2006, 3000, 4000, 5000, 5003 } do
      local x, w = drawn()
      local name, found = ("status %d of the best algorithm"):format(status), nil
      softgpu.fail(FORWARD, 1, status)
      local n = calls(FORWARD, function() found = there(x, w) end)
      softgpu.fail_nothing()
      check_near(found, x:conv2d(w):values(), 1e-2, name .. ": the next has the right numbers")
      check(n == 2, name .. ": the next is tried", n)
      check(calls(FORWARD, function() there(x, w) end) == 1, name .. " is remembered")
   end
end

local function tells_when_none_is_left()
   local x, w = drawn()
   for n = 1, 40 do softgpu.fail(FORWARD, n, 4000) end
   local ok, why = pcall(there, x, w)
   softgpu.fail_nothing()
   check(not ok and tostring(why):find "no algorithm %(forward; the last of those there are said CUDNN_STATUS_INTERNAL_ERROR",
      "what the last one said is told when none is left", why)
   local half <close> = scute.autocast("f16", function() return x:to(device):conv2d(w:to(device)) end)
   check_near(half:to("f32"):values(), x:conv2d(w):values(), 1e-2, "in half width they are others")
end

local function survives_a_refused_query()
   local convolve, x, w = convolution()
   convolve()
   softgpu.fail(TIMED, 1, 3000)
   check_near(convolve(), x:conv2d(w):values(), 1e-2, "heuristics suffice where timing is refused")
   x, w = drawn()
   softgpu.fail(RANKED, 1, 3000)
   local half <close> = scute.autocast("f16", function() return x:to(device):conv2d(w:to(device)) end)
   check(half.dtype == "f16", "where a query is refused in half width", half.dtype)
   check_near(half:to("f32"):values(), x:conv2d(w):values(), 1e-2, "it is computed in f32")
   x, w = drawn()
   softgpu.fail(RANKED, 1, 3000)
   local ok, why = pcall(there, x, w)
   check(not ok and tostring(why):find "cuDNN has no algorithm %(forward; asked for them it said CUDNN_STATUS_NOT_SUPPORTED%)",
      "and in f32 there is no algorithm", why)
   x, w = drawn()
   softgpu.fail(RANKED, 1, 4004)
   ok, why = pcall(there, x, w)
   check(ok, "memory that was short while it was asked is made up for", why)
   softgpu.fail_nothing()
end

-- ---- in one ----

local FOLDED = { act = require("scute.nn.fused").choices, residual = { false, true } }

local function block(x, p, act, residual)
   return scute.conv_bn_act { x = x, weight = p.weight, bn_weight = p.gamma, bn_bias = p.beta, running_mean = p.mean,
      running_var = p.var, residual = residual, act = act, eps = 1e-5 }
end

local function drawn_block()
   local x, w = drawn()
   return x, { weight = w, gamma = scute.rand(6) + 0.5, beta = scute.randn(6), mean = scute.randn(6),
      var = scute.rand(6) + 0.5 }
end

local function moved(p)
   local copy = {}
   for name, t in pairs(p) do copy[name] = t:to(device) end
   return copy
end

local function computes_in_one()
   scute.tf32(false)
   for _, dtype in ipairs { "f32", "f16", "bf16" } do
      for _, act in ipairs(FOLDED.act) do
         for _, with in ipairs(FOLDED.residual) do
            local x, p = drawn_block()
            local residual = with and scute.randn(block(x, p, act).shape)
            local name = ("%s, %s%s"):format(dtype, act, with and " and residual" or "")
            local expected, own, found = block(x, p, act, residual or nil):values(), moved(p), nil
            local n = calls(FUSED, function()
               local y <close> = scute.no_grad(block, x:to(device):to(dtype), own, act,
                  residual and residual:to(device):to(dtype) or nil)
               found = y:to("f32"):values()
            end)
            check_near(found, expected, dtype == "f32" and 1e-6 or dtype == "f16" and 2e-3 or 2e-2, name)
            check((n == 1) == (act == "none" or act == "relu"), name .. " in one where cuDNN does it", n)
         end
      end
   end
   local x, w = drawn()
   local bias = scute.randn(6)
   check(calls(FUSED, function()
      check_near(x:to(device):conv2d(w:to(device), bias:to(device)):values(), x:conv2d(w, bias):values(), 1e-6, "a bias")
   end) == 1, "a bias is added by cuDNN where nothing needs a gradient")
   scute.tf32(false, true)
end

local function folds_once()
   local x, p = drawn_block()
   local there_x, own = x:to(device), moved(p)
   local function launches() return calls("cudaLaunchKernel", function() block(there_x, own, "relu"):free() end) end
   local first, second = launches(), launches()
   check(first == 1 and second == 0, "filters are folded once", ("%d and %d launches"):format(first, second))
   for name in pairs(p) do
      own[name]:copy_(own[name] * 2)
      p[name]:copy_(p[name] * 2)
      check_near(block(there_x, own, "relu"):values(), block(x, p, "relu"):values(), 1e-2, name .. " changes: again")
      check(launches() == 0, name .. " changes: and then once")
   end
end

-- Filters that are remembered have no use for what was made of them: the ones that moved on do not come back.
local function keeps_nothing_for_what_is_remembered()
   local x, p = drawn_block()
   local there_x, own = x:to(device), moved(p)
   local before = scute.memory(device).live
   block(there_x, own, "relu"):free()
   local folded = scute.memory(device).live - before
   local remembered = own.weight:clone()
   own.weight:fill_(1)
   local kept = scute.memory(device).live - before
   remembered:free()
   check(folded > 0 and kept < folded + 4 * own.weight:numel(), "what was folded goes when filters move on",
      ("%d bytes, %d more than before are left"):format(folded, kept))
end

-- ---- width ----

local function rounds_convolutions_alone()
   local convolve, x, w = convolution()
   local a, b = scute.randn(8, 8), scute.randn(8, 8)
   local function differ()
      convolve() -- the fastest algorithms round, which are found when it comes again
      local found, product = convolve(), (a:to(device)):matmul(b:to(device)):values()
      return distance(found, x:conv2d(w):values()) > 1e-5, distance(product, a:matmul(b):values()) > 1e-5
   end
   local convolutions, products = differ()
   check(convolutions and not products, "convolutions are rounded to TF32 at the start, products are not")
   check(select("#", scute.tf32(false)) == 2, "two answers")
   convolutions, products = differ()
   check(not convolutions and not products, "scute.tf32(false): nothing is")
   scute.tf32(true)
   convolutions, products = differ()
   check(convolutions and products, "scute.tf32(true): both are")
   scute.tf32(false, true)
   check(scute.computes(device, "tf32") and not scute.computes("cpu", "tf32"), "a GPU has TF32")
end

-- ---- parts for programs of their own ----

-- Result and gradients of a batch that is done in parts, against the CPU's.
local function check_parts(shape, attrs, dtype)
   local x, w = scute.randn(shape), scute.randn(6, shape[2], 3, 3)
   local results = {}
   for _, where in ipairs { "cpu", device } do
      local own_x, own_w = x:to(where):detach():requires_grad_(), w:to(where):detach():requires_grad_()
      local y = scute.autocast(where == "cpu" and "f32" or dtype, function() return own_x:conv2d(own_w, nil, attrs) end)
      y:to("f32"):pow(2):sum():backward()
      results[where] = { y:to("f32"):values(), own_x.grad:values(), own_w.grad:values() }
   end
   for i, name in ipairs { "y", "the gradient of x", "the gradient of w" } do
      check_near(results[device][i], results.cpu[i], dtype == "f32" and 1e-6 or 4e-3,
         ("%s in parts, padding %s, %s"):format(name, attrs.padding, dtype))
   end
end

local alone = {}

-- SOFTGPU_ELEMENTS: tensors of more elements are too large for cuDNN.
function alone.splits()
   scute.tf32(false)
   for _, dtype in ipairs { "f32", "f16" } do
      check_parts({ 11, 4, 8, 8 }, { padding = 1 }, dtype)
      check_parts({ 5, 8, 8, 8 }, { stride = 2, padding = "same_tf" }, dtype) -- of larger photos
   end
   local x, w = scute.randn(13, 4, 5, 5), scute.randn(3, 4, 1, 1) -- half of them would not begin at 16 bytes
   check_near(there(x, w), x:conv2d(w):values(), 1e-6, "unequal parts")
   local ok, why = pcall(there, scute.randn(3, 1, 19, 19), w:slice(2, 1, 1))
   check(not ok and scute.error_kind(why) == "out of memory" and tostring(why):find "3 photos of 19 x 19 .* %-%-batch%-size",
      "photos that cannot be parted halve the batch", why)
   ok, why = pcall(there, scute.randn(2, 4, 40, 40), scute.randn(6, 4, 3, 3))
   check(not ok and tostring(why):find "one photo of 40 x 40 .* a smaller %-%-image%-size", "a photo that is too large", why)
end

-- SOFTGPU_ARCH=75
function alone.turing()
   local precision = require "scute.base.precision"
   check(precision.dtype("auto", device, 100) == "f16", "auto is fp16", precision.dtype("auto", device))
   check(scute.computes(device, "f16") and not scute.computes(device, "bf16"), "it has f16, and no bf16")
   check(not scute.computes(device, "tf32"), "and no TF32")
   for _ = 1, 2 do -- refused by the query, and by each algorithm
      local x, w = drawn()
      local y <close> = scute.autocast("bf16", function() return x:to(device):conv2d(w:to(device)) end)
      check(y.dtype == "bf16", "bf16 is computed in f32 and rounded", y.dtype)
      check_near(y:to("f32"):values(), x:conv2d(w):values(), 2e-2, "with the right numbers")
   end
   local a, b = scute.randn(4, 4), scute.randn(4, 4)
   local product <close> = scute.autocast("bf16", function() return a:to(device):matmul(b:to(device)) end)
   check_near(product:to("f32"):values(), a:matmul(b):values(), 2e-2, "products, too")
end

-- SOFTGPU_ARCH=70
function alone.volta()
   local precision = require "scute.base.precision"
   check(precision.dtype("auto", device, 100) == "f16", "auto is fp16 from the first tensor cores on",
      precision.dtype("auto", device))
   check(scute.computes(device, "tensor_cores") and not scute.computes("cpu", "tensor_cores"), "which it has")
end

-- SOFTGPU_ARCH=61
function alone.pascal()
   local precision = require "scute.base.precision"
   check(precision.dtype("auto", device, 1e9) == "f32", "auto is fp32 before", precision.dtype("auto", device))
   check(scute.computes(device, "f16") and not scute.computes(device, "tensor_cores"), "though it has f16")
end

-- SOFTGPU_ARCH=80
function alone.ampere()
   local precision = require "scute.base.precision"
   check(precision.dtype("auto", device, 100) == "bf16", "auto is bf16, however small a batch", precision.dtype("auto", device))
end

local program = dofile "tests/cuda/program.lua"(check, device)

local function separate(settings, name)
   tally.add(name, program(settings, name))
end

-- ----

if part then
   alone[part]()
else
   times_what_comes_again()
   times_no_single_pass()
   times_gradients_that_come_again()
   gives_back_what_timing_took()
   tells_what_it_chose()
   times_no_rest_of_an_epoch()
   keeps_what_it_could_not_time()
   keeps_what_a_graph_has()
   moves_on_after_any_failure()
   tells_when_none_is_left()
   survives_a_refused_query()
   computes_in_one()
   folds_once()
   keeps_nothing_for_what_is_remembered()
   rounds_convolutions_alone()
   separate("SOFTGPU_ELEMENTS=700", "splits")
   separate("SOFTGPU_ARCH=75", "turing")
   separate("SOFTGPU_ARCH=70", "volta")
   separate("SOFTGPU_ARCH=61", "pascal")
   separate("SOFTGPU_ARCH=80", "ampere")
end
tally.finish()
