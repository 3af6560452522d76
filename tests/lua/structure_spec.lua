-- What of a model goes into its file beside the tensors: layers that differ from the architecture's, networks of one's own, and
-- what damaged or hostile files say.
local scute = require "scute"
local cjson = require "cjson"
local architectures = require "scute.nn.architectures"
local console = require "scute.base.console"
local model_file = require "scute.weights.model_file"
local source = require "scute.nn.source"
local models, nn, weights = scute.models, scute.nn, scute.weights
dofile "tests/lua/small.lua"

local path

setup(function() path = os.tmpname() end)
teardown(function() os.remove(path) end)

local function small()
   scute.manual_seed(1)
   return models.small { classes = { "blue", "red" } }
end

-- Saves and loads a model; both say the same of a photo.
local function again(model, side)
   models.save(model, path)
   local loaded, metadata = models.load(path)
   local x = scute.randn(2, 3, side or 16, side or 16)
   local want, got = scute.no_grad(model:eval().call, model, x), scute.no_grad(loaded.call, loaded, x)
   assert.same(want:totable(), got:totable())
   return loaded, metadata
end

local function refusal(f, ...)
   local ok, why = pcall(f, ...)
   assert.is_false(ok)
   return tostring(why)
end

local function head(...)
   local model = small()
   model.fc = nn.Sequential(...)
   return model
end

describe("a saved model", function()
   it("has no word on layers where they are the architecture's", function()
      local _, metadata = again(small())
      assert.is_nil(metadata.structure)
   end)

   it("has the head that was put in its place, with all of its options", function()
      local loaded = again(head(nn.Dropout(1 / 3), nn.Linear { 8, 5, bias = false }, nn.SiLU(), nn.Linear { 5, 2 }))
      assert.equal(1 / 3, loaded.fc[1].p)
      assert.is_nil(loaded.fc[2].bias)
      assert.equal("Sequential(\n  (0): Dropout(p=0.333333)\n  (1): Linear(in_features=8, out_features=5, bias=False)\n"
         .. "  (2): SiLU()\n  (3): Linear(in_features=5, out_features=2, bias=True)\n)", loaded.fc:tree())
   end)

   it("has layers of every kind wherever they stand", function()
      local model = small()
      model.layer2 = nn.Sequential { nn.Conv2d { 8, 8, { 3, 1 }, padding = { 1, 0 }, groups = 4 }, nn.MaxPool2d(2),
         nn.Sequential { nn.Conv2dNormActivation { 8, 12, 3, act = "relu6", eps = 1e-3 } } }
      model.layer3 = nn.Sequential { nn.SqueezeExcitation { 12, 3 }, nn.AvgPool2d { 2, count_include_pad = false },
         nn.StochasticDepth(0.25), nn.Identity(), nn.Conv2d { 12, 8, 1 } }
      model.layer4[1]:add("extra", nn.Identity()) -- in a layer that has none of its own
      model.spare = nn.Linear { 3, 4 }
      local loaded = again(model)
      assert.equal(tostring(model), tostring(loaded))
      assert.is_false(loaded.layer3[2].count_include_pad)
   end)

   it("has blocks of the families, and what was changed in them", function()
      scute.manual_seed(1)
      local model = models.resnet18 { classes = 2, image_size = 32 }
      model.layer1[1].bn1.eps, model.layer1[2].bn2.momentum = 0.5, 0.01
      model.layer2[1].downsample[2].eps = 0.25
      model.layer4 = nn.Sequential { getmetatable(model.layer4[2]).class { 256, 16, stride = 2, downsample = nn.Sequential {
         nn.Conv2d { 256, 16, 1, stride = 2 }, nn.BatchNorm2d(16) } } }
      model.layer4[1].bn1.eps = 0.125
      model.fc = nn.Linear { 16, 2 }
      local loaded = again(model, 32)
      assert.same({ 0.5, 0.01, 0.25, 0.125 }, { loaded.layer1[1].bn1.eps, loaded.layer1[2].bn2.momentum,
         loaded.layer2[1].downsample[2].eps, loaded.layer4[1].bn1.eps })
      assert.equal("BasicBlock", loaded.layer4[1].class_name)
   end)

   it("has the dtype of its layers", function()
      models.save(small():to "f64", path)
      assert.equal("f64", models.load(path).layer1[1].weight.dtype)
   end)

   it("has plain fields, and what a layer keeps itself", function()
      local model = models.efficientnet_b0 { classes = 2, image_size = 32 }
      model:get("features.1.0").residual = false
      model:get("features.4.0").stochastic_depth.p = 0.75
      models.save(model, path)
      local loaded = models.load(path)
      assert.is_false(loaded:get("features.1.0").residual)
      assert.equal(0.75, loaded:get("features.4.0").stochastic_depth.p)
      local Gain = nn.Module:extend "Gain"
      function Gain:build() self.kept = { by = 1 } end
      function Gain:forward(x) return x * self.kept.by end
      function Gain:get_extra_state() return self.kept end
      function Gain:set_extra_state(state) self.kept = state end
      models.register("gain", function(classes) return nn.Sequential { nn.AdaptiveAvgPool2d(1), nn.Flatten(), Gain(),
         nn.Linear { 3, #classes } } end, { image_size = 16 })
      local own = models.gain { classes = 2 }
      own[3].kept.by, own[3].by_class, own[3].told, own.note = 0.1, { 0.5, { a = true } }, "x", { 1, 2 }
      own.preprocessing.crop = 24
      local loaded_own = again(own)
      assert.equal(0.1, loaded_own[3].kept.by)
      assert.same({ { 0.5, { a = true } }, "x", { 1, 2 }, 24 }, { loaded_own[3].by_class, loaded_own[3].told, loaded_own.note,
         loaded_own.preprocessing.crop })
      own.note = { 1, a = 2 }
      assert.matches("a list with a field 'a' in it is nothing for a file", refusal(models.save, own, path))
   end)

   it("has fields for which its class has a default, those that begin with _ and the head's path", function()
      local Scaled = nn.Module:extend "Scaled"
      Scaled.scale, Scaled.table = 1, { 1 }
      function Scaled:build() self._gain = 1 end
      function Scaled:forward(x) return x * (self.scale * self._gain * self.table[1]) end
      models.register("scaled", function(classes)
         return nn.Sequential { nn.AdaptiveAvgPool2d(1), nn.Flatten(), Scaled(), nn.Linear { 3, #classes } }
      end, { image_size = 16 })
      local model = models.scaled { classes = 2 }
      model[3].scale, model[3]._gain, model[3].table, model[3].weights, model[3].fixed = 3, 5, { 7 }, 2, true
      assert.equal(5, model:fields().fields["2"]._gain) -- and so have checkpoints
      local loaded = again(model)[3]
      assert.same({ 3, 5, 7, 2, true }, { loaded.scale, loaded._gain, loaded.table[1], loaded.weights, loaded.fixed })
      local two = small()
      two.other, two.head_path = nn.Linear { 8, 2 }, "other"
      assert.equal("other", again(two).head_path)
   end)

   it("is refused where a field is code or a tensor that is not as its network is built", function()
      local Act = nn.Module:extend "Act"
      local function times(n) return function(x) return x * n end end
      function Act:build(classes)
         self.act, self.by, self.shift, self.fc, self.list = scute.relu, times(2), scute.ones(3), nn.Linear { 3, #classes }, {}
         self.tied, self.unset = self.fc.weight, nil
      end
      function Act:forward(x)
         local y = self.by(self.act(x:global_avg_pool2d():flatten(2) + self.shift))
         self.kept, self.list[1] = y:detach(), y:detach()
         return self.fc(y) + (self.tied * 0):sum()
      end
      models.register("act", Act, { image_size = 16 })
      local function act(change)
         local model = models.act { classes = 2 }
         change(model)
         return model
      end
      again(act(function(m) m(scute.randn(2, 3, 16, 16)) end)) -- what forward leaves behind is no matter
      again(act(function(m) m.by, m.shift = times(2), scute.ones(3) end))
      for text, change in pairs { ["the model has in 'act' a function that .* builds a Act like it .* holds none"] =
         function(m) m.act = scute.silu end,
         ["in 'by' a function"] = function(m) m.by = times(3) end,
         ["in 'more' a function"] = function(m) m.more = print end,
         ["in 'shift' a tensor .* register_buffer keeps"] = function(m) m.shift = scute.zeros(3) end,
         ["in 'offset' a tensor"] = function(m) m.offset = scute.zeros(3) end,
         ["in 'pair' a table"] = function(m) m.pair = { scute.zeros(3) } end,
         ["lacks the field 'act'"] = function(m) m.act = nil end,
         ["a field 'forward', by which name a Act has something else"] = function(m) m.forward = 3 end,
         ["a field '1', by which"] = function(m) m[1] = 3 end } do
         assert.matches("models.save: " .. (text:find "^the" and text or ".*" .. text), refusal(models.save, act(change), path))
      end
   end)

   it("is not written where what it says could not be applied", function()
      local Odd = nn.Module:extend "Odd"
      function Odd:build() self.fc = nn.Linear { 3, 2 } end
      function Odd:forward(x) return self.fc(x:global_avg_pool2d():flatten(2)) end
      function Odd:get_extra_state() return { 1 } end -- luacheck: ignore self
      function Odd:set_extra_state() error "never" end -- luacheck: ignore self
      models.register("odd", function() return Odd() end, { image_size = 16 })
      assert.matches("models.save: .*never", refusal(models.save, models.odd { classes = 2 }, path))
   end)

   it("is refused where no file could say it", function()
      local Own = nn.Module:extend("Own", {})
      assert.matches("^tests/lua/structure_spec.lua:%d+: models.save: 'fc.1' is a Own: a class of your own, .* models.register",
         refusal(function() models.save(head(nn.Identity(), Own()), path) end))
      local deep, shared, code, sizes, more, tied = nn.Identity(), nn.Identity(), head(nn.ReLU()), small(), small(), small()
      for _ = 1, 300 do deep = nn.Sequential(deep) end
      rawset(code.fc[1], "forward", function(_, x) return x end)
      sizes.fc.in_features = 3
      more.layer1:register_parameter("scale", scute.zeros(1))
      tied.layer3[1].weight = tied.layer1[1].weight
      for text, model in pairs { ["'[fc.0]+...' lies in more than 50 others"] = head(deep),
         ["'fc.2' and 'fc.0' are one module, of which a file would make two"] = head(shared, nn.ReLU(), shared),
         ["'layer3.0.weight' and 'layer1.0.weight' are one tensor, of which a file would make two"] = tied,
         ["'fc.0' has a forward of its own, which is code"] = code,
         ["'fc' has a weight of shape %(2, 8%), where what builds a Linear like it makes %(2, 3%)"] = sizes,
         ["'layer1' has a scale of shape %(1%), where what builds a Sequential like it makes none"] = more } do
         assert.matches(text, refusal(models.save, model, path))
      end
   end)
end)

describe("a parameter under two names", function()
   it("is one again, where what builds the model ties it, and else no file's", function()
      local Tied = nn.Module:extend "Tied"
      function Tied:build(classes)
         self.first = nn.Linear { 3, 3 }
         self.second = nn.Linear { 3, 3 }
         self.fc = nn.Linear { 3, #classes }
         self.second.weight = self.first.weight
      end
      function Tied:forward(x) return self.fc(self.second(self.first(x:global_avg_pool2d():flatten(2)))) end
      models.register("tied", Tied, { image_size = 16 })
      local model = again(models.tied { classes = 2 })
      assert.is_true(rawequal(model.first.weight, model.second.weight))
      model.second.weight = scute.randn(3, 3)
      assert.matches("'second.weight' and 'first.weight' are two tensors, of which what builds the model makes one",
         refusal(models.save, model, path))
   end)
end)

describe("a network of one's own", function()
   local function register(name, build, more)
      models.register(name, build, more or { image_size = 16 })
      return models.create(name, { classes = { "a", "b", "c" } })
   end

   it("may be a Sequential, whose last Linear is the head", function()
      local model = register("line", function(classes)
         return nn.Sequential { nn.Conv2d { 3, 4, 3 }, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(),
            nn.Linear { 4, #classes } }
      end)
      local _, metadata = again(model)
      assert.same({ "line", nil }, { metadata.architecture, metadata.structure })
      assert.matches("tests/lua/structure_spec.lua$", metadata.registered_in)
      assert.same({ 1, 4 }, model:embed(scute.zeros(1, 3, 16, 16)).shape)
      assert.same({ "a", "b", "c" }, model.classes)
      assert.same({ resize = 18, crop = 16 }, { resize = model.preprocessing.resize, crop = model.preprocessing.crop })
      model:freeze "backbone"
      assert.is_true(model:is_backbone_frozen())
      assert.equal(15, model:num_parameters(true))
      model:order_classes { "c", "a", "b" }
      assert.same({ "c", "a", "b" }, model.classes)
      assert.matches("4: Linear", tostring(models.summary "line"))
      assert.equal(4 * 27 + 4 + 5000, models.info("line").parameters)
   end)

   it("may have a head of several layers", function()
      local model = register("deep_head", function(classes)
         return nn.Sequential { nn.Conv2d { 3, 4, 3 }, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Sequential { nn.Dropout(),
            nn.Linear { 4, 6 }, nn.ReLU(), nn.Linear { 6, #classes } } }
      end)
      again(model)
      assert.same({ 1, 4 }, model:embed(scute.zeros(1, 3, 16, 16)).shape)
      assert.equal(30 + 21, model:freeze "backbone":num_parameters(true))
      assert.matches("deep_head: its head is one of your own", refusal(model.restart_head, model))
   end)

   it("may have layers whose options are modules, functions and lists of both", function()
      local Pair = nn.Module:extend("Pair", { { "layers" }, { "act" } })
      function Pair:build(o)
         self.a, self.b, self.act = o.layers[1], o.layers[2], o.act
      end
      function Pair:forward(x) return self.b(self.act(self.a(x))) end
      function Pair.act() end
      local model = register("pair", function(classes)
         return nn.Sequential { nn.AdaptiveAvgPool2d(1), nn.Flatten(), Pair { layers = { nn.Linear { 3, 4 }, nn.Dropout(0.1) },
            act = scute.relu }, nn.Linear { 4, #classes } }
      end)
      model[3].b.p = 0.2
      assert.equal(0.2, again(model)[3].b.p)
   end)

   it("may be a module with a forward, whose scores stand for its features", function()
      local Net = nn.Module:extend "Net"
      function Net:build(n) self.conv, self.fc = nn.Conv2d { 3, 4, 3 }, nn.Linear { 4, n } end
      function Net:forward(x) return self.fc(self.conv(x):relu():global_avg_pool2d():flatten(2)) end
      local model = register("net", function(classes) return Net(#classes) end)
      again(model)
      assert.same({ 1, 3 }, model:embed(scute.zeros(1, 3, 16, 16)).shape)
      model:freeze "backbone"
      assert.is_false(model:is_backbone_frozen()) -- what it says of a photo changes as the head learns
      assert.is_true(nn.Module.is(model, Net))
   end)

   it("is told by all files of one's own that its code stands in", function()
      local folder, warned, warn = path .. ".d/", nil, console.warn
      local function write(name, text)
         local file <close> = assert(io.open(folder .. name, "w"))
         file:write(text)
      end
      os.execute("mkdir " .. folder)
      write("net.lua", ([[
         local scute = require "scute"
         local nn, lfs, argparse = scute.nn, require "lfs", require("argparse")
         local width = dofile(%q) -- require "nothing"
         scute.models.register("of_files", function(classes)
            if #classes == 0 then return require "its_deeper" end
            return nn.Sequential { nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 3, width },
               nn.Linear { width, #classes } }
         end)]]):format(folder .. "width.lua"))
      write("width.lua", "return 4")
      write("its_deeper.lua", "return require 'its_own.deepest'")
      os.execute("mkdir " .. folder .. "its_own")
      write("its_own/deepest.lua", "return require 'its_deeper'")
      local function digests()
         dofile(folder .. "net.lua")
         return architectures.get("of_files").digests
      end
      local before = digests()
      assert.equal(before, digests())
      local names = {}
      for name in before:gmatch "\n%x+ ([^\n]+)" do names[#names + 1] = name:match "[^/]*$" end
      table.sort(names)
      assert.same({ "its_deeper", "its_own.deepest", "width.lua" }, names)
      models.save(models.of_files { classes = 2 }, path)
      write("its_own/deepest.lua", "return 1")
      assert.equal("'its_own.deepest', which the file that registers it loads, is another, or has changed",
         source.fault(before, digests(), "it"))
      console.warn = function(format, ...) warned = format:format(...) end
      local ok, why = pcall(models.load, path)
      console.warn = warn
      os.execute("rm -r " .. folder)
      assert.is_true(ok, tostring(why))
      assert.matches(": 'its_own.deepest', which /.*/net.lua loads, is not what it was when this model was saved$", warned)
   end)

   it("has one name, of one file", function()
      local function build() return nn.Sequential { nn.Linear { 1, 1 } } end
      assert.matches("structure_spec.lua:%d+: models.register: 'resnet18' is a model of scute",
         refusal(function() models.register("resnet18", build) end))
      assert.matches("models.register: 'small' is registered already, in /.*tests/lua/small.lua; choose another",
         refusal(models.register, "small", build))
      assert.matches("scute.models.create is a function", refusal(models.register, "create", build))
      assert.matches("expected a name of letters", refusal(models.register, "my net", build))
      assert.matches("expected a function%(classes, preprocessing%)", refusal(models.register, "mine", {}))
      assert.matches("expected a function%(classes, preprocessing%) that returns a module, found a module, a Linear; as in",
         refusal(models.register, "mine", nn.Linear { 3, 2 }))
      assert.matches("unknown option 'image'", refusal(models.register, "mine", build, { image = 3 }))
   end)

   it("is refused where it is no network for these classes", function()
      for text, build in pairs { ["expected a module, found nil"] = function() end,
         ["it has no parameters"] = function() return nn.Sequential { nn.ReLU() } end,
         ["it is for 2 classes, where 3 were asked for"] = function() return small() end } do
         assert.matches("models: what builds 'mine': " .. text, refusal(register, "mine", build))
      end
      register("mine", function(classes) -- for who lists all
         return nn.Sequential { nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 3, #classes } }
      end)
   end)
end)

describe("a photo's way through a model, before it trains", function()
   it("tells the layer that does not fit, and a head with other outputs than classes", function()
      assert.matches("^in fc.1 %(Linear%): linear: argument 'x': expected shape %(..., 9%)",
         refusal(model_file.check, head(nn.Dropout(), nn.Linear { 9, 2 })))
      assert.matches("the model has 3 outputs and the photos have 2 classes",
         refusal(model_file.check, head(nn.Linear { 8, 3 })))
      model_file.check(head(nn.Linear { 8, 2 }))
   end)

   it("tells a network that nobody registered, and how one does", function()
      local model = small()
      model.arch = "other"
      assert.matches("^'other' %(a Small%) is no architecture that could be built again .*; models.register%(name, build%)",
         refusal(model_file.check, model))
      assert.matches("found a Linear; models.register", refusal(models.save, nn.Linear { 1, 1 }, path))
   end)

   it("takes a photo where code of one's own asks for values", function()
      local scale, Own = scute.zeros(1) + 2, nn.Module:extend "Own"
      function Own:build(n, result) self.fc, self.result = nn.Linear { 3, n }, result end
      function Own:forward(x)
         local y = self.fc(x:global_avg_pool2d():flatten(2) * scale)
         if y:sum():item() > 1e9 then error "too much" end
         return self.result and { y } or y
      end
      local result = false
      models.register("asks", function(classes) return Own(#classes, result) end, { image_size = 16 })
      local model = models.asks { classes = 2 }
      assert.equal(4000, models.info("asks").parameters)
      model_file.check(model)
      again(model)
      model.fc = nn.Linear { 4, 2 }
      assert.matches("^in fc %(Linear%): linear: argument 'x'", refusal(model_file.check, model))
      result = true
      assert.matches("for one photo it gives a table, expected scores of shape %(1, 2%)",
         refusal(model_file.check, models.asks { classes = 2 }))
   end)

   it("reads no weight file that the network began with", function()
      models.save(models.baseline_cnn { classes = 5, image_size = 32 }, path)
      local began = path .. ".start"
      os.rename(path, began)
      models.register("tuned", function(classes)
         local model = models.baseline_cnn { classes = classes, image_size = 32, pretrained = began, log = false }
         model.fc = nn.Linear { 256, #classes }
         return model
      end)
      local model = models.tuned { classes = 2 }
      os.remove(began)
      local loaded = again(model, 32)
      assert.same({ "tuned", 32 }, { loaded.arch, loaded.preprocessing.crop })
   end)
end)

describe("a file that was damaged or made to harm", function()
   local state, whole

   setup(function()
      models.save(head(nn.Dropout(0.5), nn.Linear { 8, 2 }), path)
      state = weights.load(path)
      whole = state.metadata.structure
   end)

   local function load(structure)
      state.metadata.structure = structure
      return model_file.load("F", state)
   end

   local function layers(kind, options)
      return cjson.encode { { path = "fc", module = { kind = kind, options = options } } }
   end

   it("is refused in one line that names it", function()
      load(whole)
      local deep = '{"kind":"ReLU","options":{}}'
      for _ = 1, 300 do deep = '{"kind":"Sequential","options":{},"layers":[' .. deep .. "]}" end
      for structure, text in pairs {
         [""] = "'structure' is damaged", ["[1"] = "'structure' is damaged", ["3"] = "expected a list",
         ["[3]"] = "expected paths", ['[{"path":"fc","module":null}]'] = "there is a null",
         ['[{"path":"","module":{"kind":"ReLU","options":{}}}]'] = "expected a layer",
         ['[{"path":"no.where","module":{"kind":"ReLU","options":{}}}]'] = "there is no layer 'no.where'",
         [whole .. (" "):rep(1 << 20)] = "it has %d+ bytes, more than 1048576",
         ["[" .. ("{},"):rep(20001) .. "{}]"] = "more than 20000 layers and lists",
         ["[" .. ("["):rep(2000)] = "'structure' is damaged",
         [('[{"path":"fc","module":%s}]'):format(deep)] = "lies in more than 50 others",
         [layers("Linar", {})] = "'fc' is a 'Linar', and there is no such kind of layer; the nearest is Linear",
         [layers("Module", {})] = "no such kind", [layers("Small", {})] = "no such kind",
         [layers("Linear", { in_features = 1 << 20, out_features = 1 << 12 })] =
            "'fc.%a+' is said to be %(4096.*%), and the file has none",
         [layers("Linear", { in_features = 1 << 30, out_features = 1 << 20 })] =
            "'fc': shape %(1048576, 1073741824%) is too large",
         [layers("Linear", { in_features = 1e300, out_features = 2 })] = "in_features': expected a whole number",
         [layers("Linear", { in_features = "8", out_features = 2, bias = true })] = "in_features': expected a whole number",
         [layers("Linear", { in_features = 8, outputs = 2 })] = "unknown option 'outputs'",
         [layers("Linear", { in_features = 8, out_features = 2, device = "cuda" })] = "names, and no device",
         [layers("Dropout", { p = 7 })] = "'p': expected a number", [layers("Dropout", 3)] = "options: expected a table",
         [layers("ReLU", { layers = {} })] = "unknown option 'layers'",
         ['[{"path":"fc","module":{"kind":"ReLU","options":{},"layers":[]}}]'] = "layers: expected a list",
         ['[{"path":"fc","module":{"kind":"Sequential","options":{},"layers":[{"kind":"ReLU","options":{},"name":"a.b"}]}}]'] =
            "names without dots",
         ['[{"path":"layer1","fields":{"_children":1}}]'] = "expected plain fields",
         ['[{"path":"","fields":{"arch":"x"}}]'] = "'arch' is no plain field",
         ['[{"path":"layer1","fields":{"forward":1}}]'] = "'forward' is no plain field",
         ['[{"path":"layer1.0","fields":{"weight":1}}]'] = "'weight' is no plain field",
         ["[]"] = "does not fit: missing: fc.weight",
         [layers("Flatten", { from = "x" })] = "nn.Flatten: option 'from': expected a whole number",
         [layers("ReLU", {})] = "has 8 outputs and .* 2 classes",
      } do
         local why = refusal(load, structure)
         assert.matches("^F: ", why)
         assert.matches(text, why)
         assert.is_nil(why:find "\n")
      end
   end)

   it("says nothing that runs, whichever bytes are others", function()
      for i = 1, 300 do
         local at = i * 7919 % #whole + 1
         local ok, why = pcall(load, whole:sub(1, at - 1) .. string.char(i * 131 % 256) .. whole:sub(at + 1))
         assert.is_true(ok or tostring(why):find("F: ", 1, true) == 1, tostring(why))
      end
   end)

   it("has classes and preprocessing that are bounded", function()
      local good = state.metadata
      local function with(name, text)
         local other = {}
         for key, value in pairs(good) do other[key] = value end
         other[name], other.structure = text, whole
         return { names = state.names, tensors = state.tensors, metadata = other }
      end
      for text, bad in pairs { ["crop: expected a whole number from 0 to 8192, found 1000000000"] =
         with("preprocessing", '{"resize":16,"crop":1e9}'),
         ["resize: expected a whole number"] = with("preprocessing", '{"resize":-1}'),
         ["'preprocessing' has 70002 bytes, more than 65536"] = with("preprocessing", "{" .. (" "):rep(70000) .. "}"),
         ["'classes' is damaged"] = with("classes", "[1,") } do
         assert.matches("^F: its metadata " .. (text:find "^'" and text or ".*" .. text), refusal(model_file.load, "F", bad))
      end
      local many = with("classes", "[" .. ('"x",'):rep(10000) .. '"y"]')
      many.metadata.architecture = "resnet18"
      assert.equal("F: it has 10001 classes, and no tensor with a row for each", refusal(model_file.load, "F", many))
   end)

   it("draws no random number as it is looked through", function()
      models.register("draws", function(classes)
         scute.randn(3):values()
         return nn.Sequential { nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 3, #classes } }
      end, { image_size = 16 })
      local model = models.draws { classes = 2 }
      local before = scute.rng_state()
      models.save(model, path)
      model_file.check(model)
      assert.same(before, scute.rng_state())
   end)

   it("names the file that registered an architecture, and does not read it", function()
      state.metadata.architecture, state.metadata.registered_in = "theirs", "/tmp/the\27i\nrs.lua"
      assert.matches("^F: its architecture 'theirs' is not one of scute's: it was registered in /tmp/the%?i%?rs.lua, .* "
         .. "scute %-l /tmp/the%?i%?rs.lua", refusal(load, nil))
      state.metadata.registered_in = ("x"):rep(100000)
      assert.is_true(#refusal(load, nil) < 1000)
      state.metadata.registered_in = ""
      assert.matches("it was registered in no file, .* register it anew first", refusal(load, nil))
      state.metadata.architecture = "small"
   end)
end)
