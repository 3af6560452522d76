-- Norms that need no batch and no running statistics: the same in training and in evaluation.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local fused = require "scute.nn.fused"
local init = require "scute.nn.initialise"
local options = require "scute.base.options"
local shape_text = require "scute.base.shape_text"

local EPS = { "eps", 1e-5, number = true, min = 0, help = "added to the variance" }
-- Of a layer before whose eps stands a shape: several sizes that are no table would be taken for it.
local SMALL_EPS = { "eps", 1e-5, is = options.typed(function(value)
   return math.type(value) ~= nil and value >= 0 and value < 1
end, "number"), expected = "a number of at least 0 and below 1 (several sizes are a table: nn.LayerNorm { { 3, 10 } })",
   help = EPS.help }
local AFFINE = "whether each %s is multiplied by a weight and something is added"

-- Weight and bias that change nothing, as options say.
local function register_affine(self, o, shape, affine, bias)
   local where = { dtype = o.dtype, device = o.device }
   if affine then self:register_parameter("weight", scute.ones(shape, where)) end
   if affine and bias then self:register_parameter("bias", scute.zeros(shape, where)) end
end

local function is_size(value)
   local whole = math.type(value) and math.tointeger(value)
   return whole ~= nil and whole >= 1
end

local function are_sizes(value)
   if type(value) ~= "table" then return is_size(value) end
   for _, size in ipairs(value) do
      if not is_size(size) then return false end
   end
   return #value > 0
end

local function python_bool(value)
   return value and "True" or "False"
end

-- As PyTorch prints it: whether there is a bias only where there is none beside a weight.
local function affine_text(self)
   local bias = self.weight and not self.bias and ", bias=False" or ""
   return ("eps=%g, elementwise_affine=%s%s"):format(self.eps, python_bool(self.weight), bias)
end

-- nn.LayerNorm { normalized_shape, eps = 1e-5, elementwise_affine = true, bias = true, dtype = "f32", device = "cpu" }
-- x (..., normalized_shape) -> the same shape: over the last dimensions, as many as normalized_shape has (Ba, Kiros and Hinton
-- 2016, https://arxiv.org/abs/1607.06450). Over the channels of (N, C, H, W): nn.LayerNorm2d.
local LayerNorm = Module:extend("LayerNorm", {
   { "normalized_shape", is = options.typed(are_sizes, "integer", "integer[]"),
      expected = "a whole number of at least 1, or a table of them", help = "size of the last dimension, or of the last ones" },
   SMALL_EPS, { "elementwise_affine", true, flag = true, help = AFFINE:format "value" },
   { "bias", true, flag = true, help = "false: nothing is added" }, table.unpack(init.WHERE),
})
LayerNorm.keeps_nothing = true

function LayerNorm:build(o)
   local sizes = o.normalized_shape
   self.normalized_shape = type(sizes) == "table" and table.move(sizes, 1, #sizes, 1, {}) or { sizes }
   self.eps, self.elementwise_affine = o.eps, o.elementwise_affine
   register_affine(self, o, self.normalized_shape, o.elementwise_affine, o.bias)
end

function LayerNorm:forward(x)
   return scute.layer_norm { x = x, normalized_shape = self.normalized_shape, weight = self.weight, bias = self.bias,
      eps = self.eps }
end

function LayerNorm:describe()
   local sizes = self.normalized_shape
   local shape = #sizes == 1 and ("(%d,)"):format(sizes[1]) or shape_text(sizes)
   return ("%s, %s"):format(shape, affine_text(self))
end

fused.note(LayerNorm)

-- nn.LayerNorm2d { num_channels, eps = 1e-5, elementwise_affine = true, bias = true, dtype = "f32", device = "cpu" }
-- x (N, C, H, W) -> the same shape: over the channels of each pixel, which lie side by side in memory, so that nothing is
-- permuted. As torchvision's; its ConvNeXt (Liu et al. 2022, https://arxiv.org/abs/2201.03545) has them with eps = 1e-6.
local LayerNorm2d = Module:extend("LayerNorm2d", {
   { "num_channels", whole = true, min = 1, help = "channels" },
   EPS, { "elementwise_affine", true, flag = true, help = AFFINE:format "channel" },
   { "bias", true, flag = true, help = "false: nothing is added" }, table.unpack(init.WHERE),
})
LayerNorm2d.keeps_nothing = true

function LayerNorm2d:build(o)
   self.num_channels, self.eps, self.elementwise_affine = o.num_channels, o.eps, o.elementwise_affine
   register_affine(self, o, { o.num_channels }, o.elementwise_affine, o.bias)
end

function LayerNorm2d:forward(x)
   return scute.layer_norm { x = x, normalized_shape = { self.num_channels }, weight = self.weight, bias = self.bias,
      eps = self.eps, channels = true }
end

function LayerNorm2d:describe()
   return ("(%d,), %s"):format(self.num_channels, affine_text(self))
end

-- nn.GroupNorm { num_groups, num_channels, eps = 1e-5, affine = true, dtype = "f32", device = "cpu" }
-- x (N, C, ...) -> the same shape: over each sample's groups of channels and all their pixels (Wu and He 2018,
-- https://arxiv.org/abs/1803.08494). One group: over all of a sample; a group a channel: instance norm.
local GroupNorm = Module:extend("GroupNorm", {
   { "num_groups", whole = true, min = 1, help = "groups of neighbouring channels, a divisor of their number" },
   { "num_channels", whole = true, min = 1, help = "channels" },
   EPS, { "affine", true, flag = true, help = AFFINE:format "channel" }, table.unpack(init.WHERE),
})
GroupNorm.keeps_nothing = true

function GroupNorm:build(o)
   if o.num_channels % o.num_groups ~= 0 then
      error(("nn.GroupNorm: num_groups: expected a divisor of %d channels, found %d"):format(o.num_channels, o.num_groups), 3)
   end
   self.num_groups, self.num_channels, self.eps, self.affine = o.num_groups, o.num_channels, o.eps, o.affine
   register_affine(self, o, { o.num_channels }, o.affine, o.affine)
end

function GroupNorm:forward(x)
   return scute.group_norm { x = x, num_groups = self.num_groups, weight = self.weight, bias = self.bias, eps = self.eps }
end

function GroupNorm:describe()
   return ("%d, %d, eps=%g, affine=%s"):format(self.num_groups, self.num_channels, self.eps, python_bool(self.weight))
end

return { LayerNorm = LayerNorm, LayerNorm2d = LayerNorm2d, GroupNorm = GroupNorm }
