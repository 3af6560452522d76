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
