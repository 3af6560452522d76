-- The same elements in another shape or order, and copies that change nothing.
local rearrange = {}

-- What Reshape takes for a value: its sizes, 0 where that of the same place in `from` is kept, -1 once for what is left.
local function target(from, to)
   local shape, open = {}, nil
   for i, size in ipairs(to.shape) do
      if to.grows[i] == 0 then
         shape[i] = size
      elseif from.shape[i] == size and from.grows[i] == to.grows[i] then
         shape[i] = 0
      elseif not open then
         shape[i], open = -1, i
      else
         error("more than one new size depends on the number of samples, which a file of ONNX cannot say", 0)
      end
   end
   return shape
end

local function reshape(g, node, names)
   return g:node("Reshape", { names[1], g:wholes(target(node.from[1], node.to[1])) })
end

for _, op in ipairs { "reshape", "flatten", "squeeze", "unsqueeze" } do rearrange[op] = reshape end

function rearrange.permute(g, node, names)
   local perm = {}
   for i, dim in ipairs(node.attrs.order) do perm[i] = dim - 1 end
   return g:node("Transpose", { names[1] }, { perm = perm })
end

function rearrange.transpose(g, node, names)
   local perm, a, b = {}, node.attrs.dim1, node.attrs.dim2
   for i = 1, #node.from[1].shape do perm[i] = i - 1 end
   perm[a + 1], perm[b + 1] = b, a
   return g:node("Transpose", { names[1] }, { perm = perm })
end

function rearrange.to_device(_, _, names)
   return names[1]
end

return rearrange
