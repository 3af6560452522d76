-- ResNet (He et al. 2015, https://arxiv.org/abs/1512.03385), in torchvision's variant: the stride of a bottleneck sits
-- in its 3x3 convolution. Wide ResNet and ResNeXt are rows of the same table.
local nn = require "scute.nn"
local fused = require "scute.nn.fused"
local passing = require "scute.nn.passing"
local public = require "scute.base.public"

local conv = nn.conv_without_bias

-- One row per model: block, blocks in layer1..layer4, groups and base width of the bottleneck's 3x3 convolution.
-- resnet50_a1 is resnet50 for weights of timm's (recipe A1 of "ResNet strikes back", https://arxiv.org/abs/2110.00476), which
-- were evaluated on photos that were prepared otherwise.
local CONFIGURATIONS = {
   resnet18 = { "BasicBlock", { 2, 2, 2, 2 } },
   resnet34 = { "BasicBlock", { 3, 4, 6, 3 } },
   resnet50 = { "Bottleneck", { 3, 4, 6, 3 } },
   resnet50_a1 = { "Bottleneck", { 3, 4, 6, 3 } },
   resnet101 = { "Bottleneck", { 3, 4, 23, 3 } },
   resnet152 = { "Bottleneck", { 3, 8, 36, 3 } },
   resnext50_32x4d = { "Bottleneck", { 3, 4, 6, 3 }, groups = 32, base_width = 4 },
   resnext101_32x8d = { "Bottleneck", { 3, 4, 23, 3 }, groups = 32, base_width = 8 },
   wide_resnet50_2 = { "Bottleneck", { 3, 4, 6, 3 }, base_width = 128 },
   wide_resnet101_2 = { "Bottleneck", { 3, 4, 23, 3 }, base_width = 128 },
}

-- The shortcut: x itself, or a 1x1 convolution and norm where the shape changes.
local function shortcut(block, x)
   local down = block.downsample
   if not down then return x end
   if #down == 2 and fused.is_own(down, nn.Sequential) then return nn.conv_bn_act(down[1], down[2], "none", x) end
   return down(x)
end

-- relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)): two 3x3 convolutions.
local BasicBlock = nn.Module:extend("BasicBlock", {
   { "inputs" }, { "width" }, { "stride", 1 }, { "groups", 1 }, { "base_width", 64 }, { "downsample", optional = true },
})
BasicBlock.keeps_nothing = true
BasicBlock.expansion = 1
public.keep_to_class(BasicBlock, "expansion")

function BasicBlock:build(o)
   self.conv1 = conv(o.inputs, o.width, 3, o.stride)
   self.bn1 = nn.BatchNorm2d { o.width }
   self.relu = nn.ReLU()
   self.conv2 = conv(o.width, o.width, 3)
   self.bn2 = nn.BatchNorm2d { o.width }
   if o.downsample then self.downsample = o.downsample end
end

function BasicBlock:forward(x)
   local y = nn.conv_bn_act(self.conv1, self.bn1, self.relu, x)
   local short = shortcut(self, x)
   local z = nn.conv_bn_act(self.conv2, self.bn2, self.relu, y, short)
   passing.free(y, x)
   passing.free(short, x)
   return z
end

-- 1x1 to the width, 3x3, 1x1 to four times the width, plus the shortcut.
local Bottleneck = nn.Module:extend("Bottleneck", BasicBlock.options)
Bottleneck.keeps_nothing = true
Bottleneck.expansion = 4
public.keep_to_class(Bottleneck, "expansion")

function Bottleneck:build(o)
   local width = o.width * o.base_width // 64 * o.groups
   self.conv1 = conv(o.inputs, width, 1)
   self.bn1 = nn.BatchNorm2d { width }
   self.conv2 = conv(width, width, 3, o.stride, o.groups)
   self.bn2 = nn.BatchNorm2d { width }
   self.conv3 = conv(width, 4 * o.width, 1)
   self.bn3 = nn.BatchNorm2d { 4 * o.width }
   self.relu = nn.ReLU()
   if o.downsample then self.downsample = o.downsample end
end

function Bottleneck:forward(x)
   local a = nn.conv_bn_act(self.conv1, self.bn1, self.relu, x)
   local b = nn.conv_bn_act(self.conv2, self.bn2, self.relu, a)
   passing.free(a, x, b)
   local short = shortcut(self, x)
   local c = nn.conv_bn_act(self.conv3, self.bn3, self.relu, b, short)
   passing.free(b, x)
   passing.free(short, x)
   return c
end

local blocks = { BasicBlock = BasicBlock, Bottleneck = Bottleneck }

-- `count` blocks; the first may change the number of channels and halve the size.
local function stage(configuration, inputs, width, count, stride)
   local Block = blocks[configuration[1]]
   local outputs, layer = width * Block.expansion, nn.Sequential()
   for i = 1, count do
      local first_stride, downsample = i == 1 and stride or 1, nil
      if first_stride ~= 1 or inputs ~= outputs then
         downsample = nn.Sequential(conv(inputs, outputs, 1, first_stride), nn.BatchNorm2d { outputs })
      end
      layer:append(Block { inputs, width, stride = first_stride, downsample = downsample,
         groups = configuration.groups or 1, base_width = configuration.base_width or 64 })
      inputs = outputs
   end
   return layer, outputs
end

local ResNet = nn.Classifier:extend "ResNet"
ResNet.keeps_nothing = true

function ResNet:build(name, classes, preprocessing)
   local configuration = CONFIGURATIONS[name]
   self:describe_model { arch = name, classes = classes, preprocessing = preprocessing, head = "fc",
      head_init = "kaiming uniform",
      groups = { { "stem", { "conv1", "bn1" } }, { "layer1", { "layer1" } }, { "layer2", { "layer2" } },
         { "layer3", { "layer3" } }, { "layer4", { "layer4", "avgpool" } }, { "fc", { "fc" } } } }
   self.conv1 = conv(3, 64, 7, 2)
   self.bn1 = nn.BatchNorm2d { 64 }
   self.relu = nn.ReLU()
   self.maxpool = nn.MaxPool2d { 3, stride = 2, padding = 1 }
   local channels = 64
   for i, count in ipairs(configuration[2]) do
      local layer
      layer, channels = stage(configuration, channels, 64 << (i - 1), count, i == 1 and 1 or 2)
      self["layer" .. i] = layer
   end
   self.avgpool = nn.AdaptiveAvgPool2d(1)
   self.fc = nn.Linear { channels, #self.classes }
end

-- (N, 3, H, W) -> (N, 512), or (N, 2048) with bottlenecks.
function ResNet:features(x)
   local first, layers = nn.conv_bn_act(self.conv1, self.bn1, self.relu, x), {}
   for i, name in ipairs { "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool" } do layers[i] = self:child(name) end
   local features = passing.pooled(first, layers)
   passing.free(first, x)
   return features
end

-- timm shows 0.95 of the side, cut to whole pixels: floor(224 / 0.95).
local PRESETS = { resnet50_a1 = { resize = 235, crop = 224, filter = "bicubic" } }

local models = {}
for name in pairs(CONFIGURATIONS) do
   models[name] = function(classes, preprocessing) return ResNet(name, classes, preprocessing) end
end
return { models = models, presets = PRESETS, preprocessing = { resize = 256, crop = 224, filter = "bilinear" },
   blocks = blocks }
