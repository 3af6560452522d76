-- What case tables cannot say of layer norm and group norm: NaN and infinity, rows of one number, the two ways over channels,
-- widths under autocast, and their layers.
local scute = require "scute"
local nn = scute.nn

local NAN, INF = 0 / 0, math.huge

local function near(expected, found, tolerance)
   local a, b = expected:values(), found:values()
   assert.equal(#a, #b)
   for i, value in ipairs(a) do
      assert.is_true(math.abs(value - b[i]) <= (tolerance or 1e-6), ("at %d: %g, expected %g"):format(i, b[i], value))
   end
end

describe("layer_norm", function()
   it("spoils the row of a NaN or an infinity, and no other", function()
      for _, device in ipairs { "cpu", "ref" } do
         for _, bad in ipairs { NAN, INF, -INF } do
            local rows = scute.tensor({ { 1, 2, 4 }, { 1, bad, 3 }, { 4, 4, 4 } }, { device = device })
            local y = rows:layer_norm(3):values()
            for i = 1, 9 do assert.equal(i > 3 and i < 7, y[i] ~= y[i]) end
            assert.same({ 0, 0, 0 }, { y[7], y[8], y[9] })
            local pictures = rows:reshape(3, 3, 1, 1):layer_norm { normalized_shape = { 3 }, channels = true }
            assert.equal(y[1], pictures:values()[1])
            y = rows:reshape(3, 3, 1, 1):group_norm(3):values()
            assert.is_true(y[5] ~= y[5] and y[4] == 0 and y[6] == 0)
         end
      end
   end)

   it("makes NaN of equal numbers with an eps of 0 alone", function()
      for _, device in ipairs { "cpu", "ref" } do
         local x = scute.full({ 2, 4 }, 3, { device = device })
         assert.same({ 0, 0, 0, 0, 0, 0, 0, 0 }, x:layer_norm(4):values())
         for _, y in ipairs { x:layer_norm { normalized_shape = 4, eps = 0 }, x:group_norm { num_groups = 2, eps = 0 } } do
            for _, value in ipairs(y:values()) do assert.is_true(value ~= value) end
         end
      end
   end)

   it("gives rows of one number their bias, and neither x nor weight a gradient", function()
      for _, device in ipairs { "cpu", "ref" } do
         local x = scute.tensor({ { 3 }, { -7 } }, { device = device }):requires_grad_()
         local weight = scute.tensor({ 2 }, { device = device }):requires_grad_()
         local y = scute.layer_norm { x = x, normalized_shape = { 1 }, weight = weight, bias = scute.tensor({ 5 },
            { device = device }) }
         assert.same({ 5, 5 }, y:values())
         y:sum():backward()
         assert.same({ 0, 0, 0 }, scute.concat { x.grad:reshape(-1), weight.grad }:values())
      end
   end)

   it("over channels is that of the permuted picture", function()
      local x = scute.randn(2, 5, 3, 4)
      local permuted = x:permute(1, 3, 4, 2):layer_norm(5):permute(1, 4, 2, 3)
      near(permuted, x:layer_norm { normalized_shape = { 5 }, channels = true })
      near(x:layer_norm(5, 3, 4), x:group_norm(1))
   end)

   it("takes its sizes as numbers, with weight and bias after them", function()
      local x, weight, bias = scute.randn(2, 3, 4), scute.randn(3, 4), scute.randn(3, 4)
      local expected = x:layer_norm { normalized_shape = { 3, 4 }, weight = weight, bias = bias }
      near(expected, x:layer_norm(3, 4, weight, bias))
      near(expected, x:layer_norm({ 3, 4 }, weight, bias, 1e-5))
      near(x:layer_norm { normalized_shape = { 4 } }, x:layer_norm { normalized_shape = 4 })
   end)

   it("keeps half width under autocast, and computes in float32", function()
      local x = (scute.randn(4, 300) + 30):to "bf16"
      local y = scute.autocast("bf16", function() return x:layer_norm(300) end)
      assert.equal("bf16", y.dtype)
      near(x:to "f32":layer_norm(300), y:to "f32", 2 ^ -6) -- the last bit of values up to 8
      assert.equal("f32", scute.autocast("bf16", function() return x:to "f32":layer_norm(300) end).dtype)
   end)
end)

describe("layers of norms", function()
   it("are what the ops are, with eps, and say what they are", function()
      local x = scute.randn(2, 6, 3, 4)
      near(x:layer_norm(3, 4), nn.LayerNorm { { 3, 4 } }(x))
      near(x:layer_norm { normalized_shape = { 4 }, eps = 0.5 }, nn.LayerNorm(4, 0.5)(x))
      near(x:layer_norm { normalized_shape = { 6 }, channels = true, eps = 0.1 }, nn.LayerNorm2d { 6, eps = 0.1 }(x))
      near(x:group_norm(3), nn.GroupNorm(3, 6)(x))
      assert.equal("LayerNorm((3, 4), eps=1e-05, elementwise_affine=True)", tostring(nn.LayerNorm { { 3, 4 } }))
      assert.equal("LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=False)",
         tostring(nn.LayerNorm { 4, bias = false }))
      assert.equal("LayerNorm2d((6,), eps=1e-06, elementwise_affine=False)",
         tostring(nn.LayerNorm2d { 6, eps = 1e-6, elementwise_affine = false }))
      assert.equal("GroupNorm(3, 6, eps=1e-05, affine=True)", tostring(nn.GroupNorm(3, 6)))
   end)

   it("have parameters as they are asked for", function()
      local function names(module)
         local list = {}
         for name in module:named_parameters() do list[#list + 1] = name end
         return table.concat(list, " ")
      end
      assert.equal("weight bias", names(nn.LayerNorm(4)))
      assert.equal("weight", names(nn.LayerNorm { 4, bias = false }))
      assert.equal("", names(nn.LayerNorm2d { 4, elementwise_affine = false }))
      assert.equal("", names(nn.GroupNorm { 2, 4, affine = false }))
      assert.same({ 3, 4 }, nn.LayerNorm({ { 3, 4 } }).weight.shape)
   end)

   it("refuse what they cannot be", function()
      local function refused(text, call)
         local ok, message = pcall(call)
         assert.is_false(ok)
         assert.matches(text, tostring(message))
      end
      refused("several sizes are a table: nn.LayerNorm { { 3, 10 } }%), found 10", function() nn.LayerNorm { 3, 10 } end)
      refused("'normalized_shape': expected a whole number of at least 1, or", function() nn.LayerNorm(0) end)
      refused("num_groups: expected a divisor of 8 channels, found 3", function() nn.GroupNorm(3, 8) end)
      refused("channels = true, or nn.LayerNorm2d", function() nn.LayerNorm(6)(scute.randn(1, 6, 2, 2)) end)
      refused("did you mean 'eps'", function() nn.LayerNorm2d { 6, epsilon = 1e-6 } end)
      refused("did you mean 'scute.nn.GroupNorm'", function() return nn.InstanceNorm2d end)
   end)
end)
