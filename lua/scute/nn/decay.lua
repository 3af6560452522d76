-- Which parameters weight decay pulls towards 0.
local Module = require "scute.nn.module"

local norms = require "scute.nn.layer_norm"

local decay = {}

local WEIGHTED = { require("scute.nn.linear").Linear, require("scute.nn.conv").Conv2d }
local NORMS = { require("scute.nn.norm").BatchNorm2d, norms.LayerNorm, norms.LayerNorm2d, norms.GroupNorm }

local function is_one_of(module, classes)
   for _, class in ipairs(classes) do
      if Module.is(module, class) then return true end
   end
   return false
end

local function is_vector(tensor)
   local long = 0
   for _, size in ipairs(tensor.shape) do long = long + (size > 1 and 1 or 0) end
   return long < 2
end

--- Whether a parameter decays unless decay_norms = true: not a bias, nothing of a norm, and no vector, (C, 1, 1) as little as
-- (C). The weight of a Linear or Conv2d decays whatever its shape. owner: the module that has it, where that is known.
function decay.takes(name, tensor, owner)
   local last = tostring(name):match "[^.]*$"
   if tensor.rank < 2 or last == "bias" then return false end
   if last == "weight" and is_one_of(owner, WEIGHTED) then return true end
   return not (is_vector(tensor) or is_one_of(owner, NORMS))
end

return decay
