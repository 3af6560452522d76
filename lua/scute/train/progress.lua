-- Where a run stands, for the person who waits: on a terminal one bar that redraws itself, elsewhere a line an interval
-- and never a carriage return.
local scute = require "scute"
local console = require "scute.base.console"
local measures = require "scute.train.measures"

local progress = {}

-- Characters; seconds between redraws; seconds between lines elsewhere.
local BAR, SHORT_BAR, REDRAW, INTERVAL = 12, 6, 0.1, 10

local Progress = {}
Progress.__index = Progress

--- A meter on standard output. `terminal` overrides what standard output is.
function progress.new(terminal)
   if terminal == nil then terminal = console.is_terminal(1) end
   return setmetatable({ terminal = terminal, shown = 0, width = 0 }, Progress)
end

local function bar(share, length)
   local full = math.floor(length * share + 0.5)
   return "[" .. ("#"):rep(full) .. ("-"):rep(length - full) .. "]"
end

-- "1:40" from seconds; "2 h 03 min" from an hour on.
local function short_duration(seconds)
   local whole = math.floor(seconds + 0.5)
   return whole < 3600 and ("%d:%02d"):format(whole // 60, whole % 60) or console.duration(seconds)
end

-- The parts of the text of a moment: {what, done, total, photos, seconds, loss, accuracy, metrics, left, hardware}; absent ones
-- are left out. length: of the bar, nil for none.
local function parts_of(m, length, duration)
   local parts = { m.what }
   if length then parts[#parts + 1] = bar(m.done / m.total, length) end
   parts[#parts + 1] = ("%3.0f%%"):format(100 * m.done / m.total)
   if m.seconds > 0 then parts[#parts + 1] = ("%.0f img/s"):format(m.photos / m.seconds) end
   if m.loss then parts[#parts + 1] = ("loss %.3f"):format(m.loss) end
   if m.accuracy then parts[#parts + 1] = ("acc %.3f"):format(m.accuracy) end
   table.move(m.metrics or {}, 1, #(m.metrics or {}), #parts + 1, parts)
   if m.left then parts[#parts + 1] = duration(m.left) .. " left" end
   return table.move(m.hardware or {}, 1, #(m.hardware or {}), #parts + 1, parts)
end

-- A line that fits into `width`: with little room the bar is shorter, then gone, and then the least important parts are, the
-- last ones.
local function line_of(m, width)
   for _, length in ipairs { BAR, SHORT_BAR } do
      local text = table.concat(parts_of(m, length, short_duration), " ")
      if #text <= width then return text end
   end
   local parts, text = parts_of(m, nil, short_duration), nil
   for last = #parts, 1, -1 do
      text = table.concat(parts, " ", 1, last)
      if #text <= width then return text end
   end
   return text:sub(1, width)
end

--- Shows a moment (see parts_of), if it is time for it.
function Progress:show(moment)
   local now = scute.clock()
   if self.shown == 0 and not self.terminal then self.shown = now end
   if console.quiet or now - self.shown < (self.terminal and REDRAW or INTERVAL) then return end
   self.shown = now
   if not self.terminal then return console.line("%s", table.concat(parts_of(moment, nil, console.duration), " ")) end
   local room = scute.terminal_size() - 1 -- a line that wraps could not be redrawn
   local text = line_of(moment, room)
   io.stdout:write("\r", text, (" "):rep(math.min(self.width, room) - #text))
   io.stdout:flush()
   self.width = #text
   console.drawn = self
   scute.drawing(true)
end

--- Takes the bar away, so that a line can be written.
function Progress:clear()
   if self.width > 0 then
      local width = self.width + 2 -- ^C may stand behind it
      io.stdout:write("\r", (" "):rep(math.min(width, scute.terminal_size() - 1)), "\r")
      io.stdout:flush()
      self.width = 0
      scute.drawing(false)
   end
   if console.drawn == self then console.drawn = nil end
   self.shown = self.terminal and 0 or scute.clock()
end

Progress.__close = Progress.clear -- an error is told on a line of its own

--- The hook that shows how far a run of train.fit is, and a line for each epoch; where there are many short ones, not for
-- each.
function progress.hook()
   local start, seen, last, before
   return {
      on_step_begin = function(run)
         if start then return end
         start, seen, last = scute.clock(), 0, scute.clock()
         before = math.floor(run.step / run.feed.steps * run.feed.photos)
      end,
      on_step_end = function(run)
         seen = seen + run.last.n
         local seconds = scute.clock() - start
         local total = run.feed.photos * run.epochs - before
         run.meter:show { what = ("epoch %d/%d"):format(run.epoch, run.epochs), done = math.min(seen, total), total = total,
            photos = seen, seconds = seconds, loss = run.mean:value(), accuracy = run.confusion:accuracy(),
            left = seconds / seen * math.max(total - seen, 0),
            metrics = measures.words(run, run.row), hardware = run.hardware.words() }
      end,
      on_epoch_end = function(run)
         local row, now = run.row, scute.clock()
         if row.epoch > 30 and row.epoch < run.epochs and last and now - last < 2 and not run.stopped then return end
         last = now
         run.meter:clear()
         console.line("epoch %3d  loss %.4f  accuracy %.3f   validation (%s): loss %.4f  accuracy %.3f%s%s", row.epoch,
            row.train_loss, row.train_accuracy, run.set.split, row.val_loss, row.val_accuracy,
            table.concat(measures.words(run, row, "  ")), run.best == row and "  best" or "")
      end,
   }
end

return progress
