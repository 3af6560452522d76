-- Mixed precision: what scute.autocast converts, and what stays float32.
local scute = require "scute"

local function random(...)
   scute.manual_seed(5)
   return scute.randn(...)
end

local function close(a, b, tolerance)
   local worst, scale = 0, 0
   b = b:values()
   for i, value in ipairs(a:values()) do
      worst, scale = math.max(worst, math.abs(value - b[i])), math.max(scale, math.abs(b[i]))
   end
   assert.is_true(worst <= tolerance * scale, ("off by %g of %g"):format(worst, scale))
end

describe("autocast", function()
   it("is off outside, also after an error, and gives what the function gives", function()
      local x, w = random(2, 3, 5, 5), random(4, 3, 3, 3)
      assert.same({ "bf16", 7 }, { scute.autocast("bf16", function() return scute.conv2d(x, w).dtype, 7 end) })
      assert.has_error(function() scute.autocast("f16", error, "oops") end, "oops")
      assert.equal("f32", scute.conv2d(x, w).dtype)
      assert.equal("f32", scute.autocast("f32", scute.conv2d, x, w).dtype)
      assert.equal("f32", scute.autocast("bf16", scute.autocast, "f32", scute.conv2d, x, w).dtype)
   end)

   it("names what it does not take", function()
      assert.has_error(function() scute.autocast("i64", print) end, "autocast: expected 'bf16', 'f16' or 'f32', found 'i64'")
      assert.has_error(function() scute.autocast("bf16") end, "autocast: expected a function, found nothing")
   end)

   for _, dtype in ipairs { "bf16", "f16" } do
      it("computes products in " .. dtype .. " and losses in f32", function()
         local x, w, b = random(4, 3, 6, 6), random(5, 3, 3, 3):requires_grad_(), random(5):requires_grad_()
         local head = random(2, 5):requires_grad_()
         scute.autocast(dtype, function()
            local y = scute.conv2d(x, w, b):relu()
            local z = y:global_avg_pool2d():flatten(2)
            local logits = scute.linear(z, head)
            local loss = scute.cross_entropy(logits, scute.tensor({ 1, 2, 1, 2 }, { dtype = "i64" }))
            assert.same({ dtype, dtype, dtype, "f32", "f32", "f32", "f32" }, { y.dtype, z.dtype, logits.dtype, loss.dtype,
               logits:softmax().dtype, logits:mean().dtype, logits:exp().dtype })
            loss:backward()
         end)
         assert.same({ "f32", "f32", "f32" }, { w.grad.dtype, b.grad.dtype, head.grad.dtype })
         local cast = { w.grad, b.grad, head.grad }
         for _, t in ipairs { w, b, head } do t:zero_grad() end
         local loss = scute.cross_entropy(scute.linear(scute.conv2d(x, w, b):relu():global_avg_pool2d():flatten(2), head),
            scute.tensor({ 1, 2, 1, 2 }, { dtype = "i64" }))
         loss:backward()
         -- a handful of roundings of half a unit in the eighth (bf16) or eleventh bit, one after the other
         local tolerance = dtype == "bf16" and 2 ^ -5 or 2 ^ -8
         for i, t in ipairs { w, b, head } do close(cast[i], t.grad, tolerance) end
      end)
   end

   -- Logits of a network of random weights, the same samples and elements dropped, and statistics as they were before.
   local function logits_in(model, x, dtype)
      local kept = {}
      for _, buffer in model:named_buffers() do kept[#kept + 1] = { buffer, buffer:clone() } end
      scute.manual_seed(4)
      local y = scute.autocast(dtype, scute.no_grad, model, x):to("f32")
      for _, entry in ipairs(kept) do entry[1]:copy_(entry[2]) end
      return y
   end

   local function worst(a, b)
      local difference <close> = (a - b):abs()
      return difference:max():item()
   end

   local function network(name)
      scute.manual_seed(3)
      local model, x = scute.models.create(name, { classes = 10, pretrained = "none" }), scute.randn(4, 3, 64, 64)
      model:train()
      scute.no_grad(model, x) -- statistics that are not those of the start
      return model, x
   end

   for _, name in ipairs { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2" } do
      -- 20 to 130 layers round to 8 (bf16) or 11 bits (f16), and roundings add up like a random walk: sqrt(130) * 2^-9 is
      -- 0.022 of the spread of the logits, and the worst of 40 numbers is three times that.
      it(("gives what f32 gives: %s evaluating"):format(name), function()
         local model, x = network(name)
         model:eval()
         local plain = logits_in(model, x, "f32")
         close(logits_in(model, x, "bf16"), plain, 0.08)
         close(logits_in(model, x, "f16"), plain, 0.01)
      end)

      -- In the last layers the statistics of 16 values are taken, which magnifies roundings by what no formula says. But
      -- bf16 has three bits less than f16, whose kernels are those of f32: it is off by 8 times as much, here within a
      -- factor of 2.
      it(("is off by what its bits explain: %s training"):format(name), function()
         local model, x = network(name)
         local plain = logits_in(model, x, "f32")
         local fine, coarse = worst(logits_in(model, x, "f16"), plain), worst(logits_in(model, x, "bf16"), plain)
         assert.is_true(fine > 0 and coarse <= 16 * fine, ("off by %g in bf16, %g in f16"):format(coarse, fine))
      end)
   end

   it("is off in backward, also where that is called within it and written in Lua", function()
      local a, b = random(3, 4), random(4, 2)
      local found = {}
      local product = scute.func {
         forward = function() return a:matmul(b) end,
         backward = function(_, grad)
            local again <close> = a:matmul(b)
            found[#found + 1] = again.dtype
            return grad * again
         end,
      }
      scute.autocast("bf16", function()
         local x = random(3, 2):requires_grad_()
         local y = product(x)
         found[#found + 1] = y.dtype
         y:sum():backward()
         found[#found + 1] = a:matmul(b).dtype
      end)
      assert.same({ "bf16", "f32", "bf16" }, found)
   end)

   it("leaves float64 alone", function()
      local x = scute.randn({ 2, 3 }, { dtype = "f64" })
      assert.equal("f64", scute.autocast("bf16", scute.linear, x, scute.randn({ 4, 3 }, { dtype = "f64" })).dtype)
   end)

   it("keeps half and float32 folds apart", function()
      local given = { x = random(2, 3, 8, 8), weight = random(8, 3, 3, 3), running_mean = random(8),
         running_var = scute.ones(8) }
      local function run() return scute.no_grad(scute.conv_bn_act, given) end
      local before = run()
      local cast = scute.autocast("bf16", run)
      assert.same(before:values(), run():values())
      assert.same(cast:values(), scute.autocast("bf16", run):values())
      assert.are_not.same(before:values(), cast:values())
      close(cast, before, 2 ^ -6) -- photos, filters and results are rounded to 8 bits
   end)

   it("keeps the halves of a frozen weight from its second call on, and none of an old content", function()
      local x, weight = random(1, 8, 6, 6), random(24, 8, 3, 3)
      local function values()
         local y <close> = scute.autocast("bf16", scute.conv2d, x, weight, nil, 1, 1)
         return y:values()
      end
      collectgarbage()
      local first, before = values(), scute.memory().live
      assert.same(first, values())
      assert.is_true(scute.memory().live - before >= 2 * weight:numel())
      assert.same(first, values())
      weight:copy_(weight * 2)
      for _ = 1, 3 do
         for i, v in ipairs(values()) do assert.equal(2 * first[i], v) end
      end
      weight:requires_grad_()
      scute.autocast("bf16", scute.conv2d, x, weight, nil, 1, 1):to("f32"):sum():backward()
      assert.is_true(weight.grad:abs():max():item() > 0)
   end)

   it("moves running statistics in f32, and frozen ones not at all", function()
      local bn, conv = scute.nn.BatchNorm2d { 6 }, scute.nn.Conv2d { 3, 6, 3 }
      local x = random(4, 3, 9, 9)
      local function run() return bn(conv(x)) end
      assert.equal("bf16", scute.autocast("bf16", run).dtype)
      assert.equal("f32", bn.running_mean.dtype)
      local moved = bn.running_var:values()
      bn:freeze()
      scute.autocast("bf16", run)
      assert.same(moved, bn.running_var:values())
   end)
end)

describe("a half operand beside a float32 x", function()
   local function half(...) return scute.ones({ ... }, { dtype = "f16" }) end
   local large = scute.full({ 2 }, 1e10)

   it("leaves the result float32, as x is", function()
      local index = scute.tensor({ 1 }, { dtype = "i64" })
      local photos, rows = scute.full({ 1, 2, 2, 2 }, 1e10), scute.tensor { { 1, 2, 3.0001, 4 } }
      for name, run in pairs {
         scatter_add = function() return large:scatter_add(1, index, half(1)) end,
         gem_pool2d = function() return photos:gem_pool2d(half(1) * 3) end,
         layer_norm = function() return rows:layer_norm(4, half(4), scute.full({ 4 }, 1e10)) end,
         where = function() return scute.where(large:gt(0), large, half(2)) end,
      } do
         local y = run()
         assert.equal("f32", y.dtype, name)
         assert.is_true(y:lt(1e38):min():item() == 1 and y:min():item() > -1e38, name)
      end
   end)

   it("has a gradient in its own dtype, and so has x", function()
      local p = (half(1) * 3):requires_grad_()
      local x = scute.rand({ 1, 2, 2, 2 }, { requires_grad = true })
      x:gem_pool2d(p):sum():backward()
      assert.same({ "f16", "f32" }, { p.grad.dtype, x.grad.dtype })
   end)

   it("keeps what autocast is told to add up in float32 there", function()
      local sum = scute.zeros(2, 2)
      local found = scute.autocast("bf16", function()
         local products = scute.linear(scute.ones(2, 3), scute.ones(2, 3))
         return sum:scatter_add(1, scute.tensor({ { 1, 2 } }, { dtype = "i64" }), products).dtype
      end)
      assert.equal("f32", found)
   end)

   it("makes a half x beside float32 no wider", function()
      assert.equal("f16", half(2):scatter_add(1, scute.tensor({ 1 }, { dtype = "i64" }), scute.ones(1)).dtype)
      assert.equal("f16", half(1, 2, 2, 2):gem_pool2d(scute.ones(1)).dtype)
   end)
end)
