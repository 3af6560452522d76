-- image:show() and figure:show(): in a terminal that can show pictures they are drawn in place, elsewhere they become a file
-- whose name is printed. Options:
--    as        "auto"  what the terminal is known to understand; or "kitty", "iterm", "sixel", "blocks" (coloured letters),
--                      also where standard output is no terminal; or "file"
--    columns, rows     at most so many letters wide and high; default: what the terminal has
local scute = require "scute.core"

local show = {}

local OPTIONS = { "as", "columns", "rows" }

local function check(options)
   options = options or {}
   if type(options) ~= "table" then error("show: expected a table of options, found " .. tostring(options), 0) end
   for name in pairs(options) do
      local near = scute.nearest(tostring(name), OPTIONS)
      if near ~= name then
         error(("show: unknown option '%s'%s"):format(name, near and (", did you mean '%s'?"):format(near)
            or "; expected as, columns, rows"), 0)
      end
   end
   return options
end

-- Draws the image; returns how, or nil where that is not possible.
local function draw(image, options)
   if options.as == "file" then return nil end
   local text, how = scute.terminal_picture(image, options)
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
function show.image(image, options)
   if not draw(image, check(options)) then return to_file(function(path) image:save(path) end) end
end

--- The same for a picture with letters in it, which blocks do not show: there it becomes a file as well. save(path) writes it.
function show.figure(image, options, save)
   local how = draw(image, check(options))
   if not how or how == "blocks" then return to_file(save) end
end

return show
