-- ConvNeXt (Liu et al. 2022, https://arxiv.org/abs/2201.03545), in torchvision's tree. A block permutes to (N, H, W, C) and
-- back, as torchvision's does; tensors lie in memory so anyway (channels last), and a block with the layers that it was built
-- with permutes nothing.
local scute = require "scute.core"
local nn = require "scute.nn"
local fused = require "scute.nn.fused"
local head_dropout = require "scute.nn.head_dropout"
local passing = require "scute.nn.passing"
local public = require "scute.base.public"
local residual = require "scute.nn.residual"
local same_list = require "scute.base.same_list"

-- One row per model: channels and blocks of the four stages; probability of stochastic depth in the last block, to which it
-- rises linearly from 0 in the first; resize of the photos that the official weights were evaluated with.
local CONFIGURATIONS = {
   convnext_tiny = { { 96, 192, 384, 768 }, { 3, 3, 9, 3 }, 0.1, 236 },
   convnext_small = { { 96, 192, 384, 768 }, { 3, 3, 27, 3 }, 0.4, 230 },
   convnext_base = { { 128, 256, 512, 1024 }, { 3, 3, 27, 3 }, 0.5, 232 },
}
local CROP = 224
local EPS = 1e-6 -- of all norms
local TO_LAST, TO_FIRST = { 1, 3, 4, 2 }, { 1, 4, 2, 3 } -- channels, of (N, C, H, W) and of (N, H, W, C)

-- A convolution or linear layer that starts with N(0, 0.02^2) and no bias. (Official code cuts the numbers off at 2, which is a
-- hundred deviations away.)
local function new(class, o)
   local layer = nn.init.skip(class, o)
   nn.init.normal(layer.weight, 0, 0.02)
   return layer
end

-- ---- the block ----

-- CNBlock { channels, drop = 0, layer_scale = 1e-6 }: a depthwise 7x7 convolution, a norm and two linear layers over the
-- channels of each pixel, with GELU between them, times a learned scale for each channel; plus x, with stochastic depth.
local CNBlock = nn.Module:extend("CNBlock", { { "channels" }, { "drop", 0 }, { "layer_scale", 1e-6 } })
CNBlock.keeps_nothing = true

function CNBlock:build(o)
   local n = o.channels
   self.block = nn.Sequential(new(nn.Conv2d, { n, n, 7, padding = 3, groups = n }), nn.Permute { TO_LAST },
      nn.LayerNorm { n, eps = EPS }, new(nn.Linear, { n, 4 * n }), nn.GELU(), new(nn.Linear, { 4 * n, n }),
      nn.Permute { TO_FIRST })
   self:register_parameter("layer_scale", scute.full({ n, 1, 1 }, o.layer_scale, { device = nn.init.device() }))
   self.stochastic_depth = nn.StochasticDepth(o.drop)
end

local function permutes(layer, dims)
   return fused.is_own(layer, nn.Permute) and same_list(layer.dims, dims)
end

-- Whether the last layers are those of an mlp.
local function is_mlp(first, act, second)
   return fused.is_own(first, nn.Linear) and fused.name_of(act) == "gelu" and fused.is_own(second, nn.Linear) and first.bias
      and second.bias and first.weight.shape[1] == second.weight.shape[2]
end

-- Whether nothing has to be permuted: the layers are of the kinds that the block was built with, but for the first, which may
-- be any.
local function stays_in_order(layers)
   if not fused.is_own(layers, nn.Sequential) or #layers ~= 7 then return false end
   local norm = layers[3]
   return permutes(layers[2], TO_LAST) and permutes(layers[7], TO_FIRST) and fused.is_own(norm, nn.LayerNorm)
      and same_list(norm.normalized_shape, { layers[4].weight and layers[4].weight.shape[2] })
      and is_mlp(layers[4], layers[5], layers[6])
end

-- Tells that a layer has computed so many channels of the pixels of x (N, C, H, W), which come last.
local function tell_pixels(layer, x, channels)
   local shape = x.shape
   nn.Module.tell(layer, { shape[1], shape[3], shape[4], channels or shape[2] })
end

local function norm_pixels(norm, x)
   return scute.layer_norm { x = x, normalized_shape = norm.normalized_shape, weight = norm.weight, bias = norm.bias,
      eps = norm.eps, channels = true }
end

-- Both linear layers with the results times `scale` (C, 1, 1), which goes into weight and bias: these are small where maps are
-- large.
local function scaled_mlp(first, second, x, scale)
   local column <close> = scale:reshape(-1, 1)
   local row <close> = scale:reshape(-1)
   local weight <close> = second.weight * column
   local bias <close> = second.bias * row
   return scute.mlp(x, first.weight, first.bias, weight, bias)
end

-- Whether the scale goes into the weights of the last layer: while they learn, since that spares passes over maps forward and
-- backward. Otherwise they stay what they are, so that what a backend has packed of them is used again. Of a product in float16
-- too little would be left: the scale starts at 1e-6.
local function scales_weights(block, linear, x)
   local scale = block.layer_scale
   return block.training and x.dtype ~= "f16" and (linear.weight.requires_grad or scale.requires_grad)
      and scale:numel() == linear.weight.shape[1]
end

-- What the layers make of x, and whether the scale is in it already.
local function compute_in_order(block, layers, x)
   local convolved, first, second = layers[1](x), layers[4], layers[6]
   local normed = layers[3]:within(norm_pixels, layers[3], convolved)
   passing.free(convolved, x)
   local scaled = scales_weights(block, second, normed)
   local y = scaled and scaled_mlp(first, second, normed, block.layer_scale)
      or scute.mlp(normed, first.weight, first.bias, second.weight, second.bias)
   for i = 2, 3 do tell_pixels(layers[i], normed) end
   for i = 4, 5 do tell_pixels(layers[i], y, first.weight.shape[1]) end
   tell_pixels(second, y)
   normed:free()
   return nn.Module.tell(layers[7], y), scaled
end

-- z times the scale of each channel, in z's width.
local function times_scale(z, scale)
   if scale.dtype == z.dtype then return z * scale end
   local narrow <close> = scale:to(z.dtype)
   return z * narrow
end

-- What the layers make of x, times the scale.
local function scaled_branch(block, x)
   local layers, y, scaled = block.block
   if stays_in_order(layers) then
      y, scaled = layers:within(compute_in_order, block, layers, x)
      nn.Module.tell(layers, y)
   else
      y = layers(x)
   end
   if scaled then return y end
   local z = times_scale(y, block.layer_scale)
   passing.free(y, x)
   return z
end

function CNBlock:forward(x)
   return residual.plus(self.stochastic_depth, scaled_branch(self, x), x)
end

-- ---- the network ----

local ConvNeXt = nn.Classifier:extend "ConvNeXt"
ConvNeXt.keeps_nothing = true

-- The blocks of a stage; `before` of all `total` blocks precede it.
local function stage_of(width, count, drop, before, total)
   local stage = nn.Sequential()
   for i = 0, count - 1 do stage:append(CNBlock { width, drop = drop * (before + i) / (total - 1) }) end
   return stage
end

-- Stem, stages, and before each stage but the first what halves the size; and the groups of all.
local function layers_of(widths, counts, drop)
   local layers = nn.Sequential(nn.Sequential(new(nn.Conv2d, { 3, widths[1], 4, stride = 4 }),
      nn.LayerNorm2d { widths[1], eps = EPS }))
   local groups, before, total = { { "stem", { "features.0" } } }, 0, 0
   for _, count in ipairs(counts) do total = total + count end
   for i, width in ipairs(widths) do
      local paths = { "features." .. #layers }
      if i > 1 then
         layers:append(nn.Sequential(nn.LayerNorm2d { widths[i - 1], eps = EPS },
            new(nn.Conv2d, { widths[i - 1], width, 2, stride = 2 })))
         paths[2] = "features." .. #layers
      end
      layers:append(stage_of(width, counts[i], drop, before, total))
      groups[#groups + 1], before = { "stage" .. i, paths }, before + counts[i]
   end
   return layers, groups
end

function ConvNeXt:build(name, classes, preprocessing)
   local widths, counts, drop = table.unpack(CONFIGURATIONS[name])
   local layers, groups = layers_of(widths, counts, drop)
   groups[#groups + 1] = { "top", { "avgpool", "classifier.0", "classifier.1" } }
   groups[#groups + 1] = { "classifier", { "classifier.2" } }
   self:describe_model { arch = name, classes = classes, preprocessing = preprocessing, head = "classifier.2",
      head_init = "normal 0.02", groups = groups }
   self.last_channels = widths[4]
   self:add("features", layers)
   self.avgpool = nn.AdaptiveAvgPool2d(1)
   local head = nn.init.skip(nn.Linear, { widths[4], #self.classes })
   nn.init.head(head, self.head_init)
   self:add("classifier", nn.Sequential(nn.LayerNorm2d { widths[4], eps = EPS }, nn.Flatten(), head))
end

-- How many of the layers of "classifier" belong to the features: the norm and the Flatten with which the network's own begins.
-- None where somebody has put something else there, which gets the pooled maps (N, C, 1, 1) as in torchvision. Told by the
-- layers, which a file has too.
local function before_head(self)
   local layers = self:child "classifier"
   if not fused.is_own(layers, nn.Sequential) or #layers < 3 then return 0 end
   local norm = layers[1]
   local is_own = nn.Module.is(norm, nn.LayerNorm2d) and norm.num_channels == self.last_channels
   return is_own and nn.Module.is(layers[2], nn.Flatten) and 2 or 0
end

-- The groups, the last two as the layers of "classifier" are now.
function ConvNeXt:group_paths()
   local count, place, top, head = before_head(self), 0, { "avgpool" }, {}
   for name in self:child("classifier"):children() do
      place = place + 1
      table.insert(place <= count and top or head, "classifier." .. name)
   end
   local declared = nn.Classifier.group_paths(self)
   local groups = table.move(declared, 1, #declared - 2, 1, {})
   groups[#groups + 1] = { "top", top }
   groups[#groups + 1] = { "classifier", count > 0 and head or { "classifier" } }
   return groups
end

-- (N, 3, H, W) -> (N, 768), after the norm: (N, 1024) for ConvNeXt-Base.
function ConvNeXt:features(x)
   local maps, layers = self:child "features"(x), self:child "classifier"
   local pooled = self.avgpool(maps)
   passing.free(maps, x, pooled)
   local count = before_head(self)
   local features = count > 0 and layers:within(passing.through, pooled, layers, 1, count) or pooled:flatten(2)
   passing.free(pooled, x, features)
   return features
end

local function scores_of(features, self)
   local layers, count = self:child "classifier", before_head(self)
   if count > 0 then return layers:within(passing.through, features, layers, count + 1, #layers) end
   local maps = features:reshape(-1, features.shape[2], 1, 1)
   local scores = layers(maps)
   passing.free(maps, scores)
   return scores
end

-- The linear layer, after dropout if there is any (set_dropout).
function ConvNeXt:head(features)
   return head_dropout.through(self, features, scores_of, self)
end

function ConvNeXt:takes_dropout()
   return self.head == ConvNeXt.head and self.forward == nn.Classifier.forward
end
public.hide(ConvNeXt, "takes_dropout")

local models, presets = {}, {}
for name, row in pairs(CONFIGURATIONS) do
   models[name] = function(classes, preprocessing) return ConvNeXt(name, classes, preprocessing) end
   presets[name] = { resize = row[4], crop = CROP, filter = "bilinear" }
end
return { models = models, presets = presets, blocks = { CNBlock = CNBlock } }
