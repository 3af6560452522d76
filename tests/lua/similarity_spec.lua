-- What case tables cannot say of normalize and cosine_similarity: zeros, NaN, infinities, halves, layers.
local scute = require "scute"
local same = dofile "tests/lua/same_values.lua"

local NAN = 0 / 0

describe("normalize", function()
   it("leaves zeros, and tells of NaN in its own vector only", function()
      for _, device in ipairs { "cpu", "ref" } do
         for _, p in ipairs { 1, 2, 2.5, math.huge } do
            local x = scute.tensor({ { 0, 0, 0 }, { 0, 5, 0 }, { NAN, 1, 2 }, { -0.0, -1e-30, 0 } }, { device = device })
            same({ 0, 0, 0, 0, 1, 0, NAN, NAN, NAN, 0, -1e-18, 0 }, x:normalize { p = p })
         end
         same({ 0, 0, NAN }, scute.tensor({ 3, -4, math.huge }, { device = device }):normalize())
      end
   end)

   it("has the gradient of x / eps where a vector is shorter", function()
      local x = scute.zeros(2, 3):requires_grad_()
      x:normalize({ eps = 0.5 }):sum():backward()
      same({ 2, 2, 2, 2, 2, 2 }, x.grad)
   end)

   it("computes in float32 under autocast, and of halves makes halves", function()
      local x = scute.randn(3, 5):to "bf16"
      assert.equal("bf16", x:normalize().dtype)
      assert.equal("f32", scute.autocast("bf16", function() return x:normalize() end).dtype)
   end)
end)

describe("cosine_similarity", function()
   it("of a vector of zeros is 0, and that of NaN is NaN", function()
      local x = scute.tensor { { 0, 0 }, { 1, NAN }, { 2, 2 } }
      same({ 0, NAN, 1 }, x:cosine_similarity(scute.tensor { { 3, 3 } }))
   end)

   it("of halves is rounded once", function()
      local a, b = scute.randn(6, 40):to "bf16", scute.randn(6, 40):to "bf16"
      local y = a:cosine_similarity(b)
      assert.equal("bf16", y.dtype)
      same(a:to("f32"):cosine_similarity(b:to "f32"):to("bf16"):values(), y)
   end)

   it("takes tensors of two dtypes, and names what it cannot take", function()
      local a, b = scute.randn(2, 4), scute.ones(2, 4):to "i64"
      same(a:cosine_similarity(b:to "f32"):values(), a:cosine_similarity(b))
      assert.error_matches(function() b:cosine_similarity(b) end, "cosine_similarity: argument 'x1': expected a float")
      assert.error_matches(function() a:cosine_similarity(3) end, "argument 'x2': expected a tensor, found 3")
   end)
end)

describe("layers of them", function()
   it("are what the ops are", function()
      local nn, a, b = scute.nn, scute.randn(3, 4), scute.randn(3, 4)
      same(a:cosine_similarity(b):values(), nn.CosineSimilarity()(a, b))
      same(a:cosine_similarity(b, 1):values(), nn.CosineSimilarity { dim = 1 }(a, b))
      same(a:normalize(1):values(), nn.Normalize { p = 1 }(a))
      same(a:normalize(math.huge):values(), nn.Normalize { p = math.huge }(a))
      assert.equal("CosineSimilarity(eps=1e-08)", (tostring(nn.CosineSimilarity()):gsub("%s+$", "")))
      assert.equal("CosineSimilarity(dim=2, eps=1e-08)", (tostring(nn.CosineSimilarity(2)):gsub("%s+$", "")))
      assert.equal("Normalize(p=2, eps=1e-12)", (tostring(nn.Normalize()):gsub("%s+$", "")))
      same(a[1]:cosine_similarity(b[1]):values(), nn.CosineSimilarity()(a[1], b[1]))
      same(a[1]:normalize():values(), nn.Normalize()(a[1]))
      assert.error_matches(function() nn.Normalize { p = 0 } end, "'p': expected a number above 0")
      assert.error_matches(function() nn.CosineSimilarity { dims = 1 } end, "did you mean 'dim'")
   end)
end)

describe("cdist", function()
   local diagonal = {}
   for i = 1, 400 do diagonal[i] = i % 21 == 1 and 1 or 0 end
   local same_point = scute.tensor(diagonal):reshape(20, 20)

   it("of a point and itself is 0, with the gradient 0, by products too", function()
      for _, device in ipairs { "cpu", "ref" } do
         local x = (scute.randn(20, 32) * 3 + 7):to(device):requires_grad_()
         for _, p in ipairs { 1, 2, 3, math.huge } do
            local y = x:cdist(x:detach(), p)
            for i = 1, 20 do assert.equal(0, y[i][i]) end
            x:zero_grad()
            scute.sum(y * same_point:to(device)):backward()
            same(scute.zeros(20, 32):values(), x.grad)
         end
      end
   end)

   it("tells of NaN and infinities where they are, by products too", function()
      local values = scute.zeros(20, 32):totable()
      values[1][1], values[2][1], values[3][1] = NAN, math.huge, 3e20
      local x = scute.tensor(values)
      for _, p in ipairs { 1, 2, 3, math.huge } do
         local y = x:cdist(scute.zeros(20, 32), p)
         assert.is_true(y[1][1] ~= y[1][1] and y[2][5] == math.huge and math.abs(y[3][5] / 3e20 - 1) < 1e-6, p)
         assert.equal(0, y[4][7])
      end
   end)
end)

describe("gem_pool2d", function()
   it("is the mean for p = 1, near the maximum for a large p, and stable in half width", function()
      for _, dtype in ipairs { "f32", "f16", "bf16" } do
         local x = (scute.rand(2, 3, 4, 5) * 30000):to(dtype)
         local mean, most = x:to("f32"):mean(4):mean(3), x:to("f32"):max(4):max(3)
         local y, z = x:gem_pool2d(1):reshape(2, 3), x:gem_pool2d(500):reshape(2, 3)
         assert.equal(dtype, y.dtype)
         assert.is_true((y:to "f32" / mean - 1):abs():max():item() < 0.005)
         assert.is_true((z:to "f32" / most - 1):abs():max():item() < 0.012)
         assert.equal("f32", scute.autocast("bf16", function() return x:to("f32"):gem_pool2d(3) end).dtype)
      end
   end)

   it("tells of NaN and of infinities, of p = 0 too", function()
      for _, device in ipairs { "cpu", "ref" } do
         local x = scute.tensor({ 1, NAN, 1, math.huge, 2, 2 }, { device = device }):reshape(3, 1, 1, 2)
         same({ NAN, math.huge, 2 }, x:gem_pool2d(3))
         assert.is_true(x:gem_pool2d(0):values()[3] ~= 2)
      end
   end)

   it("learns its exponent", function()
      local pool = scute.nn.GeMPool2d { p = 2 }
      assert.equal("GeMPool2d(p=2 at first, eps=1e-06)", (tostring(pool):gsub("%s+$", "")))
      local x = scute.rand(2, 3, 4, 4):requires_grad_()
      pool(x):sum():backward()
      assert.equal(1, pool.p.grad:numel())
      assert.is_true(pool.p.grad:item() > 0)
      assert.same({ 3 }, scute.nn.GeMPool2d { channels = 3 }.p.shape)
      assert.same({ p = 2, eps = 1e-6, dtype = "f32" }, require("scute.nn.kinds").options(pool))
   end)
end)
