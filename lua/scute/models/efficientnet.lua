-- EfficientNet (Tan and Le 2019, https://arxiv.org/abs/1905.11946), in torchvision's tree. B1 to B7 are B0 with more
-- channels and blocks.
local blocks = require "scute.models.efficientnet.blocks"
local channels = require "scute.nn.channels"
local network = require "scute.models.efficientnet.network"

-- Stages of B0: expansion of the width, kernel, stride of the first block, input channels, output channels, blocks.
local STAGES = {
   { 1, 3, 1, 32, 16, 1 }, { 6, 3, 2, 16, 24, 2 }, { 6, 5, 2, 24, 40, 2 }, { 6, 3, 2, 40, 80, 3 }, { 6, 5, 1, 80, 112, 3 },
   { 6, 5, 2, 112, 192, 4 }, { 6, 3, 1, 192, 320, 1 },
}

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

-- The stages of a model: B0's with more channels and blocks.
local function stages_of(width, depth)
   local stages = {}
   for i, row in ipairs(STAGES) do
      local expansion, kernel, stride, inputs, outputs, count = table.unpack(row)
      stages[i] = { expansion, kernel, stride, channels.rounded(inputs * width), channels.rounded(outputs * width),
         math.ceil(count * depth) }
   end
   return stages
end

local models, presets = {}, {}
for name, row in pairs(CONFIGURATIONS) do
   local stages = stages_of(row[1], row[2])
   models[name] = network.maker(name, { stem = stages[1][4], stages = stages, top = 4 * stages[#stages][5], dropout = row[3],
      eps = row.eps, momentum = row.momentum })
   presets[name] = { resize = row[4], crop = row[5], filter = "bicubic" }
end
return { models = models, presets = presets, blocks = { MBConv = blocks.MBConv }, EfficientNet = network.EfficientNet }
