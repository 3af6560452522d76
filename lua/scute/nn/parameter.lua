-- Tensors that are parameters of whatever module they are assigned to.
local console = require "scute.base.console"
local scute = require "scute.core"

local parameter = {}

local marked = setmetatable({}, { __mode = "k" })
local tensor_type = getmetatable(scute.zeros(1))

-- nn.Parameter(tensor): a tensor that becomes a parameter of the module that it is assigned to, so that it trains and is saved:
-- self.scale = nn.Parameter(scute.ones(channels, 1, 1)). What was computed is taken as it is now. A floating-point tensor.
function parameter.Parameter(tensor)
   if type(tensor) ~= "userdata" or getmetatable(tensor) ~= tensor_type then
      error(("nn.Parameter: expected a tensor, found %s"):format(console.brief(tensor)), 2)
   end
   if tensor.dtype == "i64" or tensor.dtype == "u8" then
      error(("nn.Parameter: expected a floating-point tensor, found %s; convert it with :to('f32')"):format(tensor.dtype), 2)
   end
   local own = (tensor.is_leaf and tensor or tensor:detach()):requires_grad_(true)
   marked[own] = true
   return own
end

--- Whether a value is one of nn.Parameter's.
function parameter.is(value)
   return marked[value] == true
end

return parameter
