-- A plain network to compare with: four blocks of convolution, batch norm, ReLU and pooling that halves the size, the mean
-- over what is left, dropout, one linear layer. There are no weights for it: it is trained from scratch.
local nn = require "scute.nn"
local passing = require "scute.nn.passing"

local WIDTHS = { 32, 64, 128, 256 } -- channels of the four blocks
local DROPOUT = 0.3

local Baseline = nn.Classifier:extend "BaselineCNN"
Baseline.keeps_nothing = true

function Baseline:build(classes, preprocessing)
   local groups, channels = {}, 3
   for i in ipairs(WIDTHS) do groups[i] = { "block" .. i, { "block" .. i, i == #WIDTHS and "avgpool" or nil } } end
   groups[#groups + 1] = { "fc", { "fc" } }
   self:describe_model { arch = "baseline_cnn", classes = classes, preprocessing = preprocessing, head = "fc",
      head_init = "kaiming uniform", groups = groups }
   for i, width in ipairs(WIDTHS) do
      self["block" .. i] = nn.Sequential(nn.Conv2dNormActivation { channels, width, 3, act = "relu" }, nn.MaxPool2d(2))
      channels = width
   end
   self.avgpool = nn.AdaptiveAvgPool2d(1)
   self.dropout = nn.Dropout(DROPOUT)
   self.fc = nn.Linear { channels, #self.classes }
end

-- (N, 3, H, W) -> (N, 256).
function Baseline:features(x)
   local layers = {}
   for i, name in ipairs { "block1", "block2", "block3", "block4", "avgpool" } do layers[i] = self:child(name) end
   return passing.pooled(x, layers)
end

function Baseline:head(features)
   return passing.through(features, { self.dropout, self.fc })
end

return {
   models = { baseline_cnn = Baseline },
   preprocessing = { resize = 256, crop = 224, filter = "bilinear" },
   from_scratch = true,
}
