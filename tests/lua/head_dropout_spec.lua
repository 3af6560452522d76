-- model:set_dropout: before the head of every kind of network, once, and in its file.
local scute = require "scute"
local models, nn = scute.models, scute.nn
dofile "tests/lua/small.lua"

local function photos()
   return scute.randn(2, 3, 16, 16)
end

-- Whether a model drops what its head sees: with p = 1 its scores are the head's bias, of every photo.
local function says_bias(model, bias)
   local found = scute.no_grad(model.call, model, photos()):totable()
   local wanted = bias:totable()
   for _, row in ipairs(found) do
      for i, value in ipairs(row) do
         if value ~= wanted[i] then return false end
      end
   end
   return true
end

-- Sets dropout of all features: seen in training, whichever way the head is asked, and not in evaluation; kept in a file.
local function check(model, bias)
   local path <close> = setmetatable({ os.tmpname() }, { __close = function(name) os.remove(name[1]) end })
   local layers, names = tostring(model), #model:state_dict().names
   assert.is_false(says_bias(model:train(), bias))
   assert.equal(model, model:set_dropout(1))
   assert.is_true(says_bias(model:train(), bias))
   assert.is_false(says_bias(model:eval(), bias))
   assert.same({ names, layers:gsub("p=[%d.]+", "") }, { #model:state_dict().names, tostring(model):gsub("p=[%d.]+", "") })
   models.save(model, path[1])
   local loaded = models.load(path[1])
   assert.is_true(says_bias(loaded:train(), bias))
   assert.is_false(says_bias(model:set_dropout(0):train(), bias))
end

local function own(name, build)
   scute.manual_seed(1)
   models.register(name, build, { image_size = 16 })
   return models.create(name, { classes = 2 })
end

local function before_head(...)
   return nn.Sequential(nn.Conv2d { 3, 4, 3 }, nn.AdaptiveAvgPool2d(1), nn.Flatten(), ...)
end

describe("set_dropout", function()
   it("acts before the head of a model without a Dropout", function()
      scute.manual_seed(1)
      local model = models.small { classes = 2 }
      check(model, model.fc.bias)
      assert.equal(1, model:set_dropout(1).dropout_before_head)
   end)

   it("acts before the last Linear of a Sequential, and adds no layer behind it", function()
      local model = own("dropped_line", function(classes) return before_head(nn.Linear { 4, #classes }) end)
      check(model, model[4].bias)
      local features = scute.no_grad(model.features, model:set_dropout(1):train(), photos())
      assert.same(model[4].bias:totable(), scute.no_grad(model.head, model, features):totable()[1])
   end)

   it("is that of the network's own Dropout where it has one before the head", function()
      for name, more in pairs { beside = { nn.Dropout(0.1) }, within = {} } do
         local model = own("dropped_" .. name, function(classes)
            local last = nn.Linear { 4, #classes }
            return before_head(more[1] or nn.Sequential(nn.Dropout(0.1), last), more[1] and last)
         end)
         check(model, name == "beside" and model[5].bias or model[4][2].bias)
         assert.is_nil(rawget(model, "dropout_before_head"))
      end
      for _, name in ipairs { "baseline_cnn", "mobilenet_v2" } do
         local model = nn.init.skip(models.create, name, { classes = 2, image_size = 32 })
         local layer = name == "baseline_cnn" and model.dropout or model:get "classifier.0"
         assert.equal(0.75, model:set_dropout(0.75) and layer.p)
      end
   end)

   it("acts once in a Classifier that has a Dropout in its features", function()
      local Own = nn.Classifier:extend "Own"
      function Own:build(classes)
         self.conv, self.fc, self.dropout = nn.Conv2d { 3, 4, 3 }, nn.Linear { 4, #classes }, nn.Dropout(0.5)
         self:describe_model { head = "fc", classes = classes, head_init = "zeros",
            groups = { { "conv", { "conv" } }, { "fc", { "fc" } } } }
      end
      function Own:features(x)
         return self.dropout(self.conv(x):global_avg_pool2d():flatten(2))
      end
      local model = own("dropped_own", Own)
      model:set_dropout(0.25)
      assert.same({ 0.25, nil }, { model.dropout.p, rawget(model, "dropout_before_head") })
   end)

   it("is that of a classifier of the user's own, wherever the architecture has its head", function()
      for name, width in pairs { mobilenet_v2 = 1280, mobilenet_v3_small = 576, efficientnet_lite0 = 1280 } do
         local drop = nn.Dropout(0.1)
         for i, layers in ipairs { { drop, nn.Linear { width, 2 } },
            { nn.Linear { width, 8 }, nn.ReLU(), drop, nn.Linear { 8, 2 } },
            { drop, nn.Linear { width, 8 }, nn.Tanh(), nn.Linear { 8, 2 } } } do
            local model = nn.init.skip(models.create, name, { classes = 2, image_size = 32 })
            model.classifier = nn.Sequential(layers)
            assert.equal(model, model:set_dropout(i / 10 + 0.5))
            assert.equal(i / 10 + 0.5, drop.p)
            assert.is_nil(rawget(model, "dropout_before_head"))
         end
      end
   end)

   it("is refused where a network has no place for it", function()
      local Net, Headed = nn.Module:extend "Net", scute.models.small { classes = 2 }
      function Net:build(n)
         self.conv = nn.Conv2d { 3, 4, 3 }
         self.fc = nn.Linear { 4, n }
      end
      function Net:forward(x) return self.fc(self.conv(x):global_avg_pool2d():flatten(2)) end
      local model = own("dropped_net", function(classes) return Net(#classes) end)
      local ok, why = pcall(function() model:set_dropout(0.5) end)
      assert.is_false(ok)
      assert.matches("^tests/lua/head_dropout_spec.lua:%d+: set_dropout: dropped_net has no Dropout before its head, and "
         .. "computes its scores in its own way, so that none can be added; put one before its last layer, as in "
         .. "nn.Sequential { nn.Dropout%(0.5%), nn.Linear { ... } }$", why)
      assert.equal(model, model:set_dropout(0))
      model.fc = nn.Sequential { nn.Dropout(0.5), model.fc } -- what it says
      check(model, model.fc[2].bias)
      Headed.head = function(self, features) return self.fc(features) end
      assert.matches("small has no Dropout", select(2, pcall(Headed.set_dropout, Headed, 0.5)))
      for _, p in ipairs { -1, 2, 0 / 0, "x" } do
         assert.matches("set_dropout: expected a number from 0 to 1", select(2, pcall(Headed.set_dropout, Headed, p)))
      end
   end)
end)
