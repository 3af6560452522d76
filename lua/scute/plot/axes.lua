-- A pair of axes in a part of a figure: lines, points, bands and marks, drawn once all are known. The legend stands above
-- the data, never on it.
local figure = require "scute.plot.figure"
local ticks = require "scute.plot.ticks"

local axes = {}

local Axes = {}
Axes.__index = Axes

--- Axes in the box {x, y, width, height} of `fig`. options: title, xlabel, ylabel, xlog, ylog, xwhole (no fractions), xspans
-- (whole numbers that last until the next, as epochs do: each stands in the middle of its own), xlim,
-- ylim = {low, high} (either may be nil: from the data), legend = false, empty = what stands there where there is nothing to
-- draw.
function axes.new(fig, box, options)
   return setmetatable({ fig = fig, canvas = fig.canvas, box = box, options = options or {}, items = {}, entries = {} }, Axes)
end

local function is_number(value)
   return type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
end

function Axes:usable(x, y)
   return is_number(x) and is_number(y) and (not self.options.xlog or x > 0) and (not self.options.ylog or y > 0)
end

local function add(self, kind, item)
   item.kind = kind
   item.color = item.color or figure.COLORS[(#self.entries) % #figure.COLORS + 1]
   self.items[#self.items + 1] = item
   if item.label then self.entries[#self.entries + 1] = item end
   return self
end

--- A line through the points; what is no finite number leaves a gap. options: label, color, width, dash, alpha, step (as
-- stairs), markers (true: dots too), above (pixels by which it lies higher, beside another line).
function Axes:line(xs, ys, options)
   local item = { xs = xs, ys = ys }
   for key, value in pairs(options or {}) do item[key] = value end
   return add(self, "line", item)
end

--- Single points. options: label, color, radius, shape, alpha, hollow (the outline only).
function Axes:points(xs, ys, options)
   local item = { xs = xs, ys = ys }
   for key, value in pairs(options or {}) do item[key] = value end
   return add(self, "points", item)
end

--- A vertical bar at x from `low` to `high`.
function Axes:interval(x, low, high, options)
   local item = { xs = { x, x }, ys = { low, high } }
   for key, value in pairs(options or {}) do item[key] = value end
   return add(self, "interval", item)
end

--- A vertical (x) or horizontal (y) mark across the axes: { x = | y = , label, color, dash }.
function Axes:mark(item)
   item.dash = item.dash or { 5, 4 }
   return add(self, "mark", item)
end

-- ---- limits ----

local function extent(self, key, other, log)
   local low, high
   for _, item in ipairs(self.items) do
      for i, value in ipairs(item[key] or {}) do
         local x, y = value, item[other][i]
         if key == "ys" then x, y = y, x end
         if self:usable(x, y) then
            low, high = math.min(low or value, value), math.max(high or value, value)
         end
      end
      local mark = item.kind == "mark" and item[key:sub(1, 1)]
      if is_number(mark) and (not log or mark > 0) then
         low, high = math.min(low or mark, mark), math.max(high or mark, mark)
      end
   end
   return low, high
end

local function limits(self, key, other, log, fixed)
   local low, high = extent(self, key, other, log)
   if not low then low, high = log and 0.1 or 0, 1 end
   local wide_low, wide_high = ticks.limits(low, high, log)
   if not log and low >= 0 and wide_low < 0 then wide_low = 0 end
   return fixed and fixed[1] or wide_low, fixed and fixed[2] or wide_high
end

local function scale(low, high, from, to, log)
   if log then
      local a, b = math.log(low), math.log(high)
      return function(value) return from + (math.log(value) - a) / (b - a) * (to - from) end
   end
   return function(value) return from + (value - low) / (high - low) * (to - from) end
end

-- ---- marks of points ----

local shapes = { "circle", "square", "triangle", "diamond", "down", "cross" }
axes.SHAPES = shapes

--- How a symbol is painted.
function axes.symbol_style(color, hollow, alpha)
   if hollow then return { color = color, alpha = alpha or 1, width = 1.8, closed = true } end
   return { color = color, alpha = alpha or 1, fill = true }
end

--- Draws one symbol.
function axes.symbol(canvas, shape, x, y, r, paint)
   if shape == "square" then
      canvas:rect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r, paint)
   elseif shape == "triangle" then
      canvas:polyline({ x, y - 1.1 * r, x + r, y + 0.8 * r, x - r, y + 0.8 * r }, paint)
   elseif shape == "down" then
      canvas:polyline({ x, y + 1.1 * r, x + r, y - 0.8 * r, x - r, y - 0.8 * r }, paint)
   elseif shape == "diamond" then
      canvas:polyline({ x, y - 1.2 * r, x + 1.2 * r, y, x, y + 1.2 * r, x - 1.2 * r, y }, paint)
   elseif shape == "cross" then
      local line = { color = paint.color, alpha = paint.alpha, width = 0.6 * r }
      canvas:polyline({ x - r, y - r, x + r, y + r }, line)
      canvas:polyline({ x - r, y + r, x + r, y - r }, line)
   else
      canvas:circle(x, y, r, paint)
   end
end

-- ---- drawing ----

local LEGEND_ROW, SAMPLE = 17, 20

-- Rows of legend entries that fit the width: list of rows of {item, x, label}.
local function legend_rows(self, width)
   local rows, x = {}, math.huge
   if self.options.legend == false then return rows end
   for _, item in ipairs(self.entries) do
      local label = self.fig:fit(item.label, width - SAMPLE - 6, { size = figure.SMALL })
      local wide = SAMPLE + 6 + self.canvas:measure(label, { size = figure.SMALL }) + 14
      if x + wide > width + 14 then
         rows[#rows + 1] = {}
         x = 0
      end
      table.insert(rows[#rows], { item = item, x = x, label = label })
      x = x + wide
   end
   return rows
end

local function draw_sample(self, item, x, y)
   if item.kind == "points" then
      axes.symbol(self.canvas, item.shape, x + SAMPLE / 2, y, 4, { color = item.color, fill = true })
   else
      self.canvas:polyline({ x, y, x + SAMPLE, y }, { color = item.color, width = item.width or 2, dash = item.dash })
   end
end

local function draw_legend(self, rows, x, y)
   for i, row in ipairs(rows) do
      for _, entry in ipairs(row) do
         local at = y + (i - 1) * LEGEND_ROW
         draw_sample(self, entry.item, x + entry.x, at - 4)
         self.fig:text(x + entry.x + SAMPLE + 6, at, entry.label, { size = figure.SMALL })
      end
   end
end

local function widest(self, marks)
   local width = 0
   for _, entry in ipairs(marks) do width = math.max(width, (self.canvas:measure(entry[2], { size = figure.SMALL }))) end
   return width
end

local function draw_grid(self, p)
   local canvas = self.canvas
   local last = -math.huge
   for _, entry in ipairs(p.xmarks) do
      local x, line = p.x(entry[1]), p.x(entry[1])
      if self.options.xspans then x = (math.max(x, p.left) + math.min(p.x(entry[1] + 1), p.right)) / 2 end
      if line >= p.left then canvas:polyline({ line, p.top, line, p.bottom }, { color = figure.GRID }) end
      local half = canvas:measure(entry[2], { size = figure.SMALL }) / 2
      if x - half > last + 4 then
         self.fig:text(x, p.bottom + 15, entry[2], { size = figure.SMALL, align = "center", color = figure.SOFT })
         last = x + half
      end
   end
   for _, entry in ipairs(p.ymarks) do
      local y = p.y(entry[1])
      canvas:polyline({ p.left, y, p.right, y }, { color = figure.GRID })
      self.fig:text(p.left - 6, y + 4, entry[2], { size = figure.SMALL, align = "right", color = figure.SOFT })
   end
   canvas:rect(p.left, p.top, p.right - p.left, p.bottom - p.top, { color = "#999999" })
end

local function pieces(self, item, p)
   local list, piece, above = {}, nil, item.above or 0
   for i = 1, math.max(#item.xs, #item.ys) do
      local x, y = item.xs[i], item.ys[i]
      if self:usable(x, y) then
         if not piece then
            piece = {}
            list[#list + 1] = piece
         end
         if item.step and #piece > 0 then
            piece[#piece + 1] = p.x(x)
            piece[#piece + 1] = piece[#piece - 1]
         end
         piece[#piece + 1] = p.x(x)
         piece[#piece + 1] = p.y(y) - above
      else
         piece = nil
      end
   end
   return list
end

local draws = {}

function draws.line(self, item, p)
   for _, piece in ipairs(pieces(self, item, p)) do
      local style = { color = item.color, width = item.width or 2, dash = #piece > 2 and item.dash or nil,
         alpha = item.alpha or 1 }
      self.canvas:polyline(piece, style)
      if item.markers or #piece == 2 then
         for i = 1, #piece, 2 do self.canvas:circle(piece[i], piece[i + 1], 3, { color = item.color, fill = true }) end
      end
   end
end

function draws.points(self, item, p)
   for i = 1, math.max(#item.xs, #item.ys) do
      if self:usable(item.xs[i], item.ys[i]) then
         axes.symbol(self.canvas, item.shape, p.x(item.xs[i]), p.y(item.ys[i]), item.radius or 4,
            axes.symbol_style(item.color, item.hollow, item.alpha))
      end
   end
end

function draws.interval(self, item, p)
   if not (self:usable(item.xs[1], item.ys[1]) and self:usable(item.xs[1], item.ys[2])) then return end
   local x, low, high = p.x(item.xs[1]), p.y(item.ys[1]), p.y(item.ys[2])
   local style = { color = item.color, width = 1.5 }
   self.canvas:polyline({ x, low, x, high }, style)
   self.canvas:polyline({ x - 4, low, x + 4, low }, style)
   self.canvas:polyline({ x - 4, high, x + 4, high }, style)
end

function draws.mark(self, item, p)
   local style = { color = item.color, width = item.width or 1.5, dash = item.dash }
   if is_number(item.x) and self:usable(item.x, 1) then
      local x = p.x(item.x)
      self.canvas:polyline({ x, p.top, x, p.bottom }, style)
   elseif is_number(item.y) and self:usable(1, item.y) then
      local y = p.y(item.y)
      self.canvas:polyline({ p.left, y, p.right, y }, style)
   end
end

-- Where the data goes: edges, and the functions from values to pixels.
local function place(self, legend)
   local o, box = self.options, self.box
   local xlow, xhigh = limits(self, "xs", "ys", o.xlog, o.xlim)
   local ylow, yhigh = limits(self, "ys", "xs", o.ylog, o.ylim)
   local p = { top = box.y + (o.title and 24 or 8) + #legend * LEGEND_ROW,
      bottom = box.y + box.height - (o.xlabel and 42 or 24), right = box.x + box.width - 12 }
   local count = math.max(2, (p.bottom - p.top) // 36)
   p.ymarks = o.ylog and ticks.log(ylow, yhigh, count) or ticks.linear(ylow, yhigh, count, o.ywhole)
   p.left = box.x + widest(self, p.ymarks) + (o.ylabel and 32 or 12)
   local across = math.max(2, (p.right - p.left) // 70)
   p.xmarks = o.xlog and ticks.log(xlow, xhigh, across) or o.xspans
      and ticks.linear(math.floor(xlow), math.ceil(xhigh) - 1, across, true) or ticks.linear(xlow, xhigh, across, o.xwhole)
   p.x = scale(xlow, xhigh, p.left, p.right, o.xlog)
   p.y = scale(ylow, yhigh, p.bottom, p.top, o.ylog)
   return p
end

--- Draws everything. Returns { left, right, top, bottom, x(value), y(value) } in pixels, for what is written on top.
function Axes:draw()
   local o, box = self.options, self.box
   local legend = legend_rows(self, box.width - 40)
   local p = place(self, legend)
   if o.title then self.fig:text(p.left, box.y + 14, o.title, { bold = true, fit = p.right - p.left }) end
   draw_legend(self, legend, p.left, box.y + (o.title and 33 or 16))
   draw_grid(self, p)
   if o.xlabel then
      self.fig:text((p.left + p.right) / 2, p.bottom + 34, o.xlabel,
         { align = "center", color = figure.SOFT, fit = p.right - p.left })
   end
   if o.ylabel then
      self.fig:text(box.x + 12, (p.top + p.bottom) / 2, o.ylabel, { align = "center", angle = -90, color = figure.SOFT,
         fit = p.bottom - p.top })
   end
   local usable = false
   for _, item in ipairs(self.items) do
      local room = (item.kind == "points" or item.markers) and 6 or 1 -- a symbol on the border is whole
      self.canvas:push()
      self.canvas:clip(p.left - room, p.top - room, p.right - p.left + 2 * room, p.bottom - p.top + 2 * room)
      draws[item.kind](self, item, p)
      self.canvas:pop()
      for i = 1, #(item.xs or {}) do usable = usable or self:usable(item.xs[i], item.ys[i]) end
   end
   if not usable then
      self.fig:text((p.left + p.right) / 2, (p.top + p.bottom) / 2, o.empty or "no finite values",
         { align = "center", color = figure.SOFT })
   end
   return p
end

return axes
