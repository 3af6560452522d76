-- A figure of merit over two settings, as a map of coloured cells with the numbers in them; of three settings a map for each
-- value of the third, in one scale of colours.
local color = require "scute.plot.color"
local figure = require "scute.plot.figure"

local heat_map = {}

local CELL, LOW = { 56, 96 }, 34 -- pixels: the least and the most that a cell is wide; how high it is
local ROOM = 130 -- pixels that names of rows may take
local NARROW, WIDE = 370, 930

local function is_number(value)
   return type(value) == "number" and value == value and math.abs(value) < math.huge
end

-- ---- what is drawn ----

local function check_map(map, i, columns, rows)
   if type(map) ~= "table" or type(map.values) ~= "table" then
      error(("plot.heat_map: map %d: expected { values = rows of numbers }"):format(i), 4)
   end
   if #map.values ~= rows then
      error(("plot.heat_map: map %d: expected %d rows, one for each of options.y, found %d"):format(i, rows, #map.values), 4)
   end
   for k, row in ipairs(map.values) do
      for at in pairs(type(row) == "table" and row or { false }) do
         if math.type(at) ~= "integer" or at < 1 or at > columns then
            error(("plot.heat_map: map %d: row %d: expected %d numbers, one for each of options.x"):format(i, k, columns), 4)
         end
      end
   end
end

local function check(maps, o)
   if type(maps) ~= "table" or #maps == 0 then error("plot.heat_map: expected a list of maps, found none", 3) end
   for _, name in ipairs { "x", "y" } do
      if type(o[name]) ~= "table" or #o[name] == 0 then
         error(("plot.heat_map: %s: expected a list of names, found none"):format(name), 3)
      end
   end
   for i, map in ipairs(maps) do check_map(map, i, #o.x, #o.y) end
end

-- Calls f(value, map, column, row) for each number of all maps.
local function each(maps, o, f)
   for _, map in ipairs(maps) do
      for row = 1, #o.y do
         for column = 1, #o.x do
            local value = map.values[row][column]
            if is_number(value) then f(value, map, column, row) end
         end
      end
   end
end

-- The least, the most, and the best of all, as {map, column, row}: the first where several are.
local function range(maps, o)
   local least, most, best
   each(maps, o, function(value, map, column, row)
      local is_better = not best or value ~= best.value and (value < best.value) == (o.lower or false)
      if is_better then best = { value = value, map = map, column = column, row = row } end
      least, most = math.min(least or value, value), math.max(most or value, value)
   end)
   return least, most, best
end

-- From 0, the worst, to 1, the best.
local function merit(value, least, most, lower)
   if most == least then return 0.5 end
   local share = (value - least) / (most - least)
   return lower and 1 - share or share
end

-- ---- drawing ----

local function widest(fig, names, style)
   local width = 0
   for _, name in ipairs(names) do width = math.max(width, (fig.canvas:measure(name, style))) end
   return width
end

-- How wide names of rows, cells and a whole map are where each may take so much.
local function measure(maps, o, most)
   local fig, style = figure.new(10, 10), { size = figure.SMALL }
   local names = math.min(ROOM, 0.35 * most, widest(fig, o.y, style)) + (o.ylabel and 26 or 10)
   local texts = {}
   each(maps, o, function(value, map, column, row) texts[#texts + 1] = o.text(value, map, column, row) end)
   local wanted = math.max(widest(fig, texts, { size = figure.TEXT, bold = true }), widest(fig, o.x, style)) + 14
   local cell = math.min(math.max(CELL[1], math.min(CELL[2], wanted)), math.max(4, (most - names - 12) / #o.x))
   return { names = names, cell = cell, width = names + #o.x * cell + 12,
      height = (maps[1].title and 22 or 0) + #o.y * LOW + (o.xlabel and 40 or 24) }
end

local function draw_cell(fig, x, y, width, value, o, at, is_best)
   local share = is_number(value) and merit(value, o.least, o.most, o.lower)
   local paint = share and color.hex("blues", 0.08 + 0.8 * share) or "#F2F2F2"
   fig.canvas:rect(x, y, width, LOW, { color = paint, fill = true })
   fig.canvas:rect(x, y, width, LOW, { color = "#FFFFFF" })
   local text = share and o.text(value, at.map, at.column, at.row) or "–"
   local style = { size = figure.TEXT, bold = is_best, align = "center",
      color = not share and figure.SOFT or share > 0.72 and "#FFFFFF" or figure.INK }
   local wide = fig.canvas:measure(text, { size = style.size, bold = is_best })
   style.size = style.size * math.min(1, (width - 4) / wide)
   if style.size >= 6 then fig:text(x + width / 2, y + LOW / 2 + 0.35 * style.size, text, style) end
end

local function draw_axes(fig, left, top, m, o)
   local small, right = figure.SMALL, left + #o.x * m.cell
   local bottom = top + #o.y * LOW
   for column, name in ipairs(o.x) do
      fig:text(left + (column - 0.5) * m.cell, bottom + 14, name,
         { size = small, align = "center", color = figure.SOFT, fit = m.cell - 2, middle = true })
   end
   for row, name in ipairs(o.y) do
      fig:text(left - 6, top + (row - 0.5) * LOW + 4, name,
         { size = small, align = "right", color = figure.SOFT, fit = m.names - (o.ylabel and 24 or 8), middle = true })
   end
   if o.xlabel then
      fig:text((left + right) / 2, bottom + 32, o.xlabel, { align = "center", color = figure.SOFT, fit = right - left })
   end
   if o.ylabel then
      fig:text(left - m.names + 12, (top + bottom) / 2, o.ylabel,
         { align = "center", angle = -90, color = figure.SOFT, fit = bottom - top })
   end
end

local function draw_map(fig, map, x, y, m, o, best)
   local left, top = x + m.names, y + (map.title and 22 or 0)
   if map.title then fig:text(left, y + 14, map.title, { bold = true, fit = #o.x * m.cell }) end
   for row = 1, #o.y do
      for column = 1, #o.x do
         local is_best = best and best.map == map and best.column == column and best.row == row
         draw_cell(fig, left + (column - 1) * m.cell, top + (row - 1) * LOW, m.cell, map.values[row][column], o,
            { map = map, column = column, row = row }, is_best)
      end
   end
   draw_axes(fig, left, top, m, o)
   if best and best.map == map then
      fig.canvas:rect(left + (best.column - 1) * m.cell + 1, top + (best.row - 1) * LOW + 1, m.cell - 2, LOW - 2,
         { color = figure.BAD, width = 2.5 })
   end
end

local function settled(options)
   local o = {}
   for key, value in pairs(options or {}) do o[key] = value end
   o.text = o.text or function(value) return ("%.3g"):format(value) end
   o.width = o.width or o.columns == 1 and NARROW or WIDE
   return o
end

--- Maps of a figure over two settings. maps: list of { values = a row for each of options.y, with a number for each of
-- options.x (none where nothing is known), title }; the stronger the colour, the better, and the best of all is framed.
-- options: x, y (the names of columns and rows), xlabel, ylabel, lower (true: less is better), text = function(value, map,
-- column, row) that says what stands in a cell, title, subtitle, width (930: at most), columns (maps beside each other, as many
-- as there is room for; 1 is for narrow screens, 370 at most).
function heat_map.heat_map(maps, options)
   local o = settled(options)
   check(maps, o)
   local best
   o.least, o.most, best = range(maps, o)
   local m = measure(maps, o, o.width - 16)
   local columns = math.max(1, math.min(o.columns or #maps, #maps, (o.width - 16) // m.width))
   local rows = math.ceil(#maps / columns)
   local fig = figure.new(math.max(16 + columns * m.width, math.min(o.width, 360)), 56 + rows * (m.height + 12))
   fig:title(o.title or "Heat map", o.subtitle or "the stronger the colour, the better; framed: the best")
   for i, map in ipairs(maps) do
      draw_map(fig, map, 8 + (i - 1) % columns * m.width, 54 + (i - 1) // columns * (m.height + 12), m, o, best)
   end
   return fig
end

return heat_map
