local scute = require "scute"
local lfs = require "lfs"
local models = scute.models

local function read_lines(path)
   local lines = {}
   for line in io.lines(path) do lines[#lines + 1] = line end
   return lines
end

local published = require "cjson".decode(table.concat(read_lines "tests/golden/parity/models.json"))

-- "name dtype shape" of every entry of a model's state.
local function key_list(model)
   local state, found = model:state_dict(), {}
   for i, key in ipairs(state.names) do
      local t = state.tensors[key]
      found[i] = ("%s %s %s"):format(key, t.dtype, table.concat(t.shape, "x"))
   end
   return found
end

local function digest(text)
   local path = os.tmpname()
   local file <close> = assert(io.open(path, "wb"))
   file:write(text)
   file:flush()
   local found = scute.weights.sha256(path)
   os.remove(path)
   return found
end

local quiet = { classes = 3, log = false }

describe("every model", function()
   -- Names, order, shapes and dtypes as torchvision's state_dict has them (tests/golden/make_parity.py wrote the lists).
   -- Whole lists of the models that the exercises name; of all, the digest of the list.
   for _, name in ipairs(models.list()) do
      local facts = published[name]
      if facts then
         it("has torchvision's keys, parameters and preprocessing, and groups that cover all once: " .. name, function()
            local model = scute.nn.init.skip(models.create, name)
            local found = key_list(model)
            if lfs.attributes(("tests/golden/parity/%s.keys"):format(name)) then
               assert.same(read_lines(("tests/golden/parity/%s.keys"):format(name)), found)
            end
            assert.equal(facts.entries, #found)
            assert.equal(facts.sha256, digest(table.concat(found, "\n") .. "\n"))
            assert.equal(facts.parameters, model:num_parameters())
            local p = model.preprocessing
            assert.same({ facts.resize, facts.crop, facts.filter }, { p.resize, p.crop, p.filter })
            assert.equal(facts.file, scute.weights.FILES[name][1])
            local n = 0
            for _, group in ipairs(model:groups()) do n = n + group.count end
            assert.equal(facts.parameters, n)
         end)
      end
   end
end)

describe("models.create", function()
   it("names the nearest model", function()
      assert.error_matches(function() models.create "resnet51" end, "unknown model 'resnet51'; did you mean 'resnet50'")
      assert.error_matches(function() models.create("resnet18", { clases = 2 }) end, "did you mean 'classes'")
      assert.error_matches(function() models.create("resnet18", { classes = {} }) end, "classes: expected")
      assert.error_matches(function() models.create("resnet18", { classes = { "a", "a" } }) end, "'a' is listed twice")
      assert.error_matches(function() models.create("resnet18", { head_init = "kaiming_unifrm" }) end,
         "did you mean 'kaiming uniform'")
      assert.error_matches(function() models.create("resnet18", { image_size = 7 }) end, "at least 32")
   end)

   it("keeps class names and preprocessing", function()
      local model = models.mobilenet_v2 { classes = { "green", "loggerhead" }, image_size = 96 }
      assert.same({ "green", "loggerhead" }, model.classes)
      assert.same({ 110, 96, "bilinear" },
         { model.preprocessing.resize, model.preprocessing.crop, model.preprocessing.filter })
      assert.same({ 2, 1280 }, model:get("classifier.1").weight.shape)
   end)

   it("computes features and scores", function()
      local model = models.resnet18(quiet):eval()
      local x = scute.randn(2, 3, 64, 64)
      local scores, features = scute.no_grad(model, x), scute.no_grad(model.features, model, x)
      assert.same({ 2, 512 }, features.shape)
      assert.same(scores:values(), scute.no_grad(model.head, model, features):values())
   end)
end)

describe("a frozen backbone", function()
   it("runs forward only and leaves statistics alone, in training mode", function()
      for _, name in ipairs { "resnet18", "mobilenet_v2" } do
         local model = models.create(name, quiet):train():freeze "backbone"
         local before = {}
         for key, t in model:named_buffers() do before[key] = t:values() end
         assert.is_true(model:is_backbone_frozen())
         scute.profile "reset"
         local features = model:features(scute.randn(2, 3, 64, 64))
         assert.is_false(features.requires_grad)
         local folded = false
         for _, row in ipairs(scute.profile()) do
            assert.not_equal("batch_norm", row.op)
            folded = folded or row.op == "conv2d_folded"
         end
         assert.is_true(folded)
         local y = scute.tensor({ 1, 2 }, { dtype = "i64" })
         scute.cross_entropy(model:head(features), y):backward()
         for key, t in model:named_buffers() do assert.same(before[key], t:values()) end
         for key, p in model:named_parameters() do
            assert.equal(key:find("^" .. model.head_path:gsub("%.", "%%.")) ~= nil, p.grad ~= nil, key)
         end
      end
   end)

   it("trains from the first unfrozen part on", function()
      local model = models.resnet18(quiet):train():freeze("backbone"):unfreeze { "layer4.1", "head" }
      scute.cross_entropy(model(scute.randn(2, 3, 64, 64)), scute.tensor({ 1, 2 }, { dtype = "i64" })):backward()
      assert.is_nil(model.layer4[1].conv2.weight.grad)
      assert.is_not_nil(model.layer4[2].conv1.weight.grad)
      assert.equal("eval", model:groups()[2].batch_norm)
      assert.is_false(model:is_backbone_frozen())
   end)

   it("computes what the unfrozen one computes in evaluation mode", function()
      local model = models.mobilenet_v2(quiet)
      local x = scute.randn(2, 3, 64, 64)
      local frozen = model:train():freeze "backbone":embed(x)
      local recorded = model:unfreeze():eval():features(x):detach()
      -- folded and separate arithmetic in float32, 52 layers
      assert.is_true((frozen - recorded):abs():max():item() <= 1e-4 * recorded:abs():max():item())
   end)
end)

describe("an error inside a model", function()
   it("names the layer", function()
      local model = models.resnet18(quiet)
      model.layer3[2].conv2 = scute.nn.Conv2d { 8, 256, 3, padding = 1 }
      local ok, message = pcall(model, scute.randn(1, 3, 64, 64))
      assert.is_false(ok)
      assert.matches("^in layer3%.1%.conv2 %(Conv2d%): conv", message)
   end)
end)

describe("heads", function()
   it("are replaced with a stated initialisation", function()
      local model = models.resnet18(quiet)
      assert.equal("new head: fc 512 → 2, zeros", model:replace_head({ "a", "b" }, "zeros"))
      assert.same({ "a", "b" }, model.classes)
      assert.equal(0, model.fc.weight:detach():abs():max():item())
      assert.equal("new head: fc 512 → 2, kaiming uniform", model:restart_head())
      assert.is_true(model.fc.weight:detach():abs():max():item() > 0)
   end)

   it("start anew when a weight file has other classes, and say so once", function()
      local path = os.tmpname()
      scute.manual_seed(1)
      models.save(models.mobilenet_v2 { classes = 5 }, path)
      local lines = {}
      local model = models.mobilenet_v2 { classes = 3, pretrained = path,
         log = function(line) lines[#lines + 1] = line end }
      assert.same({ "new head: classifier.1 1280 → 3, normal 0.01" }, lines)
      local same = models.mobilenet_v2 { classes = 5, pretrained = path, log = error }
      os.remove(path)
      scute.manual_seed(1)
      local original = models.mobilenet_v2 { classes = 5 }
      for _, key in ipairs { "features.3.conv.1.0.weight", "classifier.1.bias" } do
         assert.same(original:state_dict().tensors[key]:values(), same:state_dict().tensors[key]:values())
      end
      assert.equal(64, #model.weights.sha256)
   end)
end)

describe("a model file", function()
   it("is enough by itself", function()
      local path = os.tmpname()
      local model = models.resnet18 { classes = { "bird", "fish" }, image_size = 64 }
      local x = scute.randn(1, 3, 64, 64)
      local expected = scute.no_grad(model:eval(), x):values()
      models.save(model, path, { epoch = "7" })
      local loaded, metadata = models.load(path)
      os.remove(path)
      assert.same(expected, scute.no_grad(loaded, x):values())
      assert.same(model.classes, loaded.classes)
      assert.same(model.preprocessing, loaded.preprocessing)
      assert.equal("7", metadata.epoch)
   end)

   it("that is only weights is refused with the way to use it", function()
      local path = os.tmpname()
      scute.weights.save(path, scute.nn.Linear { 2, 2 }:state_dict(), {})
      assert.error_matches(function() models.load(path) end, "a weight file and not a model; use models.create")
      os.remove(path)
   end)
end)
