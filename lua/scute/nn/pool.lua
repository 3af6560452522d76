-- Pooling layers; sizes in pixels, one number or {vertical, horizontal}.
local scute = require "scute.core"
local Module = require "scute.nn.module"
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

return layers
