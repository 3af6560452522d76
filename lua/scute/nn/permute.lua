-- Dimensions in another order, as a layer.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local fused = require "scute.nn.fused"
local options = require "scute.base.options"

local function are_dimensions(value)
   if type(value) ~= "table" or #value == 0 then return false end
   local seen = {}
   for _, dim in ipairs(value) do
      if math.type(dim) ~= "integer" or dim == 0 or math.abs(dim) > #value then return false end
      dim = dim < 0 and #value + 1 + dim or dim
      if seen[dim] then return false end
      seen[dim] = true
   end
   return true
end

-- nn.Permute { dims }: for each dimension of the result, which one of x it is, as scute.permute has it. Dimensions count from
-- 1, negative ones from the end: nn.Permute { { 1, 3, 4, 2 } } makes (N, C, H, W) an (N, H, W, C). As torchvision's.
local Permute = Module:extend("Permute", {
   { "dims", is = options.typed(are_dimensions, "integer[]"),
      expected = "a table with each dimension once, as in nn.Permute { { 1, 3, 4, 2 } }",
      help = "for each dimension of the result, which one of the input it is" },
})
Permute.keeps_nothing = true

function Permute:build(o)
   self.dims = table.move(o.dims, 1, #o.dims, 1, {})
end

function Permute:forward(x)
   return scute.permute(x, self.dims)
end

function Permute:describe()
   return ("dims=(%s)"):format(table.concat(self.dims, ", "))
end

fused.note(Permute)

return { Permute = Permute }
