-- Batch norm that follows a convolution whose result nobody else uses becomes one node with it, as a block of the library calls
-- both at once: conv2d, batch_norm -> conv_bn_act.

-- How often each value is used, the outputs included.
local function count_uses(graph)
   local uses = {}
   local function use(id) uses[id] = (uses[id] or 0) + 1 end
   for _, node in ipairs(graph.nodes) do
      for _, id in ipairs(node.inputs) do
         if id then use(id) end
      end
   end
   for _, output in ipairs(graph.outputs) do use(output.id) end
   return uses
end

-- x, weight, bias; of the norm: weight, bias, mean, variance, residual.
local function as_one(conv, norm)
   local inputs = table.move(conv.inputs, 1, 3, 1, {})
   table.move(norm.inputs, 2, 6, 4, inputs)
   local attrs = {}
   for _, part in ipairs { norm, conv } do
      for name, value in pairs(part.attrs) do attrs[name] = value end
   end
   return { op = "conv_bn_act", layer = conv.layer, inputs = inputs, outputs = norm.outputs, attrs = attrs }
end

--- Folds in place; returns the graph.
return function(graph)
   local uses, conv_of, nodes = count_uses(graph), {}, {}
   for _, node in ipairs(graph.nodes) do
      local place = node.op == "batch_norm" and conv_of[node.inputs[1]]
      if place and uses[node.inputs[1]] == 1 then
         nodes[#nodes + 1], nodes[place] = as_one(nodes[place], node), false
      else
         nodes[#nodes + 1] = node
         if node.op == "conv2d" then conv_of[node.outputs[1]] = #nodes end
      end
   end
   graph.nodes = {}
   for _, node in ipairs(nodes) do
      if node then table.insert(graph.nodes, node) end
   end
   return graph
end
