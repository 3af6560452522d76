-- Entries of tensors by their places: put together, cut out, moved, repeated, in order.
local dtypes = require "scute.export.onnx.dtypes"
local trace = require "scute.export.trace"
local wide = require "scute.export.onnx.wide"

local choose = {}

local LAST = math.maxinteger -- as the end of a slice: whatever size there is

-- Indices of scute count from 1.
local function from_zero(g, indices) return g:node("Sub", { indices, g:number(1, "i64") }) end
local function from_one(g, indices) return g:node("Add", { indices, g:number(1, "i64") }) end

local function grows(value, axis)
   return value.grows[axis + 1] ~= 0
end

-- ---- put together ----

function choose.concat(g, node, names)
   local parts = {}
   for i = 1, #node.from do parts[i] = dtypes.input(g, node, names, i, node.to[1].dtype) end
   return g:node("Concat", parts, { axis = node.attrs.dim })
end

function choose.stack(g, node, names)
   local parts, axis = {}, node.attrs.dim
   for i = 1, #node.from do
      parts[i] = g:node("Unsqueeze", { dtypes.input(g, node, names, i, node.to[1].dtype), g:wholes { axis } })
   end
   return g:node("Concat", parts, { axis = axis })
end

-- ---- cut out ----

local function slice(g, x, axis, from, to, step)
   return g:node("Slice", { x, g:wholes { from }, g:wholes { to }, g:wholes { axis }, step and g:wholes { step } })
end

-- Is an end of a slice counted from the end of the dimension: by a negative number, or by the number of samples?
local function is_from_end(node, name)
   return node.completed[name] or node.varies and node.varies[name] or false
end

-- An end that the script makes of the number of samples is that number, but for what is added: the result grows accordingly.
local function check_ends(node)
   if not node.varies then return end
   local axis = node.attrs.dim + 1
   local expected = (is_from_end(node, "to") and 1 or 0) - (is_from_end(node, "from") and 1 or 0)
   local grown, grows_by = node.from[1].grows[axis], node.to[1].grows[axis]
   if grown ~= 1 or node.attrs.step ~= 1 or grows_by ~= expected then
      error("where it begins and ends depends on the number of samples in a way that a file of ONNX cannot say", 0)
   end
end

function choose.slice(g, node, names)
   check_ends(node)
   local a = node.attrs
   local size = node.from[1].shape[a.dim + 1]
   local first = is_from_end(node, "from") and a.from - 1 - size or a.from - 1
   local last = not is_from_end(node, "to") and a.to or a.to == size and LAST or a.to - size
   return slice(g, names[1], a.dim, first, last, a.step)
end

function choose.select(g, node, names)
   local index = node.attrs.index
   return g:node("Gather", { names[1], g:number(index > 0 and index - 1 or index, "i64") }, { axis = node.attrs.dim })
end

function choose.index_select(g, node, names)
   return g:node("Gather", { names[1], from_zero(g, names[2]) }, { axis = node.attrs.dim })
end

function choose.gather(g, node, names)
   return g:node("GatherElements", { names[1], from_zero(g, names[2]) }, { axis = node.attrs.dim })
end

-- ONNX wants as many entries as indices.
local function as_large_as(g, name, value, index)
   for i, size in ipairs(value.shape) do
      if size ~= index.shape[i] then
         if index.grows[i] ~= 0 then error("'src' is larger than 'index' in the dimension of the samples", 0) end
         name = slice(g, name, i - 1, 0, index.shape[i])
      end
   end
   return name
end

choose.scatter_add = wide(function(g, node, names)
   local src = as_large_as(g, names[3], node.from[3], node.from[2])
   return g:node("ScatterElements", { names[1], from_zero(g, names[2]), src }, { axis = node.attrs.dim, reduction = "add" })
end)

-- ---- moved and repeated ----

function choose.flip(g, node, names)
   local starts, ends, axes, steps = {}, {}, {}, {}
   for i, dim in ipairs(node.attrs.dims) do
      starts[i], ends[i], axes[i], steps[i] = -1, math.mininteger, dim - 1, -1
   end
   return g:node("Slice", { names[1], g:wholes(starts), g:wholes(ends), g:wholes(axes), g:wholes(steps) })
end

-- The last `shift` entries come first.
local function roll(g, x, axis, shift)
   if shift == 0 then return x end
   return g:node("Concat", { slice(g, x, axis, -shift, LAST), slice(g, x, axis, 0, -shift) }, { axis = axis })
end

local function sizes_of(value)
   local sizes = {}
   for i, size in ipairs(value.shape) do sizes[i] = value.grows[i] == 0 and size or -1 end
   return sizes
end

-- As one row, and back.
local function roll_row(g, node, x)
   local n, value = 1, node.from[1]
   for i, size in ipairs(value.shape) do
      if value.grows[i] ~= 0 then error("it rolls all samples as one row, whose length is not known in the file", 0) end
      n = n * size
   end
   local row = roll(g, g:node("Reshape", { x, g:wholes { -1 } }), 0, node.attrs.shifts[1] % n)
   return g:node("Reshape", { row, g:wholes(sizes_of(value)) })
end

function choose.roll(g, node, names)
   local x, dims = names[1], node.attrs.dims
   if not dims then return roll_row(g, node, x) end
   for i, dim in ipairs(dims) do
      local size = node.from[1].shape[dim]
      if grows(node.from[1], dim - 1) then error("it rolls the samples, whose number is not known in the file", 0) end
      x = roll(g, x, dim - 1, node.attrs.shifts[i] % size)
   end
   return x
end

-- With `rank` dimensions, new ones of size 1 in front.
local function with_rank(g, x, value, rank)
   local axes = {}
   for i = 1, rank - #value.shape do axes[i] = i - 1 end
   return #axes > 0 and g:node("Unsqueeze", { x, g:wholes(axes) }) or x
end

function choose.tile(g, node, names)
   local times, rank = {}, #node.to[1].shape
   for i, n in ipairs(node.attrs.times) do times[rank - #node.attrs.times + i] = n end
   for i = 1, rank do times[i] = times[i] or 1 end
   return g:node("Tile", { with_rank(g, names[1], node.from[1], rank), g:wholes(times) })
end

-- A size of 1 leaves to Expand what there is already.
function choose.expand(g, node, names)
   local from, to, sizes = node.from[1], node.to[1], {}
   local new = #to.shape - #from.shape
   local dynamic = false
   for i, size in ipairs(to.shape) do
      local was = i > new and from.shape[i - new] or 1
      if to.grows[i] ~= 0 and was == 1 then
         if to.grows[i] ~= 1 or size ~= trace.BATCH then
            error("the size that it stretches to depends on the number of samples, and is another one", 0)
         end
         sizes[i], dynamic = g:samples(), true
      else
         sizes[i] = size == was and 1 or size
      end
   end
   if not dynamic then return g:node("Expand", { names[1], g:wholes(sizes) }) end
   for i, size in ipairs(sizes) do sizes[i] = type(size) == "number" and g:wholes { size } or size end
   return g:node("Expand", { names[1], g:node("Concat", sizes, { axis = 0 }) })
end

-- ---- padding ----

-- { before, after } by axis, as scute has them: of the last dimension first.
local function ends_of(node)
   local ends, rank, pads = {}, #node.from[1].shape, node.attrs.pads
   for i = 1, #pads // 2 do ends[rank - i] = { before = pads[2 * i - 1], after = pads[2 * i] } end
   return ends
end

local function cut_off(g, x, ends, rank)
   for axis = 0, rank - 1 do
      local e = ends[axis]
      if e and (e.before < 0 or e.after < 0) then
         x = slice(g, x, axis, math.max(-e.before, 0), e.after < 0 and e.after or LAST)
      end
   end
   return x
end

-- Opset 18 has no word for it.
local function wrap(g, x, ends, rank)
   for axis = 0, rank - 1 do
      local e, parts = ends[axis] or { before = 0, after = 0 }, { x }
      if e.before > 0 then table.insert(parts, 1, slice(g, x, axis, -e.before, LAST)) end
      if e.after > 0 then parts[#parts + 1] = slice(g, x, axis, 0, e.after) end
      x = #parts > 1 and g:node("Concat", parts, { axis = axis }) or x
   end
   return x
end

local MODES = { constant = "constant", reflect = "reflect", replicate = "edge" }

function choose.pad(g, node, names)
   local ends, rank, mode, pads, any = ends_of(node), #node.from[1].shape, node.attrs.mode, {}, false
   local x = cut_off(g, names[1], ends, rank)
   if mode == "circular" then return wrap(g, x, ends, rank) end
   for axis = 0, rank - 1 do
      local e = ends[axis] or { before = 0, after = 0 }
      pads[axis + 1], pads[rank + axis + 1] = math.max(e.before, 0), math.max(e.after, 0)
      any = any or e.before > 0 or e.after > 0
   end
   if not any then return x end
   local value = mode == "constant" and g:number(node.attrs.value, node.from[1].dtype) or nil
   return g:node("Pad", { x, g:wholes(pads), value }, { mode = MODES[mode] })
end

-- ---- in order ----

-- How many there are along an axis, as a list of one.
local function size_along(g, x, value, axis)
   if not grows(value, axis) then return g:wholes { value.shape[axis + 1] } end
   return g:node("Shape", { x }, { start = axis, ["end"] = axis + 1 })
end

-- The first `k`, and where they stand. A number without dimensions is alone.
local function first(g, node, names, k, largest)
   local value, axis = node.from[1], node.attrs.dim
   if #value.shape == 0 then return names[1], g:number(1, "i64") end
   local x = dtypes.input(g, node, names, 1, dtypes.computed(value.dtype))
   local values, indices = g:node("TopK", { x, k or size_along(g, x, value, axis) }, { axis = axis, largest = largest }, 2)
   return dtypes.stored(g, values, value.dtype), from_one(g, indices)
end

function choose.topk(g, node, names)
   return first(g, node, names, g:wholes { node.attrs.k }, node.attrs.largest)
end

function choose.sort(g, node, names)
   return first(g, node, names, nil, node.attrs.descending)
end

function choose.argsort(g, node, names)
   return (select(2, first(g, node, names, nil, node.attrs.descending)))
end

-- ---- classes ----

function choose.one_hot(g, node, names)
   local to = node.to[1]
   local classes, numbers = to.shape[#to.shape], {}
   if node.completed.classes then error("how many classes there are is read of the values; say it, as in one_hot(10)", 0) end
   for i = 1, classes do numbers[i] = i end
   local is = g:node("Equal", { g:node("Unsqueeze", { names[1], g:wholes { -1 } }), g:wholes(numbers) })
   return g:cast(is, to.dtype)
end

return choose
