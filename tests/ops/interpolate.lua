-- Cases of interpolate.
local list = {}

local function add(name, shape, attrs, more)
   local case = { op = "interpolate", name = name, inputs = { x = { shape = shape } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

local sizes = {
   { "larger", { 2, 3, 4, 5 }, { 7, 13 } }, { "smaller", { 1, 65, 9, 11 }, { 4, 3 } }, { "one row", { 1, 2, 5, 7 }, { 1, 14 } },
   { "of one pixel", { 2, 3, 1, 1 }, { 3, 2 } }, { "as it is", { 1, 33, 3, 4 }, { 3, 4 } },
}
for _, mode in ipairs { "nearest", "nearest-exact", "bilinear", "bicubic" } do
   local is_smooth = mode:find "bi" ~= nil
   for _, each in ipairs(sizes) do
      add(("%s, %s"):format(mode, each[1]), each[2], { size = each[3], mode = mode })
      if is_smooth then
         add(("%s, %s, corners"):format(mode, each[1]), each[2], { size = each[3], mode = mode, align_corners = true })
         add(("%s, %s, antialiased"):format(mode, each[1]), each[2], { size = each[3], mode = mode, antialias = true })
      end
   end
   add(mode .. ", twice", { 1, 16, 3, 4 }, { scale_factor = 2, mode = mode })
   add(mode .. ", by a factor", { 1, 2, 5, 7 }, { scale_factor = 1.7, mode = mode })
   add(mode .. ", by a factor that leaves a size", { 1, 2, 4, 5 }, { scale_factor = 1.2, mode = mode })
   add(mode .. ", to a part", { 1, 2, 9, 10 }, { scale_factor = 0.3, mode = mode })
end
add("nearest, where float32 finds another pixel", { 1, 2, 39, 26 }, { size = { 33, 22 } })
add("bilinear, a tenth, antialiased", { 1, 3, 40, 61 }, { size = { 4, 6 }, mode = "bilinear", antialias = true },
   { numeric = false })
-- Sizes at which a tap is at the edge of the filter: a product that is not rounded by itself puts it on the other side.
for _, each in ipairs { { { 1, 2, 3, 5 }, { 9, 15 } }, { { 1, 3, 2, 2 }, { 6, 10 } }, { { 1, 1, 32, 2 }, { 224, 6 } } } do
   add(("bilinear, %d to %d, antialiased"):format(each[1][3], each[2][1]), each[1],
      { size = each[2], mode = "bilinear", antialias = true })
end
add("one number", { 1, 2, 3, 5 }, { size = 4 })

-- PyTorch has fewer digits in the weights of bytes; tests/lua/interpolate_spec.lua compares with what Pillow makes.
local function bytes(name, shape, attrs)
   list[#list + 1] = { op = "interpolate", name = "u8, " .. name, inputs = { x = { shape = shape, dtype = "u8", low = 0,
      high = 255 } }, attrs = attrs, golden = false }
end
bytes("nearest", { 2, 3, 5, 4 }, { size = { 3, 9 } })
bytes("bilinear", { 2, 8, 5, 4 }, { scale_factor = 2, mode = "bilinear" })
bytes("bilinear, antialiased", { 2, 3, 23, 17 }, { size = { 4, 25 }, mode = "bilinear", antialias = true })
bytes("bicubic, antialiased", { 1, 300, 9, 8 }, { size = { 4, 3 }, mode = "bicubic", antialias = true })

local x, nearest, whole = { shape = { 1, 2, 3, 3 } }, "for mode bilinear or bicubic, found nearest", "expected 1 to 1048576 pix"
list.bad = {
   { op = "interpolate", inputs = { x = x }, message = "expected 'size', in pixels, or 'scale_factor'" },
   { op = "interpolate", inputs = { x = x }, attrs = { size = 3, scale_factor = 2 }, message = "found both" },
   { op = "interpolate", inputs = { x = x }, attrs = { size = { 3, 0 } }, message = whole .. "els, found {3, 0}" },
   { op = "interpolate", inputs = { x = x }, attrs = { size = -1 }, message = whole },
   { op = "interpolate", inputs = { x = x }, attrs = { scale_factor = -2 }, message = "'scale_factor': expected one that" },
   { op = "interpolate", inputs = { x = x }, attrs = { scale_factor = 0.1 }, message = "1048576 pixels, found 0.1 for shape" },
   { op = "interpolate", inputs = { x = x }, attrs = { size = 2, align_corners = true },
      message = "'align_corners': it is " .. nearest },
   { op = "interpolate", inputs = { x = x }, attrs = { size = 2, antialias = true },
      message = "'antialias': it is " .. nearest },
   { op = "interpolate", inputs = { x = x }, attrs = { size = 2, mode = "bilinear", antialias = true, align_corners = true },
      message = "expected one of 'align_corners' and 'antialias', found both" },
   { op = "interpolate", inputs = { x = x }, attrs = { size = 2, mode = "linear" }, message = "|bicubic, found 'linear'" },
   { op = "interpolate", inputs = { x = { shape = { 3, 3 } } }, attrs = { size = 2 }, message = "'x': expected 4 dimensions" },
   { op = "interpolate", inputs = { x = { shape = { 1, 2, 3, 3 }, dtype = "i64", low = 1, high = 2 } }, attrs = { size = 2 },
      message = "'x': expected a float" },
}

return list
