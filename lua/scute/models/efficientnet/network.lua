-- What EfficientNets (V1, V2 and Lite) have in common: a stem, stages of blocks, a 1x1 convolution, the mean over the pixels,
-- dropout and one linear layer, in torchvision's tree.
local nn = require "scute.nn"
local blocks = require "scute.models.efficientnet.blocks"
local passing = require "scute.nn.passing"
local public = require "scute.base.public"

local network = {}

local EfficientNet = nn.Classifier:extend "EfficientNet"
EfficientNet.keeps_nothing = true
network.EfficientNet = EfficientNet

-- The blocks of one stage; `before` of all `total` blocks precede it. row, o: see build.
local function stage_of(row, o, before, total)
   local expansion, kernel, stride, inputs, outputs, count = table.unpack(row)
   local stage, Block = nn.Sequential(), blocks[row.block or "MBConv"]
   for i = 1, count do
      local squeeze
      if Block == blocks.MBConv then squeeze = o.squeeze end -- the other one has none
      stage:append(Block { i == 1 and inputs or outputs, outputs, kernel = kernel, stride = i == 1 and stride or 1,
         expansion = expansion, drop = o.stochastic_depth * (before + i - 1) / total, eps = o.eps, momentum = o.momentum,
         act = o.act, padding = o.padding, squeeze = squeeze })
   end
   return stage
end

-- o: classes, preprocessing; stem, top (channels); stages = rows { expansion of the width, kernel, stride of the first block,
-- input channels, output channels, blocks, block = "MBConv" or "FusedMBConv" }; dropout before the head; and what is not as in
-- V1: stochastic_depth (of a block past the last; it rises linearly from 0 at the first), eps and momentum of the norms, act,
-- squeeze (false: without squeeze-excitation), padding of convolutions that are not 1x1, head_init (how the head starts).
function EfficientNet:build(name, o)
   local function edge(inputs, outputs, kernel, stride)
      return nn.Conv2dNormActivation { inputs, outputs, kernel, stride = stride, act = o.act, eps = o.eps,
         momentum = o.momentum, padding = kernel > 1 and o.padding or nil }
   end
   local total, before, stages = 0, 0, {}
   for _, row in ipairs(o.stages) do total = total + row[6] end
   local stem = edge(3, o.stem, 3, 2)
   for i, row in ipairs(o.stages) do
      stages[i] = stage_of(row, o, before, total)
      before = before + row[6]
   end
   self:assemble { name = name, classes = o.classes, preprocessing = o.preprocessing, stem = stem, stages = stages,
      top = edge(o.stages[#o.stages][5], o.top, 1, 1), channels = o.top, dropout = o.dropout,
      head_init = o.head_init }
end

-- As all of torchvision's start, B0 to B7 and V2 (torchvision/models/efficientnet.py: uniform within 1/sqrt(classes), bias 0).
-- For few classes that is wide: other starts (--head_init) may be learned in fewer epochs; efficientnet_lite.lua has one.
local HEAD_INIT = "uniform fan_out"

-- Makes the network of its layers: name, classes, preprocessing; stem, stages (a list) and top, all of them layers; channels:
-- what the top gives; dropout: before the head, a probability; head_init: how the head starts, nil: as torchvision's.
function EfficientNet:assemble(o)
   local layers, groups = nn.Sequential(o.stem), { { "stem", { "features.0" } } }
   for i, stage in ipairs(o.stages) do
      layers:append(stage)
      groups[#groups + 1] = { "stage" .. i, { "features." .. i } }
   end
   layers:append(o.top)
   groups[#groups + 1] = { "top", { "features." .. #o.stages + 1, "avgpool" } } -- a pooling may have something to learn
   groups[#groups + 1] = { "classifier", { "classifier" } }
   self:describe_model { arch = o.name, classes = o.classes, preprocessing = o.preprocessing, head = "classifier.1",
      head_init = o.head_init or HEAD_INIT, groups = groups }
   self:add("features", layers)
   self.avgpool = nn.AdaptiveAvgPool2d(1)
   local head = nn.init.skip(nn.Linear, { o.channels, #self.classes })
   nn.init.head(head, self.head_init)
   self:add("classifier", nn.Sequential(nn.Dropout(o.dropout), head))
end
public.keep_to_class(EfficientNet, "assemble")

-- (N, 3, H, W) -> (N, 1280) for B0, B1, V2 and Lite0, more for the others.
function EfficientNet:features(x)
   return passing.pooled(x, { self:child "features", self.avgpool })
end

-- Dropout, then the linear layer.
function EfficientNet:head(features)
   return self:child "classifier"(features)
end

local USUAL = { stochastic_depth = 0.2, act = "silu", squeeze = true } -- of V1

--- A function(classes, preprocessing) -> model. o: as build takes it, without these two.
function network.maker(name, o)
   return function(classes, preprocessing)
      local all = { classes = classes, preprocessing = preprocessing }
      for key, value in pairs(USUAL) do all[key] = value end
      for key, value in pairs(o) do all[key] = value end
      return EfficientNet(name, all)
   end
end

return network
