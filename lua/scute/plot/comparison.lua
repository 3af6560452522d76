-- Models against each other: accuracy with its interval over what it costs, and which of them no other beats in both.
local scute = require "scute"
local axes = require "scute.plot.axes"
local console = require "scute.base.console"
local figure = require "scute.plot.figure"

local comparison = {}

local RING = 10 -- pixels from the middle of a point

local costs = {
   { "parameters", "parameters", function(v) return v end },
   { "seconds", "training time (s)", function(v) return v end },
   { "memory", "peak memory (GB)", function(v) return v / 1e9 end },
}

local function is_number(value)
   return type(value) == "number" and value == value and math.abs(value) < math.huge
end

local function counts(m, cost)
   return not m.unranked and is_number(m[cost]) and is_number(m.accuracy)
end

-- Costs that are measured differ a little each time: by so much they are as good as equal.
local NOISE = { seconds = 0.02, memory = 0.02 }

-- Whether one is as good and as cheap as the other, and better in one of the two. sign: -1 where less is better.
local function beats(one, other, cost, sign)
   local ahead, noise = sign * (one.accuracy - other.accuracy), (NOISE[cost] or 0) * math.abs(other[cost])
   local dearer = one[cost] - other[cost]
   return ahead > 0 and dearer <= noise or ahead == 0 and dearer < -noise
end

local function is_beaten(m, models, cost, sign)
   for _, other in ipairs(models) do
      if counts(other, cost) and beats(other, m, cost, sign) then return true end
   end
   return false
end

--- The Pareto front of models by one cost: the list of those for which no other is at least as accurate and as cheap, and
-- better in one of the two; the cheapest first. Unranked ones do not count. Times and memory are equal within 2 %. lower: true
-- where `accuracy` is something of which less is better.
function comparison.front(models, cost, lower)
   local list = {}
   for _, m in ipairs(models) do
      if counts(m, cost) and not is_beaten(m, models, cost, lower and -1 or 1) then list[#list + 1] = m end
   end
   table.sort(list, function(a, b) return a[cost] < b[cost] end)
   return list
end

-- A cross, the last shape, cannot be drawn hollow.
local function look(i)
   return figure.COLORS[(i - 1) % 7 + 1], axes.SHAPES[((i - 1) + (i - 1) // 7) % (#axes.SHAPES - 1) + 1]
end

local function legend_text(m)
   return m.unranked and ("%s (%s)"):format(m.name, m.unranked) or m.name
end

-- One legend for all panels. Names beside the points would lie on each other's intervals.
local function draw_legend(fig, models, y)
   local x, style = 16, { size = figure.TEXT }
   for i, m in ipairs(models) do
      local color, shape = look(i)
      local wide = fig.canvas:measure(legend_text(m), style) + 38
      if x + wide > fig.width - 8 and x > 16 then x, y = 16, y + 18 end
      axes.symbol(fig.canvas, shape, x + 8, y - 4, 5, axes.symbol_style(color, m.unranked))
      fig:text(x + 20, y, legend_text(m), { fit = fig.width - 40 })
      x = x + wide
   end
   return y
end

-- A ring around those that no other beats, so that they are known where the line passes by others too.
local function draw_front(ax, front, xs, ys)
   ax:line(xs, ys, { color = "#999999", dash = { 3, 3 }, width = 1.5, step = true })
   if #front > 0 then ax:points(xs, ys, { color = figure.INK, radius = RING, hollow = true }) end
end

local function panel(fig, models, cost, label, convert, box, options)
   local ax = axes.new(fig, box, { xlabel = label, ylabel = options.label or "accuracy", xlog = true, legend = false })
   local front = comparison.front(models, cost, options.lower)
   local xs, ys = {}, {}
   for i, m in ipairs(front) do xs[i], ys[i] = convert(m[cost]), m.accuracy end
   draw_front(ax, front, xs, ys)
   for i, m in ipairs(models) do
      if is_number(m[cost]) and m[cost] > 0 and is_number(m.accuracy) then
         local color, shape = look(i)
         if is_number(m.low) and is_number(m.high) then
            ax:interval(convert(m[cost]), m.low, m.high, { color = color })
         end
         ax:points({ convert(m[cost]) }, { m.accuracy }, { color = color, radius = 6, shape = shape, hollow = m.unranked })
      end
   end
   ax:draw()
end

--- Models by accuracy and cost. models: list of { name, accuracy (0..1, or another figure), low, high (the interval),
-- parameters, seconds, memory (bytes), unranked (why it is not to be compared: drawn hollow) }; a cost that no model has gets
-- no panel, and in each those are ringed that no other beats in both. options: title, width (each panel 420), height (400),
-- columns (panels beside each other; all of them), label (of the figure: "accuracy"), lower (true: less of it is better), noun
-- (what they are: "model").
function comparison.comparison(models, options)
   options = options or {}
   if type(models) ~= "table" or #models == 0 then error("plot.comparison: expected a list of models, found none", 2) end
   for i, m in ipairs(models) do
      if type(m.name) ~= "string" or type(m.accuracy) ~= "number" then
         error(("plot.comparison: entry %d: expected { name = TEXT, accuracy = NUMBER, ... }"):format(i), 2)
      end
   end
   local panels = {}
   for _, cost in ipairs(costs) do
      for _, m in ipairs(models) do
         if is_number(m[cost[1]]) then
            panels[#panels + 1] = cost
            break
         end
      end
   end
   if #panels == 0 then error("plot.comparison: no model has parameters, seconds or memory to compare by", 2) end
   local each, height = options.width or 420, options.height or 400
   local columns = math.min(options.columns or #panels, #panels)
   local rows, width = math.ceil(#panels / columns), 16 + columns * each
   local probe <close> = scute.canvas(width, 1)
   local below = draw_legend({ canvas = probe, width = width, text = function() end }, models, 66)
   local fig = figure.new(width, rows * (height - 58) + below + 8)
   draw_legend(fig, models, 66)
   fig:title(options.title or "Comparison", ("%s; bars: intervals; ringed: none is better for less"):format(
      console.count(#models, options.noun or "model")))
   for i, cost in ipairs(panels) do
      panel(fig, models, cost[1], cost[2], cost[3], { x = 4 + (i - 1) % columns * each,
         y = below + 4 + (i - 1) // columns * (height - 58), width = each, height = height - 58 }, options)
   end
   return fig
end

return comparison
