-- Checkpoints as training programs leave them (tests/golden/make_checkpoints.py): the weights are found, what is beside them is
-- named, and nothing is executed.
local weights = require "scute.weights"

local FOLDER = "tests/golden/checkpoints/"

local function load(name)
   local state = weights.load(FOLDER .. name .. ".pth")
   for i, note in ipairs(state.notes) do state.notes[i] = note:gsub("^" .. FOLDER:gsub("%p", "%%%0"), "") end
   return state
end

local function refused(name, text)
   local ok, message = pcall(load, name)
   assert.is_false(ok)
   assert.matches(text, message, 1, true)
end

describe("a checkpoint", function()
   it("of Lightning gives its tensors, whatever objects are beside them", function()
      for _, name in ipairs { "lightning", "lightning_legacy", "lightning_protocol5" } do
         local state = load(name)
         assert.same({ "model.w", "model.n" }, state.names)
         assert.same({ { 0, 1, 2 }, { 3, 4, 5 } }, state.tensors["model.w"]:totable())
         assert.equal(7, state.tensors["model.n"]:item())
         assert.equal("resnet18", state.metadata.architecture) -- args.arch
         assert.equal(1, #state.notes)
         assert.matches(name .. ".pth holds more than tensors, which is left out and of which nothing is executed: "
            .. "lightning.pytorch.callbacks.ModelCheckpoint, pathlib.PurePosixPath, my.turtles.Attributes, argparse.Namespace",
            state.notes[1], 1, true)
      end
   end)

   it("with entries that are no tensors gives the others and names them", function()
      local state = load "extra"
      assert.same({ "w", "n" }, state.names)
      assert.matches("entry 'metric._extra_state', entry 'gone', argparse.Namespace", state.notes[1], 1, true)
   end)

   it("with averaged weights beside the plain ones gives the plain ones, and says so", function()
      for name, note in pairs {
         average_beside = "average_beside.pth holds weights under 'model', 'ema': those under 'model' are taken",
         average_timm = "average_timm.pth holds weights under 'state_dict', 'state_dict_ema': those under 'state_dict' are "
            .. "taken",
         average_first = "average_first.pth holds weights under 'ema', 'checkpoint.net': those under 'checkpoint.net' are "
            .. "taken",
         two = "two.pth holds weights under 'model_state_dict', 'net': those under 'model_state_dict' are taken",
         average_alone = "average_alone.pth holds weights that are running averages, and no others, under "
            .. "'model_ema.state_dict'",
      } do
         local state = load(name)
         assert.same({ note }, state.notes)
         assert.equal(name == "average_alone" and 100 or 0, state.tensors.w[1][1])
      end
      assert.equal("tf_efficientnet_b0", load "average_timm".metadata.architecture)
   end)

   it("tells its classes", function()
      assert.equal('["réd","blue"]', load "classes".metadata.classes)
      assert.equal('["a","b","c"]', load "classes_numbered".metadata.classes)
      assert.is_nil(load "classes_odd".metadata.classes)
   end)

   it("is taken without a word where there is one place only and nothing else", function()
      local state = load "nested"
      assert.same({ "w", "n" }, state.names)
      assert.same({}, state.notes)
      assert.same({}, weights.load "tests/golden/pth/wrapped.pth".notes)
   end)

   it("with numbers of other types beside the weights gives the weights", function()
      for _, name in ipairs { "other_types", "other_types_legacy" } do
         local state = load(name)
         assert.same({ { 0, 1, 2 }, { 3, 4, 5 } }, state.tensors.w:totable())
         assert.same({}, state.notes)
      end
      refused("refused_type", "entry 'mask' has numbers of a type that is not read")
   end)

   it("with attributes of its tensors and of its dict gives the tensors", function()
      for _, name in ipairs { "attributes", "attributes_legacy", "attributes_protocol5" } do
         local state = load(name)
         assert.same({ "w", "n", "v", "u" }, state.names)
         for _, entry in ipairs { "w", "v", "u" } do
            assert.same({ { 0, 1, 2 }, { 3, 4, 5 } }, state.tensors[entry]:totable(), name)
         end
         assert.same(name:find "5" and 1 or 0, #state.notes, table.concat(state.notes, "\n"))
      end
   end)

   it("with tensors that are empty gives the others and names them", function()
      for _, name in ipairs { "empty", "empty_legacy" } do
         local state = load(name)
         assert.same({ "w", "n" }, state.names)
         assert.matches("left out and of which nothing is executed: entry 'observer.min', entry 'rows'$", state.notes[1])
      end
   end)

   it("that asks for what harms is refused, and whole modules are", function()
      refused("refused_harm", "its pickle asks for posix.system. The file is refused and nothing in it was executed")
      refused("refused_harm5", "its pickle asks for builtins.eval. The file is refused")
      assert.is_nil(io.open "owned")
      for _, name in ipairs { "refused_whole", "refused_whole_inside" } do
         refused(name, "its pickle asks for my.turtles.Net. The file is refused and nothing in it was executed; if you trust "
            .. "it, load it in PyTorch and save model.state_dict() alone")
      end
      refused("refused_deep", "expected a dict from names to tensors")
   end)
end)
