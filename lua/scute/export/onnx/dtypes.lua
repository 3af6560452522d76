-- Dtypes of operands: what ops of scute convert by themselves, ONNX wants said.
local dtypes = {}

-- Which wins when two meet, as host/core/width.c has it.
local STRENGTH = { u8 = 0, i64 = 1, f16 = 2, bf16 = 3, f32 = 4, f64 = 5 }

--- Floating point, rather than whole numbers.
function dtypes.is_float(dtype)
   return STRENGTH[dtype] > 1
end

--- The strongest dtype of a node's inputs from number `first` on.
function dtypes.promoted(node, first)
   local strongest = "u8"
   for i = first, #node.from do
      local dtype = node.from[i] and node.from[i].dtype
      if dtype and STRENGTH[dtype] > STRENGTH[strongest] then strongest = dtype end
   end
   return strongest
end

--- What is computed in where the result is of `dtype`: few programs compute with bytes.
function dtypes.computed(dtype)
   return dtype == "u8" and "i64" or dtype
end

--- A value of dtype `from` in dtype `to`; itself where these are one in the file.
function dtypes.convert(g, name, from, to)
   return g:element(from) == g:element(to) and name or g:cast(name, to)
end

--- Input `i` of a node in another dtype.
function dtypes.input(g, node, names, i, dtype)
   return dtypes.convert(g, names[i], node.from[i].dtype, dtype)
end

--- Bytes end at 0 and 255, of what was computed in i64.
function dtypes.stored(g, name, dtype)
   if dtype ~= "u8" then return name end
   return g:cast(g:node("Clip", { name, g:number(0, "i64"), g:number(255, "i64") }), "u8")
end

-- ---- truth ----

local truths = setmetatable({}, { __mode = "k" }) -- file -> { name of bytes = that of the truth values they are made of }

--- Truth values of ONNX as scute has them: bytes, 1 and 0.
function dtypes.from_truth(g, truth)
   local name = g:cast(truth, "u8")
   truths[g] = truths[g] or {}
   truths[g][name] = truth
   return name
end

--- Whether numbers are other than 0. By a comparison: some programs make one conversion of two, which loses what the first one
-- cuts off.
function dtypes.truth(g, name, dtype)
   local known = truths[g] and truths[g][name]
   if known then return known end
   local computed = dtypes.computed(dtype)
   return g:node("Not", { g:node("Equal", { dtypes.convert(g, name, dtype, computed), g:number(0, computed) }) })
end

return dtypes
