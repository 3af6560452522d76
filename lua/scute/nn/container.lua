-- nn.Sequential(first, second, ...): modules one after the other; a list of them will do too. Their names are "0", "1",
-- ... as in PyTorch's files; positions count from 1: seq[1] is the module named "0".
local Module = require "scute.nn.module"

local Sequential = Module:extend "Sequential"
Sequential.keeps_nothing = true

function Sequential:build(...)
   local first = ...
   local list = type(first) == "table" and not Module.is_module(first) and first or { ... }
   for _, module in ipairs(list) do self:append(module) end
end

-- Adds a module at the end. Returns the sequence.
function Sequential:append(module)
   self:add(tostring(#self), module)
   return self
end

local function keeps_nothing(module)
   if not module.keeps_nothing then return false end
   for _, child in module:children() do
      if not keeps_nothing(child) then return false end
   end
   return true
end

-- A result that no module keeps is freed as soon as the next module has used it; the tape has its own references.
function Sequential:forward(x)
   local value, free_it = x, false
   for _, module in self:children() do
      local result, clean = module(value), keeps_nothing(module)
      if free_it and clean and not rawequal(result, value) then value:free() end
      free_it = clean and not rawequal(result, x)
      value = result
   end
   return value
end

return { Sequential = Sequential }
