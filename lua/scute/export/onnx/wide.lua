-- What loses too much in half width is computed in f32, as scute itself does: wide(write) is a mapping that converts what goes
-- in and what comes out where the file computes in f16.
local dtypes = require "scute.export.onnx.dtypes"

-- What is f16 in the file, and f32 for scute.
local function widened(g, node, names)
   local made = {}
   return setmetatable({}, { __index = function(_, i)
      if made[i] == nil then
         local value = node.from[i]
         local narrow = value and dtypes.is_float(value.dtype) and value.dtype ~= "f64"
         g.half = true
         local name = names[i] -- may bring a constant in
         g.half = false
         made[i] = name and narrow and g:cast(name, "f32") or name or false
      end
      return made[i]
   end })
end

local function narrowed(g, node, outputs)
   for i = 1, outputs.n do
      if node.to[i].dtype == "f32" then outputs[i] = g:cast(outputs[i], "f32") end
   end
   return table.unpack(outputs, 1, outputs.n)
end

return function(write)
   return function(g, node, names)
      if not g.half then return write(g, node, names) end
      g.half = false
      local ok, outputs = pcall(function() return table.pack(write(g, node, widened(g, node, names))) end)
      g.half = true
      if not ok then error(outputs, 0) end
      return narrowed(g, node, outputs)
   end
end
