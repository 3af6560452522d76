-- Small photos made by a formula, for tests: two kinds that a network can tell apart, or any number of kinds.
local scute = require "scute"

local photos = {}

-- A 24-bit BMP; color(x, y) gives three bytes, x and y from 0.
local function bmp(width, height, color)
   local row_bytes = (width * 3 + 3) // 4 * 4
   local rows = {}
   for y = height - 1, 0, -1 do
      local row = {}
      for x = 0, width - 1 do
         local r, g, b = color(x, y)
         row[#row + 1] = string.char(b, g, r)
      end
      rows[#rows + 1] = table.concat(row) .. ("\0"):rep(row_bytes - 3 * width)
   end
   local pixels = table.concat(rows)
   return string.pack("<c2I4I2I2I4", "BM", 54 + #pixels, 0, 0, 54)
      .. string.pack("<I4i4i4I2I2I4I4i4i4I4I4", 40, width, height, 1, 24, 0, #pixels, 2835, 2835, 0, 0) .. pixels
end

-- A byte that depends on its arguments only.
local function noise(a, b, c)
   local h = (a * 374761393 + b * 668265263 + c * 2246822519) & 0xffffffff
   h = ((h ~ (h >> 13)) * 1274126177) & 0xffffffff
   return (h ~ (h >> 16)) & 0xff
end

function photos.write_file(path, text)
   local folder = path:match "^(.*)/"
   if folder then scute.files.mkdirs(folder) end
   local file = assert(io.open(path, "wb"))
   assert(file:write(text))
   file:close()
end

--- Writes one photo of a kind (1, 2, ...): a colour of its own under noise.
function photos.write(path, kind, number, size)
   size = size or 40
   photos.write_file(path, bmp(size, size - number % 5, function(x, y)
      local n = noise(x, y, number * 16 + kind) // 4
      local function channel(k) return ((kind - 1) % 3 == k and 170 or 40) + n end
      return channel(0), channel(1), channel(2)
   end))
end

--- Writes `counts` = {class name = number of photos} below a folder.
function photos.set(folder, counts)
   local names = {}
   for name in pairs(counts) do names[#names + 1] = name end
   table.sort(names)
   for kind, name in ipairs(names) do
      for i = 1, counts[name] do photos.write(("%s/%s/%03d.bmp"):format(folder, name, i), kind, i) end
   end
end

return photos
