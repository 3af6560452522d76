-- What convolution and batch norm promise beyond numbers: caches that follow their content, statistics that stay.
local scute = require "scute"
local activations = require("scute.nn.fused").choices

local function block()
   return {
      x = scute.randn(2, 3, 8, 8), weight = scute.randn(16, 3, 3, 3), bn_weight = scute.ones(16),
      bn_bias = scute.zeros(16), running_mean = scute.zeros(16), running_var = scute.ones(16), padding = 1, act = "relu",
   }
end

local function folded(arguments)
   return scute.no_grad(function() return scute.conv_bn_act(arguments):values() end)
end

local function separately(a)
   local z = scute.conv2d { x = a.x, weight = a.weight, padding = 1 }
   return scute.batch_norm { x = z, weight = a.bn_weight, bias = a.bn_bias, running_mean = a.running_mean,
      running_var = a.running_var, act = "relu" }:values()
end

local function assert_close(found, expected)
   assert.equal(#expected, #found)
   local largest = 0
   for i, value in ipairs(expected) do
      assert.is_true(math.abs(found[i] - value) <= 1e-4) -- values of about 10 in float32
      largest = math.max(largest, math.abs(value))
   end
   assert.is_true(largest > 0)
end

describe("folded convolution", function()
   for _, name in ipairs { "weight", "bn_weight", "bn_bias", "running_mean", "running_var" } do
      it("sees a write to " .. name, function()
         local a = block()
         local before = folded(a)
         assert_close(before, separately(a))
         a[name]:copy_(scute.rand(a[name]:size()) + 0.5)
         local after = folded(a)
         assert_close(after, separately(a))
         assert.are_not.same(before, after)
      end)
   end

   it("tells one eps from another", function()
      local a = block()
      local before = folded(a)
      a.eps = 1
      assert.are_not.same(before, folded(a))
   end)

   it("holds no memory for filters that are gone", function()
      local a = block()
      folded(a)
      a = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      local live = scute.memory().live
      for _ = 1, 3 do
         folded(block())
         collectgarbage()
         collectgarbage()
      end
      assert.equal(live, scute.memory().live)
   end)
end)

describe("silu after a 1x1 convolution", function()
   it("is right to the ends of the range", function()
      local inputs = { -1 / 0, -3e38, -200, -88.5, -87, -20, -1, 0, 1, 20, 200, 3e38, 1 / 0 }
      local function on(device)
         local x, filters = {}, {}
         for i = 1, 16 * #inputs do x[i] = inputs[i] or 0 end
         for i = 1, 48 * 16 do filters[i] = i % 16 == 1 and 1 or 0 end
         local a = { running_mean = scute.zeros({ 48 }, { device = device }),
            running_var = scute.ones({ 48 }, { device = device }), act = "silu" }
         a.x = scute.tensor(x, { device = device }):reshape(1, 16, 1, #inputs)
         a.weight = scute.tensor(filters, { device = device }):reshape(48, 16, 1, 1)
         return scute.no_grad(scute.conv_bn_act, a):values()
      end
      local found = on "cpu"
      for i, value in ipairs(on "ref") do
         if value ~= value then
            assert.not_equal(found[i], found[i])
         else -- below AVX-512 it is oneDNN's, of which 0 is left where 1 / (1 + exp(87)) belongs
            assert.is_true(found[i] == value or math.abs(found[i] - value) <= 2e-6 * math.abs(value) + 2e-36)
         end
      end
   end)
end)

describe("a NaN", function()
   local function is_lost(t)
      for _, value in ipairs(t:values()) do
         if value == value then return true end
      end
      return false
   end

   for _, act in ipairs(activations) do
      it("in a filter or in what is added stays one through " .. act, function()
         for _, name in ipairs { "weight", "residual" } do
            local a = block()
            a.act, a.residual = act, scute.zeros(2, 16, 8, 8)
            a[name]:fill_(0 / 0)
            assert.is_false(is_lost(scute.no_grad(function() return scute.conv_bn_act(a) end)), name .. ", folded")
            a.x:requires_grad_()
            assert.is_false(is_lost(scute.conv_bn_act(a)), name .. ", recorded")
            a.training = true
            assert.is_false(is_lost(scute.conv_bn_act(a)), name .. ", training")
         end
      end)
   end

   it("that came before does not change a bit of what comes after", function()
      for _, act in ipairs(activations) do
         local a = block()
         a.act = act
         local function computed() return scute.no_grad(scute.conv_bn_act, a):values() end
         computed() -- takes note of what was raised so far
         local before = computed()
         scute.zeros(4, 40000):div(0):free() -- raises what numbers that are none raise, in each thread
         assert.same(before, computed(), act)
      end
   end)

   it("is not made of infinities either, but where an activation says so", function()
      for _, act in ipairs(activations) do
         local function on(device)
            local a = block()
            a.x, a.weight, a.act = scute.ones(2, 3, 8, 8), scute.ones(16, 3, 3, 3), act
            a.bn_bias = scute.concat { scute.full({ 8 }, 1 / 0), scute.full({ 8 }, -1 / 0) }
            for name, value in pairs(a) do a[name] = type(value) == "userdata" and value:to(device) or value end
            local y = scute.no_grad(scute.conv_bn_act, a):values()
            for i, value in ipairs(y) do y[i] = tostring(value):gsub("%-nan", "nan") end
            return y
         end
         assert.same(on "ref", on "cpu", act)
      end
   end)

   it("in one pixel reaches the outputs whose windows cover it, and no others", function()
      local pixels = scute.randn(1, 16, 14, 14):values()
      pixels[90] = 0 / 0
      local filters = scute.randn(64, 16, 3, 3)
      local function lost_on(device, act)
         local a = { weight = filters:to(device), running_mean = scute.zeros({ 64 }, { device = device }),
            running_var = scute.ones({ 64 }, { device = device }), padding = 1, act = act }
         a.x = scute.tensor(pixels, { device = device }):reshape(1, 16, 14, 14)
         local y = scute.no_grad(scute.conv_bn_act, a):values()
         for i, value in ipairs(y) do y[i] = value ~= value end
         return y
      end
      for _, act in ipairs { "none", "silu" } do assert.same(lost_on("ref", act), lost_on("cpu", act), act) end
   end)

   -- 64 channels and 16 tiles: where there is AVX-512 all three go by tiles, over which a NaN spreads.
   it("in one pixel of x or of the gradient reaches what is computed from it, and nothing else", function()
      local pixels, upstream = scute.randn(1, 64, 14, 14):values(), scute.randn(1, 64, 14, 14):values()
      local filters = scute.randn(64, 64, 3, 3)
      local function lost_on(device, dtype, broken)
         local function put(list) return scute.tensor(list, { device = device }):to(dtype):reshape(1, 64, 14, 14):detach() end
         local kept = { pixels[90], upstream[300] }
         if broken == "x" then pixels[90] = 0 / 0 else upstream[300] = 1 / 0 end
         local x, weight = put(pixels):requires_grad_(), filters:to(device):to(dtype):detach():requires_grad_()
         local y = scute.conv2d { x = x, weight = weight, padding = 1 }
         y:backward(put(upstream))
         pixels[90], upstream[300] = table.unpack(kept)
         local lost = {}
         for i, t in ipairs { y, x.grad, weight.grad } do
            lost[i] = t:values()
            for k, value in ipairs(lost[i]) do lost[i][k] = value - value ~= 0 end
         end
         return lost
      end
      for _, broken in ipairs { "x", "gradient" } do
         local expected = lost_on("ref", "f32", broken)
         assert.same(expected, lost_on("cpu", "f32", broken))
         assert.same(expected, lost_on("cpu", "bf16", broken))
      end
   end)

   it("is the maximum of its window, and has the gradient", function()
      for _, device in ipairs { "cpu", "ref" } do
         for place = 1, 4 do
            local list = { 1, 5, 3, 2 }
            list[place] = 0 / 0
            local x = scute.tensor(list, { device = device }):reshape(1, 1, 2, 2):detach():requires_grad_()
            local y = scute.max_pool2d(x, 2)
            assert.is_false(is_lost(y))
            y:backward(scute.ones({ 1, 1, 1, 1 }, { device = device }))
            for i, value in ipairs(x.grad:values()) do assert.equal(i == place and 1 or 0, value) end
         end
      end
   end)

   it("in a photo reaches the end of a network, and the next photo is free of it", function()
      local model = scute.models.resnet18({ classes = 3 }):eval()
      local x = scute.zeros(1, 3, 64, 64)
      local before = scute.no_grad(model, x):values()
      local broken = scute.full({ 1, 3, 64, 64 }, 0 / 0)
      assert.is_false(is_lost(scute.no_grad(model, broken)))
      assert.same(before, scute.no_grad(model, x):values())
   end)
end)

describe("batch norm", function()
   it("leaves running statistics alone when it fails and when it evaluates", function()
      local mean, var = scute.zeros(3), scute.ones(3)
      local arguments = { x = scute.randn(1, 3, 1, 1), running_mean = mean, running_var = var, training = true }
      assert.has_error(function() scute.batch_norm(arguments) end)
      arguments.training = false
      scute.batch_norm(arguments)
      assert.same({ 0, 0, 0 }, mean:values())
      assert.same({ 1, 1, 1 }, var:values())
   end)

   it("updates half-width running statistics", function()
      local x = scute.randn(4, 3, 5, 5, { dtype = "f16" })
      local half, full = scute.zeros(3, { dtype = "f16" }), scute.zeros(3)
      scute.batch_norm { x = x, running_mean = half, running_var = scute.ones(3, { dtype = "f16" }), training = true }
      scute.batch_norm { x = x:to "f32", running_mean = full, running_var = scute.ones(3), training = true }
      for i, value in ipairs(full:values()) do
         assert.is_true(value ~= 0 and math.abs(half:values()[i] - value) <= 2 ^ -11 * math.abs(value)) -- rounded once
      end
   end)

   it("does not write over a gradient that something else has as well", function()
      local x, w = scute.randn(2, 3, 4, 4):requires_grad_(), scute.zeros(2, 3, 4, 4):requires_grad_()
      local seed = scute.randn(2, 3, 4, 4)
      local y = scute.batch_norm { x = x, training = true };
      (y + w):backward(seed)
      assert.same(seed:values(), w.grad:values())
      assert.not_same(seed:values(), x.grad:values())
   end)

   it("gives each input a gradient of its own, though they share memory at first", function()
      local x, residual = scute.randn(2, 3, 4, 4):requires_grad_(), scute.randn(2, 3, 4, 4):requires_grad_()
      local y = scute.batch_norm { x = x, residual = residual, training = true }
      y:backward(scute.ones(2, 3, 4, 4))
      residual.grad:fill_(5)
      for _, value in ipairs(x.grad:values()) do assert.is_true(math.abs(value) < 1e-4) end
   end)

   -- oneDNN's sums are made where old numbers lie; what no output meets is to stay 0 all the same.
   it("gives gradients in bf16 that know nothing of what memory held before", function()
      for _, samples in ipairs { 1, 3, 4 } do
         for size = 64, 2 ^ 21, 65536 do scute.full({ size }, 0 / 0):free() end
         local x = scute.randn(samples, 64, 1, 1):to "bf16"
         local w = scute.randn(64, 64, 3, 3):to("bf16"):requires_grad_()
         x:conv2d(w, nil, { stride = 2, padding = 1 }):sum():backward()
         local met, all = w.grad:slice(4, 2, 2):slice(3, 2, 2):to("f32"), w.grad:to "f32"
         assert.equals(met:abs():sum():item(), all:abs():sum():item())
      end
   end)
end)
