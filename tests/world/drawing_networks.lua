-- Networks for tests/world/ordered.lua that learn in no time, and draw random numbers wherever one can.
local scute = require "scute"
local nn = scute.nn

-- A residual branch that is left out at times, dropout of pictures, and something that is drawn for a whole batch.
local Draws = nn.Module:extend("Draws", {})

function Draws:build()
   self:add("conv", nn.Conv2d { 8, 8, 3, padding = 1 })
   self:add("depth", nn.StochasticDepth { p = 0.4 })
   self:add("drop", nn.Dropout { p = 0.2 })
end

function Draws:forward(x)
   local y = self.drop(self.depth(self.conv(x), x))
   if not self.training then return y end
   return y * (scute.rand(1, 8, 1, 1, { device = x.device }) + 0.5)
end

-- norm: whether it has a batch norm; still: that it draws nothing.
local function network(norm, still)
   return function(classes)
      local layers = { nn.Conv2d { 3, 8, 3, stride = 4, bias = not norm }, nn.ReLU(), still and nn.Identity() or Draws(),
         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout { p = still and 0 or 0.3 }, nn.Linear { 8, #classes } }
      if norm then table.insert(layers, 2, nn.BatchNorm2d { 8 }) end
      return nn.Sequential(layers)
   end
end

scute.models.register("draws", network(false), { image_size = 32 })
scute.models.register("normed", network(true), { image_size = 32 })
scute.models.register("still", network(true, true), { image_size = 32 })
