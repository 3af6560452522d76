-- What a network costs: parameters, multiply-adds of one photo, seconds of one photo.
local scute = require "scute"

local cost = {}

-- Multiply-adds of each op, from its result and its arguments: an output number of a convolution or a linear layer takes one
-- for each weight that it sees.
local function convolution(y, _, weight)
   local shape = weight.shape -- (O, I / groups, kH, kW)
   return y:numel() * shape[2] * shape[3] * shape[4]
end

local counted = {
   conv2d = convolution,
   conv_bn_act = convolution,
   linear = function(y, _, weight) return y:numel() * weight.shape[2] end,
   mlp = function(y, _, first, _, second) return y:numel() // second.shape[1] * (first:numel() + second:numel()) end,
   squeeze_excitation = function(y, _, first, _, second) return y.shape[1] * (first:numel() + second:numel()) end,
}

-- Runs f while every op in `counted` reports to it; returns the sum.
local function watch(f)
   local originals, sum = {}, 0
   for name, count in pairs(counted) do
      local original = scute[name]
      originals[name] = original
      rawset(scute, name, function(...)
         local y = original(...)
         sum = sum + count(y, ...)
         return y
      end)
   end
   local done, message = pcall(f)
   for name, original in pairs(originals) do rawset(scute, name, original) end
   if not done then error(message, 0) end
   return sum
end

--- The shape (C, H, W) of what a model gets of a data set (nil: photos).
function cost.shape(model, set)
   if set and set.samples then return set.samples.shape end
   local side = model.preprocessing.crop
   return { 3, side, side }
end

local function photo_for(model, device, set)
   return scute.randn(1, table.unpack(cost.shape(model, set))):to(device or "cpu")
end

--- Multiply-adds of convolutions and linear layers for one photo of the model's own size, as publications count them. set: the
-- data, whose samples may have a shape of their own.
function cost.multiply_adds(model, device, set)
   local x <close> = photo_for(model, device, set)
   model:eval()
   return watch(function()
      scute.no_grad(function() model(x):free() end)
   end)
end

--- Parameters of a model as it is, and of its network with a head of 1000 classes, the form in which networks are published.
function cost.parameters(model)
   return model:num_parameters(), scute.models.info(model.arch).parameters
end

local WARM, LEAST, MOST, SECONDS = 2, 3, 15, 2 -- calls that do not count, calls that do, and when it is enough

--- Median seconds of the network for one photo by itself, without decoding.
function cost.latency(model, device, set)
   local x <close> = photo_for(model, device, set)
   local times, start = {}, scute.clock()
   model:eval()
   scute.no_grad(function()
      for i = 1, WARM + MOST do
         local before = scute.clock()
         local y = model(x)
         y:to("cpu"):free() -- waits for a device that computes on its own
         if i > WARM then times[#times + 1] = scute.clock() - before end
         if #times >= LEAST and scute.clock() - start > SECONDS then break end
      end
   end)
   table.sort(times)
   return times[(#times + 1) // 2]
end

return cost
