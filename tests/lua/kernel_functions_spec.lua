-- What the texts of kernels may call, against tensor ops of the same meaning, also where numbers end.
local scute = require "scute"

local NUMBERS = { 0, -0.0, 1, -1, 0.5, 2.5, -2.5, 3.5, 1e-3, -1e-3, 20, -20, 80, -80, math.huge, -math.huge, 0 / 0 }

-- name in a text -> what a tensor makes of it; nothing: the method of that name
local MEANT = { exp = false, log = false, log1p = false, sqrt = false, sin = false, cos = false, tanh = false, erf = false,
   sigmoid = false, relu = false, silu = false, softplus = false, gelu = false, sign = false, floor = false, ceil = false,
   round = false, abs = false, fabs = scute.abs,
   rsqrt = function(x) return 1 / x:sqrt() end,
   erfc = function(x) return 1 - x:to("f64"):erf() end, -- right to 1e-16 of 1
   exp2 = function(x) return scute.pow(2, x) end,
   expm1 = function(x) return x:to("f64"):exp() - 1 end,
   cbrt = function(x) return x:sign() * x:abs():to("f64"):pow(1 / 3):to(x.dtype) end,
   trunc = function(x) return x:sign() * x:abs():floor() end }

local function is_near(a, b, room)
   return a == b or a ~= a and b ~= b or math.abs(a - b) <= room * math.max(1, math.abs(b))
end

local names, lines = {}, { "y = 0;" }
for name in pairs(MEANT) do names[#names + 1] = name end
table.sort(names)
for i, name in ipairs(names) do lines[#lines + 1] = ("if (which == %d) y = %s(x);"):format(i, name) end

describe("a function of a kernel's text", function()
   local kernel = scute.kernel { name = "every_function", inputs = "x", output = "y", numbers = { which = 0 },
      forward = table.concat(lines, "\n") } -- compiled once for all

   for which, name in ipairs(names) do
      it(name .. " is what the op is", function()
         for dtype, room in pairs { f32 = 1e-6, f64 = 1e-14 } do
            local x = scute.tensor(NUMBERS):to(dtype)
            local found, wanted = kernel(x, which):values(), (MEANT[name] or scute[name])(x):values()
            for i, value in ipairs(found) do
               assert.is_true(is_near(value, wanted[i], room),
                  ("%s of %s, %g: %.9g, not %.9g"):format(name, dtype, NUMBERS[i], value, wanted[i]))
            end
         end
      end)
   end
end)
