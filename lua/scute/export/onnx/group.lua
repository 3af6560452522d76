-- Norms that take their statistics of each sample.
local group = {}

local function ones(n, value)
   local list = {}
   for i = 1, n do list[i] = value end
   return list
end

local function over_last(g, node, names, x)
   local sizes, n = node.attrs.normalized_shape, 1
   for _, size in ipairs(sizes) do n = n * size end
   local weight = names[2]
   if not weight then weight = g:node("Reshape", { g:numbers(ones(n, 1), node.to[1].dtype), g:wholes(sizes) }) end
   return g:node("LayerNormalization", { x, weight, names[3] or nil }, { axis = -#sizes, epsilon = node.attrs.eps })
end

function group.layer_norm(g, node, names)
   if not node.attrs.channels then return over_last(g, node, names, names[1]) end
   local y = over_last(g, node, names, g:node("Transpose", { names[1] }, { perm = { 0, 2, 3, 1 } }))
   return g:node("Transpose", { y }, { perm = { 0, 3, 1, 2 } })
end

-- One for each channel of (N, C, ...), to be stretched over pixels.
local function per_channel(g, name, value, rank)
   local sizes = ones(rank - 1, 1)
   sizes[1] = value.shape[1]
   return g:node("Reshape", { name, g:wholes(sizes) })
end

-- Rows (N, groups, numbers of a group), each group by itself. (GroupNormalization of opset 18 has a scale for each group in
-- place of each channel, and is withdrawn.)
local function normalize_rows(g, node, x, groups, numbers, back)
   local dtype = node.to[1].dtype
   local rows = g:node("Reshape", { x, g:wholes { numbers and -1 or 0, groups, numbers or -1 } })
   local y = g:node("InstanceNormalization", { rows, g:numbers(ones(groups, 1), dtype), g:numbers(ones(groups, 0), dtype) },
      { epsilon = node.attrs.eps })
   return g:node("Reshape", { y, g:wholes(back) })
end

local function scaled(g, node, names, y)
   local rank = #node.from[1].shape
   if names[2] then y = g:node("Mul", { y, per_channel(g, names[2], node.from[2], rank) }) end
   return names[3] and g:node("Add", { y, per_channel(g, names[3], node.from[3], rank) }) or y
end

local function by_sample(g, node, names, groups)
   local back = { 0, table.unpack(node.from[1].shape, 2) }
   return scaled(g, node, names, normalize_rows(g, node, names[1], groups, nil, back))
end

local function by_pixel(g, node, names, groups)
   local _, channels, height, width = table.unpack(node.from[1].shape)
   local pixels = g:node("Transpose", { names[1] }, { perm = { 0, 2, 3, 1 } })
   local y = normalize_rows(g, node, pixels, groups, channels // groups, { -1, height, width, channels })
   return scaled(g, node, names, g:node("Transpose", { y }, { perm = { 0, 3, 1, 2 } }))
end

function group.group_norm(g, node, names)
   return by_sample(g, node, names, node.attrs.num_groups)
end

function group.grouped_norm(g, node, names)
   local write = node.attrs.per_pixel and #node.from[1].shape == 4 and by_pixel or by_sample
   return write(g, node, names, node.attrs.groups)
end

return group
