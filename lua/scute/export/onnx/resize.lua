-- Pictures of another size. Where ONNX's Resize takes the pixels that scute takes, it is that; nearest pixels of sizes that do
-- not go into each other are chosen by their numbers, since programs round differently where a pixel begins.
local core = require "scute.core"

local resize = {}

-- Which pixel of the input each one of the output is, along height (3) or width (4), from 0: by scute's own word.
local function sources(node, dim)
   local shape, size = { 1, 1, 1, 1 }, node.from[1].shape[dim]
   shape[dim] = size
   local numbers = {}
   for i = 1, size do numbers[i] = i - 1 end
   local a = node.attrs
   local wanted = { mode = a.mode }
   if a.scale_factor ~= 0 then
      -- the other dimension is as long, so that the factor leaves something of it
      local square = core.tensor(numbers):reshape(shape):expand(1, 1, size, size)
      wanted.scale_factor = a.scale_factor
      return core.interpolate(square, wanted):select(dim == 3 and 4 or 3, 1):reshape { -1 }
   end
   wanted.size = { 1, 1 }
   wanted.size[dim - 2] = node.to[1].shape[dim]
   return core.interpolate(core.tensor(numbers):reshape(shape), wanted):reshape { -1 }
end

local function choose_pixels(g, node, x)
   for dim = 3, 4 do
      local indices = core.no_grad(sources, node, dim):to "i64":values()
      x = g:node("Gather", { x, g:wholes(indices) }, { axis = dim - 1 })
   end
   return x
end

-- Each pixel becomes so many.
local function is_repeated(node)
   local from, to = node.from[1].shape, node.to[1].shape
   local up, right = to[3] // from[3], to[4] // from[4]
   return to[3] == up * from[3] and to[4] == right * from[4]
      and (node.attrs.scale_factor == 0 or node.attrs.scale_factor == up and up == right)
end

local KINDS = { nearest = "nearest", ["nearest-exact"] = "nearest", bilinear = "linear", bicubic = "cubic" }

-- Corners are told by sizes alone.
local function by_size(node)
   return node.attrs.scale_factor == 0 or node.attrs.align_corners
end

-- ---- by a factor ----

local function keeps_size(node, dim)
   return node.from[1].shape[dim] == node.to[1].shape[dim]
end

-- What keeps its size stays where it is, but where scute moves it (host/ops/interpolate.c).
local function stays(node, dim)
   local a = node.attrs
   return keeps_size(node, dim) and (a.antialias or a.mode == "bilinear" or a.scale_factor == 1)
end

local function moves_only(node)
   return not by_size(node) and keeps_size(node, 3) and keeps_size(node, 4) and not stays(node, 3)
end

local function as_f32(x)
   return (string.unpack("<f", string.pack("<f", x)))
end

-- The `n`th number of f32 after a positive one.
local function after(x, n)
   return (string.unpack("<f", string.pack("<I4", string.unpack("<I4", string.pack("<f", x)) + n)))
end

-- The factor of one dimension: f32, and what programs multiply by it gives the size, in f32 or wider.
local function factor(node, dim)
   if stays(node, dim) then return 1 end
   local exact, from, to = node.attrs.scale_factor, node.from[1].shape[dim], node.to[1].shape[dim]
   for _, n in ipairs { 0, 1, -1, 2, -2 } do
      local x = after(exact, n)
      if math.floor(x * from) == to and math.floor(as_f32(x * from)) == to then return x end
   end
   error(("a factor of %.17g gives other sizes where it is rounded; give the size"):format(exact), 0)
end

local function attributes(node)
   local a = node.attrs
   if KINDS[a.mode] == "nearest" then
      return { mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor" }
   end
   return { mode = KINDS[a.mode], antialias = a.antialias and 1 or 0, cubic_coeff_a = a.antialias and -0.5 or -0.75,
      exclude_outside = a.antialias and 1 or 0,
      coordinate_transformation_mode = a.align_corners and "align_corners" or "half_pixel" }
end

-- Which pixels are taken is found out here, and so are sizes that a factor makes.
local function refuse_growing(node, nearest)
   local grows = node.from[1].grows
   if (grows[3] ~= 0 or grows[4] ~= 0) and (nearest or node.attrs.scale_factor ~= 0) then
      error("the picture's size depends on the number of samples, which is not known in the file", 0)
   end
end

function resize.interpolate(g, node, names)
   local a, to = node.attrs, node.to[1].shape
   local nearest = KINDS[a.mode] == "nearest"
   refuse_growing(node, nearest)
   if nearest and not is_repeated(node) then return choose_pixels(g, node, names[1]) end
   if node.from[1].dtype == "u8" and not nearest then
      error("bytes are rounded as Pillow does, which ONNX has no word for; convert them first, as in x:to('f32')", 0)
   end
   if moves_only(node) then
      error(("a factor of %g moves the picture without changing its size, which programs leave as it is; give the size"):format(
         a.scale_factor), 0)
   end
   local given = attributes(node)
   given.axes = { 2, 3 }
   if by_size(node) then return g:node("Resize", { names[1], false, false, g:wholes { to[3], to[4] } }, given) end
   return g:node("Resize", { names[1], false, g:numbers({ factor(node, 3), factor(node, 4) }, "f32", "f32") }, given)
end

return resize
