-- Where a run stands, for the person who waits: on a terminal one bar that redraws itself, elsewhere a line an interval
-- and never a carriage return.
local scute = require "scute"
local console = require "scute.console"

local progress = {}

-- Characters; seconds between redraws; seconds between lines elsewhere; what fits on the narrowest usual terminal.
local BAR, REDRAW, INTERVAL, WIDTH = 12, 0.1, 10, 79

local Progress = {}
Progress.__index = Progress

--- A meter on standard output. `terminal` overrides what standard output is.
function progress.new(terminal)
   if terminal == nil then terminal = console.is_terminal(1) end
   return setmetatable({ terminal = terminal, shown = 0, width = 0 }, Progress)
end

local function bar(share)
   local full = math.floor(BAR * share + 0.5)
   return "[" .. ("#"):rep(full) .. ("-"):rep(BAR - full) .. "]"
end

-- The text of a moment: {what, done, total, photos, seconds, loss, accuracy, left}; absent parts are left out.
local function text_of(m, with_bar)
   local parts = { m.what }
   if with_bar then parts[#parts + 1] = bar(m.done / m.total) end
   parts[#parts + 1] = ("%3.0f%%"):format(100 * m.done / m.total)
   if m.seconds > 0 then parts[#parts + 1] = ("%.0f img/s"):format(m.photos / m.seconds) end
   if m.loss then parts[#parts + 1] = ("loss %.3f"):format(m.loss) end
   if m.accuracy then parts[#parts + 1] = ("acc %.3f"):format(m.accuracy) end
   if m.left then parts[#parts + 1] = console.duration(m.left) .. " left" end
   return table.concat(parts, " ")
end

--- Shows a moment (see text_of), if it is time for it.
function Progress:show(moment)
   local now = scute.clock()
   if self.shown == 0 and not self.terminal then self.shown = now end
   if console.quiet or now - self.shown < (self.terminal and REDRAW or INTERVAL) then return end
   self.shown = now
   if not self.terminal then return console.line("%s", text_of(moment, false)) end
   local text = text_of(moment, true):sub(1, WIDTH) -- a line that wraps could not be redrawn
   io.stdout:write("\r", text, (" "):rep(self.width - #text))
   io.stdout:flush()
   self.width = #text
end

--- Takes the bar away, so that a line can be written.
function Progress:clear()
   if self.width > 0 then
      io.stdout:write("\r", (" "):rep(self.width), "\r")
      io.stdout:flush()
      self.width = 0
   end
   self.shown = self.terminal and 0 or scute.clock()
end

return progress
