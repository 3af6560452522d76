-- Pooling. Where a last window is only partly inside (ceil_mode), the pixels that it lacks are padding at the end, so that no
-- two programs can take it for something else.
local pool = {}

-- kernel, stride, and pads { before, after } of each dimension, of a picture padded by `padding`.
local function window(node, padding)
   local a, shape, out = node.attrs, node.from[1].shape, node.to[1].shape
   local stride, pads = {}, {}
   for i = 1, 2 do
      stride[i] = a.stride[i] > 0 and a.stride[i] or a.kernel[i]
      local needed = (out[i + 2] - 1) * stride[i] + a.kernel[i]
      pads[i], pads[i + 2] = padding[i], math.max(needed - shape[i + 2] - (a.padding[i] * 2 - padding[i]), padding[i])
   end
   return { kernel_shape = a.kernel, strides = stride, pads = pads }
end

function pool.max_pool2d(g, node, names)
   return g:node("MaxPool", { names[1] }, window(node, node.attrs.padding))
end

-- Of how many entries of a padded picture of `size` the mean of each window is, along one dimension, as shares of the kernel.
local function shares(out, size, kernel, stride)
   local list = {}
   for i = 1, out do list[i] = math.min(kernel, size - (i - 1) * stride) / kernel end
   return list
end

-- What a mean over whole windows has to be divided by, where the last ones reach beyond the padding; nil where none does.
local function beyond(g, node, stride)
   local a, shape, out, parts = node.attrs, node.from[1].shape, node.to[1].shape, {}
   local any = false
   for i = 1, 2 do
      local list = shares(out[i + 2], shape[i + 2] + 2 * a.padding[i], a.kernel[i], stride[i])
      any = any or list[#list] < 1
      parts[i] = g:node("Unsqueeze", { g:numbers(list, node.to[1].dtype), g:wholes { i == 1 and -1 or 0 } })
   end
   return any and g:node("Mul", parts) or nil
end

-- Zeros of the padding count, those beyond it do not.
function pool.avg_pool2d(g, node, names)
   local a = node.attrs
   local given = window(node, a.padding)
   if not a.count_include_pad then return g:node("AveragePool", { names[1] }, given) end
   given.count_include_pad = true
   local mean, divisor = g:node("AveragePool", { names[1] }, given), beyond(g, node, given.strides)
   return divisor and g:node("Div", { mean, divisor }) or mean
end

function pool.global_avg_pool2d(g, _, names)
   return g:node("GlobalAveragePool", { names[1] })
end

-- For each channel: (C) -> (C, 1, 1). One number is one for all.
local function per_channel(g, value, name)
   local n = value.shape[1]
   return n and n > 1 and g:node("Reshape", { name, g:wholes { n, 1, 1 } }) or name
end

-- mean(max(x, eps)^p)^(1/p), relative to the largest as scute.gem_pool2d computes it, so that no power leaves the range.
function pool.gem_pool2d(g, node, names)
   local p = per_channel(g, node.from[2], names[2])
   local x = g:node("Max", { names[1], g:number(node.attrs.eps) })
   local largest = g:node("ReduceMax", { x, g:wholes { 2, 3 } }, { keepdims = 1 })
   local powers = g:node("Pow", { g:node("Div", { x, largest }), p })
   local root = g:node("Pow", { g:node("GlobalAveragePool", { powers }), g:node("Reciprocal", { p }) })
   return g:node("Mul", { largest, root })
end

return pool
