-- ONNX files, written without ONNX: a graph of nodes that name what they take and give, and the tensors it is made with.
--
--    local g = onnx_file.new { name = "tiny", metadata = { accuracy = "0.9" } }
--    local x = g:input("input", "f32", { "N", 8 })
--    local y = g:node("Gemm", { x, g:initializer("fc.weight", weight), g:initializer("fc.bias", bias) }, { transB = 1 })
--    g:output("logits", "f32", { "N", 10 }, y)
--    g:save "tiny.onnx"
--
-- Values have names, each its own; a method that makes one returns its name. With half = true the graph computes in f16:
-- whatever is f32 becomes f16 on its way in, tensors that it is made with too, and f32 again on its way out. So what maps ops
-- to nodes need not know of it, as long as it asks g:element() where it writes a dtype down.
--
-- The file is the message ModelProto of onnx/onnx.proto, whose fields are named beside their numbers below. Tensors go from
-- where they lie into the file, one after the other: what takes memory is the bytes of the largest one, and that one in another
-- dtype where it becomes another.
local core = require "scute.core"
local console = require "scute.base.console"
local protobuf = require "scute.base.protobuf"
local sorted_keys = require "scute.base.sorted_keys"

local whole, float, bytes = protobuf.whole, protobuf.float, protobuf.bytes

local onnx_file = {}

-- Opset 18 came with IR version 8, so that whatever knows the one knows the other.
local OPSET, IR_VERSION = 18, 8

local MOST_BYTES = 2 ^ 31 - 1 -- of a message of protocol buffers

-- TensorProto.DataType, and the bytes of an element.
local TYPES = { f32 = 1, u8 = 2, i64 = 7, f16 = 10, f64 = 11 }
local SIZES = { f32 = 4, u8 = 1, i64 = 8, f16 = 2, f64 = 8 }

local MOST_HALF, ZERO_HALF = 65504, 2.0 ^ -25 -- the largest number of f16, and the largest that becomes 0 there

local Graph = {}
Graph.__index = Graph
Graph.__name = "scute.onnx_graph"

-- Nothing else gets this name from now on.
local function take(self, name)
   if not utf8.len(name) then error(("'%s' is no text in UTF-8, as names in a file are"):format(console.visible(name)), 0) end
   self.taken[name] = true
   return name
end

--- A graph without nodes. given: name; half = true: it computes in f16; metadata: {key = text}; names: of inputs and outputs,
-- which nothing else is called then, whatever comes first.
function onnx_file.new(given)
   local g = setmetatable({ name = given.name or "scute", half = given.half or false, metadata = given.metadata or {},
      layer = "", nodes = {}, inputs = {}, outputs = {}, tensors = {}, by_name = {}, by_content = {}, made = {}, taken = {},
      counts = {} },
      Graph)
   for _, name in ipairs(given.names or {}) do take(g, name) end
   return g
end

-- ---- dtypes ----

--- The dtype that stands in the file for one of scute's: f16 for f32 where the graph computes in half width. ONNX has bf16 too,
-- but hardly any program computes in it.
function Graph:element(dtype)
   if dtype == "bf16" then dtype = "f32" end
   return self.half and dtype == "f32" and "f16" or dtype
end

--- ONNX's number of a dtype, as the attribute `to` of Cast takes it, in the width in which the graph computes.
function Graph:type(dtype)
   return TYPES[self:element(dtype)]
end

-- ---- names ----

--- A name that nothing else has: this one, or with a number behind it.
function Graph:unused(name)
   local n = self.counts[name] or 1
   local free = n == 1 and name or ("%s_%d"):format(name, n)
   while self.taken[free] do
      n = n + 1
      free = ("%s_%d"):format(name, n)
   end
   self.counts[name] = n
   return free
end

-- A node's, with its layer: "layer1.0.conv1/Conv".
local function fresh(self, kind)
   return take(self, self:unused(self.layer == "" and kind or self.layer .. "/" .. kind))
end

-- ---- values that the graph is made with ----

local function numel(dims)
   local n = 1
   for _, size in ipairs(dims) do n = n * size end
   return n
end

-- A number that stands alone, as what keeps a divisor from 0, may not become 0; among the many of a weight it makes no
-- difference.
local function check_nonzero(name, x)
   if x ~= 0 and math.abs(x) <= ZERO_HALF then
      error(("%s: a number of size %g is 0 in f16, whose smallest is 6e-08; export it in f32"):format(name, math.abs(x)), 0)
   end
end

-- Numbers that f16 does not hold would be infinite in the file.
local function check_range(name, tensor)
   local sizes <close> = tensor:abs() -- as large as the tensor: not left to the collector
   local most = sizes:max():item()
   if most > MOST_HALF and most < math.huge then
      error(("%s: a number of size %g is more than f16 holds (%d); export it in f32"):format(name, most, MOST_HALF), 0)
   end
   if tensor:numel() == 1 then check_nonzero(name, most) end
end

local function add_tensor(self, name, tensor, dims, dtype)
   if self.taken[name] then error(("%s: something else has this name"):format(name), 0) end
   local values = tensor:detach()
   if dtype == "f16" and tensor.dtype ~= "f16" then check_range(name, values) end
   local entry = { name = name, tensor = values, dims = dims, dtype = dtype, bytes = numel(dims) * SIZES[dtype],
      source = tensor }
   self.tensors[#self.tensors + 1], self.by_name[take(self, name)] = entry, entry
   return name
end

--- A tensor of that name; twice the same one is one. dtype: what it becomes, where that is not what the graph computes in
-- (Resize takes f32 alone).
function Graph:initializer(name, tensor, dtype)
   local known = self.by_name[name]
   if not known then return add_tensor(self, name, tensor, { tensor:size() }, dtype or self:element(tensor.dtype)) end
   if not rawequal(known.source, tensor) then error(("%s: two tensors have this name"):format(name), 0) end
   return name
end

-- Numbers of which equal ones are kept once.
local function constant(self, numbers, dims, dtype)
   local digits = {}
   for i, x in ipairs(numbers) do digits[i] = ("%q"):format(x) end -- all of them
   local key = ("%s %s %s"):format(dtype, table.concat(dims, ","), table.concat(digits, ","))
   local name = self.by_content[key]
   if not name then
      name = self:unused(("constant:%d"):format(#self.tensors + 1))
      if dtype == "f16" and #numbers == 1 then check_nonzero(name, numbers[1]) end
      add_tensor(self, name, core.tensor(numbers, { dtype = dtype }), dims, dtype)
      self.by_content[key] = name
   end
   return name
end

--- A list of whole numbers (i64), as shapes, axes and indices are.
function Graph:wholes(numbers)
   return constant(self, numbers, { #numbers }, "i64")
end

--- One number without dimensions. dtype: "f32", in the width in which the graph computes.
function Graph:number(x, dtype)
   return constant(self, { x }, {}, self:element(dtype or "f32"))
end

--- A list of numbers. dtype as above; `exactly` is what it is whatever the graph computes in.
function Graph:numbers(list, dtype, exactly)
   return constant(self, list, { #list }, exactly or self:element(dtype or "f32"))
end

-- ---- nodes ----

-- Attributes that are fractions, also where their number is whole.
local FRACTIONS = { alpha = true, beta = true, cubic_coeff_a = true, epsilon = true }

-- AttributeProto: name = 1, f = 2, i = 3, s = 4, floats = 7, ints = 8, strings = 9, type = 20
local KINDS = { float = { 2, 1, float }, integer = { 3, 2, whole }, string = { 4, 3, bytes } }
local LISTS = { float = { 7, 6, float }, integer = { 8, 7, whole }, string = { 9, 8, bytes } }

local function kind_of(name, value)
   if type(value) ~= "number" then return type(value) end
   return FRACTIONS[name] and "float" or math.type(value)
end

local function attribute(name, value)
   if type(value) == "boolean" then value = value and 1 or 0 end
   if type(value) ~= "table" then
      local field, kind, write = table.unpack(KINDS[kind_of(name, value)])
      return bytes(1, name) .. write(field, value) .. whole(20, kind)
   end
   local field, kind, write = table.unpack(LISTS[kind_of(name, value[1] or 0)])
   local parts = {}
   for i, each in ipairs(value) do parts[i] = write(field, each) end
   return bytes(1, name) .. table.concat(parts) .. whole(20, kind)
end

-- NodeProto: input = 1, output = 2, name = 3, op_type = 4, attribute = 5
local function node_text(name, kind, inputs, outputs, attributes)
   local parts = {}
   for _, input in ipairs(inputs) do parts[#parts + 1] = bytes(1, input or "") end
   for _, output in ipairs(outputs) do parts[#parts + 1] = bytes(2, output) end
   parts[#parts + 1] = bytes(3, name) .. bytes(4, kind)
   for _, key in ipairs(sorted_keys(attributes)) do parts[#parts + 1] = bytes(5, attribute(key, attributes[key])) end
   return table.concat(parts)
end

--- A node of ONNX's operator `kind`; returns the names of its outputs. inputs: names, false for one that is left out;
-- attributes: {name = number, text, truth value, or a list of numbers or texts}; outputs: how many (1), or their names.
function Graph:node(kind, inputs, attributes, outputs)
   local name = fresh(self, kind)
   if type(outputs) ~= "table" then
      local n = outputs or 1
      outputs = { name }
      for i = 2, n do outputs[i] = take(self, self:unused(("%s:%d"):format(name, i))) end
   end
   self.nodes[#self.nodes + 1] = node_text(name, kind, inputs, outputs, attributes or {})
   return table.unpack(outputs)
end

--- Names that `make` returns, asked for once for each key: of a layer that is called several times.
function Graph:once(key, make)
   self.made[key] = self.made[key] or table.pack(make())
   return table.unpack(self.made[key], 1, self.made[key].n)
end

--- The value in another of scute's dtypes ("f32": in the width in which the graph computes).
function Graph:cast(value, dtype)
   return self:node("Cast", { value }, { to = self:type(dtype) })
end

-- ---- what comes in and goes out ----

-- ValueInfoProto: name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 } } }; a dim: dim_value = 1 or
-- dim_param = 2
local function value_text(name, dtype, dims)
   local parts = {}
   for i, size in ipairs(dims) do parts[i] = bytes(1, type(size) == "string" and bytes(2, size) or whole(1, size)) end
   return bytes(1, name) .. bytes(2, bytes(1, whole(1, TYPES[dtype]) .. bytes(2, table.concat(parts))))
end

--- What the graph is given. dtype: as it comes, whatever the graph computes in; dims: whole numbers, or texts for what may be
-- another number in each call. Returns the value to go on with.
function Graph:input(name, dtype, dims)
   self.first = self.first or name
   take(self, name)
   self.inputs[#self.inputs + 1] = value_text(name, dtype, dims)
   return self:element(dtype) == dtype and name or self:cast(name, dtype)
end

--- The number of samples, as a list of one: the first size of the first input.
function Graph:samples()
   self.batch = self.batch or self:node("Shape", { self.first }, { start = 0, ["end"] = 1 })
   return self.batch
end

--- What the graph gives: `value` by that name and as that dtype.
function Graph:output(name, dtype, dims, value)
   self.outputs[#self.outputs + 1] = value_text(take(self, name), dtype, dims)
   if self:element(dtype) == dtype then return self:node("Identity", { value }, {}, { name }) end
   return self:node("Cast", { value }, { to = TYPES[dtype] }, { name })
end

-- ---- the file ----

-- TensorProto up to its content: dims = 1, data_type = 2, name = 8, raw_data = 9
local function tensor_head(entry)
   local parts = {}
   for i, size in ipairs(entry.dims) do parts[i] = whole(1, size) end
   return table.concat(parts) .. whole(2, TYPES[entry.dtype]) .. bytes(8, entry.name) .. protobuf.head(9, entry.bytes)
end

-- The pieces of a file, texts and tensors, and their bytes so far.
local function append(list, piece)
   list[#list + 1] = piece
   list.bytes = list.bytes + (type(piece) == "string" and #piece or piece.bytes)
end

-- GraphProto: node = 1, name = 2, initializer = 5, input = 11, output = 12
local function graph_pieces(self)
   local list = { bytes = 0 }
   for _, text in ipairs(self.nodes) do append(list, bytes(1, text)) end
   append(list, bytes(2, self.name))
   for _, entry in ipairs(self.tensors) do
      local head = tensor_head(entry)
      append(list, protobuf.head(5, #head + entry.bytes) .. head)
      append(list, entry)
   end
   for _, text in ipairs(self.inputs) do append(list, bytes(11, text)) end
   for _, text in ipairs(self.outputs) do append(list, bytes(12, text)) end
   return list
end

-- ModelProto: ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8 { version = 2 },
-- metadata_props = 14 { key = 1, value = 2 }
local function model_texts(self)
   local first = whole(1, IR_VERSION) .. bytes(2, "scute") .. bytes(3, core.version().scute) .. bytes(8, whole(2, OPSET))
   local last = {}
   for i, key in ipairs(sorted_keys(self.metadata)) do
      last[i] = bytes(14, bytes(1, key) .. bytes(2, self.metadata[key]))
   end
   return first, table.concat(last)
end

local function pieces_of(self)
   local first, last = model_texts(self)
   local graph, list = graph_pieces(self), { bytes = 0 }
   append(list, first .. protobuf.head(7, graph.bytes))
   for _, piece in ipairs(graph) do append(list, piece) end
   append(list, last)
   return list
end

local function check_texts(self)
   for key, value in pairs(self.metadata) do
      if type(value) ~= "string" or not utf8.len(value) or not utf8.len(key) then
         error(("the metadata '%s' is no text in UTF-8"):format(key), 0)
      end
   end
end

local function write(file, piece)
   if type(piece) == "string" then return file:write(piece) end
   if piece.tensor.dtype == piece.dtype then return file:write(piece.tensor) end
   local tensor <close> = piece.tensor:to(piece.dtype)
   file:write(tensor)
end

--- Writes the file; what was there before is replaced once the new one is whole and on disk. Raises, before anything is
-- written, where it would be more than ONNX allows.
function Graph:save(path)
   check_texts(self)
   local list = pieces_of(self)
   if list.bytes > MOST_BYTES then
      error(("%s would have %.1f GB; files of ONNX have at most 2 GB%s"):format(path, list.bytes / 1e9,
         self.half and "" or ", and in f16 it would have half as much"), 0)
   end
   local file <close> = core.files.create(path)
   for _, piece in ipairs(list) do write(file, piece) end
   file:commit()
end

return onnx_file
