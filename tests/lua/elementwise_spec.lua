-- What case tables cannot say of the functions of single elements: NaN, halves, operators, steps without a slope.
local scute = require "scute"
local same = dofile "tests/lua/same_values.lua"

local NAN = 0 / 0

describe("functions of each element", function()
   it("round halves to the even one, and let NaN pass", function()
      for _, device in ipairs { "cpu", "ref" } do
         local x = scute.tensor({ -1.5, -0.5, 0.5, 1.5, 2.5, NAN, math.huge }, { device = device })
         same({ -2, 0, 0, 2, 2, NAN, math.huge }, x:round())
         same({ -2, -1, 0, 1, 2, NAN, math.huge }, x:floor())
         same({ -1, 0, 1, 2, 3, NAN, math.huge }, x:ceil())
         same({ -1, -1, 1, 1, 1, NAN, 1 }, x:sign())
         same({ -1, -0.5, 0.5, 1, 1, NAN, 1 }, x:clamp(-1, 1))
         for _, op in ipairs { "sin", "erf", "log1p", "gelu", "softplus", "hardswish", "hardsigmoid" } do
            local y = scute[op](x):values()
            assert.is_true(y[6] ~= y[6], op)
         end
      end
   end)

   it("that are steps have the gradient 0", function()
      local x = scute.tensor({ 0.3, -1.7 }):requires_grad_()
      local sum = x * 2
      for _, op in ipairs { "round", "floor", "ceil", "sign" } do sum = sum + scute[op](x) end
      (sum + x // 2):sum():backward()
      same({ 2, 2 }, x.grad)
   end)

   it("are what they tend to, far out", function()
      for _, device in ipairs { "cpu", "ref" } do
         local x = scute.tensor({ 1e20, -1e20, 50, -50 }, { device = device }):requires_grad_()
         scute.gelu(x, "tanh"):sum():backward()
         same({ 1, 0, 1, 0 }, x.grad)
      end
   end)

   it("keep whole numbers within bounds that are none", function()
      for _, dtype in ipairs { "u8", "i64" } do
         same({ 1, 1, 2, 2 }, scute.tensor({ 0, 1, 2, 3 }, { dtype = dtype }):clamp(0.5, 2.5))
      end
   end)
end)

describe("// and %", function()
   it("are Lua's, of tensors and numbers", function()
      local values = { -7, -3.5, -0.5, 0.5, 3.5, 7 }
      for _, b in ipairs { 2, -2, 0.75 } do
         local quotients, rests = {}, {}
         for i, a in ipairs(values) do quotients[i], rests[i] = a // b, a % b end
         same(quotients, scute.tensor(values) // b)
         same(rests, scute.tensor(values) % b)
      end
      same({ 7 // 2, 7 // -2 }, 7 // scute.tensor { 2, -2 })
      for _, device in ipairs { "cpu", "ref" } do -- of which a / b would be rounded up
         same({ 9 }, scute.full({ 1 }, 1, { device = device }) // 0.1)
         same({ math.huge, 0 }, scute.tensor({ math.huge, 3 }, { device = device }) // scute.tensor({ 2, math.huge },
            { device = device }))
      end
   end)

   it("keep whole numbers whole, and refuse 0 there", function()
      local labels = scute.tensor({ -5, 4, 7 }, { dtype = "i64" })
      assert.equal("i64", (labels % 2).dtype)
      same({ 1, 0, 1 }, labels % 2)
      same({ -3, 2, 3 }, labels // 2)
      assert.error_matches(function() return labels % 0 end, "remainder: argument 'b': a whole number is divided by 0")
      local rests = (scute.tensor { 1, -1 } % 0):values()
      assert.is_true(rests[1] ~= rests[1])
      same({ math.huge, -math.huge }, scute.tensor { 1, -1 } // 0)
   end)
end)

describe("layers of them", function()
   it("are what the ops are", function()
      local nn, x = scute.nn, scute.randn(3, 4)
      for class, op in pairs { GELU = "gelu", Hardswish = "hardswish", Hardsigmoid = "hardsigmoid", Softplus = "softplus",
         Tanh = "tanh" } do
         same(scute[op](x):values(), nn[class]()(x))
      end
      same(scute.gelu(x, "tanh"):values(), nn.GELU { approximate = "tanh" }(x))
      assert.equal("GELU(approximate=tanh)", (tostring(nn.GELU { approximate = "tanh" }):gsub("%s+$", "")))
      assert.error_matches(function() nn.GELU { approximate = "erf" } end, "expected one of none, tanh")
      assert.error_matches(function() nn.Softplus { beta = 0 } end, "beta")
   end)
end)

describe("a remainder in f32", function()
   it("is exact, with the sign of the divisor, for quotients of every size", function()
      local numbers = { 0, -0.0, 1 / 0, -1 / 0, 0 / 0, 0x1p-149, 0x1.fffffep127, 0x1p28, 0x1.fffffep27, 0x1p24 - 1, 3 }
      scute.manual_seed(3)
      for i, value in ipairs(scute.randn(90):values()) do numbers[#numbers + 1] = value * 2.0 ^ (i % 60 - 30) end
      local n = #numbers
      local x = scute.tensor(numbers)
      local found = (x:reshape(n, 1) % x):values()
      numbers = x:values()
      for i, a in ipairs(numbers) do
         for k, b in ipairs(numbers) do
            local rest = math.fmod(a, b)
            if rest ~= 0 and (rest < 0) ~= (b < 0) then rest = scute.tensor({ rest + b }):item() end
            assert.equal(("%a"):format(rest):gsub("-nan", "nan"), ("%a"):format(found[(i - 1) * n + k]):gsub("-nan", "nan"),
               ("%a %% %a"):format(a, b))
         end
      end
   end)
end)
