-- Layers without parameters that work element by element: ReLU, ReLU6, SiLU, Sigmoid, Tanh, Hardswish, Hardsigmoid, GELU,
-- Softplus, Dropout, Identity, Flatten.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local public = require "scute.base.public"

local layers = {}

local function elementwise(name, op)
   local class = Module:extend(name, {})
   class.keeps_nothing = true
   class.op = op -- what fused ops call it (scute.nn.fused)
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
-- nn.Tanh(): the hyperbolic tangent of x.
elementwise("Tanh", "tanh")
-- nn.Hardswish(): x * relu6(x + 3) / 6.
elementwise("Hardswish", "hardswish")
-- nn.Hardsigmoid(): relu6(x + 3) / 6.
elementwise("Hardsigmoid", "hardsigmoid")

-- nn.GELU { approximate = "none" }: x times the probability that a normal number is smaller; "tanh" computes it without erf.
layers.GELU = Module:extend("GELU", {
   { "approximate", "none", choices = { "none", "tanh" }, help = "how the probability is computed" },
})
layers.GELU.keeps_nothing = true
layers.GELU.op, layers.GELU.op_needs = "gelu", { approximate = "none" }
public.keep_to_class(layers.GELU, "op", "op_needs")

function layers.GELU:build(o)
   self.approximate = o.approximate
end

function layers.GELU:forward(x)
   return scute.gelu(x, self.approximate)
end

function layers.GELU:describe()
   return self.approximate ~= "none" and ("approximate=%s"):format(self.approximate) or ""
end

-- nn.Softplus { beta = 1, threshold = 20 }: log(1 + exp(beta * x)) / beta, and x itself where beta * x is above the threshold.
layers.Softplus = Module:extend("Softplus", {
   { "beta", 1, number = true, above = 0, help = "how sharp its bend is" },
   { "threshold", 20, number = true, help = "where x itself begins" },
})
layers.Softplus.keeps_nothing = true

function layers.Softplus:build(o)
   self.beta, self.threshold = o.beta, o.threshold
end

function layers.Softplus:forward(x)
   return scute.softplus(x, self.beta, self.threshold)
end

function layers.Softplus:describe()
   return ("beta=%g, threshold=%g"):format(self.beta, self.threshold)
end

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
