local match = require "scute.weights.match"

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

local function message_of(...)
   local ok, message = pcall(...)
   assert.is_false(ok)
   return message
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

describe("a wrong architecture", function()
   local FILES = {
      resnet18 = { "conv1.weight 64 3 7 7", "layer1.0.conv1.weight 64 64 3 3", "layer1.1.conv1.weight 64 64 3 3" },
      resnet50 = { "conv1.weight 64 3 7 7", "layer1.0.conv1.weight 64 64 1 1", "layer1.0.conv3.weight 256 64 1 1",
         "layer3.5.conv1.weight 256 1024 1 1" },
      mobilenet_v2 = { "features.0.0.weight 32 3 3 3", "features.1.conv.0.0.weight 32 1 3 3",
         "features.18.0.weight 1280 320 1 1" },
      efficientnet_b0 = { "features.1.0.block.0.0.weight 32 1 3 3", "features.8.0.weight 1280 320 1 1" },
      efficientnet_b1 = { "features.1.0.block.0.0.weight 32 1 3 3", "features.1.1.block.0.0.weight 16 1 3 3",
         "features.8.0.weight 1280 320 1 1" },
      efficientnet_b3 = { "features.1.0.block.0.0.weight 40 1 3 3", "features.8.0.weight 1536 384 1 1" },
   }

   it("is named", function()
      for name, list in pairs(FILES) do
         assert.equal(name, match.guess(entries(list)))
         local message = message_of(match.apply, MODEL, entries(list), FC)
         assert.matches("it looks like " .. name .. ": use that model", message, 1, true)
      end
   end)

   it("is named behind a prefix", function()
      assert.equal("resnet18", match.guess(entries { "module.backbone.layer1.0.conv1.weight 64 64 3 3" }))
   end)

   it("is not guessed where nothing speaks for it", function()
      assert.is_nil(match.guess(entries { "weight 2 2" }))
      assert.is_nil(match.guess(entries { "layer1.0.conv1.weight 64 64 3 3", "layer1.2.conv1.weight 64 64 3 3" }))
   end)
end)
