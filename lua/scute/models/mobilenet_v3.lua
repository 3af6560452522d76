-- MobileNetV3 (Howard et al. 2019, https://arxiv.org/abs/1905.02244), in torchvision's tree.
local nn = require "scute.nn"
local channels = require "scute.nn.channels"
local fused = require "scute.nn.fused"
local passing = require "scute.nn.passing"
local residual = require "scute.nn.residual"

-- Stages, each of blocks: kernel, width inside, output channels, stride, activation, whether there is squeeze-excitation.
local STAGES = {
   mobilenet_v3_large = {
      { { 3, 16, 16, 1, "relu" } },
      { { 3, 64, 24, 2, "relu" }, { 3, 72, 24, 1, "relu" } },
      { { 5, 72, 40, 2, "relu", true }, { 5, 120, 40, 1, "relu", true }, { 5, 120, 40, 1, "relu", true } },
      { { 3, 240, 80, 2, "hardswish" }, { 3, 200, 80, 1, "hardswish" }, { 3, 184, 80, 1, "hardswish" },
         { 3, 184, 80, 1, "hardswish" } },
      { { 3, 480, 112, 1, "hardswish", true }, { 3, 672, 112, 1, "hardswish", true } },
      { { 5, 672, 160, 2, "hardswish", true }, { 5, 960, 160, 1, "hardswish", true }, { 5, 960, 160, 1, "hardswish", true } },
   },
   mobilenet_v3_small = {
      { { 3, 16, 16, 2, "relu", true } },
      { { 3, 72, 24, 2, "relu" }, { 3, 88, 24, 1, "relu" } },
      { { 5, 96, 40, 2, "hardswish", true }, { 5, 240, 40, 1, "hardswish", true }, { 5, 240, 40, 1, "hardswish", true } },
      { { 5, 120, 48, 1, "hardswish", true }, { 5, 144, 48, 1, "hardswish", true } },
      { { 5, 288, 96, 2, "hardswish", true }, { 5, 576, 96, 1, "hardswish", true }, { 5, 576, 96, 1, "hardswish", true } },
   },
}
local HIDDEN = { mobilenet_v3_large = 1280, mobilenet_v3_small = 1024 } -- outputs of the layer between mean and head
local STEM, WIDER, DROPOUT = 16, 6, 0.2 -- WIDER: the last convolution has so many times its input's channels
local NORM = { eps = 1e-3, momentum = 0.01 }

local function conv(inputs, outputs, kernel, stride, groups, act)
   return nn.Conv2dNormActivation { inputs, outputs, kernel, stride = stride, groups = groups, act = act, eps = NORM.eps,
      momentum = NORM.momentum }
end

-- 1x1 to `width` channels (left out where that is no change), depthwise, squeeze-excitation where there is one, 1x1 to
-- `outputs` without an activation; plus x where the shapes agree. All in a Sequential named "block", as in torchvision.
local InvertedResidual = nn.Module:extend("InvertedResidualV3", {
   { "inputs" }, { "width" }, { "outputs" }, { "kernel", 3 }, { "stride", 1 }, { "act", "relu" },
   { "squeeze", false, flag = true },
})
InvertedResidual.keeps_nothing = true

function InvertedResidual:build(o)
   self.residual = o.stride == 1 and o.inputs == o.outputs
   local layers = nn.Sequential()
   if o.width ~= o.inputs then layers:append(conv(o.inputs, o.width, 1, 1, 1, o.act)) end
   layers:append(conv(o.width, o.width, o.kernel, o.stride, o.width, o.act))
   if o.squeeze then
      layers:append(nn.SqueezeExcitation { o.width, channels.rounded(o.width // 4), act = "relu", scale_act = "hardsigmoid" })
   end
   layers:append(conv(o.width, o.outputs, 1, 1, 1, "none"))
   self.block = layers
end

function InvertedResidual:forward(x)
   return residual.through(self.block, x, self.residual)
end

local MobileNetV3 = nn.Classifier:extend "MobileNetV3"
MobileNetV3.keeps_nothing = true

local BEFORE_HEAD = 2 -- layers of the classifier that belong to the features: a Linear and its activation

-- Appends the blocks of all stages to the layers; returns their groups, and the last channels.
local function append_stages(layers, stages, inputs)
   local groups = {}
   for number, stage in ipairs(stages) do
      local paths = {}
      for i, row in ipairs(stage) do
         local kernel, width, outputs, stride, act, squeeze = table.unpack(row)
         paths[i] = "features." .. #layers
         layers:append(InvertedResidual { inputs, width, outputs, kernel = kernel, stride = stride, act = act,
            squeeze = squeeze or false })
         inputs = outputs
      end
      groups[number] = { "stage" .. number, paths }
   end
   return groups, inputs
end

-- A Linear that starts as torchvision's in this network.
local function linear(inputs, outputs, how)
   local layer = nn.init.skip(nn.Linear, { inputs, outputs })
   nn.init.head(layer, how)
   return layer
end

function MobileNetV3:build(name, classes, preprocessing)
   local layers = nn.Sequential(conv(3, STEM, 3, 2, 1, "hardswish"))
   local groups, inputs = append_stages(layers, STAGES[name], STEM)
   table.insert(groups, 1, { "stem", { "features.0" } })
   groups[#groups + 1] = { "top", { "features." .. #layers, "avgpool" } } -- a pooling may have something to learn
   layers:append(conv(inputs, WIDER * inputs, 1, 1, 1, "hardswish"))
   groups[#groups + 1] = { "hidden", { "classifier.0", "classifier.1" } }
   groups[#groups + 1] = { "classifier", { "classifier.3", "classifier.2" } }
   self:describe_model { arch = name, classes = classes, preprocessing = preprocessing, head = "classifier.3",
      head_init = "normal 0.01", groups = groups }
   self.hidden_features = HIDDEN[name]
   self:add("features", layers)
   self.avgpool = nn.AdaptiveAvgPool2d(1)
   self:add("classifier", nn.Sequential(linear(WIDER * inputs, self.hidden_features, self.head_init), nn.Hardswish(),
      nn.Dropout(DROPOUT), linear(self.hidden_features, #self.classes, self.head_init)))
end

-- Whether the classifier is the network's own up to the head. Where a user has put another one in its place, all of it is the
-- head, so that no layer of theirs is frozen or kept as one of the backbone; told by its layers, which a file has too, and
-- by their names, by which the groups find them.
local function has_hidden(self)
   local layers = self:child "classifier"
   if not fused.is_own(layers, nn.Sequential) or #layers ~= 4 then return false end
   local first = layers[1]
   return nn.Module.is(first, nn.Linear) and first.out_features == self.hidden_features
      and rawequal(layers:child "0", first) and rawequal(layers:child "3", layers[4])
end

-- The groups: without "hidden" where the whole classifier is one of the user's.
function MobileNetV3:group_paths()
   local groups = nn.Classifier.group_paths(self)
   if has_hidden(self) then return groups end
   groups = table.move(groups, 1, #groups - 2, 1, {})
   groups[#groups + 1] = { "classifier", { "classifier" } }
   return groups
end

-- Number of features before the head: with a classifier of one's own that of the means over the pixels, which go into it.
function MobileNetV3:num_features()
   if has_hidden(self) then return self.hidden_features end
   local stages = STAGES[self.arch]
   local blocks = stages[#stages]
   return WIDER * blocks[#blocks][3]
end

-- (N, 3, H, W) -> (N, 1280), or (N, 1024) of the small one: what the hidden layer makes of the means over the pixels. With a
-- classifier of one's own these means: (N, 960), (N, 576).
function MobileNetV3:features(x)
   local means = passing.pooled(x, { self:child "features", self.avgpool })
   if not has_hidden(self) then return means end
   local layers = self:child "classifier"
   local features = layers:within(passing.through, means, layers, 1, BEFORE_HEAD)
   passing.free(means, features)
   return features
end

-- Dropout, then the linear layer.
function MobileNetV3:head(features)
   local layers = self:child "classifier"
   if not has_hidden(self) then return layers(features) end
   return layers:within(passing.through, features, layers, BEFORE_HEAD + 1, #layers)
end

local models = {}
for name in pairs(STAGES) do
   models[name] = function(classes, preprocessing) return MobileNetV3(name, classes, preprocessing) end
end
return {
   models = models,
   preprocessing = { resize = 256, crop = 224, filter = "bilinear" },
   blocks = { InvertedResidualV3 = InvertedResidual },
}
