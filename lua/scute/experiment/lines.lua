-- The latest line of each run that goes on, in place on a terminal: a line each, above where the cursor stands.
local scute = require "scute"
local console = require "scute.base.console"
local process = require "scute.experiment.process"

local lines = {}

local ERASE, UP = "\r\27[K", "\27[A"
local ROOM = 3 -- letters: a line that wraps could not be redrawn, and the terminal may write ^C behind it

local Lines = {}
Lines.__index = Lines

--- shown: false shows nothing.
function lines.new(shown)
   return setmetatable({ shown = shown, drawn = 0, text = "" }, Lines)
end

local function line_of(run, width)
   local latest = console.visible(process.latest(run.job)):gsub("%s+", " ")
   local title = run.job.title and run.job.title .. ": " or ""
   return console.cut("   " .. title .. latest, width)
end

--- Draws the lines of runs, as the pool has them, in the place of those before.
function Lines:show(running)
   if not self.shown then return end
   local columns, rows = scute.terminal_size()
   local texts = {}
   for i = 1, math.min(#running, math.max(rows - 1, 1)) do texts[i] = line_of(running[i], columns - ROOM) end
   local text = table.concat(texts, "\n")
   if text == self.text then return end
   self:clear()
   io.stdout:write(text)
   io.stdout:flush()
   self.drawn, self.text = #texts, text
   console.drawn = self
   scute.drawing(true)
end

--- Takes them away, so that a line can be written.
function Lines:clear()
   if self.drawn == 0 then return end
   io.stdout:write(ERASE, (UP .. ERASE):rep(self.drawn - 1))
   io.stdout:flush()
   self.drawn, self.text = 0, ""
   scute.drawing(false)
   if console.drawn == self then console.drawn = nil end
end

Lines.__close = Lines.clear

return lines
