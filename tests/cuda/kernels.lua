-- Kernels that a script declares (scute.kernel), on a GPU: the numbers of the CPU in every dtype, however tensors lie; what was
-- compiled is kept, and compiled again where it is damaged or for another card; failures at every call of a first use.
-- Usage: SCUTE_PLUGINS=build/softgpu scute tests/cuda/kernels.lua [DEVICE]
--        ... DEVICE once: one call of one kernel, in a program of its own
local scute = require "scute"
local here = arg[0]:match "^(.*)/" or "."
package.cpath = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder") .. "/?.so;"
   .. package.cpath
local softgpu = require "softgpu"
local functions = require "scute.kernel.functions"

local cuda = require "scute.kernel.cuda"

-- The sources of the kernels that follow, by dtype.
local sources, offer = {}, cuda.offer
function cuda.offer(op, source, ...)
   sources[#sources + 1] = source
   return offer(op, source, ...)
end

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local check = tally.check

local MISH = {
   name = "mish", inputs = "x", output = "y",
   forward = "y = x * tanh(log1p(exp(x)));",
   backward = "float s = tanh(log1p(exp(x)));\n gx = gy * (s + x * (1 - s * s) / (1 + exp(-x)));",
}

if arg[2] == "once" then
   local y = scute.kernel(MISH)(scute.ones(3, { device = device }))
   print(("%.6f"):format(y[1]))
   return
end

-- What is declared, how its tensors are made, and with which numbers it is called.
local CASES = {
   { MISH, { { 1 } } },
   { MISH, { { 5 } } },
   { MISH, { { 2, 3, 5, 7 } } },
   { MISH, { { 2, 8, 33, 32 } } },
   { { name = "gated", inputs = "x, gate", outputs = "y, z", numbers = { alpha = 0.5, beta = 2 },
      forward = "y = alpha * x * sigmoid(gate);\nif (x > 0) z = beta * x; else z = gate;",
      backward = [[
         float s = sigmoid(gate);
         gx = gy * alpha * s + (x > 0 ? gz * beta : 0);
         ggate = gy * alpha * x * s * (1 - s) + (x > 0 ? 0 : gz);
      ]] },
      { { 3, 4 }, { 3, 4 } }, { alpha = 0.25 } },
   { 5, { { 2, 8, 5, 6 }, { 8, 1, 1 } } },          -- one of each channel
   { 5, { { 2, 8, 5, 6 }, { 2, 1, 5, 6 } } },
   { 5, { { 2, 6, 5, 7 }, { 6, 5, 7 } } },          -- whose memory is in another order
   { 5, { { 4, 1 }, { 1, 9 } }, { beta = 3 } },     -- both
   { 5, { { 70, 40 }, { 1 } } },
   { 5, { { 1, 1, 1, 1 }, { 3, 16, 4, 4 } } },
   { { name = "kept", inputs = "x", output = "y", forward = "y = exp(x);", backward = "gx = gy * y;" }, { { 3, 7 } } },
}

local kernels = {}
for i, case in ipairs(CASES) do
   if type(case[1]) == "table" then kernels[i] = scute.kernel(case[1]) else kernels[i] = kernels[case[1]] end
end

local ROOM = { f32 = 2e-6, f64 = 1e-12, f16 = 2e-3, bf16 = 1.6e-2 } -- of the largest: rounding, and sums in another order

local function distance(a, b)
   local off, size = 0, 0
   for i, value in ipairs(b) do
      if value == value or a[i] == a[i] then off = math.max(off, math.abs(a[i] - value)) end
      size = math.max(size, math.abs(value))
   end
   return off / math.max(size, 1)
end

-- What a kernel gives on a device, and the gradients, as lists of numbers.
local function results_of(kernel, tensors, numbers, on)
   local inputs = {}
   for i, t in ipairs(tensors) do inputs[i] = t:to(on):detach():requires_grad_() end
   local outputs = { kernel(table.unpack(table.move(inputs, 1, #inputs, 1, { [#inputs + 1] = numbers }))) }
   local loss
   for i, y in ipairs(outputs) do
      local weight = scute.linspace(0.5, 1.5, math.max(y:numel(), 2)):slice(1, 1, y:numel()):reshape(y.shape):to(y.dtype)
      local part = (y * weight:to(on)):sum() * i
      loss = loss and loss + part or part
   end
   loss:backward()
   local lists = {}
   for _, y in ipairs(outputs) do lists[#lists + 1] = y:to "f64":values() end
   for _, x in ipairs(inputs) do lists[#lists + 1] = x.grad:to "f64":values() end
   return lists
end

local function compare(i, dtype)
   local tensors = {}
   scute.manual_seed(i)
   for k, shape in ipairs(CASES[i][2]) do tensors[k] = scute.randn(shape):to(dtype) end
   local numbers = CASES[i][3]
   local expected = results_of(kernels[i], tensors, numbers, "cpu")
   local found = results_of(kernels[i], tensors, numbers, device)
   for k, list in ipairs(expected) do
      local off = distance(found[k], list)
      check(#found[k] == #list and off <= ROOM[dtype], ("case %d, %s, result %d"):format(i, dtype, k), off)
   end
end

for i, case in ipairs(CASES) do
   for _, dtype in ipairs(case[1] == MISH and { "f32", "f16", "bf16", "f64" } or { "f32", "f16" }) do compare(i, dtype) end
end

-- ---- functions of the text, also where they end ----

local SPECIAL = { 0, -0.0, 1, -1, 0.5, -0.5, 1e-3, -1e-3, 2.5, -2.5, 3.5, 88, -88, 100, -100, 1e30, -1e30, 1e-38, 1e-42,
   math.huge, -math.huge, 0 / 0 }

-- One kernel with each function of a text, of pairs of numbers where it takes two; `which` chooses.
local function every_function()
   local lines = { "y = 0;" }
   for i, entry in ipairs(functions.list) do
      lines[#lines + 1] = ("if (which == %d) y = %s(%s);"):format(i, entry[1], ({ "x", "x, w", "x, -1, w" })[entry[2]])
   end
   return scute.kernel { name = "every_function", inputs = "x, w", output = "y", numbers = { which = 0 },
      forward = table.concat(lines, "\n") }
end

local function wrong_place(expected, found, room)
   for i, value in ipairs(expected) do
      local same = value == found[i] or value ~= value and found[i] ~= found[i]
      local near = math.abs(value - found[i]) <= room * math.max(math.abs(value), 1e-30)
      if not same and not near then return i end
   end
end

local function special_numbers()
   local kernel, first, second = every_function(), {}, {}
   for _, a in ipairs(SPECIAL) do
      for _, b in ipairs { 1, -1, 0.5, 3, math.huge, 0 / 0, 0 } do first[#first + 1], second[#second + 1] = a, b end
   end
   for dtype, room in pairs { f32 = 1e-5, f64 = 1e-12 } do
      local x, w = scute.tensor(first):to(dtype), scute.tensor(second):to(dtype)
      local x_there, w_there = x:to(device), w:to(device)
      for which, entry in ipairs(functions.list) do
         local expected = kernel(x, w, { which = which }):values()
         local found = kernel(x_there, w_there, { which = which }):values()
         local at = wrong_place(expected, found, room)
         check(not at, ("%s of %s"):format(entry[1], dtype),
            at and ("of (%g, %g): %.9g, not %.9g"):format(first[at], second[at], found[at], expected[at]))
      end
   end
end

-- The constants of the text, and functions of whole numbers, which C++ has several of.
local WHOLE_NUMBERS = { name = "whole_numbers", inputs = "x", outputs = "y, z", numbers = "k = 3",
   forward = [[
      int n = (int)x;
      y = exp(1) + abs(n) + fmin(1, 2) + pow(2, n) + max(n, 2) + sigmoid(1) + isnan(1) + floor(n) + k * M_PI;
      z = n == 1 ? INFINITY : n == 2 ? NAN : -INFINITY;
   ]] }

local function whole_numbers()
   local kernel = scute.kernel(WHOLE_NUMBERS)
   for dtype, room in pairs { f32 = 1e-6, f16 = 1e-3, f64 = 1e-14 } do
      local x = scute.tensor({ 1, 2, 3 }):to(dtype)
      local y, z = kernel(x)
      local y_there, z_there = kernel(x:to(device))
      check(not wrong_place(y:values(), y_there:values(), room), "whole numbers in " .. dtype, y_there:values()[1])
      check(not wrong_place(z:values(), z_there:values(), 0), "constants in " .. dtype, z_there:values()[1])
   end
end

-- ---- whole functions ----

local ROWS = {
   name = "rows", inputs = "x", output = "y", numbers = { scale = 2 }, shape = function(x) return { x[1] } end,
   c = [[
      for (int64_t i = 0; i < x_shape[0]; i++) {
         y[i] = 0;
         for (int64_t j = 0; j < x_shape[1]; j++) y[i] += scale * x[i * x_stride[0] + j];
      }
   ]],
   c_backward = "for (int64_t i = 0; i < x_size; i++) gx[i] = scale * gy[i / x_shape[1]];",
   cuda = [[
      int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
      if (i >= x_shape[0]) return;
      float sum = 0;
      for (int64_t j = 0; j < x_shape[1]; j++) sum += scale * x[i * x_stride[0] + j];
      y[i] = sum;
   ]],
   grid = function(x, scale)
      assert(math.type(scale) == "integer") -- whole numbers are such
      return (x[1] + 31) // 32, 32
   end,
   cuda_backward = [=[
      int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
      if (i < x_size) gx[i] = scale * gy[i / x_shape[1]];
   ]=],
}

local function whole_functions()
   local rows = scute.kernel(ROWS)
   for _, dtype in ipairs { "f32", "f16" } do
      local x = scute.randn(70, 9):to(dtype)
      local expected = results_of(rows, { x }, { scale = 3 }, "cpu")
      local found = results_of(rows, { x }, { scale = 3 }, device)
      for k, list in ipairs(expected) do
         local off = distance(found[k], list)
         check(#found[k] == #list and off <= ROOM[dtype], ("a whole function of %s, result %d"):format(dtype, k), off)
      end
   end
   local function refused(what, message, changes)
      local o = {}
      for key, value in pairs(ROWS) do o[key] = value end
      for key, value in pairs(changes) do o[key] = value end
      local ok, text = pcall(function() return scute.kernel(o)(scute.ones(3, 4, { device = device })) end)
      check(not ok and tostring(text):find(message, 1, true) and not tostring(text):find "\n", what, text)
   end
   refused("a text of CUDA that does not compile", "kernel 'rows', cuda, line 2: ", { cuda = "float sum = 0;\ny[0] = sun;" })
   refused("a grid of nothing", "kernel 'rows', grid: expected blocks and threads", { grid = function() return 0, 32 end })
   refused("a grid that fails", "no such field", { grid = function() error "no such field" end })
   refused("more threads than a block has", "rows: CUDA: invalid configuration argument",
      { grid = function() return 1, 4096 end })
   local only_c = scute.kernel { name = "only_c", inputs = "x", output = "y", c = "y[0] = x[0];" }
   local ok, text = pcall(only_c, scute.ones(1, { device = device }))
   check(not ok and tostring(text):find("only_c: it has no text for a GPU", 1, true), "a text in C alone", text)
   local pi = scute.kernel { name = "pi", inputs = "x", output = "y", cuda = "y[0] = x[0] * M_PI;" }
   check(math.abs(pi(scute.ones(1, { device = device })):item() - math.pi) < 1e-6, "a text in CUDA that knows M_PI")
   local only_cuda = scute.kernel { name = "only_cuda", inputs = "x", output = "y", cuda = "y[0] = x[0] + 1;" }
   check(only_cuda(scute.ones(1, { device = device })):item() == 2, "a text in CUDA alone")
   check(only_c(scute.ones(1)):item() == 1 and not pcall(only_cuda, scute.ones(1)), "each where it is")
end

-- ---- what was compiled is kept ----

local cache = os.tmpname()
os.remove(cache)

-- A program that calls one kernel once: its output and the software GPU's account.
local function once(settings)
   local report = os.tmpname()
   local command = "SOFTGPU_REPORT=%s SCUTE_CACHE=%s %s %s %s/kernels.lua %s once 2>&1"
   local pipe = io.popen(command:format(report, cache, settings or "", arg[-1], here, device))
   local text = pipe:read "a"
   pipe:close()
   local file = io.open(report)
   local account = require "cjson".decode(file:read "a")
   file:close()
   os.remove(report)
   return text, account
end

local function each_cubin(f)
   for name in require "lfs".dir(cache .. "/kernels") do
      if name:find "%.cubin$" then f(cache .. "/kernels/" .. name) end
   end
end

local function compiled(what, times, settings)
   local text, account = once(settings)
   check(text == "0.865098\n", what .. ": the number", text)
   local n = account.calls.nvrtcCompileProgram or 0
   check(n == times, what .. ": how often it compiles", n)
   check(next(account.live) == nil and #account.violations == 0, what .. ": nothing is left", account.violations[1])
end

local function keeping()
   compiled("the first time", 1)
   compiled("the second", 0)
   compiled("on another kind of card", 1, "SOFTGPU_ARCH=75")
   compiled("on a card that NVRTC does not know", 1, "SOFTGPU_ARCH=123") -- PTX, which serves it
   each_cubin(function(path)
      local file = assert(io.open(path, "r+b"))
      file:seek("set", 1000)
      file:write "damaged"
      file:close()
   end)
   compiled("after damage", 1)
   local text = once "SOFTGPU_ARCH=61"
   check(text:find "compute capability 6%.1, for which this NVRTC does not compile", "a card that is too old", text)
   os.execute("rm -r " .. cache)
end

-- ---- failures at each call of a first use, and later ----

local FUNCTIONS = { "nvrtcVersion", "nvrtcGetNumSupportedArchs", "nvrtcGetSupportedArchs", "nvrtcCreateProgram",
   "nvrtcCompileProgram", "nvrtcGetCUBINSize", "nvrtcGetCUBIN", "nvrtcDestroyProgram", "cudaThreadExchangeStreamCaptureMode",
   "cudaLibraryLoadData", "cudaLibraryGetKernel", "cudaFuncGetAttributes", "cudaLaunchKernel", "cudaMalloc" }

-- An op of its own, which has to be loaded; where it has a text of its own, too, it is not found kept, but compiled.
local function fresh(number, has_own_text)
   return scute.kernel { name = "fresh", inputs = "x, w", output = "y", doc = tostring(number),
      forward = ("y = x * w + %d;"):format(has_own_text and number or 0), backward = "gx = gy * w; gw = gy * x;" }
end

local function step(kernel, dtype)
   local x = scute.full({ 6, 4 }, 2):to(dtype):to(device):detach():requires_grad_()
   local w = scute.full({ 4 }, 3):to(dtype):to(device):detach():requires_grad_()
   kernel(x, w):sum():backward()
   return x.grad:values()[1] == 3 and w.grad:values()[1] == 12
end

local function failure(name, status, kernel, dtype)
   local what = ("%s fails with %d"):format(name, status)
   softgpu.fail(name, 1, status)
   local ok, result = pcall(step, kernel, dtype)
   softgpu.fail_nothing()
   if ok then
      check(result, what .. ", which is no error: the numbers")
   else
      local text = tostring(result)
      check(not text:find "\n" and (text:find "; " or text:find "NVRTC") and not text:find "start it anew", what, text)
      local is_memory = status == (name:find "^nvrtc" and 1 or 2)
      local kind = scute.error_kind(result)
      check((kind == "out of memory") == is_memory, what .. ": its kind", ("%s: %s"):format(kind, text))
   end
   check(step(kernel, dtype), what .. ": the step after it")
   scute.flush()
end

local function failures()
   scute.flush()
   local kernel, dtypes = nil, {}
   for i, name in ipairs(FUNCTIONS) do
      if name:find "^nvrtc" then
         if #dtypes == 0 then kernel, dtypes = fresh(i, true), { "f32", "f16", "bf16", "f64" } end
         failure(name, i % 2 == 0 and 1 or 11, kernel, table.remove(dtypes))
      else
         for _, status in ipairs { 1, 2, 801 } do failure(name, status, fresh(1000 * i + status), "f32") end
      end
   end
   check(softgpu.live "nvrtc program" == 0, "no program is left", softgpu.live "nvrtc program")
   local violations, last = softgpu.violations()
   check(violations == 0, "nothing is violated", last)
end

-- ---- recorded steps ----

-- A kernel that is first called while a graph is recorded is compiled and loaded all the same; its gradients, one of them
-- summed, are the graph's, too, at each launch.
local function recorded()
   local x, w = scute.full({ 40, 3 }, 2):to(device), scute.full({ 3 }, 3):to(device):requires_grad_()
   local kernel, y = fresh(1000, true), nil
   local graph, reason = require("scute.core").record(device, { x, w }, function()
      w:zero_grad()
      y = kernel(x, w)
      y:sum():backward()
   end)
   if not check(graph, "it is recorded", reason) then return end
   for value = 1, 2 do
      x:fill_(value)
      w:zero_grad()
      check(graph:launch(), "it is launched")
      check(y:values()[120] == 1000 + 3 * value, "the graph's number", y:values()[120])
      check(w.grad:values()[1] == 40 * value, "the graph's gradient", w.grad:values()[1])
   end
end

-- ---- the real compiler ----

-- All that was handed to the software GPU's compiles for real cards, of each generation.
local function real_compiler()
   local found, nvrtc = pcall(require, "nvrtc")
   local is_there = false
   for _, folder in ipairs { "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/", "/usr/lib/x86_64-linux-gnu/" } do
      is_there = is_there or found and nvrtc.open(folder .. "libnvrtc.so.13")
   end
   if not is_there then return print "there is no libnvrtc.so.13: what it would say of these kernels is not known" end
   scute.kernel(ROWS)
   local mish, gated, rows = sources[1], sources[5], sources[#sources]
   scute.kernel(WHOLE_NUMBERS)
   local whole = sources[#sources]
   for _, dtype in ipairs { "f32", "f16", "f64" } do
      local ok, log = nvrtc.compile(whole(dtype), "--gpu-architecture=sm_90", "--std=c++17")
      check(ok, "whole numbers and constants compile in " .. dtype, log)
   end
   for arch, source in pairs { sm_75 = mish "f32", sm_80 = mish "f16", sm_90 = gated "bf16", compute_90 = gated "f64",
      sm_100 = rows() } do
      local ok, log = nvrtc.compile(source, "--gpu-architecture=" .. arch, "--std=c++17")
      check(ok, "it compiles for " .. arch, log)
   end
   scute.kernel { name = "wrong", inputs = "x", output = "y", cuda = "\ny[0] = tahn(x[0]);" }
   local _, log = nvrtc.compile(sources[#sources]())
   check(log:find "^kernel 'wrong', cuda%(2%): error: identifier \"tahn\" is undefined", "what it says of what is wrong", log)
end

whole_numbers()
whole_functions()
keeping()
failures()
recorded()
special_numbers()
real_compiler()
tally.finish()
