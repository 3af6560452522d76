-- Tensors that are parameters: of whatever module they are assigned to, or of one already.
local console = require "scute.base.console"
local options = require "scute.base.options"
local scute = require "scute.core"

local parameter = {}

local function set_of_tensors()
   return setmetatable({}, { __mode = "k" })
end

local marked = set_of_tensors()  -- nn.Parameter's
local held = set_of_tensors()    -- those that a module has, or had
local waiting = set_of_tensors() -- nn.Parameter's that no module had yet
local tensor_type = getmetatable(scute.zeros(1))

local OPTIONS = options.declare("nn.Parameter", {
   { "requires_grad", flag = true, default = true, help = "whether it trains" },
}, "requires_grad")

-- nn.Parameter(tensor): a tensor that becomes a parameter of the module that it is assigned to, so that it trains and is saved:
-- self.scale = nn.Parameter(scute.ones(channels, 1, 1)). What was computed is taken as it is now. A floating-point tensor. With
-- nn.Parameter(tensor, false), or { requires_grad = false }, it is saved and does not train.
function parameter.Parameter(tensor, given)
   if type(tensor) ~= "userdata" or getmetatable(tensor) ~= tensor_type then
      error(("nn.Parameter: expected a tensor, found %s"):format(console.brief(tensor)), 2)
   end
   if tensor.dtype == "i64" or tensor.dtype == "u8" then
      error(("nn.Parameter: expected a floating-point tensor, found %s; convert it with :to('f32')"):format(tensor.dtype), 2)
   end
   local requires_grad = OPTIONS:read(given).requires_grad
   local own = (tensor.is_leaf and tensor or tensor:detach()):requires_grad_(requires_grad)
   marked[own], waiting[own] = true, not held[own] or nil
   return own
end
OPTIONS:describes(parameter.Parameter)

--- Whether a value is one of nn.Parameter's.
function parameter.is(value)
   return marked[value] == true
end

--- Whether there are nn.Parameter's that no module has registered.
function parameter.any_waits()
   return next(waiting) ~= nil
end

--- Whether a value is one of those.
function parameter.waits(value)
   return waiting[value] == true
end

--- Notes that a module has a tensor as its parameter; returns it. It is asked for gradients, unless it is nn.Parameter's or was
-- a module's already: then it trains or not as it did.
function parameter.hold(tensor)
   if not marked[tensor] and not held[tensor] then tensor:requires_grad_(true) end
   held[tensor], waiting[tensor] = true, nil
   return tensor
end

--- Notes that a tensor took the place of another one; returns it.
function parameter.follow(new, old)
   marked[new], held[new] = marked[old], held[old]
   return new
end

return parameter
