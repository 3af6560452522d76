-- Pooling layers; sizes in pixels, one number or {vertical, horizontal}.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local init = require "scute.nn.initialise"
local sizes = require "scute.nn.sizes"

local layers = {}

local function text(value)
   return type(value) == "table" and ("(%d, %d)"):format(value[1], value[2]) or tostring(value)
end

local function describe(self)
   return ("kernel_size=%s, stride=%s, padding=%s, ceil_mode=%s"):format(text(self.kernel_size), text(self.stride),
      text(self.padding), self.ceil_mode and "True" or "False")
end

local WINDOW = {
   sizes.pair(1, { "kernel_size", help = "side of the window, or { vertical, horizontal }" }),
   sizes.pair(1, { "stride", optional = true, show = "kernel_size", help = "step of the window" }),
   sizes.pair(0, { "padding", 0, help = "pixels added on every side" }),
   { "ceil_mode", false, flag = true, help = "whether a window that is only partly inside counts" },
}

-- nn.MaxPool2d { kernel_size, stride = kernel_size, padding = 0, ceil_mode = false }
-- x (N, C, H, W) -> (N, C, H', W'), H' = floor((H + 2 padding - kernel) / stride) + 1.
layers.MaxPool2d = Module:extend("MaxPool2d", { table.unpack(WINDOW) })
-- nn.AvgPool2d: the same, and count_include_pad = true (zeros of the padding count in the mean).
layers.AvgPool2d = Module:extend("AvgPool2d", {
   WINDOW[1], WINDOW[2], WINDOW[3], WINDOW[4],
   { "count_include_pad", true, flag = true, help = "whether zeros of the padding count in the mean" },
})

for _, class in pairs { layers.MaxPool2d, layers.AvgPool2d } do
   class.keeps_nothing = true
   class.describe = describe
   function class:build(o)
      self.kernel_size, self.stride, self.padding = o.kernel_size, o.stride or o.kernel_size, o.padding
      self.ceil_mode, self.count_include_pad = o.ceil_mode, o.count_include_pad
   end
end

function layers.MaxPool2d:forward(x)
   return scute.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode)
end

function layers.AvgPool2d:forward(x)
   return scute.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
end

-- nn.AdaptiveAvgPool2d { 1 }: the mean over all pixels, (N, C, H, W) -> (N, C, 1, 1). Other output sizes do not exist.
layers.AdaptiveAvgPool2d = Module:extend("AdaptiveAvgPool2d", {
   sizes.pair(1, { "output_size", 1, help = "1, the only size there is" }),
})
layers.AdaptiveAvgPool2d.keeps_nothing = true

function layers.AdaptiveAvgPool2d:build(o) -- luacheck: ignore self
   local size = type(o.output_size) == "table" and o.output_size or { o.output_size, o.output_size }
   if size[1] ~= 1 or size[2] ~= 1 then
      error(("nn.AdaptiveAvgPool2d: output_size: expected 1, found %s; for other sizes use nn.AvgPool2d with a kernel"):
         format(text(o.output_size)), 0)
   end
end

function layers.AdaptiveAvgPool2d:forward(x) -- luacheck: ignore self
   return scute.global_avg_pool2d(x)
end

function layers.AdaptiveAvgPool2d:describe() -- luacheck: ignore self
   return "output_size=1"
end

-- nn.GeMPool2d { p = 3, eps = 1e-6, channels = none, dtype = "f32", device = "cpu" }: the generalised mean over all pixels,
-- mean(max(x, eps)^p)^(1/p), (N, C, H, W) -> (N, C, 1, 1); its exponent p is a parameter, which is learned from `p` on
-- (scute.gem_pool2d).
layers.GeMPool2d = Module:extend("GeMPool2d", {
   { "p", 3, number = true, above = 0, help = "the exponent at first: 1 is the mean, large ones come near the maximum" },
   { "eps", 1e-6, number = true, above = 0, help = "what x counts at least" },
   { "channels", optional = true, whole = true, min = 1, help = "of the input, for an exponent each; else one serves all" },
   table.unpack(init.WHERE),
})

function layers.GeMPool2d:build(o)
   self.eps, self.channels, self.start = o.eps, o.channels, o.p
   self:register_parameter("p", scute.full({ o.channels or 1 }, o.p, { dtype = o.dtype, device = o.device }))
end

function layers.GeMPool2d:forward(x)
   return scute.gem_pool2d(x, self.p, self.eps)
end

function layers.GeMPool2d:describe()
   return ("p=%g at first, eps=%g%s"):format(self.start, self.eps,
      self.channels and (", channels=%d"):format(self.channels) or "")
end

return layers
