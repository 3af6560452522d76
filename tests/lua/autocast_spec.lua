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

   it("leaves float64 alone", function()
      local x = scute.randn({ 2, 3 }, { dtype = "f64" })
      assert.equal("f64", scute.autocast("bf16", scute.linear, x, scute.randn({ 4, 3 }, { dtype = "f64" })).dtype)
   end)

   it("keeps half and float32 folds apart", function()
      local given = { x = random(2, 3, 8, 8), weight = random(8, 3, 3, 3), running_mean = random(8),
         running_var = scute.ones(8) }
      local function run() return scute.no_grad(scute.conv_bn_act, given):values() end
      local before = run()
      local cast = scute.autocast("bf16", run)
      assert.same(before, run())
      assert.same(cast, scute.autocast("bf16", run))
      assert.are_not.same(before, cast)
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
