-- scute: tensors, ops and the session come from C; every other family is a file beside this one, loaded at first use
-- (scute.nn, scute.models, scute.optim, scute.data, scute.train, ...).
local core = require "scute.core"
require "scute.tensor" -- how tensors print

return setmetatable(core, {
   __index = function(scute, name)
      if type(name) ~= "string" or not package.searchpath("scute." .. name, package.path) then return nil end
      local module = require("scute." .. name)
      rawset(scute, name, module)
      return module
   end,
})
