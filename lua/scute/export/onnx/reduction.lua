-- Over dimensions, or over everything; and what runs along one.
local dtypes = require "scute.export.onnx.dtypes"
local wide = require "scute.export.onnx.wide"

local reduction = {}

local function rank_of(node)
   return #node.from[1].shape
end

-- The axes as an input of a node; false: all.
local function axes_of(g, node)
   return node.attrs.dim and g:wholes(node.attrs.dim) or false
end

local function reduce(g, kind, x, axes, keepdim)
   return g:node(kind, { x, axes or nil }, { keepdims = keepdim })
end

local function plain(kind)
   return function(g, node, names) return reduce(g, kind, names[1], axes_of(g, node), node.attrs.keepdim) end
end

-- Of whole numbers in i64.
local function summed(kind)
   return wide(function(g, node, names)
      local x = dtypes.input(g, node, names, 1, node.to[1].dtype)
      return reduce(g, kind, x, axes_of(g, node), node.attrs.keepdim)
   end)
end

reduction.sum, reduction.prod, reduction.mean = summed "ReduceSum", summed "ReduceProd", wide(plain "ReduceMean")
reduction.max, reduction.min = plain "ReduceMax", plain "ReduceMin"

-- ONNX compares numbers, not truth values.
local function truth(kind)
   return function(g, node, names)
      local is = g:cast(dtypes.truth(g, names[1], node.from[1].dtype), "i64")
      return g:cast(reduce(g, kind, is, axes_of(g, node), node.attrs.keepdim), "u8")
   end
end

reduction.any, reduction.all = truth "ReduceMax", truth "ReduceMin"

-- As one row.
local function flat(g, x)
   return g:node("Reshape", { x, g:wholes { -1 } })
end

-- What was reduced over everything, with all dimensions where they are kept.
local function kept(g, node, value)
   if not node.attrs.keepdim then return value end
   local ones = {}
   for i = 1, rank_of(node) do ones[i] = 1 end
   return g:node("Reshape", { value, g:wholes(ones) })
end

-- Indices count from 1.
local function from_one(g, indices)
   return g:node("Add", { indices, g:number(1, "i64") })
end

-- Not every program compares i64 here.
local function index(kind)
   return function(g, node, names)
      local dim, dtype = node.attrs.dim, node.from[1].dtype
      local x = dtypes.convert(g, names[1], dtype, dtype == "i64" and "f64" or dtype)
      if dim then return from_one(g, g:node(kind, { x }, { axis = dim, keepdims = node.attrs.keepdim })) end
      return from_one(g, kept(g, node, g:node(kind, { flat(g, x) }, { axis = 0, keepdims = 0 })))
   end
end

reduction.argmax, reduction.argmin = index "ArgMax", index "ArgMin"

-- ---- variance ----

-- How many elements make one result: a number, or the name of one that is known once the number of samples is.
local function count(g, node, x)
   local n, value, dims = 1, node.from[1], node.attrs.dim
   if not dims then
      dims = {}
      for i = 1, rank_of(node) do dims[i] = i - 1 end
   end
   for _, dim in ipairs(dims) do n = value.grows[dim + 1] == 0 and n and n * value.shape[dim + 1] end
   if n then return n end
   local sizes = g:node("Gather", { g:node("Shape", { x }), g:wholes(dims) })
   return nil, g:cast(g:node("ReduceProd", { sizes }, { keepdims = 0 }), node.to[1].dtype)
end

-- n / (n - correction)
local function unbias(g, node, x)
   local dtype, correction = node.to[1].dtype, node.attrs.correction
   local n, name = count(g, node, x)
   if n then return g:number(n / (n - correction), dtype) end
   return g:node("Div", { name, g:node("Sub", { name, g:number(correction, dtype) }) })
end

local function var(g, node, names)
   local x, axes = names[1], axes_of(g, node)
   local d = g:node("Sub", { x, reduce(g, "ReduceMean", x, axes, true) })
   local biased = reduce(g, "ReduceMean", g:node("Mul", { d, d }), axes, node.attrs.keepdim)
   return node.attrs.correction == 0 and biased or g:node("Mul", { biased, unbias(g, node, x) })
end

reduction.var = wide(var)
reduction.std = wide(function(g, node, names) return g:node("Sqrt", { var(g, node, names) }) end)

-- ---- norms ----

-- (sum of |x|^p)^(1/p)
local function norm(g, x, p, axes, keepdim, dtype)
   if p == 2 then return reduce(g, "ReduceL2", x, axes, keepdim) end
   if p == 1 then return reduce(g, "ReduceL1", x, axes, keepdim) end
   local size = g:node("Abs", { x })
   if p == math.huge then return reduce(g, "ReduceMax", size, axes, keepdim) end
   if p == -math.huge then return reduce(g, "ReduceMin", size, axes, keepdim) end
   if p == 0 then return reduce(g, "ReduceSum", g:node("Sign", { size }), axes, keepdim) end
   local sum = reduce(g, "ReduceSum", g:node("Pow", { size, g:number(p, dtype) }), axes, keepdim)
   return g:node("Pow", { sum, g:number(1 / p, dtype) })
end

reduction.norm = wide(function(g, node, names)
   return norm(g, names[1], node.attrs.p, axes_of(g, node), node.attrs.keepdim, node.to[1].dtype)
end)

-- x / max(norm, eps)
local function unit(g, x, p, axis, eps, dtype)
   local size = norm(g, x, p, g:wholes { axis }, true, dtype)
   return g:node("Div", { x, g:node("Max", { size, g:number(eps, dtype) }) })
end

reduction.normalize = wide(function(g, node, names)
   local a = node.attrs
   return unit(g, names[1], a.p, a.dim, a.eps, node.to[1].dtype)
end)

reduction.cosine_similarity = wide(function(g, node, names)
   local rank, dtype = math.max(rank_of(node), #node.from[2].shape), node.to[1].dtype
   local axis, units = (node.attrs.dim or (rank > 1 and 1 or 0)) - rank, {}
   for i = 1, 2 do
      units[i] = unit(g, dtypes.input(g, node, names, i, dtype), 2, axis, node.attrs.eps, dtype)
   end
   return reduce(g, "ReduceSum", g:node("Mul", units), g:wholes { axis }, false)
end)

-- Of each point a and each b: (sum of |a - b|^p)^(1/p)
reduction.cdist = wide(function(g, node, names)
   local a, b = g:node("Unsqueeze", { names[1], g:wholes { -2 } }), g:node("Unsqueeze", { names[2], g:wholes { -3 } })
   return norm(g, g:node("Sub", { a, b }), node.attrs.p, g:wholes { -1 }, false, node.to[1].dtype)
end)

reduction.logsumexp = wide(plain "ReduceLogSumExp")

-- ---- along one dimension ----

reduction.cumsum = wide(function(g, node, names)
   return g:node("CumSum", { dtypes.input(g, node, names, 1, node.to[1].dtype), g:number(node.attrs.dim, "i64") })
end)

-- How many numbers the one in the middle is of.
local function length(node)
   local n, dim = 1, node.attrs.dim
   for i, size in ipairs(node.from[1].shape) do
      local counts = not dim or i == dim + 1
      if counts and node.from[1].grows[i] ~= 0 then
         error("which is the one in the middle depends on the number of samples, which is not known in the file", 0)
      end
      n = counts and n * size or n
   end
   return n
end

-- NaN where there is one, as the largest number is.
local function or_nan(g, node, x, value)
   if not dtypes.is_float(node.to[1].dtype) then return value end
   local dim = node.attrs.dim
   local most = reduce(g, "ReduceMax", x, dim and g:wholes { dim }, node.attrs.keepdim)
   return g:node("Where", { g:node("IsNaN", { most }), most, value })
end

-- The lower of the two in the middle is number (n + 1) // 2 of those in order.
function reduction.median(g, node, names)
   local dim, dtype, last = node.attrs.dim, node.to[1].dtype, (length(node) + 1) // 2 - 1
   local x = dtypes.input(g, node, names, 1, dtypes.computed(dtype))
   local values, indices = g:node("TopK", { dim and x or flat(g, x), g:wholes { last + 1 } }, { axis = dim or 0, largest = 0 },
      2)
   local function middle(list)
      if not dim then return kept(g, node, g:node("Gather", { list, g:number(last, "i64") })) end
      local which = node.attrs.keepdim and g:wholes { last } or g:number(last, "i64")
      return g:node("Gather", { list, which }, { axis = dim })
   end
   local value = dtypes.stored(g, or_nan(g, node, x, middle(values)), dtype)
   return value, dim and from_one(g, middle(indices)) or nil
end

return reduction
