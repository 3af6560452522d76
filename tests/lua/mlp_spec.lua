-- What case tables cannot say of mlp: that it is its parts, in which width it computes, NaN and infinity, and what it may write
-- over.
local scute = require "scute"
local ops_of = dofile "tests/lua/ops_of.lua"

local function near(expected, found, tolerance)
   assert.same(expected.shape, found.shape)
   local difference, size = (expected - found):abs():max():item(), expected:abs():max():item()
   assert.is_true(difference <= (tolerance or 1e-5) * size, ("off by %g of %g"):format(difference, size))
end

local NAMES = { "x", "weight1", "bias1", "weight2", "bias2" }

local function inputs(shape, hidden, outputs)
   scute.manual_seed(4)
   local c = shape[2]
   return { x = scute.randn(shape), weight1 = scute.randn(hidden, c) * 0.5, bias1 = scute.randn(hidden),
      weight2 = scute.randn(outputs, hidden) * 0.3, bias2 = scute.randn(outputs) }
end

local function by_parts(i)
   if i.x.rank == 2 then return i.x:linear(i.weight1, i.bias1):gelu():linear(i.weight2, i.bias2) end
   local function pixels(x, weight, bias) return x:conv2d(weight:reshape(weight.shape[1], weight.shape[2], 1, 1), bias) end
   return pixels(pixels(i.x, i.weight1, i.bias1):gelu(), i.weight2, i.bias2)
end

-- The result of f and the gradients of all that goes in, by name.
local function results(f, given)
   local own = {}
   for name, t in pairs(given) do own[name] = t:detach():requires_grad_() end
   local y = f(own)
   scute.manual_seed(9)
   y:backward(scute.randn(y.shape))
   local found = { y = y:detach() }
   for name, t in pairs(own) do found[name] = t.grad end
   return found
end

describe("mlp", function()
   it("is its parts, of rows and of pixels, in one chunk and in several", function()
      for _, case in ipairs { { { 7, 12 }, 20, 5 }, { { 3, 12, 5, 4 }, 48, 12 }, { { 2, 8, 40, 33 }, 32, 8 } } do
         local given = inputs(table.unpack(case))
         local expected = results(by_parts, given)
         for name, t in pairs(results(scute.mlp, given)) do near(expected[name], t) end
         near(expected.y, scute.no_grad(scute.mlp, given)) -- where nothing is kept
      end
   end)

   it("is one kernel in float32, and its parts in half width and under autocast", function()
      local given = inputs({ 2, 8, 4, 4 }, 16, 8)
      local plain = scute.mlp(given)
      assert.is_true(ops_of(scute.mlp, given).mlp_rows)
      local ops, y = ops_of(scute.autocast, "bf16", scute.mlp, given)
      assert.is_true(ops.conv2d and ops.gelu and not ops.mlp_rows)
      assert.equal("bf16", y.dtype)
      near(plain, y:to "f32", 2 ^ -5)
      assert.equal("f32", scute.mlp(given).dtype) -- autocast is as it was
      local wide = {}
      for name, t in pairs(given) do wide[name] = t:to "f64" end
      near(plain, scute.mlp(wide):to "f32")
   end)

   it("knows shapes where there are no values", function()
      local given = {}
      for name, t in pairs(inputs({ 2, 8, 4, 3 }, 16, 5)) do given[name] = scute.zeros(t.shape, { device = "shape" }) end
      assert.same({ 2, 5, 4, 3 }, scute.mlp(given).shape)
   end)

   it("spoils the row of a NaN or an infinity, and no other", function()
      for _, bad in ipairs { 0 / 0, math.huge } do
         local given = inputs({ 4, 6 }, 9, 3)
         given.x = scute.where(scute.tensor({ { 0 }, { 1 }, { 0 }, { 0 } }):gt(0), bad, given.x)
         local y = scute.mlp(given)
         for row = 1, 4 do
            local sum = y:slice(1, row, row):sum():item()
            assert.equal(row == 2, sum ~= sum or math.abs(sum) == math.huge)
         end
      end
   end)

   it("does not write over a gradient that something else has as well", function()
      local given = inputs({ 3, 6 }, 9, 6)
      local x, w = given.x:requires_grad_(), scute.zeros(3, 6):requires_grad_()
      local seed = scute.randn(3, 6)
      local before = seed:values();
      (scute.mlp { x = x * 1, weight1 = given.weight1, bias1 = given.bias1, weight2 = given.weight2, bias2 = given.bias2 }
         + w):backward(seed)
      assert.same(before, w.grad:values())
      assert.same(before, seed:values())
      assert.not_same(before, x.grad:values())
   end)

   it("refuses an argument that is missing, by its name", function()
      for _, name in ipairs(NAMES) do
         local given = inputs({ 3, 6 }, 9, 6)
         given[name] = nil
         assert.error_matches(function() scute.mlp(given) end, ("mlp: argument '%s' is missing"):format(name))
      end
   end)
end)
