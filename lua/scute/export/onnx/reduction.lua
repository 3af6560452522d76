-- Over dimensions, or over everything; and what runs along one.
local dtypes = require "scute.export.onnx.dtypes"
local nan = require "scute.export.onnx.nan"
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

-- The largest or the least number, or NaN.
local function extreme(g, kind, x, axes, keepdim, dtype)
   local value = reduce(g, kind, x, axes, keepdim)
   return dtypes.is_float(dtype) and nan.over(g, x, value, dtype, axes, keepdim) or value
end

for op, kind in pairs { max = "ReduceMax", min = "ReduceMin" } do
   reduction[op] = function(g, node, names)
      return extreme(g, kind, names[1], axes_of(g, node), node.attrs.keepdim, node.to[1].dtype)
   end
end

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

-- The place of the first NaN, or of what `kind` looks for.
local function place(g, kind, x, axis, keepdim, dtype)
   local attributes = { axis = axis, keepdims = keepdim }
   local found = g:node(kind, { x }, attributes)
   if not dtypes.is_float(dtype) then return found end
   local flags = nan.flags(g, x)
   return g:node("Where", { nan.among(g, flags, g:wholes { axis }, keepdim), g:node("ArgMax", { flags }, attributes), found })
end

-- Not every program compares i64 here.
local function index(kind)
   return function(g, node, names)
      local dim, dtype = node.attrs.dim, node.from[1].dtype
      local x = dtypes.convert(g, names[1], dtype, dtype == "i64" and "f64" or dtype)
      if dim then return from_one(g, place(g, kind, x, dim, node.attrs.keepdim, dtype)) end
      return from_one(g, kept(g, node, place(g, kind, flat(g, x), 0, false, dtype)))
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
   if p == math.huge then return extreme(g, "ReduceMax", size, axes, keepdim, dtype) end
   if p == -math.huge then return extreme(g, "ReduceMin", size, axes, keepdim, dtype) end
   if p == 0 then return reduce(g, "ReduceSum", g:cast(dtypes.truth(g, x, dtype), dtype), axes, keepdim) end
   local sum = reduce(g, "ReduceSum", g:node("Pow", { size, g:number(p, dtype) }), axes, keepdim)
   return g:node("Pow", { sum, g:number(1 / p, dtype) })
end

reduction.norm = wide(function(g, node, names)
   return norm(g, names[1], node.attrs.p, axes_of(g, node), node.attrs.keepdim, node.to[1].dtype)
end)

local LEAST, MOST = 2.0 ^ -126, (2 - 2.0 ^ -23) * 2.0 ^ 127 -- of f32, with all its digits

-- x / max(norm, eps), of numbers relative to the largest, as scute.normalize computes it, so that no power leaves the range.
local function unit(g, x, p, axis, eps, dtype)
   local axes = g:wholes { axis }
   local largest = g:node("ReduceMax", { g:node("Abs", { x }), axes }, { keepdims = 1 })
   local unit_of = g:node("Clip", { largest, g:number(LEAST, dtype), g:number(MOST, dtype) })
   local relative = g:node("Div", { x, unit_of })
   local least = g:node("Div", { g:number(eps, dtype), unit_of })
   return g:node("Div", { relative, g:node("Max", { norm(g, relative, p, axes, true, dtype), least }) })
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

-- The lower of the two in the middle is number (n + 1) // 2 of those in order.
local function middle(g, node, x, dim)
   local last = (length(node) + 1) // 2 - 1
   local values, indices = g:node("TopK", { x, g:wholes { last + 1 } }, { axis = dim, largest = 0 }, 2)
   local which = node.attrs.dim and node.attrs.keepdim and g:wholes { last } or g:number(last, "i64")
   return g:node("Gather", { values, which }, { axis = dim }), g:node("Gather", { indices, which }, { axis = dim })
end

-- NaN and its place, where there is one.
local function or_nan(g, x, dim, keepdim, dtype, value, at)
   local flags = nan.flags(g, x)
   local is_there = nan.among(g, flags, g:wholes { dim }, keepdim)
   local first = g:node("ArgMax", { flags }, { axis = dim, keepdims = keepdim })
   return g:node("Where", { is_there, g:number(0 / 0, dtype), value }), g:node("Where", { is_there, first, at })
end

function reduction.median(g, node, names)
   local dim, dtype = node.attrs.dim, node.to[1].dtype
   local x = dtypes.input(g, node, names, 1, dtypes.computed(dtype))
   if not dim then x = flat(g, x) end
   local value, at = middle(g, node, x, dim or 0)
   if dtypes.is_float(dtype) then value, at = or_nan(g, x, dim or 0, dim and node.attrs.keepdim or false, dtype, value, at) end
   value = dtypes.stored(g, dim and value or kept(g, node, value), dtype)
   return value, dim and from_one(g, at) or nil
end

return reduction
