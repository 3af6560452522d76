-- What ops do that a file of ONNX cannot say: an error that names the op and, mostly, how to go on. What can be said is tested
-- in tests/export/ops.lua.
local scute = require "scute"
local nn = scute.nn

-- What exporting says of a module that computes `compute`, for samples of a shape.
local function refusal(compute, shape)
   local Own = nn.Module:extend "Own"
   function Own:forward(x) return compute(x) end -- luacheck: ignore self
   local path = os.tmpname()
   local ok, why = pcall(scute.export.onnx, Own(), path .. ".onnx", { shape = shape or { 4 } })
   os.remove(path)
   os.remove(path .. ".onnx")
   return not ok and why
end

describe("a file of ONNX", function()
   it("has no word for what depends on the number of samples in other ways than by its size", function()
      local NOT_KNOWN = "not known in the file"
      for words, compute in pairs {
         ["roll: it rolls the samples, whose number is "] = function(x) return x:roll(1, 1) end,
         ["roll: it rolls all samples as one row, whose length is "] = function(x) return x:roll(1) end,
         ["median: which is the one in the middle depends on the number of samples, which is "] = function(x)
            return (x:median(1))
         end,
      } do
         assert.matches("export.onnx: " .. words .. NOT_KNOWN, refusal(compute), 1, true)
      end
      for _, compute in ipairs {
         function(x) return x:slice(2, 1, x:size(1)) end,
         function(x) return x:slice { dim = 1, to = x:size(1), step = 2 } end,
         function(x) return x:tile(2, 1):slice(1, 1, x:size(1)) end,
         function(x) return x:slice(1, 1, x:size(1) // 2) end,
      } do
         assert.matches("slice: where it begins and ends depends on the number of samples in a way that",
            refusal(compute, { 9 }))
      end
      for _, compute in ipairs {
         function(x) return x:slice(2, 1, 1):unsqueeze(2):expand(-1, 2 * x:size(1), 1) end,
         function(x) return x:slice(2, 1, 1):unsqueeze(2):expand(-1, x:size(1) + 1, 1) end,
      } do
         assert.matches("expand: the size that it stretches to depends on the number of samples, and is anot", refusal(compute))
      end
      assert.is_false(refusal(function(x) return x:slice(2, 1, 1):unsqueeze(2):expand(-1, x:size(1), 1) end))
      assert.matches("median: which is the one", refusal(function(x) return x + x:median() end))
      assert.is_false(refusal(function(x) return (x:median(2)) end))
   end)

   it("has no word for how bytes and some factors are interpolated", function()
      local photos = { 1, 4, 4 }
      assert.matches("interpolate: bytes are rounded as Pillow does.*convert them first, as in x:to%('f32'%)",
         refusal(function(x) return x:gt(0):interpolate { size = 8, mode = "bilinear" } end, photos))
      assert.matches("interpolate: a factor of 1.1 moves the picture without changing its size.*give the size",
         refusal(function(x) return x:interpolate { scale_factor = 1.1, mode = "bicubic" } end, photos))
      assert.is_false(refusal(function(x) return x:interpolate { scale_factor = 1.1, mode = "bilinear" } end, photos))
   end)

   it("has no word for pictures that grow with the samples, but for those of one size", function()
      local function grown(options)
         return refusal(function(x) return x:reshape(1, 1, -1, 4):interpolate(options) end)
      end
      for _, options in ipairs { { size = 8 }, { scale_factor = 1.5, mode = "bilinear" },
         { scale_factor = 2, mode = "bilinear", align_corners = true } } do
         assert.matches("interpolate: the picture's size depends on the number of samples, which is not known in the file",
            grown(options))
      end
      assert.is_false(grown { size = 8, mode = "bilinear" })
   end)

   it("has nothing for what is drawn at random, has as many entries as the values say, or is a loss", function()
      for op, compute in pairs {
         multinomial = function(x) return x:abs():multinomial(1) end,
         bincount = function(x) return x:argmax(2):bincount() end,
         unique = function(x) return x:unique() end,
         cross_entropy = function(x) return x:cross_entropy(x:argmax(2)) end,
      } do
         assert.matches("no counterpart in ONNX for " .. op .. ": compute it by other ops", refusal(compute))
      end
   end)
end)
