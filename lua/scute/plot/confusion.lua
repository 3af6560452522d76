-- Confusion matrices: with numbers for a few classes, as a map for many, and beside the map the most confused pairs.
local scute = require "scute"
local metrics = require "scute.metrics"
local color = require "scute.plot.color"
local figure = require "scute.plot.figure"
local readable = require "scute.base.readable"

local confusion = {}

local NUMBERED, NAMED = 20, 60 -- up to so many classes: numbers in the cells, names at the sides
local NARROW, FEW = 370, 10    -- pixels of a picture for a phone; up to so many classes it has numbers
local MAP = 440                -- pixels of the map's side
local PAIR = 46                -- pixels of a row with a photo of a mistake
local MOST_CELLS = 110         -- along a side of the map: four pixels each, which the eye still finds

-- Share of each class's photos, by cell; 0 where a class has none.
local function shares(c)
   local sums = {}
   for i = 1, c.n do sums[i] = c:support(i) end
   return function(i, j) return sums[i] > 0 and c.counts[i][j] / sums[i] or 0 end
end

local function longest(fig, names, style)
   local width = 0
   for _, name in ipairs(names) do width = math.max(width, (fig.canvas:measure(name, style))) end
   return width
end

local function subtitle_of(c, narrow)
   local right = c:right()
   if narrow then return ("%.0f of %.0f right; rows: truth, columns: said"):format(right, c.total) end
   return ("%.0f of %.0f right (%.1f %%); rows: what it is, columns: what was said; colour: share of the row"):format(right,
      c.total, c.total > 0 and 100 * right / c.total or 0)
end

-- ---- cells and names ----

local function draw_names(fig, names, left, top, cell, room)
   local size = math.max(7, math.min(figure.TEXT, 0.8 * cell))
   for i, name in ipairs(names) do
      local middle = (i - 0.5) * cell
      fig:text(left - 6, top + middle + 0.35 * size, name, { size = size, align = "right", fit = room, middle = true })
      fig:text(left + middle + 0.35 * size, top - 6, name, { size = size, angle = -90, fit = room, middle = true })
   end
end

-- As large as the cell allows: a count of many digits is set smaller, and from 100,000 on in thousands.
local function draw_count(fig, count, x, y, cell, style)
   local text = count < 1e5 and ("%.0f"):format(count) or ("%.0fk"):format(count / 1e3)
   style.size, style.align = math.min(14, 0.36 * cell), "center"
   local wide = fig.canvas:measure(text, { size = style.size, bold = style.bold })
   style.size = style.size * math.min(1, 0.86 * cell / wide)
   fig:text(x + cell / 2, y + cell / 2 + 0.35 * style.size, text, style)
end

local function draw_cells(fig, c, share, left, top, cell)
   for i = 1, c.n do
      for j = 1, c.n do
         local value, count = share(i, j), c.counts[i][j]
         local x, y = left + (j - 1) * cell, top + (i - 1) * cell
         fig.canvas:rect(x, y, cell, cell, { color = color.hex("blues", value), fill = true })
         if count > 0 or c.n <= 6 then
            draw_count(fig, count, x, y, cell, { bold = i == j,
               color = value > 0.5 and "#FFFFFF" or count == 0 and "#999999" or figure.INK })
         end
      end
   end
   fig.canvas:rect(left, top, c.n * cell, c.n * cell, { color = "#999999" })
end

local function small(c, names, title, narrow)
   local cell = c.n <= 3 and 90 or c.n <= 10 and 48 or 34
   local probe = figure.new(10, 10)
   local room = math.min(narrow and 110 or 160, longest(probe, names, { size = figure.TEXT }) + 2)
   if narrow then cell = math.min(cell, (NARROW - room - 40) // c.n) end
   local side = c.n * cell
   local wide = narrow and NARROW or probe.canvas:measure(subtitle_of(c), { size = figure.TEXT }) + 34
   local fig = figure.new(narrow and wide or math.max(side + room + 60, wide), side + room + 76)
   fig:title(title, subtitle_of(c, narrow))
   local left, top = room + 28, room + 62
   draw_names(fig, names, left, top, cell, room)
   draw_cells(fig, c, shares(c), left, top, cell)
   return fig
end

-- ---- the map ----

-- A picture of at most `most` pixels a side, each the largest share among the cells that fall into it: a single mistake
-- among 400 classes must not fade away.
local function map_image(c, share, most)
   local n = math.min(c.n, most)
   local peaks = {}
   for k = 1, n * n do peaks[k] = 0 end
   for _, cell in ipairs(c:cells()) do
      local i, j = cell[1], cell[2]
      local k = (i - 1) * n // c.n * n + (j - 1) * n // c.n + 1
      peaks[k] = math.max(peaks[k], 0.25 + 0.75 * share(i, j))
   end
   local planes = { {}, {}, {} }
   for k = 1, n * n do
      local r, g, b = color.rgb("blues", peaks[k])
      planes[1][k], planes[2][k], planes[3][k] = r, g, b
   end
   return scute.tensor(planes, { dtype = "u8" }):reshape { 1, 3, n, n }
end

-- The same with 8 pixels to each: browsers smooth what they enlarge, and squares would be blurred.
local function enlarged(image, n)
   local canvas <close> = scute.canvas(8 * n, 8 * n)
   canvas:image(image, 0, 0, 8 * n, 8 * n, { smooth = false })
   return canvas:render { scale = 1 }
end

local function load_photo(source)
   if type(source) ~= "string" then return source end
   return readable(source)
end

local function draw_thumbnail(fig, source, x, y, side)
   local image = load_photo(source)
   if not image then return end
   local scale = side / math.max(image.width, image.height)
   local w, h = image.width * scale, image.height * scale
   fig.canvas:image(image, x + (side - w) / 2, y + (side - h) / 2, w, h)
end

-- "A, taken for B" in `width` pixels: long names lose their middles.
local function mistake_text(fig, actual, predicted, width)
   local style, between = { size = figure.TEXT }, ", taken for "
   local room = width - fig.canvas:measure(between, style)
   local a, b = fig.canvas:measure(actual, style), fig.canvas:measure(predicted, style)
   local short = math.min(a, b, room / 2) -- what the shorter one leaves is the other's
   return fig:fit(actual, a <= b and short or room - short, style, true) .. between
      .. fig:fit(predicted, a <= b and room - short or short, style, true)
end

-- Pairs with a bar for their count; photos(actual, predicted) may give one to show.
local function draw_pairs(fig, pairs_list, names, box, photos)
   local row = photos and PAIR or 24
   local most = pairs_list[1] and pairs_list[1][3] or 1
   fig:text(box.x, box.y + 14, "Most confused", { bold = true })
   if #pairs_list == 0 then return fig:text(box.x, box.y + 40, "no mistakes", { color = figure.SOFT }) end
   for i, entry in ipairs(pairs_list) do
      local y = box.y + 28 + (i - 1) * row
      local x = box.x
      if photos then
         local photo = photos(entry[1], entry[2])
         if photo then draw_thumbnail(fig, photo, x, y, row - 6) end
         x = x + row
      end
      local bar, middle = 70, y + row / 2
      fig.canvas:rect(x, middle - 8, math.max(2, bar * entry[3] / most), 14, { color = figure.BAD, fill = true, alpha = 0.75 })
      fig:text(x + bar + 26, middle + 4, ("%.0f"):format(entry[3]), { align = "right" })
      fig:text(x + bar + 36, middle + 4, mistake_text(fig, names[entry[1]], names[entry[2]],
         box.x + box.width - x - bar - 40))
   end
end

-- The map with the list beside it, or below where it is narrow.
local function large(c, names, title, limit, photos, narrow)
   local list = c:most_confused(limit)
   local named = c.n <= (narrow and NUMBERED or NAMED)
   local style = { size = math.max(7, math.min(figure.TEXT, 0.8 * MAP / c.n)) }
   local room = named and math.min(90, longest(figure.new(10, 10), names, style) + 2) or 16
   local side = narrow and NARROW - room - 36 or MAP
   local rows = photos and PAIR or 24
   local under = side + room + 84 -- the map ends above
   local pairs_high = 44 + #list * rows
   local fig = figure.new(narrow and NARROW or side + room + 460,
      narrow and under + pairs_high or math.max(under, 56 + pairs_high))
   fig:title(title, subtitle_of(c, narrow))
   local left, top = room + 20, room + 62
   local share = shares(c)
   local cells <close> = map_image(c, share, MOST_CELLS)
   local image <close> = enlarged(cells, math.min(c.n, MOST_CELLS))
   fig.canvas:image(image, left, top, side, side, { smooth = false })
   fig.canvas:rect(left, top, side, side, { color = "#999999" })
   if named then
      draw_names(fig, names, left, top, side / c.n, room)
   else
      fig:text(left + side / 2, top - 8, ("what was said: %d classes"):format(c.n), { align = "center", color = figure.SOFT })
      fig:text(left - 8, top + side / 2, "what it is", { align = "center", angle = -90, color = figure.SOFT })
   end
   draw_pairs(fig, list, names, narrow and { x = 16, y = under, width = NARROW - 32 } or { x = left + side + 30, y = 56,
      width = 390 }, photos)
   return fig
end

-- Rows of counts as a confusion matrix.
local function from_rows(rows)
   local n = #rows
   local c = metrics.confusion(n)
   for i, row in ipairs(rows) do
      if #row ~= n then error(("plot.confusion: expected %d counts in row %d, found %d"):format(n, i, #row), 3) end
      for j, count in ipairs(row) do
         if count > 0 then c:add_cells { { i, j, count } } end
      end
   end
   return c
end

--- A confusion matrix. c: as scute.metrics.confusion counts it, or {counts = rows of counts by actual class}. names: the
-- classes (default: c.classes, else numbers). options: title, limit (pairs to list, 15), photos = function(actual,
-- predicted) that returns the path or image of a photo of that mistake, or nil; list = true shows map and list also for few
-- classes; columns (2; 1 is for narrow screens: the list stands below the map).
function confusion.confusion(c, names, options)
   options = options or {}
   if type(c) ~= "table" or type(c.counts) ~= "table" or #c.counts == 0 then
      error("plot.confusion: expected a confusion matrix of scute.metrics, found " .. tostring(c), 2)
   end
   names = names or c.classes
   if not metrics.is_confusion(c) then c = from_rows(c.counts) end
   local n, texts = c.n, {}
   if names and #names ~= n then error(("plot.confusion: %d names for %d classes"):format(#names, n), 2) end
   for i = 1, n do texts[i] = names and tostring(names[i]) or tostring(i) end
   local title = options.title or "Confusion"
   local narrow = options.columns == 1
   if n <= (narrow and FEW or NUMBERED) and not options.list then return small(c, texts, title, narrow) end
   return large(c, texts, title, options.limit or 15, options.photos, narrow)
end

return confusion
