local match = require "scute.weights.match"
local timm = require "scute.weights.timm"
local message_of = dofile "tests/lua/message_of.lua"

-- "name 2 3" -> {name = "name", shape = {2, 3}}
local function entries(list)
   local result = {}
   for i, line in ipairs(list) do
      local shape = {}
      local name = line:match "^%S+"
      for size in line:gmatch " (%d+)" do shape[#shape + 1] = tonumber(size) end
      result[i] = { name = name, shape = shape }
   end
   return result
end

local MODEL = entries { "conv1.weight 4 3 3 3", "bn1.weight 4", "bn1.running_mean 4", "bn1.num_batches_tracked",
   "fc.weight 10 4", "fc.bias 10" }
local FC = { head = "fc", model = "small", path = "w.pth" }

describe("weights.apply", function()
   it("matches equal entries in any order", function()
      local file = {}
      for i = #MODEL, 1, -1 do file[#file + 1] = MODEL[i] end
      local report = match.apply(MODEL, file, FC)
      assert.equal(6, report.loaded)
      assert.is_false(report.dropped_head)
      assert.is_false(report.missing_head)
      assert.same({}, report.zeroed)
      assert.same({}, report.stripped)
      for _, entry in ipairs(MODEL) do assert.equal(entry.name, report.map[entry.name]) end
   end)

   it("strips the prefixes of wrappers, also both", function()
      for _, prefix in ipairs { "module.", "backbone.", "module.backbone.", "backbone.module.", ("module."):rep(100) } do
         local file = {}
         for i, entry in ipairs(MODEL) do file[i] = { name = prefix .. entry.name, shape = entry.shape } end
         local report = match.apply(MODEL, file, FC)
         assert.equal(6, report.loaded)
         assert.equal(prefix .. "fc.bias", report.map["fc.bias"])
      end
   end)

   it("strips what torch.compile puts before the names, in any nesting and inside", function()
      for _, prefix in ipairs { "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "_orig_mod.backbone._orig_mod.module.",
         "model._orig_mod.", ("_orig_mod.module."):rep(50) } do
         local file = {}
         for i, entry in ipairs(MODEL) do file[i] = { name = prefix .. entry.name, shape = entry.shape } end
         local report = match.apply(MODEL, file, FC)
         assert.equal(6, report.loaded)
         assert.equal(prefix .. "fc.bias", report.map["fc.bias"])
         assert.equal("_orig_mod.", report.stripped[1])
      end
      local model, file = entries { "layer1.0.conv1.weight 2", "fc.bias 3" }, entries { "layer1._orig_mod.0.conv1.weight 2",
         "fc.bias 3" }
      assert.equal("layer1._orig_mod.0.conv1.weight", match.apply(model, file, FC).map["layer1.0.conv1.weight"])
   end)

   it("strips a prefix that all names share and without which they fit", function()
      for _, prefix in ipairs { "model.", "net.", "encoder.", "module.model.", "model.module.", "model.net.backbone.",
         "a.b.c.d.", ("x."):rep(400) } do
         local file = {}
         for i, entry in ipairs(MODEL) do file[i] = { name = prefix .. entry.name, shape = entry.shape } end
         local report = match.apply(MODEL, file, FC)
         assert.equal(6, report.loaded)
         assert.equal(prefix .. "conv1.weight", report.map["conv1.weight"])
      end
      local file = entries { "encoder.conv1.weight 4 3 3 3", "encoder.bn1.weight 4", "encoder.bn1.running_mean 4" }
      local report = match.apply(MODEL, file, FC)
      assert.is_true(report.missing_head)
      assert.same({ "encoder." }, report.stripped)
      file[#file + 1] = { name = "projector.weight", shape = { 3, 3 } }
      assert.matches("4 unexpected (encoder.conv1.weight, ", message_of(match.apply, MODEL, file, FC), 1, true)
   end)

   it("leaves a shared prefix that the model itself has", function()
      local model = entries { "net.0.weight 2", "net.1.weight 3" }
      assert.same({}, match.apply(model, model).stripped)
      model = entries { "a.weight 2", "a.a.weight 3" }
      assert.same({}, match.apply(model, model).stripped)
   end)

   it("leaves a name alone that the model itself has", function()
      local model = entries { "module.weight 2", "weight 3" }
      local report = match.apply(model, model)
      assert.equal("module.weight", report.map["module.weight"])
      assert.same({}, report.stripped)
   end)

   it("refuses two entries of one name", function()
      local file = entries { "conv1.weight 4 3 3 3", "module.conv1.weight 4 3 3 3" }
      assert.equal("w.pth holds 'conv1.weight' twice: as conv1.weight and as module.conv1.weight",
         message_of(match.apply, entries { "conv1.weight 4 3 3 3" }, file, FC))
   end)

   it("takes a missing num_batches_tracked for zero", function()
      local file = entries { "conv1.weight 4 3 3 3", "bn1.weight 4", "bn1.running_mean 4", "fc.weight 10 4", "fc.bias 10" }
      local report = match.apply(MODEL, file, FC)
      assert.same({ "bn1.num_batches_tracked" }, report.zeroed)
      assert.equal(5, report.loaded)
   end)

   it("drops a head of another class count and keeps the rest", function()
      local file = entries { "conv1.weight 4 3 3 3", "bn1.weight 4", "bn1.running_mean 4", "bn1.num_batches_tracked",
         "fc.weight 1000 4", "fc.bias 1000" }
      local report = match.apply(MODEL, file, FC)
      assert.is_true(report.dropped_head)
      assert.is_false(report.missing_head)
      assert.equal(4, report.loaded)
      assert.is_nil(report.map["fc.weight"])
      assert.is_nil(report.map["fc.bias"])
   end)

   it("reports a missing head", function()
      local report = match.apply(MODEL, entries { "conv1.weight 4 3 3 3", "bn1.weight 4", "bn1.running_mean 4" }, FC)
      assert.is_true(report.missing_head)
      assert.is_false(report.dropped_head)
      assert.equal(3, report.loaded)
   end)

   it("takes a head that expects other features for what it is: another network", function()
      local file = entries { "conv1.weight 4 3 3 3", "bn1.weight 4", "bn1.running_mean 4", "fc.weight 1000 8", "fc.bias 1000" }
      assert.matches("fc.weight: found %(1000, 8%), expected %(10, 4%)", message_of(match.apply, MODEL, file, FC))
   end)

   it("does not accept half a head", function()
      local file = entries { "conv1.weight 4 3 3 3", "bn1.weight 4", "bn1.running_mean 4", "fc.weight 10 4" }
      assert.matches("1 missing %(fc.bias%)", message_of(match.apply, MODEL, file, FC))
   end)

   it("does not take fc1 for the head fc", function()
      local model = entries { "fc1.weight 10 4", "fc.weight 10 4" }
      local file = entries { "fc1.weight 9 4", "fc.weight 10 4" }
      assert.matches("fc1.weight: found", message_of(match.apply, model, file, FC))
   end)

   it("takes for a head of a file what lies around the model's only where nothing else does", function()
      local opts = { head = "net.4", path = "w.pth" }
      local file = entries { "net.0.weight 4 3", "net.0.bias 4", "net.4.weight 9 4" }
      assert.matches("1 unexpected %(net.0.bias%)",
         message_of(match.apply, entries { "net.0.weight 4 3", "net.4.weight 10 4" }, file, opts))
      local report = match.apply(entries { "conv.weight 4 3", "net.4.weight 10 4" },
         entries { "conv.weight 4 3", "net.0.weight 6 4", "net.4.weight 10 6" }, opts)
      assert.is_true(report.dropped_head)
      assert.equal(1, report.loaded)
      report = match.apply(entries { "net.0.weight 4 3", "net.4.weight 10 4" },
         entries { "net.0.weight 4 3", "net.4.1.weight 10 4" }, opts)
      assert.is_true(report.dropped_head)
   end)

   it("lists missing, unexpected and misshapen entries", function()
      local file = entries { "conv1.weight 4 3 7 7", "bn1.weight 4", "extra 1", "fc.weight 10 4", "fc.bias 10" }
      local message = message_of(match.apply, MODEL, file, FC)
      assert.equal("w.pth does not fit small: entries 1 missing (bn1.running_mean); 1 unexpected (extra); "
         .. "1 of another shape (conv1.weight: found (4, 3, 7, 7), expected (4, 3, 3, 3))", message)
   end)

   it("shows ten and counts the rest", function()
      local model = {}
      for i = 1, 25 do model[i] = { name = ("l%02d.weight"):format(i), shape = { 1 } } end
      local message = message_of(match.apply, model, {}, {})
      assert.matches("25 missing %(l01.weight, .*l10.weight and 15 more%)", message)
      assert.is_nil(message:find("l11", 1, true))
   end)

   it("works for a model without a head", function()
      local model = entries { "w 2" }
      local report = match.apply(model, model)
      assert.is_false(report.missing_head)
      assert.equal(1, report.loaded)
   end)
end)

describe("older MobileNetV2 names", function()
   it("are mapped block by block", function()
      for old, new in pairs {
         ["features.1.conv.0.weight"] = "features.1.conv.0.0.weight",
         ["features.1.conv.1.running_var"] = "features.1.conv.0.1.running_var",
         ["features.1.conv.3.weight"] = "features.1.conv.1.weight",
         ["features.1.conv.4.bias"] = "features.1.conv.2.bias",
         ["features.2.conv.0.weight"] = "features.2.conv.0.0.weight",
         ["features.17.conv.1.num_batches_tracked"] = "features.17.conv.0.1.num_batches_tracked",
         ["features.10.conv.3.weight"] = "features.10.conv.1.0.weight",
         ["features.10.conv.4.running_mean"] = "features.10.conv.1.1.running_mean",
         ["features.10.conv.6.weight"] = "features.10.conv.2.weight",
         ["features.10.conv.7.weight"] = "features.10.conv.3.weight",
         ["features.0.0.weight"] = "features.0.0.weight",
         ["features.18.1.weight"] = "features.18.1.weight",
         ["classifier.1.weight"] = "classifier.1.weight",
      } do
         assert.equal(new, match.rename_mobilenet(old))
      end
   end)

   it("are recognised by the file, not assumed", function()
      local model = entries { "features.1.conv.0.0.weight 32 1 3 3", "features.1.conv.1.weight 16 32 1 1",
         "features.1.conv.2.weight 16" }
      local old = entries { "features.1.conv.0.weight 32 1 3 3", "features.1.conv.3.weight 16 32 1 1",
         "features.1.conv.4.weight 16" }
      local report = match.apply(model, old, {})
      assert.equal(3, report.loaded)
      assert.equal(3, report.renamed)
      assert.equal("features.1.conv.3.weight", report.map["features.1.conv.1.weight"])
      report = match.apply(model, model, {})
      assert.equal(0, report.renamed)
      assert.equal("features.1.conv.1.weight", report.map["features.1.conv.1.weight"])
   end)
end)

-- ---- timm ----

-- The entries of timm's networks, by their code (timm/models/_efficientnet_blocks.py and efficientnet.py): layer after layer.
local function timm_entries(stages, stem, top, squeeze)
   local list = {}
   local function add(name, ...) list[#list + 1] = { name = name, shape = { ... } } end
   local function norm(name, channels)
      for _, entry in ipairs { "weight", "bias", "running_mean", "running_var" } do add(name .. "." .. entry, channels) end
      add(name .. ".num_batches_tracked")
   end
   local function excite(at, width, inputs)
      if not squeeze then return end
      add(at .. "se.conv_reduce.weight", inputs // 4, width, 1, 1)
      add(at .. "se.conv_reduce.bias", inputs // 4)
      add(at .. "se.conv_expand.weight", width, inputs // 4, 1, 1)
      add(at .. "se.conv_expand.bias", width)
   end
   add("conv_stem.weight", stem, 3, 3, 3)
   norm("bn1", stem)
   local inputs = stem
   for number, stage in ipairs(stages) do
      local kernel, outputs, count = table.unpack(stage)
      for block = 0, count - 1 do
         local at, width = ("blocks.%d.%d."):format(number - 1, block), number == 1 and inputs or 6 * inputs
         if number > 1 then
            add(at .. "conv_pw.weight", width, inputs, 1, 1)
            norm(at .. "bn1", width)
         end
         add(at .. "conv_dw.weight", width, 1, kernel, kernel)
         norm(at .. (number == 1 and "bn1" or "bn2"), width)
         excite(at, width, inputs)
         add(at .. (number == 1 and "conv_pw" or "conv_pwl") .. ".weight", outputs, width, 1, 1)
         norm(at .. (number == 1 and "bn2" or "bn3"), outputs)
         inputs = outputs
      end
   end
   add("conv_head.weight", top, inputs, 1, 1)
   norm("bn2", top)
   add("classifier.weight", 1000, top)
   add("classifier.bias", 1000)
   return list
end

local TIMM = {
   efficientnet_b0 = timm_entries({ { 3, 16, 1 }, { 3, 24, 2 }, { 5, 40, 2 }, { 3, 80, 3 }, { 5, 112, 3 }, { 5, 192, 4 },
      { 3, 320, 1 } }, 32, 1280, true),
   efficientnet_b3 = timm_entries({ { 3, 24, 2 }, { 3, 32, 3 }, { 5, 48, 3 }, { 3, 96, 5 }, { 5, 136, 5 }, { 5, 232, 6 },
      { 3, 384, 2 } }, 40, 1536, true),
   mobilenet_v2 = timm_entries({ { 3, 16, 1 }, { 3, 24, 2 }, { 3, 32, 3 }, { 3, 64, 4 }, { 3, 96, 3 }, { 3, 160, 3 },
      { 3, 320, 1 } }, 32, 1280, false),
}

local function keys_of(model)
   local list = {}
   for line in io.lines(("tests/golden/parity/%s.keys"):format(model)) do
      local name, shape = line:match "^(%S+) %S+ ?(.*)$"
      list[#list + 1] = { name = name, shape = {} }
      for size in shape:gmatch "%d+" do table.insert(list[#list].shape, tonumber(size)) end
   end
   return list
end

describe("timm's names", function()
   it("become torchvision's, each entry of the shape that it has there", function()
      for model, list in pairs(TIMM) do
         local expected = keys_of(model)
         for _, prefix in ipairs { "", "module.", "model._orig_mod." } do
            local file = {}
            for i, entry in ipairs(list) do file[i] = { name = prefix .. entry.name, shape = entry.shape } end
            local report = match.apply(expected, file, { head = "classifier.1", model = model })
            assert.equal(#expected, report.loaded)
            assert.same({}, report.zeroed)
            assert.is_true(report.timm)
         end
         assert.is_false(match.apply(expected, expected, {}).timm)
      end
   end)

   it("keep the layers in their order", function()
      for old, new in pairs {
         ["blocks.0.0.conv_dw.weight"] = "features.1.0.block.0.0.weight",
         ["blocks.0.0.bn1.bias"] = "features.1.0.block.0.1.bias",
         ["blocks.0.0.se.conv_expand.bias"] = "features.1.0.block.1.fc2.bias",
         ["blocks.0.0.bn2.running_var"] = "features.1.0.block.2.1.running_var",
         ["blocks.5.3.bn1.weight"] = "features.6.3.block.0.1.weight",
         ["blocks.5.3.bn2.weight"] = "features.6.3.block.1.1.weight",
         ["blocks.5.3.se.conv_reduce.weight"] = "features.6.3.block.2.fc1.weight",
         ["blocks.5.3.bn3.num_batches_tracked"] = "features.6.3.block.3.1.num_batches_tracked",
         ["bn2.weight"] = "features.8.1.weight", ["classifier.bias"] = "classifier.1.bias",
      } do assert.equal(new, timm.efficientnet(old)) end
      for old, new in pairs {
         ["blocks.1.0.bn1.weight"] = "features.2.conv.0.1.weight", ["blocks.1.0.bn2.weight"] = "features.2.conv.1.1.weight",
         ["blocks.6.0.conv_pwl.weight"] = "features.17.conv.2.weight", ["bn1.bias"] = "features.0.1.bias",
      } do assert.equal(new, timm.mobilenet(old)) end
      assert.is_nil(timm.mobilenet "blocks.1.2.conv_pw.weight") -- of a deeper one
      assert.is_nil(timm.efficientnet "blocks.1.0.attn.weight")
   end)

   it("tell the network", function()
      for model, list in pairs(TIMM) do assert.equal(model, match.guess(list)) end
      assert.matches("it looks like efficientnet_b3: use that model",
         message_of(match.apply, keys_of "efficientnet_b0", TIMM.efficientnet_b3, { model = "efficientnet_b0" }), 1, true)
   end)
end)

describe("timm's ConvNeXt", function()
   local expected = entries { "features.0.0.weight 96 3 4 4", "features.1.0.layer_scale 96 1 1",
      "features.1.0.block.3.weight 384 96", "features.2.1.bias 192", "classifier.0.weight 96", "classifier.2.weight 10 96" }
   local file = { "stem.0.weight 96 3 4 4", "stages.0.blocks.0.gamma 96", "stages.0.blocks.0.mlp.fc1.weight 384 96",
      "stages.1.downsample.1.bias 192", "head.norm.weight 96", "head.fc.weight 10 96" }

   it("is taken with its layer scale, and nothing else in another shape", function()
      for _, prefix in ipairs { "", "module." } do
         local loaded = {}
         for i, line in ipairs(file) do loaded[i] = prefix .. line end
         local report = match.apply(expected, entries(loaded), { head = "classifier.2" })
         assert.same({ 6, 6, true }, { report.loaded, report.renamed, report.timm })
         assert.equal(prefix .. "stages.0.blocks.0.gamma", report.map["features.1.0.layer_scale"])
      end
      local other = table.move(file, 1, #file, 1, {})
      for _, shape in ipairs { "1 96", "96 1", "95" } do
         other[2] = "stages.0.blocks.0.gamma " .. shape
         assert.matches(("gamma: found (%s), expected (96, 1, 1)"):format(shape:gsub(" ", ", ")),
            message_of(match.apply, expected, entries(other), {}), 1, true)
      end
      other[2], other[3] = file[2], "stages.0.blocks.0.mlp.fc1.weight 384 96 1 1"
      assert.matches("fc1.weight: found (384, 96, 1, 1), expected (384, 96)",
         message_of(match.apply, expected, entries(other), {}), 1, true)
      other[3] = "stages.0.blocks.99999999999999999999.mlp.fc1.weight 384 96"
      assert.matches("1 unexpected", message_of(match.apply, expected, entries(other), {}), 1, true)
      assert.equal("convnext_tiny", match.guess(entries(file)))
      local own = entries { "features.0.0.weight 96 3 4 4", "features.1.0.layer_scale 96" }
      assert.matches("layer_scale: found %(96%)", message_of(match.apply, { expected[1], expected[2] }, own, {}))
   end)
end)

describe("timm's networks of other arithmetic", function()
   it("are told, and not taken for what they are not", function()
      local stem = "conv_stem.weight 16 3 3 3"
      for text, list in pairs {
         ["MobileNetV3, whose norms"] = { stem, "blocks.0.0.conv_dw.weight 16 1 3 3", "conv_head.weight 1280 960 1 1",
            "conv_head.bias 1280" },
         ["EfficientNetV2, whose norms"] = { "module." .. stem, "module.blocks.0.0.conv.weight 24 24 3 3" },
         ["EfficientNetV2-RW or EfficientNet-EdgeTPU, which are"] = { stem, "blocks.0.0.conv_exp.weight 24 24 3 3" },
      } do
         assert.is_nil(match.guess(entries(list)))
         for _, model in ipairs { "mobilenet_v2", "efficientnet_b0" } do
            assert.matches("; its names are those of timm's " .. text,
               message_of(match.apply, keys_of(model), entries(list), { model = model }), 1, true)
         end
      end
   end)
end)

describe("a wrong architecture", function()
   local FILES = {
      resnet18 = { "conv1.weight 64 3 7 7", "layer1.0.conv1.weight 64 64 3 3", "layer1.1.conv1.weight 64 64 3 3" },
      resnet50 = { "conv1.weight 64 3 7 7", "layer1.0.conv1.weight 64 64 1 1", "layer1.0.conv3.weight 256 64 1 1",
         "layer3.5.conv1.weight 256 1024 1 1" },
      resnet34 = { "layer1.0.conv1.weight 64 64 3 3", "layer1.2.conv1.weight 64 64 3 3", "layer3.5.conv1.weight 256 256 3 3" },
      resnext50_32x4d = { "layer1.0.conv1.weight 128 64 1 1", "layer1.0.conv2.weight 128 4 3 3",
         "layer1.0.conv3.weight 256 128 1 1", "layer3.5.conv1.weight 512 1024 1 1" },
      wide_resnet50_2 = { "layer1.0.conv1.weight 128 64 1 1", "layer1.0.conv2.weight 128 128 3 3",
         "layer1.0.conv3.weight 256 128 1 1", "layer3.5.conv1.weight 512 1024 1 1" },
      resnet101 = { "layer1.0.conv1.weight 64 64 1 1", "layer1.0.conv3.weight 256 64 1 1", "layer3.5.conv1.weight 256 1024 1 1",
         "layer3.22.conv1.weight 256 1024 1 1" },
      mobilenet_v2 = { "features.0.0.weight 32 3 3 3", "features.1.conv.0.0.weight 32 1 3 3",
         "features.18.0.weight 1280 320 1 1" },
      efficientnet_b0 = { "features.1.0.block.0.0.weight 32 1 3 3", "features.8.0.weight 1280 320 1 1" },
      efficientnet_b1 = { "features.1.0.block.0.0.weight 32 1 3 3", "features.1.1.block.0.0.weight 16 1 3 3",
         "features.8.0.weight 1280 320 1 1" },
      efficientnet_b3 = { "features.1.0.block.0.0.weight 40 1 3 3", "features.8.0.weight 1536 384 1 1" },
      efficientnet_v2_s = { "features.0.0.weight 24 3 3 3", "features.1.0.block.0.0.weight 24 24 3 3",
         "features.7.0.weight 1280 256 1 1" },
      mobilenet_v3_large = { "features.0.0.weight 16 3 3 3", "features.1.block.0.0.weight 16 1 3 3",
         "features.16.0.weight 960 160 1 1" },
      mobilenet_v3_small = { "features.1.block.0.0.weight 16 1 3 3", "features.12.0.weight 576 96 1 1" },
      convnext_tiny = { "features.0.0.weight 96 3 4 4", "features.1.0.layer_scale 96 1 1" },
      convnext_small = { "features.0.0.weight 96 3 4 4", "features.1.0.layer_scale 96 1 1",
         "features.5.9.layer_scale 384 1 1" },
      convnext_base = { "features.0.0.weight 128 3 4 4", "features.1.0.layer_scale 128 1 1" },
   }

   it("is named", function()
      for name, list in pairs(FILES) do
         assert.equal(name, match.guess(entries(list)))
         local message = message_of(match.apply, MODEL, entries(list), FC)
         assert.matches("it looks like " .. name .. ": use that model", message, 1, true)
      end
   end)

   it("is named behind a prefix", function()
      for _, prefix in ipairs { "_orig_mod.", "module.model.", "net._orig_mod." } do
         assert.equal("mobilenet_v2", match.guess(entries { prefix .. "features.0.0.weight 32 3 3 3",
            prefix .. "features.1.conv.0.0.weight 32 1 3 3", prefix .. "features.18.0.weight 1280 320 1 1" }))
      end
      assert.equal("resnet18", match.guess(entries { "module.backbone.layer1.0.conv1.weight 64 64 3 3" }))
   end)

   it("is not guessed where nothing speaks for it", function()
      assert.is_nil(match.guess(entries { "weight 2 2" }))
      for _, list in ipairs {
         { "features.1.0.block.0.0.weight 24 24 3 3", "features.8.0.weight 1280 512 1 1" }, -- EfficientNetV2-M
         { "features.1.0.block.0.0.weight 32 32 3 3", "features.7.0.weight 384 384 1 1" }, { "features.1.0.layer_scale 9" },
         { "features.1.block.0.0.weight 16 1 3 3", "features.16.0.weight 480 80 1 1" }, -- MobileNetV3 with a smaller tail
         { "features.1.0.block.0.0.weight" }, { "features.1.0.block.0.0.weight 2", "features.8.0.weight" },
         { "layer1.0.conv1.weight 64 64 1 1", "layer1.0.conv3.weight 256 64 1 1", "layer3.5.conv1.weight 256 1024 1 1",
            "conv1.0.weight 32 3 3 3" }, -- timm's ResNet-50-D
         { "layer1.0.conv1.weight 64 64 1 1", "layer1.0.conv3.weight 256 64 1 1", "layer3.7.conv1.weight 256 1024 1 1" },
         { "layer1.0.conv1.weight", "layer1.0.conv3.weight", "layer3.5.conv1.weight" },
      } do assert.is_nil(match.guess(entries(list))) end
      assert.is_nil(match.guess(entries { "layer1.0.conv1.weight 64 64 3 3", "layer1.2.conv1.weight 64 64 3 3" }))
   end)
end)
