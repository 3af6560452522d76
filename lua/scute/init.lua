-- scute: tensors, ops and the session come from C; every other family is a file beside this one, loaded at first use
-- (scute.nn, scute.models, scute.optim, scute.data, scute.train, ...).
local core = require "scute.core"
require "scute.base.tensor_text" -- how tensors print

local function names_of(scute)
   local names = {}
   for name in next, scute do names[#names + 1] = name end
   local lfs = require "lfs"
   local folder = (core.module_file "scute" or ""):match "^(.*)/"
   if folder and lfs.attributes(folder) then
      for file in lfs.dir(folder) do names[#names + 1] = file:match "^([%a][%w_]*)%.lua$" end
   end
   table.sort(names)
   return names
end

return setmetatable(core, {
   __index = function(scute, name)
      if type(name) ~= "string" or name:find "^_" then return nil end
      if not core.module_file("scute." .. name) then
         local near = scute.nearest(name, names_of(scute))
         error(("scute.%s: there is no such function%s"):format(name, near and (", did you mean 'scute.%s'?"):format(near)
            or "; Tab in a session lists them"), 2)
      end
      local module = require("scute." .. name)
      rawset(scute, name, module)
      return module
   end,
})
