-- Everything that a few steps of training move, kept in memory so that it can be put back to the last bit: the parts of a run's
-- state that say so, and gradients. Kept tensors share their memory with the originals until those are written.
local state = require "scute.train.state"

local snapshot = {}

local function keep_gradients(model)
   local kept = {}
   for _, tensor in model:named_parameters() do kept[#kept + 1] = { tensor, tensor.grad or nil } end
   return kept
end

local function restore_gradients(kept)
   for _, entry in ipairs(kept) do
      local tensor, gradient = entry[1], entry[2]
      tensor:zero_grad()
      if gradient then
         local trains = tensor.requires_grad
         tensor:requires_grad_(true):backward(gradient)
         if not trains then tensor:requires_grad_(false) end
      end
   end
end

--- Keeps all that; the value that is returned puts it back when it goes out of scope (local kept <close> = ...), also
-- through an error. run: { model, optimizer }.
function snapshot.take(run)
   local parts = { state.model, state.optimizer, state.random }
   local data, tensors = state.take(run, parts)
   local gradients, copies = keep_gradients(run.model), {}
   for name, tensor in pairs(tensors) do copies[name] = tensor:clone() end
   return setmetatable({}, { __close = function()
      state.put(run, parts, data, copies)
      restore_gradients(gradients)
      for _, copy in pairs(copies) do copy:free() end
   end })
end

return snapshot
