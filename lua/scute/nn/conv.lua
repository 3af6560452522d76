-- The convolution layer, and the one call a block makes with its convolution and its norm.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local fused = require "scute.nn.fused"
local init = require "scute.nn.initialise"
local norm = require "scute.nn.norm"
local sizes = require "scute.nn.sizes"

local function pair(value)
   if type(value) == "table" then return value end
   return { value, value }
end

local function pair_text(value)
   local p = pair(value)
   return ("(%d, %d)"):format(p[1], p[2])
end

-- nn.Conv2d { in_channels, out_channels, kernel_size, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
-- dtype = "f32", device = "cpu" }; sizes in pixels, one number or {vertical, horizontal}. padding = "same_tf" is TensorFlow's
-- "SAME": as few zeros as give H' = ceil(H / stride), of an odd number the one more below (on the right).
-- x (N, in_channels, H, W) -> (N, out_channels, H', W'). Starts as PyTorch's does (Kaiming uniform).
local Conv2d = Module:extend("Conv2d", {
   { "in_channels", whole = true, min = 1, help = "channels of the input" },
   { "out_channels", whole = true, min = 1, help = "channels of the output" },
   sizes.pair(1, { "kernel_size", help = "side of the window, or { vertical, horizontal }" }),
   sizes.pair(1, { "stride", 1, help = "step of the window" }),
   sizes.padding { "padding", 0, help = "zeros added on every side; 'same_tf': so that ceil(size / stride) comes out" },
   sizes.pair(1, { "dilation", 1, help = "distance of the window's pixels" }),
   { "groups", 1, whole = true, min = 1, help = "channel groups that do not mix; in_channels for depthwise" },
   { "bias", true, flag = true, help = "whether something is added to each channel" }, table.unpack(init.WHERE),
})
Conv2d.keeps_nothing = true

function Conv2d:build(o)
   if o.in_channels % o.groups ~= 0 or o.out_channels % o.groups ~= 0 then
      error(("nn.Conv2d: groups: expected a divisor of %d input and %d output channels, found %d"):format(
         o.in_channels, o.out_channels, o.groups), 0)
   end
   for _, name in ipairs { "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups" } do
      self[name] = o[name]
   end
   local kernel, where = pair(o.kernel_size), { dtype = o.dtype, device = o.device }
   local shape = { o.out_channels, o.in_channels // o.groups, kernel[1], kernel[2] }
   self:register_parameter("weight", scute.zeros(shape, where))
   if o.bias then self:register_parameter("bias", scute.zeros({ o.out_channels }, where)) end
   init.kaiming_uniform(self.weight)
   if o.bias then init.bias_for(self.bias, self.weight) end
end

function Conv2d:forward(x)
   return scute.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
end

function Conv2d:describe()
   local parts = { ("%d, %d, kernel_size=%s, stride=%s"):format(self.in_channels, self.out_channels,
      pair_text(self.kernel_size), pair_text(self.stride)) }
   local padding = type(self.padding) == "string" and self.padding or pair_text(self.padding)
   if padding ~= "(0, 0)" then parts[#parts + 1] = "padding=" .. padding end
   if pair_text(self.dilation) ~= "(1, 1)" then parts[#parts + 1] = "dilation=" .. pair_text(self.dilation) end
   if self.groups ~= 1 then parts[#parts + 1] = "groups=" .. self.groups end
   if self.bias == nil then parts[#parts + 1] = "bias=False" end
   return table.concat(parts, ", ")
end

-- In training mode the op below is these two as well.
local function run_synchronised(conv, bn, act, x, residual)
   local y <close> = conv:forward(x)
   return scute.batch_norm { x = y, weight = bn.weight, bias = bn.bias, running_mean = bn.running_mean,
      running_var = bn.running_var, residual = residual, training = true, momentum = bn.momentum, eps = bn.eps, act = act,
      synchronised = bn:joins() }
end

local function run_fused(conv, bn, act, x, residual)
   local training = bn:begin_batch()
   if training and bn:joins() ~= "no" then return run_synchronised(conv, bn, act, x, residual) end
   return scute.conv_bn_act(x, conv.weight, conv.bias, bn.weight, bn.bias, bn.running_mean, bn.running_var, residual,
      conv.stride, conv.padding, conv.dilation, conv.groups, training, bn.momentum, bn.eps, act)
end

-- The same by calling one after the other; act: as conv_bn_act takes it.
local function run_apart(conv, bn, act, x, residual)
   local y = bn(conv(x))
   if residual then y = y + residual end
   if Module.is_module(act) then return act(y) end
   return act == "none" and y or scute[act](y)
end

fused.note(Conv2d)
fused.note(norm.BatchNorm2d)

-- The name of the activation with which the three are one op; nil where one of them computes in a way of its own.
local function name_as_one(conv, bn, act)
   if not (fused.is_own(conv, Conv2d) and fused.is_own(bn, norm.BatchNorm2d)) then return nil end
   if Module.is_module(act) then return fused.name_of(act) end
   return act
end

-- The one op of the three; name: of the activation.
local function run_as_one(conv, bn, name, x, residual)
   local y = conv:within(run_fused, conv, bn, name, x, residual)
   Module.tell(conv, y)
   return Module.tell(bn, y)
end

-- act(bn(conv(x)) + residual): `act` is a layer, "none" or the name of an activation (`? scute.conv_bn_act` lists them),
-- `residual` a tensor of the result's shape or nil. One fused op; where a user has put another kind of module in the place of
-- one, they are called one by one.
local function conv_bn_act(conv, bn, act, x, residual)
   local name = name_as_one(conv, bn, act)
   if name then return run_as_one(conv, bn, name, x, residual) end
   return run_apart(conv, bn, act, x, residual)
end

return { Conv2d = Conv2d, conv_bn_act = conv_bn_act, name_as_one = name_as_one, run_as_one = run_as_one,
   run_apart = run_apart }
