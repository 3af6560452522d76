-- EfficientNetV2-S and MobileNetV3: what of them no golden number says. How all newer backbones are frozen, given rates and
-- looked into.
local scute = require "scute"
local models, nn, optim = scute.models, scute.nn, scute.optim

local NEWER = { "convnext_tiny", "efficientnet_lite0", "efficientnet_v2_s", "mobilenet_v3_large", "mobilenet_v3_small" }

local function shapes(name, classes)
   return nn.init.on("shape", models[name], { classes = classes or 3 })
end

local function same(a, b)
   assert.equal(scute.checksum { a }, scute.checksum { b })
end

local function norms_of(model)
   local found = {}
   for _, layer in model:named_modules() do
      if nn.Module.is(layer, nn.BatchNorm2d) then found[("%g %g"):format(layer.eps, layer.momentum)] = true end
   end
   return found
end

local function group_names(model)
   local names = {}
   for i, group in ipairs(model:groups()) do names[i] = group.name end
   return table.concat(names, " ")
end

describe("efficientnet_v2_s", function()
   it("has torchvision's norms, blocks and probabilities", function()
      local model, kinds, p = shapes "efficientnet_v2_s", {}, {}
      assert.same({ ["0.001 0.1"] = true }, norms_of(model))
      for path, layer in model:named_modules() do
         if layer.class_name:find "MBConv$" then
            local stage = tonumber(path:match "^features%.(%d)")
            kinds[stage] = kinds[stage] or layer.class_name
            assert.equal(kinds[stage], layer.class_name)
         elseif layer.class_name == "StochasticDepth" then
            p[#p + 1] = layer.p
         end
      end
      assert.equal("FusedMBConv FusedMBConv FusedMBConv MBConv MBConv MBConv", table.concat(kinds, " "))
      assert.equal(40, #p)
      for i, found in ipairs(p) do assert.is_true(math.abs(found - 0.2 * (i - 1) / 40) < 1e-12) end
      assert.equal(0.2, model:get("classifier.0").p)
      assert.equal("stem stage1 stage2 stage3 stage4 stage5 stage6 top classifier", group_names(model))
   end)
end)

describe("a FusedMBConv", function()
   local Fused = require("scute.models.efficientnet_v2").blocks.FusedMBConv

   it("is the identity for samples that are left out", function()
      local x = scute.randn(2, 8, 6, 6)
      for _, expansion in ipairs { 1, 4 } do
         local block = Fused { 8, 8, expansion = expansion, drop = 1 }:train()
         same(x, block(x):detach())
         assert.not_same(x:values(), block:eval()(x):values())
      end
   end)

   it("adds x after the activation where it is one layer", function()
      local block, x = Fused { 8, 8, expansion = 1 }:eval(), scute.randn(1, 8, 6, 6)
      local inner <close> = scute.no_grad(block.block, x)
      assert.equal(1, #block.block)
      same(inner + x, scute.no_grad(block, x))
      block.block[1] = nn.Identity()
      same(x + x, scute.no_grad(block, x))
      block.stochastic_depth = nn.Identity()
      same(x + x, scute.no_grad(block, x))
   end)

   it("saves what it was built with", function()
      local options = require("scute.nn.kinds").options(Fused { 8, 16, stride = 2, expansion = 4, eps = 1e-3 })
      assert.same({ 8, 16, 3, 2, 4, 1e-3, "silu" }, { options.inputs, options.outputs, options.kernel, options.stride,
         options.expansion, options.eps, options.act })
   end)
end)

describe("a MobileNetV3 block", function()
   local Block = require("scute.models.mobilenet_v3").blocks.InvertedResidualV3

   it("takes layers of one's own for all of its own", function()
      local Whole = nn.Sequential:extend "Whole"
      function Whole:forward(x) return x * 3 end -- luacheck: ignore self
      local block, x = Block { 8, 16, 8 }:eval(), scute.randn(1, 8, 6, 6)
      block.block[#block.block] = nn.Conv2d { 16, 8, 1 }
      local inner <close> = scute.no_grad(block.block, x)
      same(inner + x, scute.no_grad(block, x))
      block.block = Whole(block.block[1])
      same(x * 3 + x, scute.no_grad(block, x))
      assert.same({ 1, 12, 3, 3 }, scute.no_grad(Block { 8, 16, 12, stride = 2, squeeze = true }:eval(), x).shape)
   end)

   it("squeezes to a quarter, in steps of eight that are not more than a tenth below", function()
      local found = {}
      for i, width in ipairs { 16, 72, 120, 144, 240, 960 } do
         found[i] = shapes("mobilenet_v3_small") and Block { 8, width, 8, squeeze = true }.block[3].fc1.out_channels
      end
      assert.same({ 8, 24, 32, 40, 64, 240 }, found)
   end)
end)

describe("mobilenet_v3", function()
   it("has torchvision's norms and groups", function()
      for name, groups in pairs { mobilenet_v3_large = "stem stage1 stage2 stage3 stage4 stage5 stage6 top hidden classifier",
         mobilenet_v3_small = "stem stage1 stage2 stage3 stage4 stage5 top hidden classifier" } do
         local model = shapes(name)
         assert.same({ ["0.001 0.01"] = true }, norms_of(model))
         assert.equal(groups, group_names(model))
         assert.equal(0.2, model:get("classifier.2").p)
         local n = 0
         for _, group in ipairs(model:groups()) do n = n + group.count end
         assert.equal(model:num_parameters(), n)
      end
   end)

   it("starts its linear layers as torchvision does", function()
      scute.manual_seed(3)
      local model = models.mobilenet_v3_small { classes = 2 }
      local weight = model:get("classifier.0").weight:detach() -- 576 x 1024 numbers
      assert.is_true(math.abs(weight:mean():item()) < 1e-4)
      assert.is_true(math.abs((weight * weight):mean():item() ^ 0.5 - 0.01) < 1e-4)
      for _, name in ipairs { "classifier.0", "classifier.3" } do
         assert.equal(0, model:get(name).bias:detach():abs():max():item())
      end
   end)

   it("keeps the hidden layer where the head is new", function()
      local path, lines = os.tmpname(), {}
      scute.manual_seed(1)
      local first = models.mobilenet_v3_small { classes = 5 }
      models.save(first, path)
      local function log(line) lines[#lines + 1] = line end
      local model = models.mobilenet_v3_small { classes = 3, pretrained = path, log = log }
      os.remove(path)
      assert.same({ "new head: classifier.3 1024 → 3, normal 0.01" }, lines)
      same(first:get("classifier.0").weight:detach(), model:get("classifier.0").weight:detach())
      assert.equal(1024, model:num_features())
      model:train():freeze "backbone"
      assert.is_true(model:is_backbone_frozen())
      local x = scute.randn(2, 3, 32, 32)
      local features = model:features(x)
      assert.same({ 2, 1024 }, features.shape)
      assert.is_false(features.requires_grad)
      scute.cross_entropy(model:head(features), scute.tensor({ 1, 2 }, { dtype = "i64" })):backward()
      assert.is_nil(model:get("classifier.0").weight.grad)
      assert.is_not_nil(model:get("classifier.3").weight.grad)
      model:unfreeze "hidden"
      assert.is_false(model:is_backbone_frozen())
      model:eval()
      same(scute.no_grad(model, x), scute.no_grad(model.head, model, model:embed(x)))
      model:set_dropout(0.5)
      assert.equal(0.5, model:get("classifier.2").p)
   end)

   -- Whether a model that is saved and loaded computes the same, features too.
   local function comes_back(model)
      local path, x = os.tmpname(), scute.randn(1, 3, 32, 32)
      model:eval()
      local scores, features = scute.no_grad(model, x), model:embed(x)
      models.save(model, path)
      local loaded = models.load(path)
      os.remove(path)
      same(scores, scute.no_grad(loaded, x))
      same(features, loaded:embed(x))
      assert.equal(group_names(model), group_names(loaded))
   end

   it("takes a whole classifier of one's own for the head, and none of its layers for backbone", function()
      local model = models.mobilenet_v3_small { classes = 2, image_size = 32 }
      model.classifier = nn.Sequential { nn.Linear { 576, 8 }, nn.ReLU(), nn.Linear { 8, 2 } }
      assert.equal("stem stage1 stage2 stage3 stage4 stage5 top classifier", group_names(model))
      assert.same({ 1, 576 }, model:eval():embed(scute.randn(1, 3, 32, 32)).shape)
      assert.equal(576, model:num_features())
      model:freeze "backbone"
      for name, tensor in model:named_parameters() do
         assert.equal(name:find "^classifier" ~= nil, tensor.requires_grad, name)
      end
      assert.error_matches(function() model:freeze "hidden" end, "no group, module or parameter 'hidden'")
      comes_back(model)
      model.classifier = nn.Linear { 576, 2 }
      comes_back(model)
   end)

   it("has every layer in a group, whatever it is called", function()
      local model = models.mobilenet_v3_small { classes = 2, image_size = 32 }
      model.classifier = nn.Sequential()
      model.classifier:add("hidden", nn.Linear { 576, 1024 })
      model.classifier:add("act", nn.ReLU())
      model.classifier:add("drop", nn.Dropout(0.1))
      model.classifier:add("scores", nn.Linear { 1024, 2 })
      local count = 0
      for _, group in ipairs(model:groups()) do count = count + group.count end
      assert.equal(model:num_parameters(), count)
      assert.matches("top classifier$", group_names(model))
      assert.equal(576, model:num_features())
      comes_back(model)
   end)

   it("takes another last layer alone, too", function()
      local model = models.mobilenet_v3_small { classes = 2, image_size = 32 }
      model.classifier[4] = nn.Sequential { nn.Linear { 1024, 4 }, nn.ReLU(), nn.Linear { 4, 2 } }
      assert.same({ 1, 1024 }, model:eval():embed(scute.randn(1, 3, 32, 32)).shape)
      assert.equal(1024, model:num_features())
      assert.matches("hidden classifier$", group_names(model))
      comes_back(model)
   end)
end)

describe("a block without layers", function()
   it("adds x to x", function()
      for name, path in pairs { efficientnet_lite0 = "features.2.1", mobilenet_v3_small = "features.3" } do
         local block = models[name] { classes = 2, image_size = 32 }:eval():get(path)
         block.block = nn.Sequential()
         local x = scute.randn(1, 24, 4, 4)
         same(x + x, scute.no_grad(block, x))
         assert.equal(384, x:numel()) -- it is still there
      end
   end)
end)

describe("a classifier of one's own", function()
   it("is not cut up where one of its layers has the head's name", function()
      for _, name in ipairs { "efficientnet_lite0", "efficientnet_v2_s" } do
         local model = shapes(name)
         model.classifier = nn.Sequential { nn.Flatten(), nn.Linear { 1280, 8 }, nn.ReLU(), nn.Linear { 8, 3 } }
         for _, what in ipairs { "replace_head", "restart_head", "num_features" } do
            assert.error_matches(function() model[what](model, what == "replace_head" and 2 or nil) end,
               "its head is one of your own", nil, nil, what)
         end
         assert.equal(8, model:get("classifier.1").out_features)
         assert.same({ "1", "2", "3" }, model.classes)
      end
   end)
end)

describe("the head of an EfficientNet", function()
   it("starts as torchvision's do, but for Lite0's", function()
      for _, name in ipairs(models.list()) do
         local is_theirs = name:find "^efficientnet_b%d$" or name == "efficientnet_v2_s"
         if is_theirs then assert.equal("uniform fan_out", shapes(name).head_init) end
      end
      assert.equal("normal 0.01", shapes("efficientnet_lite0").head_init)
      scute.manual_seed(5)
      local head = models.efficientnet_b0 { classes = 4 }:get "classifier.1" -- 5120 numbers within 1/sqrt(4)
      local weight = head.weight:detach()
      local largest, square = weight:abs():max():item(), (weight * weight):mean():item()
      assert.is_true(largest <= 0.5 and largest > 0.499)
      assert.is_true(math.abs(square - 0.25 / 3) < 3e-3)
      assert.equal(0, head.bias:detach():abs():max():item())
   end)
end)

describe("the number of features", function()
   it("is told where the head is the network's own alone, and is not the width of a layer within another", function()
      for name, width in pairs { mobilenet_v2 = 1280, efficientnet_lite0 = 1280, convnext_tiny = 768 } do
         local model = shapes(name)
         assert.equal(width, model:num_features())
         model.classifier[#model.classifier] = nn.Linear { width, 3 }
         assert.equal(width, model:num_features())
      end
      for _, name in ipairs { "mobilenet_v2", "efficientnet_lite0" } do -- classifier.1 has a row for each class, too
         local model = shapes(name)
         model.classifier = nn.Sequential { nn.Linear { 1280, 8 }, nn.Linear { 8, 3 } }
         assert.error_matches(function() model:num_features() end,
            "its head is one of your own, and what goes into it only features%(x%) tells")
      end
      local large = shapes "mobilenet_v3_large"
      large.classifier = nn.Sequential { nn.Linear { 960, 8 }, nn.ReLU(), nn.Dropout(0.1), nn.Linear { 8, 3 } }
      assert.equal(960, large:num_features())
   end)
end)

describe("each of the newer backbones", function()
   for _, name in ipairs(NEWER) do
      it("trains from the last group before the head on, at rates by depth: " .. name, function()
         scute.manual_seed(2)
         local model = models[name] { classes = 3, log = false }:train()
         local groups = model:groups()
         local last = groups[#groups - 1].name
         model:freeze("backbone"):unfreeze { last, "head" }
         local rates = optim.layer_decay(model, 1e-2, 0.5)
         assert.is_true(rates.stem < rates[last])
         local frozen, buffers = {}, {}
         for key, tensor in model:named_parameters() do
            if not tensor.requires_grad then frozen[key] = scute.checksum { tensor } end
         end
         for key, tensor in model:named_buffers() do
            if not key:find "num_batches" then buffers[key] = scute.checksum { tensor } end
         end
         local optimizer = optim.adamw(model:groups { lr = rates }, { weight_decay = 0.05 })
         local x, y = scute.randn(2, 3, 64, 64), scute.tensor({ 1, 2 }, { dtype = "i64" })
         scute.cross_entropy(model(x), y):backward()
         optimizer:step()
         for key, tensor in model:named_parameters() do
            assert.equal(frozen[key] == nil, tensor.grad ~= nil, key)
            if frozen[key] then assert.equal(frozen[key], scute.checksum { tensor }, key) end
         end
         for key, tensor in model:named_buffers() do
            local moves = last == "top" and key:find("^" .. groups[#groups - 1].paths[1]:gsub("%.", "%%.")) ~= nil
            if buffers[key] and not moves then assert.equal(buffers[key], scute.checksum { tensor }, key) end
         end
         -- where it looks: a map of the last maps, 64 / 32 pixels, and the class's own score
         local photo = scute.randn(1, 3, 64, 64)
         local found = scute.gradcam(model, photo, 2)
         assert.same({ 2, 2 }, { #found.map, #found.map[1] })
         local score = scute.no_grad(model:eval(), photo):values()[2]
         assert.is_true(math.abs(found.score - score) <= 1e-5 * math.max(1, math.abs(score)))
         same(scute.no_grad(model, photo), scute.no_grad(model.head, model, model:embed(photo)))
      end)
   end
end)
