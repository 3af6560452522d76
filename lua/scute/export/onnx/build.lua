-- From a graph (scute.export.trace) to a file of ONNX (scute.export.onnx_file): each node by what its op is there.
local operators = require "scute.export.onnx.operators"
local trace = require "scute.export.trace"

local build = {}

local DYNAMIC = "N" -- the number of samples, as the file has it

-- ---- what cannot be said ----

local function place(node)
   return node.layer ~= "" and ("%s (%s)"):format(node.layer, node.op) or node.op
end

--- Raises where an op has no counterpart in ONNX, naming all of them and the layers that call them.
function build.check(graph)
   local missing, seen = {}, {}
   for _, node in ipairs(graph.nodes) do
      local name = place(node)
      if not operators[node.op] and not seen[name] then
         missing[#missing + 1], seen[name] = name, true
      end
   end
   if #missing == 0 then return end
   error(("no counterpart in ONNX for %s%s: compute it by other ops"):format(table.concat(missing, ", ", 1,
      math.min(#missing, 8)), #missing > 8 and (" and %d more"):format(#missing - 8) or ""), 0)
end

-- Ops whose arguments may depend on the number of samples: sizes are told by what comes out, ends of a slice from the end.
local BY_RESULT = { reshape = true, expand = true, slice = true }

local function check_varying(node)
   if not node.varies or BY_RESULT[node.op] then return end
   local name = next(node.varies)
   error(("its argument '%s' depends on the number of samples, which is not known in the file"):format(name), 0)
end

-- ---- values ----

-- A size that depends on the number of samples: "N", "3N"; of others, as the square, two numbers of samples tell no rule.
local function dynamic(size, grows)
   if size ~= grows * trace.BATCH then return ("%s_%d_%.0f"):format(DYNAMIC, size, size + grows * trace.MORE) end
   return (grows == 1 and "" or tostring(grows)) .. DYNAMIC
end

--- Sizes of a value in the file: numbers, and texts for what depends on the number of samples.
function build.dims(value)
   local dims = {}
   for i, size in ipairs(value.shape) do dims[i] = value.grows[i] == 0 and size or dynamic(size, value.grows[i]) end
   return dims
end

-- One for each sample, of what is the same for all of them.
local function for_each_sample(g, name, value, input)
   local samples, sizes = g:node("Shape", { input }, { start = 0, ["end"] = 1 }), {}
   for i, size in ipairs(value.shape) do
      if value.grows[i] ~= 0 and (value.grows[i] ~= 1 or size ~= trace.BATCH) then
         error("the size of a tensor that is made in forward depends on the number of samples, and is another one", 0)
      end
      sizes[i] = value.grows[i] == 1 and samples or g:wholes { size }
   end
   return g:node("Expand", { name, g:node("Concat", sizes, { axis = 0 }) })
end

local function bring_in(g, graph, id)
   local constant = graph.constants[id]
   local name = g:initializer(g:unused(constant.name), constant.tensor)
   if not constant.expand then return name end
   return for_each_sample(g, name, graph.values[id], graph.batch_name)
end

-- Number -> name in the file. A constant is brought in when somebody asks for its name.
local function names_of(g, graph)
   return setmetatable({}, { __index = function(names, id)
      if not graph.constants[id] then return nil end
      local name = bring_in(g, graph, id)
      names[id] = name
      return name
   end })
end

-- ---- nodes ----

-- The names of a node's inputs by position, asked for when they are needed.
local function input_names(node, names)
   return setmetatable({}, { __index = function(_, i)
      local id = node.inputs[i]
      return id and names[id]
   end })
end

local function describe(graph, list)
   local values = {}
   for i, id in ipairs(list) do
      local constant = id and graph.constants[id]
      values[i] = id and { shape = graph.values[id].shape, grows = graph.values[id].grows, dtype = graph.values[id].dtype,
         name = constant and constant.name, constant = constant and not constant.expand and constant.tensor or nil }
   end
   return values
end

local function write(g, graph, node, names)
   check_varying(node)
   g.layer = node.layer
   node.from, node.to = describe(graph, node.inputs), describe(graph, node.outputs)
   local made = table.pack(operators[node.op](g, node, input_names(node, names)))
   for i, id in ipairs(node.outputs) do names[id] = made[i] end
end

--- Adds the nodes of a graph to a file. inputs: {number = name} of those that are there. Returns the names of the outputs, in
--- their order.
function build.nodes(g, graph, inputs)
   local names, outputs = names_of(g, graph), {}
   for id, name in pairs(inputs) do names[id] = name end
   for _, node in ipairs(graph.nodes) do
      local ok, why = pcall(write, g, graph, node, names)
      if not ok then error(type(why) == "string" and ("%s: %s"):format(place(node), why) or why, 0) end
   end
   g.layer = ""
   for i, output in ipairs(graph.outputs) do outputs[i] = names[output.id] end
   return outputs
end

return build
