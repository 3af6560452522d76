-- nn.Upsample { size or scale_factor, mode = "nearest", align_corners = false, antialias = false }: pictures of another size,
-- (N, C, H, W) -> (N, C, H', W') (scute.interpolate).
local scute = require "scute.core"
local Module = require "scute.nn.module"
local sizes = require "scute.nn.sizes"

local Upsample = Module:extend("Upsample", {
   sizes.pair(1, { "size", optional = true, excludes = { "scale_factor" }, why = "both say how large the result is",
      help = "pixels of the result, or { vertical, horizontal }; this or scale_factor" }),
   { "scale_factor", optional = true, number = true, above = 0, help = "how many times as large the result is" },
   { "mode", "nearest", choices = { "nearest", "nearest-exact", "bilinear", "bicubic" }, help = "how pixels are made" },
   { "align_corners", false, flag = true, help = "whether corner pixels keep their place, not the picture's edges" },
   { "antialias", false, flag = true, help = "whether all pixels count where the result is smaller, as in Pillow" },
})
Upsample.keeps_nothing = true

function Upsample:build(o)
   if not o.size and not o.scale_factor then error("nn.Upsample: expected size, in pixels, or scale_factor", 0) end
   self.size, self.scale_factor, self.mode = o.size, o.scale_factor, o.mode
   self.align_corners, self.antialias = o.align_corners, o.antialias
end

function Upsample:forward(x)
   return scute.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners, self.antialias)
end

local function text(size)
   return type(size) == "table" and ("(%d, %d)"):format(size[1], size[2]) or ("%d"):format(size)
end

function Upsample:describe()
   local how = self.size and "size=" .. text(self.size) or ("scale_factor=%g"):format(self.scale_factor)
   return ("%s, mode=%s%s%s"):format(how, self.mode, self.align_corners and ", align_corners=True" or "",
      self.antialias and ", antialias=True" or "")
end

return { Upsample = Upsample }
