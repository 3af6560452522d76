-- scute: tensors, ops and the session come from C; every other family is a file beside this one, loaded at first use
-- (scute.nn, scute.models, scute.optim, scute.data, scute.train, ...).
local core = require "scute.core"
local strict = require "scute.base.strict"
require "scute.base.tensor_text" -- how tensors print

local function names_of(scute)
   local names = strict.families()
   for name in next, scute do names[#names + 1] = name end
   return names
end

-- Families that make their fields up (scute.models, scute.plot) refuse unknown ones themselves.
local function without_metatable(value)
   return type(value) == "table" and not getmetatable(value)
end

for name, value in next, core do
   if without_metatable(value) then strict.family("scute." .. name, value) end
end

return setmetatable(core, {
   __index = function(scute, name)
      if type(name) ~= "string" or name:find "^_" then return nil end
      if not core.module_file("scute." .. name) then
         error(("scute.%s: there is no such function%s"):format(name, strict.hint("scute", name, names_of(scute))), 2)
      end
      local module = require("scute." .. name)
      if without_metatable(module) then strict.family("scute." .. name, module) end
      rawset(scute, name, module)
      return module
   end,
})
