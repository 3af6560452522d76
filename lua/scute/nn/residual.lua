-- What a block's layers make of x, plus x: for blocks whose layers stand in one Sequential, as in torchvision's tree.
local blocks = require "scute.nn.blocks"
local fused = require "scute.nn.fused"
local passing = require "scute.nn.passing"
local Sequential = require("scute.nn.container").Sequential

local StochasticDepth = blocks.StochasticDepth

local residual = {}

--- z + x, after stochastic depth where there is some; a layer of the user's in its place knows of no residual. z is freed.
function residual.plus(depth, z, x)
   if not depth or fused.is_own(depth, StochasticDepth) then
      local sum
      if depth then sum = depth(z, x) else sum = z + x end
      passing.free(z, x, sum)
      return sum
   end
   local kept = depth(z)
   local sum = kept + x
   passing.free(z, x, kept)
   passing.free(kept, x)
   return sum
end

--- layers(x), and plus x where `adds` says so, `depth` (a StochasticDepth, or nil) being between. Where the last layer is a
-- convolution and its norm, and no sample is left out, that op adds x. x stays; what is made on the way is freed.
function residual.through(layers, x, adds, depth)
   if not fused.is_own(layers, Sequential) or #layers == 0 then
      local z = layers(x)
      return adds and residual.plus(depth, z, x) or z
   end
   local y = passing.through(x, layers, 1, #layers - 1)
   local drops = depth and (not fused.is_own(depth, StochasticDepth) or depth:is_active())
   local last = layers[#layers]
   local fuses = adds and not drops and blocks.adds_residual(last)
   local z = last(y, fuses and x or nil)
   passing.free(y, x, z)
   if fuses or not adds then return z end
   return residual.plus(depth, z, x)
end

return residual
