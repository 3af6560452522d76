-- Everything that a few steps of training move, kept so that it can be put back to the last bit: parameters, buffers and
-- gradients, what is frozen and what trains, the optimizer's state and rates, random numbers, and which photos are known to
-- be bad. Kept tensors share their memory with the originals until those are written.
local scute = require "scute"

local snapshot = {}

local function keep_model(model)
   local kept = { tensors = {}, modules = {} }
   local function add(tensor)
      kept.tensors[#kept.tensors + 1] = { tensor = tensor, copy = tensor:clone(), trains = tensor.requires_grad,
         grad = tensor.grad or nil }
   end
   for _, tensor in model:named_parameters() do add(tensor) end
   for _, tensor in model:named_buffers() do add(tensor) end
   for _, module in model:named_modules() do
      kept.modules[#kept.modules + 1] = { module, rawget(module, "training"), rawget(module, "fixed") }
   end
   return kept
end

local function restore_model(kept)
   for _, entry in ipairs(kept.tensors) do
      local tensor = entry.tensor
      scute.no_grad(function() tensor:copy_(entry.copy) end)
      entry.copy:free()
      tensor:zero_grad()
      if entry.grad then
         tensor:requires_grad_(true)
         tensor:backward(entry.grad)
      end
      if tensor.requires_grad ~= entry.trains then tensor:requires_grad_(entry.trains) end
   end
   for _, entry in ipairs(kept.modules) do
      rawset(entry[1], "training", entry[2])
      rawset(entry[1], "fixed", entry[3])
   end
end

local function keep_optimizer(optimizer)
   local kept = { state = {}, steps = {}, rates = {} }
   for name, buffers in pairs(optimizer.state) do
      kept.state[name] = {}
      for key, tensor in pairs(buffers) do kept.state[name][key] = tensor:clone() end
   end
   for name, count in pairs(optimizer.steps) do kept.steps[name] = count end
   for i, group in ipairs(optimizer.groups) do kept.rates[i] = { group.lr, group.base_lr } end
   return kept
end

local function restore_optimizer(optimizer, kept)
   optimizer.state, optimizer.steps = kept.state, kept.steps
   for i, group in ipairs(optimizer.groups) do group.lr, group.base_lr = kept.rates[i][1], kept.rates[i][2] end
end

local function copy_of(map)
   if not map then return nil end
   local copy = {}
   for key, value in pairs(map) do copy[key] = value end
   return copy
end

--- Keeps all that; the value that is returned puts it back when it goes out of scope (local kept <close> = ...), also
-- through an error. plan: of scute.train.unfreeze, or nil.
function snapshot.take(model, optimizer, set, plan)
   local of_model, of_optimizer = keep_model(model), keep_optimizer(optimizer)
   local random, bad = scute.rng_state(), { copy_of(set.train.bad), copy_of(set.val.bad) }
   local begun, active = plan and plan.begun, plan and copy_of(plan.active)
   return setmetatable({}, { __close = function()
      restore_model(of_model)
      restore_optimizer(optimizer, of_optimizer)
      set.train.bad, set.val.bad = bad[1], bad[2]
      if plan then plan.begun, plan.active = begun, active end
      scute.rng_state(random)
   end })
end

return snapshot
