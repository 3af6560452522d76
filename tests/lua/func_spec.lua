-- Differentiable functions with a backward written in Lua.
local scute = require "scute"

local function live()
   collectgarbage()
   collectgarbage()
   return scute.memory().live
end

-- x * |x| + a * w, with two tensors and a number between them.
local mixed = scute.func {
   name = "mixed",
   forward = function(ctx, x, a, w)
      ctx:save_for_backward(x, w)
      ctx.a = a
      return x * x:abs() + w * a
   end,
   backward = function(ctx, grad)
      local x = ctx.saved_tensors[1]
      return grad * x:abs() * 2, nil, grad * ctx.a
   end,
}

-- The largest difference between the gradients of f's summed output, weighted unevenly, and central differences.
local function slope_error(f, tensors)
   local function objective()
      local y = f(table.unpack(tensors))
      return (y * scute.arange(1, y:numel()):to(y.dtype):reshape(y.shape)):sum()
   end
   objective():backward()
   local worst, step = 0, 1e-5
   for _, t in ipairs(tensors) do
      local flat, gradient = t:values(), t.grad:values()
      for i, value in ipairs(flat) do
         local sides = {}
         for side = -1, 1, 2 do
            flat[i] = value + side * step
            scute.no_grad(function() t:copy_(scute.tensor(flat, { dtype = "f64" }):reshape(t.shape)) end)
            sides[#sides + 1] = objective():item()
         end
         flat[i] = value
         scute.no_grad(function() t:copy_(scute.tensor(flat, { dtype = "f64" }):reshape(t.shape)) end)
         worst = math.max(worst, math.abs((sides[2] - sides[1]) / (2 * step) - gradient[i]))
      end
   end
   return worst
end

local function leaf(...)
   return scute.randn(...):to("f64"):detach():requires_grad_()
end

describe("a function with its own backward", function()
   before_each(function() scute.manual_seed(3) end)

   it("has the gradients of central differences", function()
      local worst = slope_error(function(x, w) return mixed(x, 2.5, w) end, { leaf(2, 3), leaf(2, 3) })
      -- the second derivative jumps at 0: nothing but rounding, 1e-16 * 10 / 1e-5, and numbers within 1e-5 of 0
      assert.is_true(worst < 1e-6, worst)
      -- within a network of ops, shared by two paths
      worst = slope_error(function(x, w) return mixed(x * w, -1, x):tanh() + mixed(w, 3, x) end, { leaf(3, 2), leaf(3, 2) })
      assert.is_true(worst < 1e-6, worst)
   end)

   it("may have several outputs; one that had no influence has a gradient of zeros", function()
      local seen
      local split = scute.func {
         forward = function(_, x) return x * 2, x:argmax(1), x * 3 end,
         backward = function(_, left, index, right)
            seen = { left:values(), index, right:values() }
            return left * 2 + right * 3
         end,
      }
      local x = scute.tensor({ 1, 5, 2 }, { requires_grad = true })
      local y, index, z = split(x)
      assert.same({ 2, 10, 4 }, y:values())
      assert.equal(2, index:item())
      z:sum():backward()
      assert.same({ { 0, 0, 0 }, nil, { 1, 1, 1 } }, seen)
      assert.same({ 3, 3, 3 }, x.grad:values())
      assert.error_matches(function() scute.func { forward = function(_, t) return t, t, t, t end,
         backward = function() end }(x) end, "func: forward: expected at most 3 outputs, found 4")
   end)

   it("records nothing in forward, and nothing at all where no gradient is wanted", function()
      local called, recorded = 0, nil
      local f = scute.func {
         forward = function(ctx, x)
            recorded = (x * 2).requires_grad
            called = called + (ctx.needs_grad[1] and 1 or 0)
            return x * 2
         end,
         backward = function(_, grad) return grad * 2 end,
      }
      local x = scute.tensor({ 1 }, { requires_grad = true })
      assert.is_true(f(x).requires_grad)
      assert.is_false(recorded)
      assert.is_false(scute.no_grad(function() return f(x) end).requires_grad)
      assert.is_false(f(x:detach()).requires_grad)
      assert.equal(2, called)
   end)

   it("keeps what it saved where the caller frees its own", function()
      local x, w = scute.tensor({ 2, -3 }, { requires_grad = true }), scute.tensor({ 1, 1 }, { requires_grad = true })
      local between = x * 2
      local y = mixed(between, 3, w)
      between:free()
      y:sum():backward()
      assert.same({ 16, 24 }, x.grad:values())
      assert.same({ 3, 3 }, w.grad:values())
   end)

   it("may give back its input or the gradient as it is", function()
      local same = scute.func { forward = function(_, x) return x end, backward = function(_, grad) return grad end }
      local x = scute.tensor({ 1, 2 }, { requires_grad = true })
      local y = same(x)
      y:free()
      assert.same({ 1, 2 }, x:values());
      (same(x) + same(x)):sum():backward()
      assert.same({ 2, 2 }, x.grad:values())
   end)

   it("gives its gradients to parameters that are shared", function()
      local add = scute.func { forward = function(_, a, b) return a + b end,
         backward = function(_, grad) return grad, grad end }
      local a, b = scute.tensor({ 1 }, { requires_grad = true }), scute.tensor({ 1 }, { requires_grad = true })
      add(a, b):backward()
      scute.list_scale({ a.grad, b.grad }, 3) -- each has a gradient of its own
      assert.same({ 3, 3 }, { a.grad:item(), b.grad:item() })
   end)

   it("may be walked twice, and from within a coroutine", function()
      local x = scute.tensor({ 3 }, { requires_grad = true })
      local y = mixed(x, 1, x)
      y:backward { retain = true }
      coroutine.wrap(function() y:backward() end)()
      assert.equal(14, x.grad:item())
      assert.error_matches(function() y:backward() end, "already consumed")
   end)

   it("turns an error in backward into one of the backward that led there, and leaks nothing", function()
      local function failing(what, text)
         local f = scute.func { name = "sad", forward = function(ctx, x)
            ctx:save_for_backward(x)
            return x * 2
         end, backward = what }
         local x = scute.randn(1000):requires_grad_()
         local before = live()
         for _ = 1, 3 do
            local y = f(x * 3):sum()
            assert.error_matches(function() y:backward() end, "in the backward of sad: " .. text)
         end
         assert.equal(before, live())
         assert.is_nil(x.grad);
         (x * 2):sum():backward() -- the session goes on
         assert.equal(2, x.grad:values()[7])
      end
      failing(function() error "no" end, ".*func_spec.lua:%d+: no")
      failing(function() error { code = 3 } end, "table: ")
      failing(function(_, grad) return grad, grad end, "expected at most 1 gradients, one for each argument of forward, f")
      failing(function() return 5 end, "gradient 1: expected a tensor or nil, found 5")
      failing(function(_, grad) return grad:sum() end, "argument 1: expected a gradient of shape %(1000%)")
      failing(function(_, grad) return grad:nonsense() end, ".*no method or property 'nonsense'")
   end)

   it("lets go of everything with its graph", function()
      local x = scute.randn(1000):requires_grad_()
      local gone = setmetatable({}, { __mode = "k" })
      local function one(walk)
         local witness = {}
         gone[witness] = true
         local y = scute.func {
            forward = function(ctx, t)
               ctx.witness = witness
               ctx.y = t * 2
               ctx:save_for_backward(t, ctx.y) -- its own output too
               return ctx.y
            end,
            backward = function(ctx, grad)
               assert(#ctx.saved_tensors == 2)
               return grad * 2
            end,
         }(x)
         if walk then y:sum():backward() end
      end
      local before = live()
      for i = 1, 10 do one(i % 2 == 0) end
      x:zero_grad()
      assert.equal(before, live())
      assert.is_nil(next(gone))
   end)

   it("survives a backward that drops what led to it", function()
      local x = scute.tensor({ 1, 2 }, { requires_grad = true })
      local loss
      local f = scute.func { forward = function(_, t) return t * 1 end, backward = function(_, grad)
         loss:free()
         collectgarbage()
         return grad * 5
      end }
      loss = f(x * 2):sum()
      loss:backward()
      assert.same({ 10, 10 }, x.grad:values())
   end)

   it("may begin another backward, but not through the graph that led to it", function()
      local x, w = scute.tensor({ 1, 2 }, { requires_grad = true }), scute.tensor({ 3, 4 }, { requires_grad = true })
      local within
      local f = scute.func { forward = function(_, t) return t * 1 end, backward = function(_, grad)
         within:backward()
         return grad * 5
      end }
      local shared = x * 2
      local loss = f(shared):sum()
      for _, other in ipairs { loss, loss * 2, (shared * 3):sum() } do -- itself, what comes of it, what shares its beginning
         within = other
         assert.error_matches(function() loss:backward { retain = true } end, "another backward, .* the same graph")
      end
      x:zero_grad()
      within = (w * 3):sum()
      loss:backward()
      assert.same({ 10, 10 }, x.grad:values())
      assert.same({ 3, 3 }, w.grad:values())
   end)

   it("keeps nothing where no gradient can come to it", function()
      local before = live()
      local index = scute.func { forward = function(ctx, t)
         ctx:save_for_backward(t)
         return t:argmax(1)
      end, backward = function() end }(scute.randn(1000):requires_grad_())
      index:free()
      assert.equal(before, live())
   end)

   it("passes gradients of another float type on in that of its input", function()
      local f = scute.func { forward = function(_, x) return x * 2 end,
         backward = function(_, grad) return (grad * 2):to "f64" end }
      local x = scute.tensor({ 1 }, { requires_grad = true })
      f(x):backward()
      assert.equal("f32", x.grad.dtype)
      assert.equal(2, x.grad:item())
   end)

   it("refuses what makes no function", function()
      local function nothing() end
      assert.error_matches(function() scute.func(nothing) end, "func: expected a table of options, found a function")
      assert.error_matches(function() scute.func { forward = nothing } end, "func: option 'backward' is missing")
      assert.error_matches(function() scute.func { forward = nothing, backwards = nothing } end, "did you mean 'backward'?")
      assert.error_matches(function() scute.func { forward = nothing, backward = nothing } () end, "forward returned nothing")
      assert.error_matches(function()
         scute.func { name = "f", forward = function() return 3 end, backward = nothing } ()
      end, "f: output 1: expected a tensor, found 3")
   end)
end)
