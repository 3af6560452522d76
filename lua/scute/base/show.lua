-- image:show() and figure:show(): in a terminal that can show pictures they are drawn in place, elsewhere they become a file
-- whose name is printed. Options:
--    as        "auto"  what the terminal is known to understand; or "kitty", "iterm", "sixel", "blocks" (coloured letters),
--                      also where standard output is no terminal; or "file"
--    columns, rows     at most so many letters wide and high; default: what the terminal has
local options = require "scute.base.options"
local scute = require "scute.core"

local show = {}

local SHOW = options.declare("show", {
   { "as", text = true, help = "auto, kitty, iterm, sixel, blocks or file" },
   { "columns", help = "at most so many letters wide" }, { "rows", help = "at most so many letters high" },
})

-- Draws the image; returns how, or nil where that is not possible.
local function draw(image, o)
   if o.as == "file" then return nil end
   local text, how = scute.terminal_picture(image, o)
   if not text then return nil end
   io.stdout:write(text)
   io.stdout:flush()
   return how
end

local function to_file(save)
   local path = os.tmpname()
   os.remove(path)
   path = path .. ".png"
   save(path)
   print("picture: " .. path)
   return path
end

--- Shows an image. Returns the name of the file, where it became one.
function show.image(image, given)
   if not draw(image, SHOW:read(given, 0)) then return to_file(function(path) image:save(path) end) end
end

--- The same for a picture with letters in it, which blocks do not show: there it becomes a file as well. save(path) writes it.
function show.figure(image, given, save)
   local how = draw(image, SHOW:read(given, 0))
   if not how or how == "blocks" then return to_file(save) end
end

return show
