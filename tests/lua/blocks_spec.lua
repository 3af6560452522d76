local scute = require "scute"
local ops_of = dofile "tests/lua/ops_of.lua"
local nn = scute.nn
local activations = require "scute.nn.fused"

describe("StochasticDepth", function()
   it("leaves out whole samples, as often as it says, and scales the others", function()
      scute.manual_seed(2)
      local layer = nn.StochasticDepth(0.3)
      local x = scute.ones(4000, 2, 3, 1)
      local rows, kept = layer(x):reshape(4000, 6), 0
      local low, high = rows:min(2):values(), rows:max(2):values()
      for i, v in ipairs(low) do
         assert.equal(v, high[i])
         assert.is_true(v == 0 or math.abs(v - 1 / 0.7) < 1e-6)
         kept = kept + (v > 0 and 1 or 0)
      end
      assert.is_true(math.abs(kept - 2800) < 4 * math.sqrt(4000 * 0.3 * 0.7)) -- four standard deviations
      assert.is_true(rawequal(x, layer:eval()(x)))
   end)

   it("draws anew at each call, the same after the same seed, and backward what forward drew", function()
      local layer, x = nn.StochasticDepth(0.5), scute.ones({ 64, 3 }, { requires_grad = true })
      local residual = scute.full({ 64, 3 }, 2, { requires_grad = true })
      scute.manual_seed(7)
      local first, second = layer(x, residual), layer(x, residual)
      assert.not_same(first:values(), second:values())
      scute.manual_seed(7)
      assert.same(first:values(), layer(x, residual):values())
      first:sum():backward()
      assert.same((first:detach() - 2):values(), x.grad:values())
      assert.equal(1, residual.grad:min():item())
   end)

   it("refuses what is no probability", function()
      for _, p in ipairs { -0.1, 1.1, 0 / 0, "half" } do
         assert.error_matches(function() nn.StochasticDepth { p = p } end, "expected a number of at least 0 and of at most 1")
      end
   end)
end)

describe("SqueezeExcitation", function()
   it("does not write over a gradient that something else has as well", function()
      local layer = nn.SqueezeExcitation(3, 2)
      local x, w = scute.randn(2, 3, 4, 4):requires_grad_(), scute.zeros(2, 3, 4, 4):requires_grad_()
      local seed = scute.randn(2, 3, 4, 4);
      (layer(x * 1) + w):backward(seed)
      assert.same(seed:values(), w.grad:values())
      assert.not_same(seed:values(), x.grad:values())
   end)

   it("computes the same as its parts one by one", function()
      scute.manual_seed(3)
      local block, x = nn.SqueezeExcitation { 12, 4 }, scute.randn(3, 12, 5, 7)
      local fused = block(x)
      block.activation = nn.Sequential(nn.SiLU()) -- another kind of module: no fusing
      local ops, apart = ops_of(block, x)
      assert.is_nil(ops.squeeze_excitation)
      -- float32, sums of 35 and 12 terms
      assert.is_true((fused - apart):abs():max():item() <= 1e-6 * fused:abs():max():item())
   end)
end)

describe("the activation of", function()
   it("a convolution and its norm has a layer, and is fused", function()
      for _, act in ipairs(activations.choices) do
         local block, x = nn.Conv2dNormActivation { 3, 8, 3, act = act }:eval(), scute.randn(2, 3, 6, 6)
         assert.equal(act, #block == 2 and "none" or activations.name_of(block[3]))
         local ops, y = ops_of(scute.no_grad, block, x)
         assert.is_true(ops.conv2d_folded and not ops.batch_norm and not ops[act])
         local expected = scute.no_grad(function() return block[2](block[1](x)) end)
         if act ~= "none" then expected = block[3](expected) end
         assert.is_true((y - expected):abs():max():item() <= 2e-6 * expected:abs():max():item(), act)
      end
   end)

   it("a squeeze-and-excitation may be any, as in its parts", function()
      for _, act in ipairs(activations.choices) do
         local block, x = nn.SqueezeExcitation { 6, 4, act = act, scale_act = "hardsigmoid" }, scute.randn(2, 6, 5, 3)
         local y = scute.no_grad(block, x)
         block.activation = nn.Sequential(block.activation)
         local parts = scute.no_grad(block, x)
         assert.is_true((y - parts):abs():max():item() <= 2e-6 * parts:abs():max():item(), act)
      end
      assert.matches("Hardsigmoid", tostring(nn.SqueezeExcitation { 6, 4, act = "relu", scale_act = "hardsigmoid" }))
   end)

   it("a block that is none of the fused ones is called by itself", function()
      for _, layer in ipairs { nn.Tanh(), nn.GELU { approximate = "tanh" }, nn.Softplus() } do
         assert.is_nil(activations.name_of(layer))
         local block, x = nn.Conv2dNormActivation { 3, 8, 3 }:eval(), scute.randn(2, 3, 6, 6)
         local before = scute.no_grad(function() return block[2](block[1](x)) end)
         block[3] = layer
         local y = scute.no_grad(block, x)
         assert.is_true((y - scute.no_grad(layer, before)):abs():max():item() <= 2e-6)
      end
   end)

   it("nothing is one that is not there", function()
      assert.error_matches(function() nn.Conv2dNormActivation { 3, 8, act = "hardswich" } end, "did you mean 'hardswish'")
   end)
end)

describe("Conv2dNormActivation", function()
   it("runs its parts where one was replaced", function()
      scute.manual_seed(3)
      local block, x = nn.Conv2dNormActivation { 3, 8, 3, act = "silu" }:eval(), scute.randn(2, 3, 6, 6)
      local fused = block(x, scute.ones(2, 8, 6, 6))
      assert.same({ 2, 8, 6, 6 }, fused.shape)
      local parts = nn.Conv2dNormActivation { 3, 8, 3, act = "none" }:eval()
      parts:add("0", block[1])
      parts:add("2", nn.Sequential(nn.SiLU()))
      local plain, together = scute.no_grad(block, x), scute.no_grad(parts, x)
      assert.is_true((plain - together):abs():max():item() <= 1e-6 * plain:abs():max():item())
   end)
end)

describe("a layer of one's own in a fused block", function()
   local function block(act)
      scute.manual_seed(4)
      return nn.Conv2dNormActivation { 3, 8, 3, act = act or "relu" }:eval(), scute.randn(2, 3, 6, 6)
   end

   local function apart(layers, x)
      return scute.no_grad(function()
         local y = layers[2](layers[1](x))
         return layers[3] and layers[3](y) or y
      end)
   end

   -- Whether a block computes what its layers do, and another thing than it did before `change`.
   local function takes(name, change, act)
      local layers, x = block(act)
      local before = scute.no_grad(layers, x)
      change(layers)
      local expected = apart(layers, x)
      assert.is_true((scute.no_grad(layers, x) - expected):abs():max():item() <= 2e-6 * expected:abs():max():item(), name)
      assert.is_true((expected - before):abs():max():item() > 1e-3, name)
   end

   local function own(class)
      local derived = class:extend("Own" .. class.class_name)
      function derived:forward(x) return class.forward(self, x) * 2 - 1 end
      return derived
   end

   it("computes as it says", function()
      takes("ReLU", function(b) b[3] = own(nn.ReLU)() end)
      takes("GELU", function(b) b[3] = own(nn.GELU) {} end, "gelu")
      takes("Conv2d", function(b)
         local weight = b[1].weight
         b[1] = own(nn.Conv2d) { 3, 8, 3, padding = 1, bias = false }
         b[1].weight = weight
      end)
      takes("BatchNorm2d", function(b) b[2] = own(nn.BatchNorm2d)(8):eval() end)
      takes("an instance", function(b) b[3].forward = function(_, x) return x * 3 end end)
   end)

   it("is fused where it has no forward of its own", function()
      local layers = block()
      layers[3] = nn.ReLU:extend("Named", {})()
      assert.equal("relu", activations.name_of(layers[3]))
   end)

   it("computes as it says in squeeze-and-excitation", function()
      local changes = {
         scale_activation = function() return own(nn.Sigmoid)() end,
         activation = function() return own(nn.SiLU)() end,
         avgpool = function() return own(nn.AdaptiveAvgPool2d)(1) end,
         fc1 = function() return own(nn.Conv2d) { 6, 4, 1 } end,
         fc2 = function() return nn.Conv2d { 4, 6, 1, groups = 2 } end,
      }
      for name, change in pairs(changes) do
         local b, x = nn.SqueezeExcitation { 6, 4 }, scute.randn(2, 6, 5, 3)
         b:add(name, change())
         local expected = scute.no_grad(function()
            return x * b.scale_activation(b.fc2(b.activation(b.fc1(b.avgpool(x)))))
         end)
         assert.same(expected:values(), scute.no_grad(b, x):values(), name)
      end
   end)

   it("gets the residual before it, and where that is not known it is refused", function()
      local layers, x = block()
      layers[3] = nn.Softplus()
      local residual = scute.randn(2, 8, 6, 6)
      local expected = scute.no_grad(function() return layers[3](layers[2](layers[1](x)) + residual) end)
      assert.same(expected:values(), scute.no_grad(layers, x, residual):values())
      layers:append(nn.Identity())
      local ok, why = pcall(layers, x, residual)
      assert.is_false(ok)
      assert.matches("between the norm and the activation of 2 or 3 layers, and here are 4", why)
   end)
end)

describe("an EfficientNet block", function()
   local MBConv = require("scute.models.efficientnet").blocks.MBConv

   it("is the identity for samples that are left out", function()
      local x = scute.randn(2, 8, 6, 6)
      local block = MBConv { 8, 8, drop = 1 }:train()
      assert.same(x:values(), block(x):values())
      assert.not_same(x:values(), block:eval()(x):values())
   end)

   it("adds what came in to a last layer of the user's too", function()
      local block = MBConv { 8, 8, expansion = 1 }:eval()
      block.block[#block.block] = nn.Identity()
      local x = scute.randn(1, 8, 6, 6)
      local own <close> = block.block(x)
      assert.same((own + x):values(), block(x):values())
   end)

   it("takes layers of one's own for its stochastic depth, its layers and the end of those", function()
      local Doubled = nn.StochasticDepth:extend("Doubled", {})
      function Doubled:build() self.p, self.fixed = 0, false end
      function Doubled:forward(x) return x * 2 end -- luacheck: ignore self
      local Whole = nn.Sequential:extend "Whole"
      function Whole:forward(x) return x * 3 end -- luacheck: ignore self
      local block, x = MBConv { 8, 8, expansion = 1 }:eval(), scute.randn(1, 8, 6, 6)
      local last = block.block[#block.block]
      last:append(nn.ReLU())
      local own <close> = scute.no_grad(block.block, x)
      assert.same((own + x):values(), scute.no_grad(block, x):values())
      block.stochastic_depth = Doubled()
      assert.same((own * 2 + x):values(), scute.no_grad(block, x):values())
      block.stochastic_depth = nn.Identity()
      assert.same((own + x):values(), scute.no_grad(block, x):values())
      block.block = Whole(block.block[1])
      assert.same((x * 3 + x):values(), scute.no_grad(block, x):values())
   end)

   it("has torchvision's probabilities", function()
      local model = nn.init.on("shape", scute.models.efficientnet_b0, {})
      local found = {}
      for _, module in model:named_modules() do
         if module.class_name == "StochasticDepth" then found[#found + 1] = module.p end
      end
      assert.equal(16, #found)
      for i, p in ipairs(found) do assert.is_true(math.abs(p - 0.2 * (i - 1) / 16) < 1e-12) end
      assert.equal(0.2, model:get("classifier.0").p)
   end)
end)

describe("a ResNet block", function()
   local resnet = require "scute.models.resnet"

   local function random_norms(block)
      block:apply(function(layer)
         if nn.Module.is(layer, nn.BatchNorm2d) then
            scute.no_grad(function() layer.bias:copy_(scute.randn(layer.num_features)) end)
         end
      end)
      return block:eval()
   end

   it("has the activation and the shortcut that its children say", function()
      scute.manual_seed(5)
      local short = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d { 4, 8, 1, bias = false }, nn.BatchNorm2d(8))
      local block = random_norms(resnet.blocks.BasicBlock { 4, 8, stride = 2, downsample = short })
      block.relu = nn.GELU { approximate = "tanh" }
      local x = scute.randn(1, 4, 6, 6)
      local expected = scute.no_grad(function()
         local y = block.relu(block.bn1(block.conv1(x)))
         return block.relu(block.bn2(block.conv2(y)) + short(x))
      end)
      assert.is_true((scute.no_grad(block, x) - expected):abs():max():item() <= 1e-5)
      block.downsample = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d { 4, 8, 1 })
      assert.same({ 1, 8, 3, 3 }, scute.no_grad(block, x).shape)

      block = random_norms(resnet.blocks.Bottleneck { 16, 4 })
      block.relu, x = nn.GELU(), scute.randn(1, 16, 6, 6)
      expected = scute.no_grad(function()
         local y = block.relu(block.bn1(block.conv1(x)))
         y = block.relu(block.bn2(block.conv2(y)))
         return block.relu(block.bn3(block.conv3(y)) + x)
      end)
      assert.is_true((scute.no_grad(block, x) - expected):abs():max():item() <= 1e-5)
   end)

   it("may hand on what it is given", function()
      local x = scute.randn(1, 16, 6, 6)
      local block = resnet.blocks.Bottleneck { 16, 4 }:eval()
      for name in block:children() do block:add(name, nn.Identity()) end
      assert.same((x + x):values(), scute.no_grad(block, x):values())
   end)
end)

describe("a MobileNetV2 block", function()
   it("takes layers of one's own for all of its own", function()
      local Whole = nn.Sequential:extend "Whole"
      function Whole:forward(x) return x * 3 end -- luacheck: ignore self
      local block = require("scute.models.mobilenet").blocks.InvertedResidual { 8, 8 }:eval()
      local x = scute.randn(1, 8, 6, 6)
      block.conv = Whole(block.conv[1], block.conv[2], block.conv[3])
      assert.same((x * 3 + x):values(), scute.no_grad(block, x):values())
   end)
end)

describe("a layer that passes on what it is given", function()
   local function nothing() return nn.Sequential { nn.Identity(), nn.Dropout { p = 0 } } end

   -- Where such a layer may stand in each family.
   local PLACES = {
      baseline_cnn = { "block2", "block4", "avgpool" },
      resnet18 = { "relu", "maxpool", "layer1", "layer1.1", "layer4", "avgpool" },
      mobilenet_v2 = { "features.0", "features.1.conv.0", "features.3.conv.0", "features.18" },
      efficientnet_b0 = { "features.0", "features.1.0.block.0", "features.1.0.block.1", "features.1.0.block.2", "features.8",
         "avgpool" },
      efficientnet_v2_s = { "features.0", "features.1.0.block.0", "features.2.0.block.0", "features.2.1.block.1",
         "features.7" },
      mobilenet_v3_small = { "features.0", "features.1.block.0", "features.1.block.1", "features.4.block.2", "features.12",
         "avgpool", "classifier.0", "classifier.1" },
   }

   it("frees nothing that is needed, in any family", function()
      local x = scute.ones(1, 3, 32, 32)
      for name, places in pairs(PLACES) do
         for _, place in ipairs(places) do
            local model = nn.init.skip(scute.models[name], { classes = 3 }):eval()
            local parent, last = place:match "^(.*)%.([^.]+)$"
            local holder = parent and model:get(parent) or model
            holder:add(last or place, nothing())
            local ok, why = scute.no_grad(pcall, model.features, model, x)
            assert.is_nil(not ok and tostring(why):match "[^\n]*freed[^\n]*" or nil, name .. " " .. place)
            assert.equal(1, x:max():item())
         end
      end
   end)

   it("leaves the photos where nothing else is in the backbone", function()
      local model, x = scute.models.baseline_cnn { classes = 3 }, scute.ones(2, 3, 32, 32)
      for _, name in ipairs { "block1", "block2", "block3", "block4", "avgpool" } do model[name] = nothing() end
      assert.same({ 2, 3 * 32 * 32 }, model:features(x).shape)
      assert.equal(1, x:max():item())
   end)
end)
