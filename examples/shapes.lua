-- Small pictures of circles and squares, drawn by a program: something to learn where there are no photos yet.
-- Run it:  ./scute examples/shapes.lua FOLDER     or, in a script beside it:  require("shapes").draw("shapes", 40)
local scute = require "scute"

local shapes = {}

local SIZE = 64 -- of a picture, in pixels

local shape = {}

function shape.circle(canvas, x, y, r, color)
   canvas:circle(x, y, r, { color = color, fill = true })
end

function shape.square(canvas, x, y, r, color)
   canvas:rect(x - r, y - r, 2 * r, 2 * r, { color = color, fill = true })
end

--- Draws `count` pictures of each kind into <folder>/circle and <folder>/square, the same ones each time. Returns the folder.
-- Of several processes the first one draws, and the others wait until all pictures are there.
function shapes.draw(folder, count)
   for kind, draw in pairs(scute.world.rank == 0 and shape or {}) do
      scute.files.mkdirs(folder .. "/" .. kind)
      for i = 1, count do
         local canvas = scute.canvas(SIZE, SIZE)
         local r, hue = 10 + i * 7 % 13, i * 53 % 200
         local x, y = r + i * 31 % (SIZE - 2 * r), r + i * 17 % (SIZE - 2 * r)
         draw(canvas, x, y, r, ("#%02x%02x%02x"):format(hue, 200 - hue, i * 29 % 200))
         canvas:save(("%s/%s/%03d.png"):format(folder, kind, i))
      end
   end
   scute.world.barrier()
   return folder
end

if ... ~= "shapes" then print("drawn into " .. shapes.draw(... or "shapes", 40)) end -- run as a script, not required
return shapes
