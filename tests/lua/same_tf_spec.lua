-- padding = "same_tf", TensorFlow's: in layers and blocks, in saved models, exports, completion and help. More of what it
-- computes is in tests/ops/conv2d.lua.
local scute = require "scute"
local complete = require "scute.repl.complete"
local conv = require "scute.export.onnx.conv"
local help = require "scute.repl.help"
local types = require "scute.editor.types"
local models, nn = scute.models, scute.nn
dofile "tests/lua/small.lua"

local path

setup(function() path = os.tmpname() end)
teardown(function()
   for _, extension in ipairs { "", ".onnx", ".safetensors", ".json" } do os.remove(path .. extension) end
end)

local function refuses(text, f, ...)
   local ok, why = pcall(f, ...)
   assert.is_false(ok)
   assert.is_truthy(tostring(why):find(text, 1, true), why)
end

-- Sums below a window of ones over a row of numbers.
local function sums(numbers, width, options)
   options.padding = "same_tf"
   local x, w = scute.tensor(numbers):reshape { 1, 1, 1, #numbers }, scute.ones(1, 1, 1, width)
   return scute.conv2d(x, w, options):values()
end

describe("padding = 'same_tf'", function()
   it("is as little as gives size / stride, rounded up, with the odd zero behind", function()
      assert.same({ 6, 7 }, sums({ 1, 2, 3, 4 }, 3, { stride = 2 }))
      assert.same({ 3, 9, 9 }, sums({ 1, 2, 3, 4, 5 }, 3, { stride = 2 }))
      assert.same({ 3, 5, 3 }, sums({ 1, 2, 3 }, 2, {}))
      assert.same({ 6, 6, 5 }, sums({ 1, 2, 3 }, 4, {}))
      assert.same({ 6, 8 }, sums({ 1, 2, 3, 4, 5, 6 }, 3, { stride = 3, dilation = 2 }))
      assert.same({ 1, 4 }, sums({ 1, 2, 3, 4, 5 }, 1, { stride = 3 }))
      local column = scute.tensor({ 1, 2, 3, 4 }):reshape { 1, 1, 4, 1 }
      assert.same({ 6, 7 }, scute.conv2d(column, scute.ones(1, 1, 3, 1), nil, { 2, 1 }, "same_tf"):values())
   end)

   it("is a setting of a layer, and of a block with its norm", function()
      local layer = nn.Conv2d { 3, 4, { 3, 5 }, stride = 2, padding = "same_tf" }
      assert.equal("same_tf", layer.padding)
      assert.matches("stride=%(2, 2%), padding=same_tf%)", tostring(layer))
      assert.same({ 2, 4, 4, 3 }, layer(scute.zeros(2, 3, 7, 6)).shape)
      scute.manual_seed(1)
      local block, x = nn.Conv2dNormActivation { 3, 8, 5, stride = 2, padding = "same_tf" }:eval(), scute.randn(2, 3, 8, 7)
      local expected = scute.no_grad(function() return block[2](block[1](x)):relu() end)
      local fused = scute.no_grad(block, x)
      assert.same({ 2, 8, 4, 4 }, fused.shape)
      assert.is_true((fused - expected):abs():max():item() <= 2e-6 * expected:abs():max():item())
      assert.equal(2, nn.Conv2dNormActivation { 3, 8, 5 }[1].padding)
      assert.equal(0, nn.Conv2dNormActivation { 3, 8, 5, padding = 0 }[1].padding)
   end)

   it("is counted by what comes out", function()
      local summary = nn.summary(nn.Sequential(nn.Conv2d { 3, 8, 3, stride = 2, padding = "same_tf" }), { 1, 3, 7, 8 })
      assert.equal(8 * 4 * 4 * 27, summary.macs)
   end)

   it("is the only word", function()
      refuses("nn.Conv2d: option 'padding': expected a whole number of at least 0 or {vertical, horizontal} or 'same_tf', "
         .. "found 'same'; did you mean 'same_tf'?", nn.Conv2d, { 3, 4, 3, padding = "same" })
      refuses("option 'padding': expected a whole number", nn.Conv2dNormActivation, { 3, 4, 3, padding = "valid" })
      refuses("'padding': expected a whole number of at least 0 or {vertical, horizontal}, found 'same_tf'", nn.MaxPool2d,
         { 3, padding = "same_tf" })
      refuses("'stride': expected a whole number of at least 1 or {vertical, horizontal}, found 'same_tf'", nn.Conv2d,
         { 3, 4, 3, stride = "same_tf" })
      local x, w, v = scute.zeros(1, 3, 8, 8), scute.zeros(4, 3, 3, 3), scute.ones(4)
      refuses("conv_bn_act: argument 'padding': expected whole numbers from 0, or 'same_tf', found {-1, -1}",
         scute.conv_bn_act, x, w, { running_mean = v, running_var = v, padding = -1 })
   end)

   it("is known to completion, help and editors", function()
      assert.same({ '"same_tf"' }, (complete.candidates "scute.conv2d(x, w, { padding = "))
      assert.same({ "same_tf" }, (complete.candidates 'scute.nn.Conv2d { 3, 8, 3, padding = "'))
      assert.is_truthy(help.text(scute.conv2d):gsub("%s+", " "):find('int or {int, int} or "same_tf"; default 0', 1, true))
      assert.is_truthy(scute.op_info("conv2d").text:find("int or {int, int} or same_tf, optional (default 0)", 1, true))
      for _, argument in ipairs(scute.op_info("conv_bn_act").arguments) do
         if argument.name == "padding" then assert.equal('"same_tf"|integer|integer[]', types.of(argument)) end
      end
   end)

   it("is kept in a saved model", function()
      scute.manual_seed(1)
      local model = models.small { classes = { "blue", "red" } }
      model.conv1.padding = "same_tf"
      model.layer2 = nn.Sequential { nn.Conv2d { 8, 8, 3, stride = 2, padding = "same_tf" },
         nn.Conv2dNormActivation { 8, 8, 5, stride = 2, padding = "same_tf" } }
      models.save(model, path)
      local loaded, x = models.load(path), scute.randn(2, 3, 16, 16)
      assert.equal(tostring(model), tostring(loaded))
      assert.equal("same_tf", loaded.layer2[2][1].padding)
      local want, got = scute.no_grad(model:eval().call, model, x), scute.no_grad(loaded.call, loaded, x)
      assert.same(want:totable(), got:totable())
   end)
end)

describe("a network with padding 'same_tf' goes", function()
   -- The attributes of the node for x of a size, whose second and third figure say how much its height and width grow.
   local function attributes(height, width, grows, attrs)
      attrs.padding, attrs.groups = "same_tf", 1
      local function out(i, size) return (size + attrs.stride[i] - 1) // attrs.stride[i] end
      local node = { attrs = attrs, from = { { shape = { 2, 3, height, width }, grows = { 1, 0, table.unpack(grows) } },
         { shape = { 4, 3, 3, 4 } } }, to = { { shape = { 2, 4, out(1, height), out(2, width) } } } }
      return conv.conv2d({ node = function(_, _, _, given) return given end }, node, { "x", "w" })
   end

   it("to ONNX with the zeros written out", function()
      assert.same({ 0, 1, 1, 2 }, attributes(8, 7, { 0, 0 }, { stride = { 2, 1 }, dilation = { 1, 1 } }).pads)
      assert.same({ 2, 1, 2, 2 }, attributes(9, 8, { 0, 0 }, { stride = { 1, 4 }, dilation = { 2, 2 } }).pads)
      assert.same({ 1, 1, 1, 1 }, attributes(8, 8, { 8, 0 }, { stride = { 1, 3 }, dilation = { 1, 1 } }).pads)
   end)

   it("nowhere where their number depends on the samples", function()
      local Tall = nn.Module:extend "Tall"
      function Tall:build() self.conv = nn.Conv2d { 3, 3, 3, stride = 2, padding = "same_tf" } end
      function Tall:forward(x)
         local samples = x.shape[1]
         return self.conv(x:permute(2, 1, 3, 4):reshape { 1, 3, -1, 8 }):reshape { 3, samples, -1 }:permute(2, 1, 3)
      end
      refuses("padding = 'same_tf' depends on the size of the input, which here depends on the number of samples",
         scute.export.onnx, nn.Sequential(Tall()), path .. ".onnx", { shape = { 3, 8, 8 } })
   end)

   it("neither to torchvision nor to timm", function()
      local model = models.resnet18 { classes = { "blue", "red" }, image_size = 32 }
      model.layer2[1].conv1.padding = "same_tf"
      for _, format in ipairs { "torch", "timm" } do
         refuses(("export.%s: 'layer2.0.conv1' pads as TensorFlow does (padding = 'same_tf')"):format(format),
            scute.export[format], model, path .. ".safetensors")
      end
      assert.is_nil(io.open(path .. ".safetensors"))
   end)
end)
