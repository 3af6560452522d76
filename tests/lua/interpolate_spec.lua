-- What case tables cannot say of interpolate: u8, NaN, sizes, layers.
local scute = require "scute"

local NAN = 0 / 0

local function picture(rows, options)
   local t = scute.tensor(rows, options)
   return t:reshape(1, 1, t.shape[1], t.shape[2])
end

describe("interpolate", function()
   it("keeps u8 and rounds it to the nearest", function()
      for _, device in ipairs { "cpu", "ref" } do
         local x = picture({ { 0, 3 }, { 255, 250 } }, { dtype = "u8", device = device })
         local y = x:interpolate { size = { 2, 3 }, mode = "bilinear" }
         assert.equal("u8", y.dtype)
         assert.same({ 0, 2, 3, 255, 252, 250 }, y:values())
         assert.same({ 0, 0, 3, 3, 255, 255, 250, 250 }, x:interpolate({ size = { 2, 4 } }):values())
         for _, value in ipairs(x:interpolate({ scale_factor = 3, mode = "bicubic" }):values()) do
            assert.is_true(value >= 0 and value <= 255) -- which it overshoots
         end
      end
   end)

   it("makes of a photo's bytes what reading the photo in that size does, which is Pillow's", function()
      local image = scute.image.load "tests/golden/images/baseline.jpg"
      for _, size in ipairs { { 9, 7 }, { 20, 61 }, { 70, 50 } } do
         for _, filter in ipairs { "bilinear", "bicubic" } do
            local expected = image:resize({ height = size[1], width = size[2], filter = filter }):tensor()
            local found = image:tensor():interpolate { size = size, mode = filter, antialias = true }
            assert.same({ "u8", expected:values() }, { found.dtype, found:values() })
         end
      end
   end)

   it("spreads a NaN no further than its weights", function()
      for _, device in ipairs { "cpu", "ref" } do
         local x = picture({ { 1, 2, NAN, 4 } }, { device = device })
         local y = x:interpolate({ size = { 1, 4 }, mode = "bilinear" }):values()
         assert.is_true(y[2] == 2 and y[3] ~= y[3] and y[4] == 4)
      end
   end)

   it("takes a size or a factor, by position as PyTorch does", function()
      local x = scute.randn(2, 3, 5, 7)
      assert.same({ 2, 3, 4, 4 }, x:interpolate(4).shape)
      assert.same({ 2, 3, 2, 9 }, x:interpolate({ 2, 9 }).shape)
      assert.same({ 2, 3, 12, 17 }, x:interpolate(nil, 2.5).shape)
      assert.same({ 2, 3, 10, 14 }, x:interpolate(nil, 2, "bilinear", true).shape)
   end)

   it("is where antialias makes no difference what it is without", function()
      local x = scute.rand(1, 2, 6, 6)
      local plain, smooth = { size = 6, mode = "bilinear" }, { size = 6, mode = "bilinear", antialias = true }
      assert.same(x:values(), x:interpolate(plain):values())
      assert.is_true((x:interpolate(plain) - x:interpolate(smooth)):abs():max():item() < 1e-6)
   end)
end)

describe("interpolate by a factor that leaves the size", function()
   it("keeps antialiased pictures, with the gradient of that (PyTorch's is another one)", function()
      for _, mode in ipairs { "bilinear", "bicubic" } do
         local x = scute.rand(1, 2, 4, 3):requires_grad_()
         local y = x:interpolate { scale_factor = 1.2, mode = mode, antialias = true }
         assert.same(x:values(), y:values())
         y:sum():backward()
         assert.same(scute.ones(1, 2, 4, 3):values(), x.grad:values())
      end
   end)
end)

describe("nn.Upsample", function()
   it("is what the op is", function()
      local nn, x = scute.nn, scute.rand(1, 2, 3, 4)
      for _, mode in ipairs { "nearest", "nearest-exact", "bilinear", "bicubic" } do
         assert.same(x:interpolate({ scale_factor = 2, mode = mode }):values(), nn.Upsample { scale_factor = 2, mode = mode }
            (x):values())
      end
      assert.same({ 1, 2, 5, 6 }, nn.Upsample({ { 5, 6 } })(x).shape)
      assert.equal("Upsample(size=(5, 6), mode=bilinear, antialias=True)", (tostring(nn.Upsample { size = { 5, 6 },
         mode = "bilinear", antialias = true }):gsub("%s+$", "")))
      assert.error_matches(function() nn.Upsample() end, "nn.Upsample: expected size, in pixels, or scale_factor")
      assert.error_matches(function() nn.Upsample { size = 2, scale_factor = 2 } end, "both say how large the result is")
      assert.error_matches(function() nn.Upsample { size = 2, mode = "trilinear" } end, "'mode'")
   end)
end)
