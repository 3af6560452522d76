-- What becomes of the head of a weight file, and what is told about a file.
local scute = require "scute"
local models, weights = scute.models, scute.weights

local path, lines

local function log(line) lines[#lines + 1] = line end

local function create(classes, more)
   lines = {}
   local given = { classes = classes, pretrained = path, log = log }
   for key, value in pairs(more or {}) do given[key] = value end
   return models.create("baseline_cnn", given)
end

-- A file of a model with these classes, whose bias is 1, 2, ...
local function save(classes)
   local model = models.baseline_cnn { classes = classes }
   local bias = {}
   for i = 1, #model.classes do bias[i] = i end
   scute.no_grad(model.fc.bias.copy_, model.fc.bias, scute.tensor(bias))
   models.save(model, path)
   return model
end

describe("the head of a weight file", function()
   setup(function() path = os.tmpname() end)
   teardown(function() os.remove(path) end)

   it("is kept without a line where it is for the same classes", function()
      local model = save { "red", "blue" }
      local made = create { "red", "blue" }
      assert.same({}, lines)
      assert.same({ 1, 2 }, made.fc.bias:totable())
      assert.same(model.fc.weight:totable(), made.fc.weight:totable())
   end)

   it("has its rows put in the order of the classes", function()
      local model = save { "red", "blue", "green" }
      local made = create { "blue", "green", "red" }
      assert.same({ "the head of " .. path .. " knows the classes in another order: its rows are put in that of the photos" },
         lines)
      assert.same({ 2, 3, 1 }, made.fc.bias:totable())
      local rows = model.fc.weight:totable()
      assert.same({ rows[2], rows[3], rows[1] }, made.fc.weight:totable())
      assert.same({ "blue", "green", "red" }, made.classes)
   end)

   it("is new where it is for other classes, of the same number too", function()
      save { "red", "blue" }
      local made = create { "cat", "dog" }
      assert.same({ "new head: fc 256 → 2, kaiming uniform; the file's classes are red, blue, and the photos' "
         .. "cat, dog" }, lines)
      assert.not_same({ 1, 2 }, made.fc.bias:totable())
      create { "a", "b", "c", "d", "e", "red", "blue" }
      assert.same({ "new head: fc 256 → 7, kaiming uniform; the file's classes are red, blue, and the photos' a, b, c, d, e "
         .. "and 2 more" }, lines)
   end)

   it("is said to be left out where it has other layers than the architecture's", function()
      local nn, model = scute.nn, models.baseline_cnn { classes = { "red", "blue" } }
      model.fc = nn.Sequential { nn.Linear { 256, 4 }, nn.ReLU(), nn.Linear { 4, 2 } }
      models.save(model, path)
      local TOLD = "new head: fc 256 → 2, kaiming uniform; the file's own head (%s) is left out; --from of "
         .. "fine_tuning.lua keeps it%s"
      create { "red", "blue" }
      assert.same({ TOLD:format("a Sequential of Linear, ReLU, Linear", "") }, lines)
      create { "cat", "dog" }
      assert.same({ TOLD:format("a Sequential of Linear, ReLU, Linear", "; the file's classes are red, blue, and the photos' "
         .. "cat, dog") }, lines)
      weights.save(path, model:state_dict(), {})
      create { "red", "blue" }
      assert.same({ TOLD:format("with other layers", "") }, lines)
   end)

   it("is taken as it is where the file does not say its classes, which is told", function()
      local model = save { "red", "blue" }
      for _, metadata in ipairs { {}, { classes = "[1, 2]" }, { classes = "no list" } } do
         weights.save(path, model:state_dict(), metadata)
         assert.same({ 1, 2 }, create { "cat", "dog" }.fc.bias:totable())
         assert.same({ "the head of " .. path .. " is taken as it is: the file does not say its classes" }, lines)
      end
      assert.same({ 1, 2 }, create(2).fc.bias:totable())
      assert.same({}, lines) -- a number of classes says nothing that could be compared
   end)

   it("has its line after those about the file", function()
      save { "red", "blue" }
      local load = weights.load
      weights.load = function(...)
         local state = load(...)
         state.notes = { "what was left out" }
         return state
      end
      local ok = pcall(create, { "a", "b", "c" })
      weights.load = load
      assert.is_true(ok)
      assert.equal("what was left out", lines[1])
      assert.matches("^new head: ", lines[2])
   end)

   it("is always new with head_init", function()
      save { "red", "blue" }
      for _, classes in ipairs { { "red", "blue" }, { "blue", "red" }, 2 } do
         local made = create(classes, { head_init = "zeros" })
         assert.same({ "new head: fc 256 → 2, zeros" }, lines)
         assert.same({ 0, 0 }, made.fc.bias:totable())
      end
   end)
end)

describe("Classifier:order_classes", function()
   it("moves the rows of the last layer only, also of one in a Sequential", function()
      local model = models.baseline_cnn { classes = { "a", "b" } }
      model.fc = scute.nn.Sequential(scute.nn.Linear { 256, 2 }, scute.nn.ReLU(), scute.nn.Linear { 2, 2 })
      local x = scute.randn(3, 256)
      local before, first = model.fc(x):totable(), model.fc[1].weight:totable()
      assert.equal(model, model:order_classes { "b", "a" })
      local after = model.fc(x):totable()
      for i = 1, 3 do assert.same({ before[i][2], before[i][1] }, after[i]) end
      assert.same(first, model.fc[1].weight:totable())
      assert.same({ "b", "a" }, model.classes)
   end)

   it("wants the same classes", function()
      local model = models.baseline_cnn { classes = { "a", "b" } }
      assert.error_matches(function() model:order_classes { "a", "c" } end, "the model does not know 'c'")
      assert.error_matches(function() model:order_classes { "a" } end, "expected all 2 of the model, found 1")
   end)
end)

describe("a weight file with numbers that are none", function()
   setup(function() path = os.tmpname() end)
   teardown(function() os.remove(path) end)

   local function spoil(name, value)
      local model = save { "red", "blue" }
      local tensor = model:state_dict().tensors[name]
      local values = tensor:values()
      values[#values] = value
      scute.no_grad(tensor.copy_, tensor, scute.tensor(values):reshape(table.unpack(tensor.shape)))
      models.save(model, path)
   end

   it("is told by the tensor's name", function()
      for name, case in pairs {
         ["block2.0.0.weight"] = { 0 / 0, "NaN" }, ["block3.0.1.running_var"] = { math.huge, "infinity" },
         ["fc.bias"] = { -math.huge, "infinity" },
      } do
         spoil(name, case[1])
         local expected = ("%s: '%s' holds %s: the file is damaged, or of a training that failed"):format(path, name, case[2])
         local ok, message = pcall(create, { "red", "blue" })
         assert.is_false(ok)
         assert.equal(expected, message)
         ok, message = pcall(models.load, path)
         assert.is_false(ok)
         assert.equal(expected, message)
      end
   end)

   it("has its own name for the tensor in the message", function()
      spoil("block1.0.0.weight", 0 / 0)
      local state = weights.load(path)
      local wrapped = { names = {}, tensors = {} }
      for i, name in ipairs(state.names) do
         wrapped.names[i], wrapped.tensors["net." .. name] = "net." .. name, state.tensors[name]
      end
      weights.save(path, wrapped, {})
      assert.error_matches(function() create { "red", "blue" } end, "'net.block1.0.0.weight' holds NaN")
   end)

   it("matters only where it is taken", function()
      spoil("fc.bias", 0 / 0)
      assert.has_no.errors(function() create { "a", "b", "c" } end)
   end)
end)

-- ---- timm ----

describe("a file in timm's names", function()
   local variant = require "scute.weights.variant"

   local function check(file, metadata, model, epsilon, of_timm)
      local given = { arch = model or "efficientnet_b0", get = function() return { eps = epsilon or 1e-5 } end }
      return variant.check(file, metadata or {}, given, { timm = of_timm ~= false })
   end

   it("of a network of TensorFlow is refused, whatever tells it", function()
      for _, case in ipairs {
         { "x/tf_efficientnet_b0_aa-827b6e33.pth" }, { "w.pth", { arch = "tf_efficientnet_b0" } },
         { "w.pth", { architecture = "tf_efficientnet_b0.ns_jft_in1k" } }, { "w.pth", { model_name = "tf_efficientnet_b0" } },
         { "hub/models--timm--tf_efficientnet_b0.ns_jft_in1k/snapshots/1/model.safetensors" },
      } do
         assert.error_matches(function() check(case[1], case[2]) end, "is of tf_efficientnet_b0[^ ]*, which has the names and "
            .. "shapes of efficientnet_b0, but pads asymmetrically, and its batch norm has an epsilon of 0.001; take a file of "
            .. "efficientnet_b0")
      end
      assert.error_matches(function() check("w.pth", { arch = "tf_efficientnet_b0" }, nil, nil, false) end, "pads asymm")
      assert.error_matches(function() check("resnetblur50-84f4748f.pth", {}, "resnet50", nil, false) end, "blurs where")
      assert.error_matches(function() check("w.pth", { arch = "resnetaa50" }, "resnet50", nil, false) end, "takes means")
      assert.is_nil(check("tf_turtles.pth", {}, "resnet50", nil, false))
   end)

   it("is taken for the plain one where nothing tells, and that is said", function()
      assert.equal("w.pth has timm's names and does not say which network it is: it is taken for efficientnet_b0 "
         .. "(epsilon 1e-5, symmetric padding), not for tf_efficientnet_b0 (1e-3, asymmetric)", check "w.pth")
      assert.is_nil(check "w/efficientnet_b0_ra-3dd342df.pth")
      assert.is_nil(check("w.pth", { arch = "efficientnet_b0" }))
      assert.is_nil(check("w.pth", {}, "mobilenet_v2")) -- there is no other
      assert.is_nil(check("w.pth", {}, "efficientnet_b0", nil, false))
   end)

   it("of another epsilon than the model's is refused", function()
      assert.error_matches(function() check("efficientnet_b5.pth", {}, "efficientnet_b5", 1e-3) end,
         "timm's efficientnet_b5 computes batch norm with an epsilon of 1e%-05, this one with 0.001")
   end)
end)

describe("a weight file with a head of one's own", function()
   it("gives its backbone, and the head is new", function()
      path = os.tmpname()
      local model = models.baseline_cnn { classes = { "red", "blue" } }
      model.fc = scute.nn.Sequential { scute.nn.Linear { 256, 4 }, scute.nn.ReLU(), scute.nn.Linear { 4, 2 } }
      models.save(model, path)
      local made = create { "red", "blue" }
      os.remove(path)
      assert.matches("^new head: fc 256 → 2, ", lines[1])
      assert.equal(1, #lines)
      assert.same(model.block1[1][1].weight:values(), made.block1[1][1].weight:values())
      assert.matches("its head is one of your own", select(2, pcall(model.replace_head, model, 3)))
      assert.same({ "red", "blue" }, model.classes)
   end)

   it("has the rows of its last layer put in another order of classes", function()
      local model = models.mobilenet_v2 { classes = { "red", "blue", "green" }, image_size = 32 }
      model:add("classifier", scute.nn.Sequential { scute.nn.Linear { 1280, 4 }, scute.nn.ReLU(), scute.nn.Linear { 4, 3 } })
      local before = model:get("classifier.2").weight:totable()
      model:order_classes { "green", "red", "blue" }
      assert.same({ before[3], before[1], before[2] }, model:get("classifier.2").weight:totable())
   end)
end)
