-- Nodes that compute the same of the same values become one, as where a model and its forward both ask for the features.
local sorted_keys = require "scute.base.sorted_keys"

local function text_of(value)
   if type(value) ~= "table" then return ("%s %s"):format(math.type(value) or type(value), tostring(value)) end
   local parts = {}
   for _, key in ipairs(sorted_keys(value)) do parts[#parts + 1] = ("%s=%s"):format(key, text_of(value[key])) end
   return "{" .. table.concat(parts, ",") .. "}"
end

-- What a node computes; the same for two that give the same.
local function key_of(node)
   return ("%s %s %s %s %s"):format(node.op, text_of(node.inputs), text_of(node.attrs), text_of(node.varies or {}),
      text_of(node.completed or {}))
end

--- Merges in place; returns the graph. What goes by chance has no counterpart in a file, so that all else may be merged.
return function(graph)
   local first, stands_for, nodes = {}, {}, {}
   for _, node in ipairs(graph.nodes) do
      for i, id in ipairs(node.inputs) do node.inputs[i] = id and (stands_for[id] or id) end
      local key = key_of(node)
      local before = first[key]
      if before then
         for i, id in ipairs(node.outputs) do stands_for[id] = before.outputs[i] end
      else
         first[key], nodes[#nodes + 1] = node, node
      end
   end
   for _, output in ipairs(graph.outputs) do output.id = stands_for[output.id] or output.id end
   graph.nodes = nodes
   return graph
end
