-- Numbers with their intervals, one below the other: which of them overlap, and which leave out zero.
local axes = require "scute.plot.axes"
local figure = require "scute.plot.figure"
local ticks = require "scute.plot.ticks"

local intervals = {}

local ROW, TALL, HEAD, FOOT = 24, 38, 56, 44 -- pixels; rows are tall where names stand above the numbers
local NAMES = 0.42 -- the part of the width that names may take
local NARROW, WIDE = 370, 760

local function is_number(value)
   return type(value) == "number" and value == value and math.abs(value) < math.huge
end

local function check(list)
   if type(list) ~= "table" or #list == 0 then error("plot.intervals: expected a list of numbers, found none", 3) end
   for i, entry in ipairs(list) do
      if type(entry) ~= "table" or type(entry.name) ~= "string" then
         error(("plot.intervals: entry %d: expected { name = TEXT, value = NUMBER, low, high }"):format(i), 3)
      end
   end
end

-- From the least to the most of all ends, and of what is marked.
local function limits(list, mark)
   local low, high = mark, mark
   for _, entry in ipairs(list) do
      for _, name in ipairs { "value", "low", "high" } do
         local value = entry[name]
         if is_number(value) then low, high = math.min(low or value, value), math.max(high or value, value) end
      end
   end
   if not low then return 0, 1 end
   return ticks.limits(low, high)
end

local function draw_grid(fig, p, o)
   for _, entry in ipairs(ticks.linear(p.low, p.high, math.max(2, (p.right - p.left) // 70))) do
      local x = p.x(entry[1])
      fig.canvas:polyline({ x, p.top, x, p.bottom }, { color = figure.GRID })
      fig:text(x, p.bottom + 15, entry[2], { size = figure.SMALL, align = "center", color = figure.SOFT })
   end
   if o.label then
      fig:text((p.left + p.right) / 2, p.bottom + 34, o.label,
         { align = "center", color = figure.SOFT, fit = p.right - p.left })
   end
   if o.mark then
      local x = p.x(o.mark)
      fig.canvas:polyline({ x, p.top, x, p.bottom }, { color = figure.SOFT, width = 1.5, dash = { 5, 4 } })
   end
end

local function draw_entry(fig, p, entry, y)
   local color = entry.strong and figure.BAD or figure.GOOD
   if p.is_narrow then
      fig:text(p.left, y - 12, entry.name, { fit = p.right - p.left, middle = true })
   else
      fig:text(p.left - 10, y + 4, entry.name, { align = "right", fit = p.left - 18, middle = true })
   end
   if not is_number(entry.value) then
      return fig:text(p.left + 4, y + 4, entry.note or "nothing yet", { color = figure.SOFT, fit = p.right - p.left - 4 })
   end
   if is_number(entry.low) and is_number(entry.high) then
      local low, high = p.x(entry.low), p.x(entry.high)
      fig.canvas:polyline({ low, y, high, y }, { color = color, width = 2 })
      for _, x in ipairs { low, high } do fig.canvas:polyline({ x, y - 4, x, y + 4 }, { color = color, width = 2 }) end
   end
   axes.symbol(fig.canvas, "circle", p.x(entry.value), y, 4.5, axes.symbol_style(color, entry.hollow))
end

-- How much names take beside the numbers.
local function room_of(fig, list)
   local names = 0
   for _, entry in ipairs(list) do names = math.max(names, (fig.canvas:measure(entry.name, { size = figure.TEXT }))) end
   return math.min(names + 26, NAMES * fig.width)
end

--- Numbers with their intervals, one below the other. list: of { name, value, low, high (none where there is no interval),
-- hollow (true: drawn as an outline), strong (true: in the colour that stands out), note (what stands there without a value) }.
-- options: title, subtitle, label (below the axis), mark (a number at which a line stands), width (760), columns (2: names
-- stand beside their numbers; 1 is for narrow screens: above them, 370 wide).
function intervals.intervals(list, options)
   check(list)
   local o = options or {}
   local is_narrow = o.columns == 1
   local row = is_narrow and TALL or ROW
   local fig = figure.new(o.width or is_narrow and NARROW or WIDE, HEAD + #list * row + FOOT)
   fig:title(o.title or "Intervals", o.subtitle)
   local p = { is_narrow = is_narrow, left = is_narrow and 16 or room_of(fig, list), right = fig.width - 20, top = HEAD,
      bottom = HEAD + #list * row }
   p.low, p.high = limits(list, o.mark)
   p.x = function(value) return p.left + (value - p.low) / (p.high - p.low) * (p.right - p.left) end
   draw_grid(fig, p, o)
   for i, entry in ipairs(list) do draw_entry(fig, p, entry, HEAD + (i - (is_narrow and 0.3 or 0.5)) * row) end
   return fig
end

return intervals
