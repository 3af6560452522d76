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

local NOT_TORCHVISIONS = { baseline_cnn = true, efficientnet_lite0 = true, resnet50_a1 = true }

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

describe("models.info", function()
   it("counts what torchvision publishes, from shapes alone", function()
      local names = 0
      for name, facts in pairs(published) do
         local info = models.info(name)
         names = names + 1
         assert.equal(facts.parameters, info.parameters)
         assert.is_true(math.abs(info.macs / 1e9 - facts.gmacs) <= math.max(0.01 * facts.gmacs, 6e-4), name) -- three decimals
         assert.same({ facts.crop, facts.resize, facts.filter, facts.file }, { info.resolution, info.resize, info.filter,
            info.weights })
         if facts.top1 then assert.equal(facts.top1, info.top1, name) end
      end
      assert.equal(24, names)
      for _, info in ipairs(models.table()) do -- but those that other tests have registered
         if models.family_file(info.name):find("lua/scute/models/", 1, true) then
            assert.equal(not NOT_TORCHVISIONS[info.name], published[info.name] ~= nil, info.name)
            assert.equal(info.weights ~= nil, info.top1 ~= nil, info.name)
         end
      end
      assert.error_matches(function() models.info "resnet51" end, "did you mean 'resnet50'")
   end)

   it("tells of one that cannot be built, beside the others", function()
      models.register("empty_of_test", function() return scute.nn.Sequential {} end)
      local table = models.table "empty_of_test"
      assert.matches("it has no parameters", table[1].failed)
      assert.matches("\nempty_of_test: .*it has no parameters", tostring(table))
      assert.equal(1, #models.table "^resnet50$")
   end)

   it("prints a table, of some models on request", function()
      for pattern, why in pairs { ["["] = "'%[' is not a Lua pattern: malformed pattern", ["%"] = "is not a Lua pattern: malf",
         [3] = "expected a Lua pattern, a text, found 3" } do
         assert.error_matches(function() models.table(pattern) end, "^models.table: [^\n]*" .. why)
      end
      local list = models.table "net_b[03]$"
      assert.equal(2, #list)
      assert.matches("\nefficientnet_b3%s+12,233,232%s+1%.827%s+320/300%s+bicubic%s+82%.0%s+efficientnet_b3_rwightman"
         .. "%-b3899882%.pth%s+%a+$", tostring(list))
      assert.matches("baseline_cnn.*%-%s+none: trained from scratch%s+%-$", tostring(models.table "baseline"))
   end)
end)

describe("a summary", function()
   it("shows layers, shapes, parameters and multiply-adds, without computing", function()
      local text = tostring(models.summary "efficientnet_b0")
      assert.matches("^layer%s+output shape%s+parameters%s+multiply%-adds\n"
         .. "EfficientNet%s+%(1, 1000%)%s+5,288,548%s+385,814,752\n", text)
      assert.matches("\n%s+fc1: Conv2d%s+%(1, 4, 1, 1%)%s+388%s+384\n", text)
   end)

   it("of a model with values is the same, and leaves it as it was", function()
      local model = models.mobilenet_v2(quiet):train()
      local before = model:get("features.0.1").running_mean:values()
      local found = scute.nn.summary(model, { 1, 3, 64, 64 })
      assert.same(before, model:get("features.0.1").running_mean:values())
      assert.is_true(model.training)
      local shapes = scute.nn.init.on("shape", models.mobilenet_v2, quiet)
      assert.equal(tostring(found), tostring(scute.nn.summary(shapes, { 1, 3, 64, 64 })))
      assert.equal("shape", shapes:get("features.0.0").weight.device)
      assert.equal("cpu", scute.nn.Linear { 2, 2 }.weight.device)
   end)

   it("of one's own module counts what it calls, twice where it calls twice", function()
      local Twice = scute.nn.Module:extend "Twice"
      function Twice:build() self.inner = scute.nn.Linear { 5, 5 } end
      function Twice:forward(x) return self.inner(self.inner(x)) end
      local found = scute.nn.summary(Twice(), { 3, 5 })
      assert.same({ 30, 2 * 3 * 25 }, { found.parameters, found.macs })
      assert.error_matches(function() scute.nn.summary(Twice()) end, "nn.summary: expected the shape of an input, .* nil$")
      local ok, message = pcall(scute.nn.summary, Twice(), { 3, 4 })
      assert.is_false(ok)
      assert.matches("^in inner %(Linear%): linear: argument 'x'", message)
      assert.equal(6, scute.nn.Linear { 5, 6 }(scute.zeros(3, 5)).shape[2]) -- nothing is observed any more
   end)
end)

describe("the device shape", function()
   local where = { device = "shape" }

   local function live() -- without what the collector would take away
      collectgarbage()
      collectgarbage()
      return scute.memory().live
   end

   it("computes shapes, forward and backward, and takes no memory", function()
      local before = live()
      local x = scute.zeros({ 64, 3, 4096, 4096 }, { device = "shape", requires_grad = true })
      local y = scute.conv2d(x, scute.zeros(8, 3, 3, 3, where), nil, 2, 1):relu():global_avg_pool2d():flatten(2)
      assert.same({ 64, 8 }, y.shape)
      y:sum():backward()
      assert.same({ 64, 3, 4096, 4096 }, x.grad.shape)
      assert.equal(before, live())
      assert.equal("tensor f32 shape (64, 8) requires_grad", tostring(y))
   end)

   it("has no values and mixes with no other device", function()
      local x = scute.zeros(2, 3, where)
      assert.error_matches(function() return x:values() end, "has a shape and no values")
      assert.error_matches(function() return x:sum():item() end, "has a shape and no values")
      assert.error_matches(function() return x:to "cpu" end, "has a shape and no values")
      assert.error_matches(function() return scute.matmul(x, scute.zeros(3, 2)) end, "is on cpu but the others are on shape")
      assert.error_matches(function() return scute.matmul(x, scute.zeros(2, 3, where)) end, "matmul")
   end)
end)

describe("baseline_cnn", function()
   it("is four blocks and a linear layer", function()
      local model = models.baseline_cnn { classes = 10 }
      -- 3x3 convolutions of 3-32-64-128-256, two numbers a channel of batch norm, 256 x 10 + 10
      assert.equal(9 * (3 * 32 + 32 * 64 + 64 * 128 + 128 * 256) + 2 * (32 + 64 + 128 + 256) + 2570, model:num_parameters())
      assert.same({ 3, 256 }, model:eval():embed(scute.randn(3, 3, 48, 48)).shape)
      local names = {}
      for i, group in ipairs(model:groups()) do names[i] = group.name end
      assert.same({ "block1", "block2", "block3", "block4", "fc" }, names)
      assert.error_matches(function() models.baseline_cnn { pretrained = "imagenet" } end, "it is trained from scratch")
   end)

   it("learns", function()
      scute.manual_seed(4)
      local model = models.baseline_cnn { classes = 2 }:train()
      local x = scute.randn(8, 3, 32, 32) + scute.tensor({ 0, 0, 0, 0, 1, 1, 1, 1 }):reshape(8, 1, 1, 1)
      local y = scute.tensor({ 1, 1, 1, 1, 2, 2, 2, 2 }, { dtype = "i64" })
      local optimizer, loss = scute.optim.adamw(model:groups { lr = 0.003 }), nil
      for _ = 1, 15 do
         optimizer:zero_grad()
         loss = scute.cross_entropy(model(x), y)
         loss:backward()
         optimizer:step()
      end
      assert.is_true(loss:item() < 0.3, tostring(loss))
   end)
end)

describe("models.create", function()
   it("names the nearest model", function()
      assert.error_matches(function() models.create "resnet51" end, "unknown model 'resnet51'; did you mean 'resnet50'")
      assert.error_matches(function() return models.resnet51 { classes = 2 } end,
         "unknown model 'resnet51'; did you mean 'resnet50'")
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
      for _, name in ipairs { "resnet18", "mobilenet_v2", "efficientnet_b0" } do
         local model = models.create(name, quiet):train():freeze "backbone"
         local before = {}
         for key, t in model:named_buffers() do before[key] = scute.checksum { t } end
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
         for key, t in model:named_buffers() do assert.equal(before[key], scute.checksum { t }) end
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

describe("models.save and models.load", function()
   it("name an argument that is none", function()
      assert.error_matches(function() models.save({}, "x") end, "^models.save: expected a model of scute.models, found")
      assert.error_matches(function() models.save(models.baseline_cnn {}) end,
         "^models.save: expected the path of a file, found nil")
      assert.error_matches(function() models.load() end, "^models.load: expected the path of a file, found nil")
      local function save(extra) return function() models.save(models.baseline_cnn {}, "x", extra) end end
      assert.error_matches(save "x", "^models.save: extra: expected a table {name = text}, found x", nil)
      assert.error_matches(save { half = true }, "^models.save: extra: expected texts by name, .*, found half = true")
      assert.error_matches(save { classes = "[]" }, "^models.save: extra: 'classes' is what the file says of the model itself")
   end)

   it("refuse what they do not take, as others of the library do", function()
      local options = { device = "cpu" }
      for what, f in pairs { ["models.load(file)"] = function() models.load("x", options) end,
         ["models.save(model, path, extra, tensors)"] = function() models.save({}, "x", {}, {}, options) end,
         ["data.open(dir, options)"] = function() scute.data.open("x", {}, options) end,
         ["weights.load(path, device)"] = function() scute.weights.load("x", "cpu", options) end,
         ["score(model, part, options)"] = function() scute.score({}, {}, {}, options) end,
         ["evaluate.photos(model, part, classes, options)"] = function() scute.evaluate.photos({}, {}, {}, {}, options) end,
         ["train.fit(model, set, options)"] = function() scute.train.fit({}, {}, {}, options) end, -- check: ignore
      } do
         local _, why = pcall(f)
         assert.is_truthy(why:find(what .. ": takes no more than that, found a table behind it", 1, true), why)
         assert.matches("^tests/lua/models_spec.lua:%d+: ", why)
      end
      assert.error_matches(function() scute.weights.load("x", options) end, "^weights.load: device: expected a name")
      assert.equal("function(file)", require("scute.repl.show.signature").short(models.load))
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
      local before, printed = print, {}
      _G.print = function(...) printed[#printed + 1] = { ... } end
      local ok = pcall(models.mobilenet_v2, { classes = 3, pretrained = path })
      models.create("resnet18", { classes = 2, log = false })
      _G.print = before
      assert.is_true(ok)
      assert.same({ { "new head: classifier.1 1280 → 3, normal 0.01" } }, printed)
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

   it("says the same in the same words each time", function()
      local metadata = models.resnet18 { classes = { "bird", "fish" }, image_size = 64 }:metadata()
      assert.equal('{"crop":64,"filter":"bilinear","mean":[0.485,0.456,0.406],"pad_square":false,"resize":73,'
         .. '"std":[0.229,0.224,0.225]}', metadata.preprocessing)
      assert.equal('["bird","fish"]', metadata.classes)
   end)

   it("that is damaged is named", function()
      local path = os.tmpname()
      models.save(models.mobilenet_v2 { classes = { "a", "b" } }, path)
      local state = scute.weights.load(path)
      for _, case in ipairs {
         { "classes", "3", "metadata 'classes' is damaged: there is no list or table in it" },
         { "classes", "[", "metadata 'classes' is damaged: Expected" },
         { "classes", "[1]", "classes: entry 1: expected a name" },
         { "preprocessing", "null", "metadata 'preprocessing' is damaged" },
         { "architecture", "mobilenet_v3", "unknown model 'mobilenet_v3'; did you mean 'mobilenet_v2'" },
      } do
         local metadata = {}
         for key, text in pairs(state.metadata) do metadata[key] = text end
         metadata[case[1]] = case[2]
         scute.weights.save(path, state, metadata)
         local ok, message = pcall(models.load, path)
         assert.is_false(ok)
         assert.is_truthy(message:find(path, 1, true) == 1 and message:find(case[3], 1, true), message)
      end
      os.remove(path)
   end)

   it("that is only weights is refused with the way to use it", function()
      local path = os.tmpname()
      scute.weights.save(path, scute.nn.Linear { 2, 2 }:state_dict(), {})
      assert.error_matches(function() models.load(path) end, "a weight file and not a model; use models.create")
      os.remove(path)
   end)
end)
