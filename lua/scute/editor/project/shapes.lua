-- Small pictures of circles and squares, drawn by a program: something to learn where there are no photos yet.
local scute = require "scute"

local shapes = {}

local SIZE = 64 -- of a picture, in pixels

local draw = {}

function draw.circle(canvas, x, y, r, color)
   canvas:circle(x, y, r, { color = color, fill = true })
end

function draw.square(canvas, x, y, r, color)
   canvas:rect(x - r, y - r, 2 * r, 2 * r, { color = color, fill = true })
end

--- Draws `count` pictures of each kind into <folder>/circle and <folder>/square. The same ones each time.
function shapes.draw(folder, count)
   for kind, shape in pairs(draw) do
      scute.files.mkdirs(folder .. "/" .. kind)
      for i = 1, count do
         local canvas = scute.canvas(SIZE, SIZE)
         local r, hue = 10 + i * 7 % 13, i * 53 % 200
         local x, y = r + i * 31 % (SIZE - 2 * r), r + i * 17 % (SIZE - 2 * r)
         shape(canvas, x, y, r, ("#%02x%02x%02x"):format(hue, 200 - hue, i * 29 % 200))
         canvas:save(("%s/%s/%03d.png"):format(folder, kind, i))
      end
   end
end

return shapes
