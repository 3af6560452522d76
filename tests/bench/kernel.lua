-- What kernels of one's own cost: a silu and an exp in C against scute's, two formulas of tensor ops against the same in C,
-- as ratios of processor time, and the seconds until a kernel is there and used. Prints "NAME VALUE" a line.
-- Usage: SCUTE_CACHE=FOLDER scute tests/bench/kernel.lua [ELEMENTS [ROUNDS]] -- FOLDER: where what is compiled is kept
local scute = require "scute"

local elements, rounds = tonumber(arg[1] or 4000000), tonumber(arg[2] or 7)

local function used(name)
   local began = scute.clock()
   local kernel = scute.kernel { name = name, inputs = "x", output = "y", forward = "y = x * tanh(log1p(exp(x)));",
      backward = "float s = tanh(log1p(exp(x))); gx = gy * (s + x * (1 - s * s) / (1 + exp(-x)));" }
   kernel(scute.ones(1)):free()
   return scute.clock() - began, kernel
end

local seconds, mish = used "mish"
print(("used_s %.4f"):format(seconds))

local silu = scute.kernel { name = "own_silu", inputs = "x", output = "y", forward = "y = x / (1 + exp(-x));",
   backward = "float s = sigmoid(x); gx = gy * s * (1 + x * (1 - s));" }

local exp = scute.kernel { name = "own_exp", inputs = "x", output = "y", forward = "y = exp(x);", backward = "gx = gy * y;" }

local function silu_of_ops(x)
   return x / ((-x):exp() + 1)
end

local function mish_of_ops(x)
   return x * x:exp():log1p():tanh()
end

-- The least processor time of some rounds of each function, in turns.
local function least(functions)
   local times = {}
   for _ = 1, rounds do
      for i, f in ipairs(functions) do
         local began = os.clock()
         f()
         times[i] = math.min(times[i] or math.huge, os.clock() - began)
         collectgarbage()
      end
   end
   return times
end

local x, g = scute.randn(elements), scute.ones(elements)
local leaf = x:detach():requires_grad_()

local function forward(f)
   return function() scute.no_grad(f, x):free() end
end

local function step(f)
   return function()
      f(leaf):backward(g)
      leaf:zero_grad()
   end
end

for name, how in pairs { forward = forward, step = step } do
   local times = least { how(silu), how(scute.silu), how(silu_of_ops), how(mish), how(mish_of_ops), how(exp), how(scute.exp) }
   print(("own_%s %.3f\nsilu_%s %.2f\nmish_%s %.2f\nexp_%s %.2f"):format(name, times[1] / times[2], name,
      times[3] / times[1], name, times[5] / times[4], name, times[6] / times[7]))
end
