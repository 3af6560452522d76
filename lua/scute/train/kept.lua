-- The weights of one epoch, kept while the model goes on: copies of what can have changed since the run began (run.changing),
-- trained parameters and buffers (batch norm statistics).
local kept = {}

--- Copies by name of what the model has now.
function kept.copy(run)
   local copy = {}
   for name, tensor in pairs(run.model:state_dict().tensors) do
      if run.changing[name] then copy[name] = tensor:clone() end
   end
   return copy
end

--- Adds to copies what can change only from now on, and so is as it was when they were made. before: what could till now.
function kept.widen(run, copy, before)
   for name, tensor in pairs(run.model:state_dict().tensors) do
      if run.changing[name] and not before[name] then copy[name] = tensor:clone() end
   end
end

--- Gives copies up.
function kept.free(copy)
   for _, tensor in pairs(copy) do tensor:free() end
end

return kept
