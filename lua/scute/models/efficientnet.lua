-- EfficientNet (Tan and Le 2019, https://arxiv.org/abs/1905.11946), in torchvision's tree. B1 to B7 are B0 with more
-- channels and blocks.
local nn = require "scute.nn"
local fused = require "scute.nn.fused"
local passing = require "scute.nn.passing"

-- Stages of B0: expansion of the width, kernel, stride of the first block, input channels, output channels, blocks.
local STAGES = {
   { 1, 3, 1, 32, 16, 1 }, { 6, 3, 2, 16, 24, 2 }, { 6, 5, 2, 24, 40, 2 }, { 6, 3, 2, 40, 80, 3 }, { 6, 5, 1, 80, 112, 3 },
   { 6, 5, 2, 112, 192, 4 }, { 6, 3, 1, 192, 320, 1 },
}
local STOCHASTIC_DEPTH = 0.2 -- of a block past the last; it rises linearly from 0 at the first

-- One row per model: factor of the channels, factor of the blocks, dropout before the head; resize and crop of the photos
-- that the official weights were evaluated with; epsilon and momentum of batch norm where not PyTorch's own.
local CONFIGURATIONS = {
   efficientnet_b0 = { 1.0, 1.0, 0.2, 256, 224 },
   efficientnet_b1 = { 1.0, 1.1, 0.2, 256, 240 },
   efficientnet_b2 = { 1.1, 1.2, 0.3, 288, 288 },
   efficientnet_b3 = { 1.2, 1.4, 0.3, 320, 300 },
   efficientnet_b4 = { 1.4, 1.8, 0.4, 384, 380 },
   efficientnet_b5 = { 1.6, 2.2, 0.4, 456, 456, eps = 1e-3, momentum = 0.01 },
   efficientnet_b6 = { 1.8, 2.6, 0.5, 528, 528, eps = 1e-3, momentum = 0.01 },
   efficientnet_b7 = { 2.0, 3.1, 0.5, 600, 600, eps = 1e-3, momentum = 0.01 },
}

-- Channels times a factor, to the nearest multiple of 8 that is not more than a tenth below.
local function scaled(channels, factor)
   local exact = channels * factor
   local rounded = math.max(8, math.floor((exact + 4) / 8) * 8)
   return rounded < 0.9 * exact and rounded + 8 or rounded
end

-- 1x1 to `expansion` times the width (left out where that is 1), depthwise, squeeze-excitation, 1x1 to `outputs` without an
-- activation; plus x, with stochastic depth, where the shapes agree. All in a Sequential named "block", as in torchvision.
local MBConv = nn.Module:extend("MBConv", {
   { "inputs" }, { "outputs" }, { "kernel", 3 }, { "stride", 1 }, { "expansion", 6 }, { "drop", 0 }, { "eps", 1e-5 },
   { "momentum", 0.1 },
})
MBConv.keeps_nothing = true

function MBConv:build(o)
   local width = o.inputs * o.expansion
   local function conv(inputs, outputs, kernel, stride, groups, act)
      return nn.Conv2dNormActivation { inputs, outputs, kernel, stride = stride, groups = groups, act = act, eps = o.eps,
         momentum = o.momentum }
   end
   self.residual = o.stride == 1 and o.inputs == o.outputs
   local layers = nn.Sequential()
   if width ~= o.inputs then layers:append(conv(o.inputs, width, 1, 1, 1, "silu")) end
   layers:append(conv(width, width, o.kernel, o.stride, width, "silu"))
   layers:append(nn.SqueezeExcitation { width, math.max(1, o.inputs // 4) })
   layers:append(conv(width, o.outputs, 1, 1, 1, "none"))
   self.block = layers
   self.stochastic_depth = nn.StochasticDepth(o.drop)
end

-- z after stochastic depth, plus x; a layer of the user's in its place knows of no residual.
local function dropped_plus(depth, z, x)
   if fused.is_own(depth, nn.StochasticDepth) then
      local sum = depth(z, x)
      passing.free(z, x, sum)
      return sum
   end
   local kept = depth(z)
   local sum = kept + x
   passing.free(z, x, kept)
   passing.free(kept, x)
   return sum
end

function MBConv:forward(x)
   local layers, depth = self.block, self.stochastic_depth
   if not fused.is_own(layers, nn.Sequential) then
      local z = layers(x)
      return self.residual and dropped_plus(depth, z, x) or z
   end
   local y = passing.through(x, layers, 1, #layers - 1)
   local drops = not fused.is_own(depth, nn.StochasticDepth) or depth:is_active()
   local last = layers[#layers]
   local adds = self.residual and not drops and nn.adds_residual(last)
   local z = last(y, adds and x or nil)
   passing.free(y, x, z)
   if adds or not self.residual then return z end
   return dropped_plus(depth, z, x)
end

local EfficientNet = nn.Classifier:extend "EfficientNet"
EfficientNet.keeps_nothing = true

-- The blocks of one stage; `before` of all `total` blocks precede it.
local function stage_of(row, configuration, before, total)
   local expansion, kernel, stride, inputs, outputs, count = table.unpack(row)
   local width, depth = configuration[1], configuration[2]
   inputs, outputs = scaled(inputs, width), scaled(outputs, width)
   local stage = nn.Sequential()
   for i = 1, math.ceil(count * depth) do
      stage:append(MBConv { i == 1 and inputs or outputs, outputs, kernel = kernel, stride = i == 1 and stride or 1,
         expansion = expansion, drop = STOCHASTIC_DEPTH * (before + i - 1) / total, eps = configuration.eps or 1e-5,
         momentum = configuration.momentum or 0.1 })
   end
   return stage, outputs
end

function EfficientNet:build(name, classes, preprocessing)
   local configuration = CONFIGURATIONS[name]
   local norm = { eps = configuration.eps or 1e-5, momentum = configuration.momentum or 0.1 }
   local function edge(inputs, outputs, kernel, stride)
      return nn.Conv2dNormActivation { inputs, outputs, kernel, stride = stride, act = "silu", eps = norm.eps,
         momentum = norm.momentum }
   end
   local total, before, channels = 0, 0, scaled(STAGES[1][4], configuration[1])
   for _, row in ipairs(STAGES) do total = total + math.ceil(row[6] * configuration[2]) end
   local layers, groups = nn.Sequential(edge(3, channels, 3, 2)), { { "stem", { "features.0" } } }
   for i, row in ipairs(STAGES) do
      local stage
      stage, channels = stage_of(row, configuration, before, total)
      layers:append(stage)
      groups[#groups + 1] = { "stage" .. i, { "features." .. i } }
      before = before + #stage
   end
   layers:append(edge(channels, 4 * channels, 1, 1))
   groups[#groups + 1] = { "top", { "features." .. #STAGES + 1, "avgpool" } } -- a pooling may have something to learn
   groups[#groups + 1] = { "classifier", { "classifier" } }
   self:describe_model { arch = name, classes = classes, preprocessing = preprocessing, head = "classifier.1",
      head_init = "uniform fan_out", groups = groups }
   self:add("features", layers)
   self.avgpool = nn.AdaptiveAvgPool2d(1)
   local head = nn.init.skip(nn.Linear, { 4 * channels, #self.classes })
   nn.init.head(head, self.head_init)
   self:add("classifier", nn.Sequential(nn.Dropout(configuration[3]), head))
end

-- (N, 3, H, W) -> (N, 1280) for B0 and B1, more for the others.
function EfficientNet:features(x)
   local maps = self:child "features"(x)
   local pooled = self.avgpool(maps)
   local features = pooled:flatten(2)
   passing.free(maps, x, pooled)
   passing.free(pooled, x)
   return features
end

-- Dropout, then the linear layer.
function EfficientNet:head(features)
   return self:child "classifier"(features)
end

local models, presets = {}, {}
for name, row in pairs(CONFIGURATIONS) do
   models[name] = function(classes, preprocessing) return EfficientNet(name, classes, preprocessing) end
   presets[name] = { resize = row[4], crop = row[5], filter = "bicubic" }
end
return { models = models, presets = presets, blocks = { MBConv = MBConv } }
