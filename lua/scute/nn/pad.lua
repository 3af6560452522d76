-- Padding as a layer.
local options = require "scute.base.options"
local scute = require "scute.core"
local Module = require "scute.nn.module"

local layers = {}

local function is_padding(value)
   if type(value) ~= "table" then return math.type(value) == "integer" end
   for i = 1, 4 do
      if math.type(value[i]) ~= "integer" then return false end
   end
   return #value == 4
end

-- nn.Pad2d { padding, mode = "constant", value = 0 }: pixels added on every side of photos (N, C, H, W), or as many as
-- { left, right, top, bottom } says; PyTorch's ZeroPad2d, ConstantPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d.
layers.Pad2d = Module:extend("Pad2d", {
   { "padding", is = options.typed(is_padding, "integer", "integer[]"),
      expected = "a whole number or {left, right, top, bottom}", help = "pixels to add; negative ones are cut off" },
   { "mode", "constant", choices = { "constant", "reflect", "replicate", "circular" }, help = "what the new ones are" },
   { "value", 0, number = true, help = "of the new ones, in mode constant" },
})
layers.Pad2d.keeps_nothing = true

function layers.Pad2d:build(o)
   local p = o.padding
   if o.mode ~= "constant" and o.value ~= 0 then
      error(("nn.Pad2d: value: expected none in mode %s, found %g"):format(o.mode, o.value), 0)
   end
   self.padding = type(p) == "table" and { table.unpack(p) } or { p, p, p, p }
   self.mode, self.value = o.mode, o.value
end

function layers.Pad2d:forward(x)
   return scute.pad(x, self.padding, self.mode, self.value)
end

function layers.Pad2d:describe()
   local sides = ("padding=(%s)"):format(table.concat(self.padding, ", "))
   if self.mode ~= "constant" then return sides .. ", mode=" .. self.mode end
   return self.value ~= 0 and ("%s, value=%g"):format(sides, self.value) or sides
end

return layers
