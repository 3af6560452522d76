-- Whole models in onnxruntime: the backbones with their heads, and modules of one's own, as scute computes them in
-- evaluation mode.
local scute = require "scute"
local lived = dofile "tests/export/lived.lua"
local runtime = dofile "tests/export/runtime.lua"

local nn = scute.nn

-- What a model gives in evaluation mode; its own mode stays.
local function computed(model, x, forward)
   local training = model.training
   model:eval()
   local y = scute.no_grad(forward or model, x)
   if training then model:train() end
   return y
end

-- By name, as the file calls what a forward returned.
local function named(result)
   return nn.Module.is_tensor(result) and { logits = result } or result
end

-- Adds a model in the given dtypes ("f32 f16"). shape: of a batch; options: of scute.export.onnx; forward: what is computed,
-- nil: the model.
local function add(batch, name, model, shape, dtypes, options, forward)
   lived(model)
   local x = scute.randn(shape)
   local expected = named(computed(model, x, forward))
   for dtype in dtypes:gmatch "%S+" do
      batch:add { name = ("%s, %s"):format(name, dtype), inputs = { input = x }, expected = expected,
         tolerance = runtime.TOLERANCE[dtype], save = function(path)
            local o = { dtype = dtype, shape = { table.unpack(shape, 2) } }
            for key, value in pairs(options or {}) do o[key] = value end
            scute.export.onnx(model, path, o)
         end }
   end
end

local function add_backbones(batch)
   for _, name in ipairs { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2" } do
      local model = scute.models[name] { classes = 3, pretrained = "none" }
      add(batch, name, model, { 3, 3, 64, 64 }, "f32 f16")
   end
   for _, name in ipairs { "efficientnet_lite0", "efficientnet_v2_s", "mobilenet_v3_large", "convnext_tiny" } do
      add(batch, name, scute.models[name] { classes = 3, pretrained = "none" }, { 2, 3, 64, 64 }, "f32")
   end
end

-- ---- heads ----

local function small(change)
   local model = dofile "tests/lua/small.lua"(3)
   if change then change(model) end
   return model
end

local function add_heads(batch)
   add(batch, "a frozen backbone", small(function(m) m:freeze "backbone" end), { 3, 3, 16, 16 }, "f32 f16")
   add(batch, "a head with dropout", small(function(m) m:set_dropout(0.5) end), { 1, 3, 16, 16 }, "f32")
   add(batch, "a head that gives cosines", small(function(m)
      m.fc = nn.EmbeddingHead { in_features = 8, classes = 3, features = 5, sub_centers = 2, dropout = 0.2 }
   end), { 5, 3, 16, 16 }, "f32 f16")
   add(batch, "a head of modules", small(function(m)
      m.fc = nn.Sequential(nn.Linear { 8, 6 }, nn.GELU(), nn.Dropout { p = 0.3 }, nn.BatchNorm2d { 6 }, nn.Linear { 6, 3 })
   end), { 5, 3, 16, 16 }, "f32")
end

local function add_features(batch)
   local model = small()
   local function features(x) return { features = model:features(x) } end
   local function both(x) return { features = model:features(x), logits = model(x) } end
   add(batch, "features", model, { 3, 3, 16, 16 }, "f32 f16", { outputs = "features" }, features)
   add(batch, "features and scores", model, { 3, 3, 16, 16 }, "f32", { outputs = "both" }, both)
   function model:forward(x) return self:head(self:features(x)):softmax(-1) end
   add(batch, "features, and scores that are computed in another way", model, { 3, 3, 16, 16 }, "f32", { outputs = "both" },
      both)
end

-- ---- modules of one's own ----

-- A module whose forward is f(self, x), set up by build(self).
local function module(forward, build)
   local class = nn.Module:extend "Own"
   class.build, class.forward = build, forward
   return class()
end

local function add_convolutions(batch)
   add(batch, "stride, padding, dilation and groups", nn.Sequential(
      nn.Conv2d { 4, 6, { 3, 5 }, stride = { 2, 1 }, padding = { 1, 2 }, groups = 2 }, nn.ReLU6(),
      nn.Conv2d { 6, 6, 3, dilation = { 1, 2 }, groups = 6, bias = false }, nn.BatchNorm2d { 6, eps = 0.1 }, nn.Tanh(),
      nn.Conv2d { 6, 4, { 1, 2 }, padding = { 0, 1 } }, nn.BatchNorm2d { 4 }), { 3, 4, 9, 11 }, "f32 f16")
   add(batch, "as many zeros as TensorFlow adds", nn.Sequential(
      nn.Conv2d { 4, 6, { 3, 4 }, stride = 2, padding = "same_tf" }, nn.BatchNorm2d { 6 }, nn.ReLU6(),
      nn.Conv2d { 6, 6, 5, padding = "same_tf", groups = 6, dilation = { 2, 1 }, bias = false }, nn.SiLU(),
      nn.Conv2dNormActivation { 6, 4, 3, stride = 2, padding = "same_tf" }), { 3, 4, 10, 12 }, "f32 f16")
   add(batch, "a convolution that two norms follow", module(function(self, x)
      return self.first(self.conv(x)):relu() + self.second(self.conv(x)):sigmoid()
   end, function(self)
      self.conv, self.first, self.second = nn.Conv2d { 3, 4, 3 }, nn.BatchNorm2d { 4 }, nn.BatchNorm2d { 4 }
   end), { 3, 3, 6, 6 }, "f32")
   add(batch, "norms before convolutions", nn.Sequential(nn.BatchNorm2d { 3 }, nn.Conv2d { 3, 4, 3, padding = 1 }, nn.ReLU(),
      nn.BatchNorm2d { 4 }, nn.Conv2d { 4, 4, 1 }), { 3, 3, 5, 5 }, "f32 f16")
   add(batch, "filters that are computed from the input", module(function(_, x)
      return x:conv2d(x:mean { 1, 2, 3, 4 }:expand(2, 3, 3, 3), nil, 1, 1)
   end), { 3, 3, 6, 6 }, "f32")
end

local function add_blocks(batch)
   for _, act in ipairs { "none", "relu", "relu6", "silu", "hardswish", "hardsigmoid", "sigmoid", "gelu" } do
      add(batch, "a block with " .. act, nn.Conv2dNormActivation { 3, 5, act = act }, { 3, 3, 6, 6 }, "f32")
   end
   add(batch, "a block with a residual", module(function(self, x)
      return nn.conv_bn_act(self.conv, self.bn, "relu", x, x)
   end, function(self)
      self.conv, self.bn = nn.Conv2d { 3, 3, 3, padding = 1 }, nn.BatchNorm2d { 3 }
   end), { 3, 3, 6, 6 }, "f32")
   add(batch, "squeeze and excitation", nn.Sequential(nn.SqueezeExcitation { 6, 2 },
      nn.SqueezeExcitation { 6, 3, act = "relu", scale_act = "hardsigmoid" }), { 3, 6, 5, 5 }, "f32 f16")
   add(batch, "stochastic depth", module(function(self, x) return self.depth(self.conv(x), x) end, function(self)
      self.conv, self.depth = nn.Conv2d { 3, 3, 1 }, nn.StochasticDepth { p = 0.5 }
   end), { 3, 3, 4, 4 }, "f32")
end

local function add_pools(batch)
   for _, o in ipairs { { 2 }, { 3, stride = 2, padding = 1 }, { { 3, 2 }, stride = { 2, 3 }, padding = { 1, 0 } } } do
      for _, ceil in ipairs { false, true } do
         o.ceil_mode, o.count_include_pad = ceil, nil
         add(batch, "max pooling", nn.MaxPool2d(o), { 3, 3, 8, 9 }, "f32")
         for _, include in ipairs { false, true } do
            o.count_include_pad = include
            add(batch, "mean pooling", nn.AvgPool2d(o), { 3, 3, 8, 9 }, "f32")
         end
      end
   end
   add(batch, "generalised mean", nn.Sequential(nn.ReLU(), nn.GeMPool2d { p = 3 }), { 3, 5, 4, 4 }, "f32 f16")
   add(batch, "generalised mean of channels", nn.GeMPool2d { p = 2.5, channels = 5 }, { 3, 5, 4, 4 }, "f32")
end

-- A small transformer: patches, a class token, attention of two heads, a layer norm, the token's class.
local function add_attention(batch)
   local function heads(self, x, name)
      local y = self[name](x)
      return y:reshape(x.shape[1], x.shape[2], 2, 4):permute(1, 3, 2, 4):reshape(-1, x.shape[2], 4)
   end
   add(batch, "attention", module(function(self, x)
      local n = x.shape[1]
      local y = scute.concat({ self.token:expand(n, 1, 8), self.patches(x):flatten(3):transpose(2, 3) }, 2) + self.places
      local q, k, v = heads(self, y, "query"), heads(self, y, "key"), heads(self, y, "value")
      local a = (q:matmul(k:transpose(-2, -1)) / math.sqrt(4)):softmax(-1):matmul(v)
      y = self.norm(y + a:reshape(n, 2, -1, 4):permute(1, 3, 2, 4):reshape(n, -1, 8))
      return self.head(y:select(2, 1))
   end, function(self)
      self.patches, self.norm, self.head = nn.Conv2d { 3, 8, 2, stride = 2 }, nn.LayerNorm { 8 }, nn.Linear { 8, 3 }
      self.query, self.key, self.value = nn.Linear { 8, 8 }, nn.Linear { 8, 8 }, nn.Linear { 8, 8 }
      self.token, self.places = nn.Parameter(scute.randn(1, 1, 8)), nn.Parameter(scute.randn(1, 5, 8))
   end), { 3, 3, 4, 4 }, "f32 f16")
end

-- Whatever tensors, layers and outputs are called.
local function add_names(batch)
   local function build(self)
      for _, name in ipairs { "input", "photos", "logits", "scale", "Mul", "Add" } do
         self[name] = nn.Parameter(scute.randn(4))
      end
      self.Gemm = nn.Linear { 4, 4 }
   end
   local function forward(self, x) return self.Gemm(x * self.input + self.photos) * self.logits * self.Mul + self.Add end
   add(batch, "parameters called as inputs and outputs", module(forward, build), { 3, 4 }, "f32 f16")
   add(batch, "outputs called as nodes and parameters", module(function(self, x)
      return { scale = x * self.scale, Mul = forward(self, x), Add = x + 1, ["constant:1"] = x:relu() }
   end, build), { 3, 4 }, "f32 f16")
end

local function add_rest(batch)
   add(batch, "sizes that depend on the number of samples", module(function(_, x)
      local n, products = x.shape[1], x:matmul(x:transpose(1, 2))
      return { products = products, flat = products:flatten(), pairs = x:reshape(2 * n, 2), all = x:reshape(1, -1),
         rest = x[{ { 2, n } }], mean = x:mean(1), ones = scute.ones(n, 1) + x }
   end), { 5, 4 }, "f32")
   add(batch, "more padding on one side", nn.Sequential(nn.Pad2d { { 0, 1, 2, 1 } }, nn.Conv2d { 3, 4, 3, stride = 2 },
      nn.Pad2d { 1, mode = "reflect" }, nn.MaxPool2d { 2 }), { 3, 3, 6, 6 }, "f32")
   local square = scute.func { forward = function(_, x) return x * x + 1 end, backward = function() end }
   add(batch, "a function with a backward of its own", module(function(_, x) return square(x):relu() end), { 3, 4 }, "f32")
   add(batch, "activations", nn.Sequential(nn.Hardswish(), nn.SiLU(), nn.Softplus { beta = 2, threshold = 1 },
      nn.GELU { approximate = "tanh" }, nn.Hardsigmoid()), { 3, 40 }, "f32 f16")
   add(batch, "a linear layer of maps", module(function(self, x)
      return self.fc(x:reshape(x.shape[1], 3, 16):transpose(2, 3)):permute(3, 1, 2):softmax(1)
   end, function(self) self.fc = nn.Linear { 3, 4 } end), { 3, 3, 4, 4 }, "f32 f16")
   add(batch, "several results", module(function(self, x)
      local y = self.body(x):flatten(2)
      return { logits = self.head(y), probabilities = self.head(y):softmax(-1), logarithms = self.head(y):log_softmax(2),
         body = y }
   end, function(self) self.body, self.head = nn.Conv2d { 3, 2, 2 }, nn.Linear { 18, 4 } end), { 3, 3, 4, 4 }, "f32")
   add(batch, "weights in half width", nn.Sequential(nn.Conv2d { 3, 4, 3, dtype = "f16" }, nn.SiLU()), { 3, 3, 5, 5 }, "f16")
end

return function(batch)
   add_backbones(batch)
   add_heads(batch)
   add_features(batch)
   add_convolutions(batch)
   add_blocks(batch)
   add_pools(batch)
   add_attention(batch)
   add_names(batch)
   add_rest(batch)
end
