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
         ggate = gy * alpha * x * s * (1 - s) + (x > 0 ? 0 : gz);]] },
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

for i in ipairs(CASES) do
   for _, dtype in ipairs { "f32", "f16", "bf16", "f64" } do compare(i, dtype) end
end

-- ---- functions of the text, also where they end ----

local SPECIAL = { 0, -0.0, 1, -1, 0.5, -0.5, 1e-3, -1e-3, 2.5, -2.5, 3.5, 88, -88, 100, -100, 1e30, -1e30, 1e-38, 1e-42,
   math.huge, -math.huge, 0 / 0 }

-- One kernel with each function of a text, of pairs of numbers where it takes two; `which` chooses.
local function every_function()
   local lines = { "y = 0;" }
   for i, entry in ipairs(functions.list) do
      lines[#lines + 1] = ("if (which == %d) y = %s(%s);"):format(i, entry[1], entry[2] == 2 and "x, w" or "x")
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

special_numbers()
tally.finish()
