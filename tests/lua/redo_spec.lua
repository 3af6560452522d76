-- What the tape does not keep but computes again (host/core/redo.h): the result of batch norm and activation.
local scute = require "scute"
local activations = require("scute.nn.fused").choices

local SHAPE = { 4, 8, 16, 16 }
local MAP = 4 * 4 * 8 * 16 * 16 -- bytes

local function live()
   return scute.memory("cpu").live
end

local function parameters(seed)
   scute.manual_seed(seed)
   local p = { weight = scute.randn(8, 8, 3, 3) * 0.1, scale = scute.randn(8) * 0.2 + 1, shift = scute.randn(8) * 0.2 }
   for _, t in pairs(p) do t:requires_grad_() end
   return p
end

local function fused(p, x, act, residual)
   return scute.conv_bn_act { x = x, weight = p.weight, bn_weight = p.scale, bn_bias = p.shift, residual = residual,
      padding = 1, training = true, act = act }
end

-- The same out of ops whose results the tape keeps.
local function apart(p, x, act, residual)
   local y = scute.batch_norm { x = scute.conv2d { x = x, weight = p.weight, padding = 1 }, weight = p.scale, bias = p.shift,
      training = true }
   if residual then y = y + residual end
   return act == "none" and y * 1 or scute[act](y)
end

local function gradients(p)
   local found = {}
   for _, name in ipairs { "weight", "scale", "shift" } do
      found[name] = p[name].grad:values()
      p[name]:zero_grad()
   end
   return found
end

-- float32 through a few layers, sums of 1024 terms. gelu's two ways agreed to the bit with AVX2; elsewhere a compiler may fuse
-- them otherwise.
local TOLERANCE = setmetatable({ gelu = 1e-3 }, { __index = function() return 2e-4 end })

local function assert_near(expected, found, act)
   for name, values in pairs(expected) do
      for i, v in ipairs(values) do
         assert.is_true(math.abs(v - found[name][i]) <= TOLERANCE[act] * (1 + math.abs(v)),
            ("%s: %s[%d]: %g, expected %g"):format(act, name, i, found[name][i], v))
      end
   end
end

describe("what is computed again", function()
   -- A block that something else left may be a quarter larger than what is asked for.
   before_each(function()
      scute.flush()
      scute.memory_for_speed(0)
   end)
   after_each(function() scute.memory_for_speed() end)

   it("is kept all the same while there is room, and gives the same bits", function()
      local p, found, taken = parameters(7), {}, {}
      for i, room in ipairs { 0, 2 * MAP, 1 << 30 } do
         scute.memory_for_speed(room)
         scute.manual_seed(3)
         local x, before = scute.randn(SHAPE), live()
         local y = x
         for _, act in ipairs { "relu", "silu", "none", "relu6" } do
            local z = fused(p, y, act)
            if not rawequal(y, x) then y:free() end
            y = z
         end
         taken[i] = live() - before
         y:sum():backward()
         found[i] = gradients(p)
         y:free()
      end
      assert.is_true(taken[2] >= taken[1] + 1.9 * MAP and taken[2] <= taken[1] + 2.5 * MAP)
      assert.is_true(taken[3] >= taken[1] + 2.9 * MAP)
      assert.same(found[1], found[2])
      assert.same(found[1], found[3])
   end)

   it("leaves its room when backward has gone through it, or nobody wants its gradient", function()
      local p, x = parameters(7), scute.randn(SHAPE)
      scute.memory_for_speed(MAP)
      local function two_layers()
         local before, y = live(), fused(p, x, "relu")
         local z = fused(p, y, "relu")
         y:free()
         return live() - before, z
      end
      local taken, z = two_layers()
      z:sum():backward()
      z:free()
      for _ = 1, 2 do
         local again, dropped = two_layers()
         assert.equal(taken, again)
         dropped:free()
         collectgarbage()
      end
      gradients(p)
   end)

   it("takes no memory between forward and backward: one map for each layer", function()
      local p, x = parameters(1), scute.randn(SHAPE)
      for _, act in ipairs(activations) do
         local before, layers = live(), 5
         local y = x
         for _ = 1, layers do
            local z = fused(p, y, act)
            if not rawequal(y, x) then y:free() end
            y = z
         end
         assert.is_true(live() - before < (layers + 1.5) * MAP, act .. ": the convolutions' results, and y")
         y:sum():backward()
         gradients(p)
         y:free()
         assert.is_true(live() - before < MAP / 2, act)
      end
   end)

   it("takes none for the blocks of a residual network either", function()
      local p, x = parameters(2), scute.randn(SHAPE)
      for _, act in ipairs { "none", "relu" } do
         local before, blocks = live(), 6
         local y = fused(p, x, act)
         for _ = 1, blocks do
            local inner = fused(p, y, "relu")
            local z = fused(p, inner, act, y)
            inner:free()
            y:free()
            y = z
         end
         assert.is_true(live() - before < (2 * blocks + 2.5) * MAP, act)
         y:sum():backward()
         gradients(p)
         y:free()
      end
   end)

   it("takes none for layer norm, group norm and gelu, whose gradients are those of kept values", function()
      local p, x = parameters(6), scute.randn(SHAPE)
      local ops = {
         function(y) return y:gelu() end,
         function(y)
            return scute.layer_norm { x = y, normalized_shape = { 8 }, weight = p.scale, bias = p.shift, channels = true }
         end,
         function(y) return scute.group_norm { x = y, num_groups = 2, weight = p.scale, bias = p.shift } end,
      }
      for number, op in ipairs(ops) do
         local found = {}
         for i, kept in ipairs { false, true } do
            local before, layers, y, all = live(), 5, x, {}
            for _ = 1, layers do
               local z = scute.conv2d { x = y, weight = p.weight, padding = 1 }
               local next_y = op(z)
               z:free()
               if kept then all[#all + 1] = next_y elseif not rawequal(y, x) then y:free() end
               y = next_y
            end
            assert.equal(not kept, live() - before < (layers + 3) * MAP, ("op %d"):format(number)) -- and the statistics
            y:sum():backward()
            found[i] = p.weight.grad:values()
            for _, t in pairs(p) do t:zero_grad() end
            for _, t in ipairs(all) do t:free() end
            if not kept then y:free() end
         end
         assert.same(found[2], found[1])
      end
   end)

   it("gives the gradients that kept values give, however long the chain of residuals", function()
      for _, act in ipairs(activations) do
         local p, seed = parameters(3), nil
         local found = {}
         for i, layer in ipairs { apart, fused } do
            scute.manual_seed(5)
            local y = layer(p, scute.randn(2, 8, 6, 6), act)
            for _ = 1, 20 do y = layer(p, layer(p, y, "relu") * 1, act, y) end
            seed = seed or scute.randn(2, 8, 6, 6)
            y:backward(seed)
            found[i] = gradients(p)
         end
         assert_near(found[1], found[2], act)
      end
   end)

   it("is the same bits in bf16, too, when backward goes through the graph twice", function()
      for _, dtype in ipairs { "f32", "bf16" } do
         local p = parameters(4)
         local y = scute.autocast(dtype, function()
            local first = fused(p, scute.randn(SHAPE), "silu")
            return fused(p, fused(p, first, "relu"), "relu", first)
         end)
         local loss = y:to("f32"):sum()
         loss:backward { retain = true }
         local once = gradients(p)
         loss:backward()
         assert.same(once, gradients(p))
      end
   end)

   it("does not change because a parameter does before backward", function()
      local p, found = parameters(8), {}
      for i, layer in ipairs { apart, fused } do
         scute.manual_seed(9)
         local y = layer(p, layer(p, scute.randn(SHAPE), "silu"), "silu")
         if i == 2 then
            scute.no_grad(function()
               p.scale:fill_(7)
               p.shift:fill_(7)
            end)
         end
         y:sum():backward()
         found[i] = gradients(p)
      end
      assert_near(found[1], found[2], "silu")
   end)
end)
