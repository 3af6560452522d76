-- A differentiable function of one's own, with its own backward.
--
--    local square = scute.func {
--       forward = function(ctx, x)
--          ctx:save_for_backward(x)
--          return x * x
--       end,
--       backward = function(ctx, grad)           -- the gradient of each output
--          local x = ctx.saved_tensors[1]
--          return grad * x * 2                   -- the gradient of each argument, nil where there is none
--       end,
--    }
--    local y = square(x)                         -- like any op: y:sum():backward() reaches x
--
-- forward gets what the function is called with, tensors or not, and returns one to three tensors; nothing in it is
-- recorded. backward gets a gradient for each of them (zeros where an output had no influence, nil where it is no float tensor)
-- and returns one gradient for each argument of forward, of that argument's shape; nil counts as zeros.
--
-- ctx belongs to one call: put numbers and tables into it as fields. What backward wants of tensors goes through
-- ctx:save_for_backward(...), which keeps them even where the caller frees its own; ctx.saved_tensors is the list of them
-- during backward. ctx.needs_grad[i] tells whether anybody wants the gradient of argument i.
--
-- An error in backward is an error of the loss:backward() that led there, with the name of the function (name = "square").
local scute = require "scute.core"
local Module = require "scute.nn.module"
local options = require "scute.base.options"

local Context = {}
Context.__index = Context

--- Keeps tensors for backward, where they are ctx.saved_tensors, in this order.
function Context:save_for_backward(...)
   self.to_save = { ... }
end

local Function = {}
Function.__index = Function

function Function:__tostring()
   return ("scute.func '%s'"):format(self.name)
end

function Function:__call(...)
   local inputs = table.pack(...)
   local ctx = setmetatable({ needs_grad = {}, to_save = {} }, Context)
   for i = 1, inputs.n do
      ctx.needs_grad[i] = Module.is_tensor(inputs[i]) and inputs[i].requires_grad
   end
   local outputs = table.pack(scute.no_grad(self.forward, ctx, ...))
   if outputs.n == 0 then error(("%s: forward returned nothing; expected a tensor"):format(self.name), 2) end
   local saved = ctx.to_save
   ctx.to_save = nil
   local function backward(tensors, ...)
      ctx.saved_tensors = tensors
      local gradients = table.pack(self.backward(ctx, ...))
      ctx.saved_tensors = nil
      return table.unpack(gradients, 1, gradients.n)
   end
   return scute.record_function(self.name, backward, inputs, outputs, saved)
end

local FUNC = options.declare("func", {
   { "forward", required = true, is = options.of_type "function", expected = "a function",
     help = "forward(ctx, ...) -> one to three tensors" },
   { "backward", required = true, is = options.of_type "function", expected = "a function",
     help = "backward(ctx, gradient, ...) -> a gradient for each argument of forward, nil where there is none" },
   { "name", text = true, default = "func", help = "what errors call it" },
})

--- A function that is called like any other and differentiated by its own backward.
local function func(given)
   local o = FUNC:read(given)
   return setmetatable({ forward = o.forward, backward = o.backward, name = o.name }, Function)
end

return FUNC:describes(func)
