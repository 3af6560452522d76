-- nn.Linear { in_features, out_features, bias = true, dtype = "f32", device = "cpu" }
-- x (..., in_features) -> (..., out_features): x weight^T + bias. Starts as PyTorch's does (Kaiming uniform).
local scute = require "scute.core"
local Module = require "scute.nn.module"
local fused = require "scute.nn.fused"
local init = require "scute.nn.initialise"

local Linear = Module:extend("Linear", {
   { "in_features", whole = true, min = 1, help = "size of the last dimension of the input" },
   { "out_features", whole = true, min = 1, help = "of the output" },
   { "bias", true, flag = true, help = "whether something is added to each" }, table.unpack(init.WHERE),
})
Linear.keeps_nothing = true

function Linear:build(o)
   self.in_features, self.out_features = o.in_features, o.out_features
   local where = { dtype = o.dtype, device = o.device }
   self:register_parameter("weight", scute.zeros({ o.out_features, o.in_features }, where))
   if o.bias then self:register_parameter("bias", scute.zeros({ o.out_features }, where)) end
   init.kaiming_uniform(self.weight)
   if o.bias then init.bias_for(self.bias, self.weight) end
end

function Linear:forward(x)
   return scute.linear(x, self.weight, self.bias)
end

function Linear:describe()
   return ("in_features=%d, out_features=%d, bias=%s"):format(self.in_features, self.out_features,
      self.bias ~= nil and "True" or "False")
end

fused.note(Linear)

return { Linear = Linear }
