-- nn.Sequential(first, second, ...): modules one after the other; a list of them will do too. Their names are "0", "1",
-- ... as in PyTorch's files; positions count from 1: seq[1] is the module named "0".
local Module = require "scute.nn.module"
local no_module = require "scute.nn.no_module"

local Sequential = Module:extend "Sequential"
Sequential.keeps_nothing = true

-- What has a name, or stands behind a gap, would be left out in silence; what is no module is none.
local function check_layers(list)
   for key in next, list do
      if math.type(key) ~= "integer" or key < 1 or key > #list or list[key - 1] == nil and key > 1 then
         error(("nn.Sequential: layers stand in order, and '%s' has no place in it%s"):format(key, type(key) == "string"
            and (": write the layer without its name, or add it with seq:add(\"%s\", layer)"):format(key)
            or ": a layer before it is missing"), 4)
      end
   end
   for i, value in ipairs(list) do
      if not Module.is_module(value) then error(("nn.Sequential: layer %d: %s"):format(i, no_module(value)), 4) end
   end
end

function Sequential:build(...)
   local first = ...
   local list = type(first) == "table" and not getmetatable(first) and first or { ... }
   check_layers(list)
   for _, module in ipairs(list) do self:append(module) end
end

-- Adds a module at the end. Returns the sequence.
function Sequential:append(module)
   if not Module.is_module(module) then error(("nn.Sequential: layer %d: %s"):format(#self + 1, no_module(module)), 2) end
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
