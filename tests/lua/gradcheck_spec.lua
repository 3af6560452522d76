-- Gradients that are compared with differences.
local scute = require "scute"

local nn = scute.nn

local function leaf(...)
   return scute.randn(...):requires_grad_()
end

-- x * x, whose backward is off by `factor`.
local function square(factor)
   return scute.func {
      name = "square",
      forward = function(ctx, x)
         ctx:save_for_backward(x)
         return x * x
      end,
      backward = function(ctx, grad) return grad * ctx.saved_tensors[1] * (2 * factor) end,
   }
end

-- What a check that has to fail says.
local function why(f, inputs, options)
   options = options or {}
   options.raise = false
   local right, text = scute.gradcheck(f, inputs, options)
   assert.is_false(right)
   return text
end

describe("gradcheck", function()
   before_each(function() scute.manual_seed(5) end)

   it("finds right what is right: ops, functions of one's own, several inputs and outputs, modules, f64", function()
      local x, w = leaf(2, 3), leaf(3, 2)
      assert.is_true(scute.gradcheck(scute.tanh, x))
      assert.is_true(scute.gradcheck(square(1), x))
      assert.is_true(scute.gradcheck(function(a, b, n) return a:matmul(b):silu() * n, a:argmax(1), b:sum() end, { x, w, 3 }))
      assert.is_true(scute.gradcheck(function(a, b) return a:conv2d(b) end, { leaf(1, 2, 4, 4), leaf(2, 2, 3, 3) }))
      assert.is_true(scute.gradcheck(nn.Sequential { nn.Linear { 3, 4 }, nn.SiLU {} }, { scute.randn(2, 3) }))
      assert.is_true(scute.gradcheck(function(a) return a:exp() end, scute.randn(3):to("f64"):detach():requires_grad_()))
      assert.is_true(scute.gradcheck(function(a) return a:matmul(w):cos() end, x, { fast = true }))
      assert.is_true(scute.gradcheck(function(a) return a + a, a end, { x, x }))
   end)

   it("names the output, the input and the element which are worst", function()
      assert.matches("^gradcheck: the gradient of output 1 by input 1 is wrong in 3 of 9 places, most at output 1 %[3%] by "
         .. "input 1 %[3%]: backward gives 6%.6, differences 6 %(they may be 0%.007 apart%)$",
         why(square(1.1), scute.tensor({ 1, 2, 3 }, { requires_grad = true })))
      local text = why(function(a, b) return square(1)(a) + square(1.2)(b), square(2)(a) end, { leaf(2), leaf(2) })
      assert.matches("gradient of output 2 by input 1 .*; so is that of output 1 by input 2$", text)
      local layer = nn.Linear { 2, 2 }
      rawset(layer, "forward", function(self, x) return x:linear(square(1.5)(self.weight), self.bias) end)
      assert.matches("of output 1 by parameter 'weight'", why(layer, { scute.randn(1, 2) }))
      assert.matches("is wrong, in a direction drawn for all: ", why(square(1.1), leaf(50, 40), { fast = true }))
   end)

   it("finds a backward that forgets the gradient which comes to it, or squares it, of a single number too", function()
      local function times(backward)
         return scute.func { forward = function(_, x) return x * 3 end, backward = function(_, grad) return backward(grad) end }
      end
      assert.is_true(scute.gradcheck(times(function(grad) return grad * 3 end), leaf()))
      assert.matches("backward gives 1.5, differences 3", why(times(function() return scute.tensor(3) end), leaf()))
      assert.matches("backward gives 6, differences 3", why(times(function(grad) return grad * grad * 3 end), leaf()))
   end)

   it("finds out a backward of zeros, or of the wrong sign, where all derivatives are small", function()
      for _, factor in ipairs { 0, -1 } do
         local wrong = square(factor)
         for _, f in ipairs { function(x) return wrong(x):mean() end, function(x) return wrong(x) * 1e-4 end } do
            assert.matches("is wrong", why(f, leaf(30, 35)), nil, true)
            assert.matches("is wrong", why(f, leaf(30, 35), { fast = true }))
            assert.matches("is wrong", why(f, scute.randn(30):to("f64"):detach():requires_grad_()))
         end
      end
      local x = leaf(30, 35)
      assert.is_true(scute.gradcheck(function(a) return square(1)(a):mean() end, x))
      assert.is_true(scute.gradcheck(function(a) return square(1)(a):mean() end, x, { fast = true }))
   end)

   it("finds right a derivative of 0, of which differences have but rounding", function()
      assert.is_true(scute.gradcheck(function(a) return a:softmax(1):sum(1) end, leaf(4, 5)))
      local convolution = nn.Conv2d { 2, 3, kernel_size = 1 }
      local layers = nn.Sequential { convolution, nn.BatchNorm2d { 3 } } -- the bias has no influence
      assert.is_true(scute.gradcheck(layers, { leaf(4, 2, 3, 3) }))
   end)

   it("tells what may be behind a difference", function()
      local x = scute.tensor({ 0.001 }, { requires_grad = true })
      assert.matches("from one side it is 0%.256, from the other 1: f has a kink", why(scute.relu, x))
      assert.matches("backward gives none at all", why(function(a) return a:detach() * 2 end, x))
      assert.matches("rounding alone may make so much", why(function(a) return a + 300000 end, x))
      assert.is_true(scute.gradcheck(function(a) return a + 300000 end, x, { eps = 1000 }))
   end)

   it("lets no NaN pass, in what f gives or in what backward does", function()
      assert.matches("differences NaN; NaN is never right", why(function(a) return a:log() end, scute.tensor({ -1, 2 },
         { requires_grad = true })))
      assert.matches("backward gives NaN, differences", why(square(0 / 0), leaf(2)))
      assert.matches("NaN", why(square(0 / 0), leaf(2), { fast = true }))
      assert.matches("differences NaN", why(function(a) return a * math.huge end, leaf(2)))
      local x = scute.tensor({ 0 }, { requires_grad = true })
      local function jump(a) return a + scute.where(a:gt(0), math.huge, 0) end
      assert.matches("differences inf; f is infinite there", why(jump, x))
      assert.matches("differences inf", why(jump, x, { fast = true }))
   end)

   it("refuses what no difference can tell", function()
      local x = leaf(2)
      for text, arguments in pairs {
         ["input 1 is bf16, which is too coarse for differences; check f with x:to 'f32'"] =
            { scute.tanh, scute.ones(2):to("bf16"):detach():requires_grad_() },
         ["f: output 1 is f16, too coarse"] = { function(a) return a:to "f16" end, x },
         ["input 1 was computed by other ops"] = { scute.tanh, x * 2 },
         ["none of the inputs requires a gradient"] = { scute.tanh, x:detach() },
         ["f gives other numbers when it is called again %(output 1: .*dropout"] =
            { function(a) return a + scute.randn(2) end, x },
         ["f changes input 2 in place %[1%], from 1 to 3"] =
            { function(a, b) return a * b:fill_(3) end, { x, scute.ones(2) } },
         ["f returned nothing"] = { function() end, x },
         ["f: output 1: expected a tensor, found 3"] = { function() return 3 end, x },
         ["f gives no floating%-point tensor"] = { function(a) return a:argmax(1) end, x },
         ["are too many to compare one by one"] = { function(a) return a * 2 end, leaf(3000) },
         ["expected a function of tensors, found 3"] = { 3, x },
         ["expected a tensor or a list of what f is called with, found 3"] = { scute.tanh, 3 },
         ["expected a list of what f is called with, found a field 'x'"] = { scute.tanh, { x = x } },
         ["what f is called with is one list, gradcheck%(f, { x, w }%)"] = { scute.mul, x, x },
         ["unknown option 'esp'; did you mean 'eps'?"] = { scute.tanh, x, { esp = 1 } },
      } do
         local done, message = pcall(scute.gradcheck, table.unpack(arguments))
         assert.is_false(done)
         assert.matches(text, message)
      end
      local calls = 0
      local moody = scute.func { forward = function(_, a) return a * 1 end, backward = function(_, grad)
         calls = calls + 1
         return grad * calls
      end }
      assert.error_matches(function() scute.gradcheck(moody, x) end, "backward gives other gradients when it is called again")
   end)

   it("passes what f raises on, blames the caller for the rest, and leaves everything as it was", function()
      local x = scute.tensor({ 1, 2 }, { requires_grad = true })
      local loss = (x * x):sum();
      (x * 5):sum():backward()
      local norm = nn.BatchNorm2d { 2 }
      local mean = norm.running_mean:values()
      scute.gradcheck(norm, { leaf(2, 2, 1, 2) })
      assert.same(mean, norm.running_mean:values())
      scute.gradcheck(function(a) return norm(a):sin() end, leaf(2, 2, 1, 2))
      assert.same(mean, norm.running_mean:values())
      assert.is_nil(norm.weight.grad)
      local inner, outer = nn.Linear { 2, 2 }, scute.ones(2):requires_grad_();
      (outer * 3):sum():backward()
      assert.is_true(scute.gradcheck(function(a) return inner(a) * outer, a * outer, outer end, leaf(2)))
      assert.is_nil(inner.weight.grad)
      assert.same({ 3, 3 }, outer.grad:values())
      assert.error_matches(function() scute.gradcheck(function(a) return a:fill_("a") end, x) end, "fill_")
      local _, text = pcall(function() scute.gradcheck(square(2), x) end)
      assert.matches("^[^\n]*gradcheck_spec.lua:%d+: gradcheck: the gradient", text)
      scute.no_grad(function() scute.gradcheck(scute.tanh, x) end)
      local function product(a) return a:reshape { 1, 2 }:linear(scute.ones(2, 2)) end
      scute.autocast("bf16", function() scute.gradcheck(product, x) end)
      assert.same({ 1, 2 }, x:values())
      assert.same({ 5, 5 }, x.grad:values())
      loss:backward()
      assert.same({ 7, 9 }, x.grad:values())
   end)
end)
