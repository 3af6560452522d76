-- Layers without parameters that work element by element: ReLU, ReLU6, SiLU, Sigmoid, Dropout, Identity, Flatten.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local public = require "scute.base.public"

local layers = {}

local function elementwise(name, op)
   local class = Module:extend(name, {})
   class.keeps_nothing = true
   class.op = op -- what nn.conv_bn_act takes
   function class:forward(x) -- luacheck: ignore self
      return scute[op](x)
   end
   public.keep_to_class(class, "op")
   layers[name] = class
end

-- nn.ReLU(): max(x, 0).
elementwise("ReLU", "relu")
-- nn.ReLU6(): min(max(x, 0), 6).
elementwise("ReLU6", "relu6")
-- nn.SiLU(): x * sigmoid(x).
elementwise("SiLU", "silu")
-- nn.Sigmoid(): 1 / (1 + exp(-x)).
elementwise("Sigmoid", "sigmoid")

-- nn.Dropout { p = 0.5 }: in training mode each element is 0 with probability p and otherwise x / (1 - p).
layers.Dropout = Module:extend("Dropout", {
   { "p", 0.5, number = true, min = 0, max = 1, help = "probability that an element becomes 0" },
})
layers.Dropout.keeps_nothing = true

function layers.Dropout:build(o)
   self.p = o.p
end

function layers.Dropout:forward(x)
   if not self.training or self.p == 0 then return x end
   return scute.dropout(x, self.p, true)
end

function layers.Dropout:describe()
   return ("p=%g"):format(self.p)
end

-- nn.Identity(): x as it is.
layers.Identity = Module:extend("Identity", {})
layers.Identity.keeps_nothing = true

function layers.Identity:forward(x) -- luacheck: ignore self
   return x
end

-- nn.Flatten { from = 2 }: merges the dimensions from `from` on; (N, C, H, W) becomes (N, C*H*W).
layers.Flatten = Module:extend("Flatten", { { "from", 2, whole = true, help = "the first dimension that is merged" } })
layers.Flatten.keeps_nothing = true

function layers.Flatten:build(o)
   self.from = o.from
end

function layers.Flatten:forward(x)
   return scute.flatten(x, self.from)
end

function layers.Flatten:describe()
   return ("from=%d"):format(self.from)
end

return layers
