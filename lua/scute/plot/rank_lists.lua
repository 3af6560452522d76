-- Photos beside those that a model takes for the same individual: a query a row with its candidates, and single pairs.
local figure = require "scute.plot.figure"
local photos = require "scute.plot.photos"

local rank_lists = {}

local EDGE, GAP, APART, LINE = 16, 10, 26, 15 -- APART: between a query and its candidates, and between pairs

local FRAMES = "blue frame: the same individual, orange frame: another one"

local function check_photo(what, i, item)
   if type(item) ~= "table" or not (type(item.path) == "string" or type(item.image) == "userdata") then
      error(("%s: entry %d: expected photos as { path = ... } or { image = ... }"):format(what, i), 3)
   end
end

local function most_lines(items)
   local most = 0
   for _, item in ipairs(items) do most = math.max(most, #(item.lines or {})) end
   return most
end

local function draw(fig, item, x, y, side)
   photos.draw_photo(fig, item, x, y, side)
   photos.draw_frame(fig, item.good, x, y, side)
   photos.draw_lines(fig, item.lines, x, y, side, true)
end

-- A white figure, and where its first row begins.
local function new_figure(o, width, rows, row, title)
   local top = 56
   local fig = figure.titled(math.max(width, 300), top + math.max(1, rows) * row + 4, o.title or title, o.subtitle or FRAMES)
   if rows == 0 then fig:text(EDGE, top + 40, "no photos", { color = figure.SOFT }) end
   return fig, top
end

-- Candidates and lines of text that the widest and the highest of the first n rows have.
local function size_of_rows(list, n, most)
   local columns, lines = 1, 0
   for i = 1, n do
      local entry = list[i]
      check_photo("plot.rank_lists", i, type(entry) == "table" and entry.query)
      local candidates = entry.candidates or {}
      for _, candidate in ipairs(candidates) do check_photo("plot.rank_lists", i, candidate) end
      columns = math.max(columns, math.min(most, #candidates))
      lines = math.max(lines, most_lines { entry.query }, most_lines(candidates))
   end
   return columns, lines
end

--- What a model finds for photos. list: of { query = photo, candidates = list of photos, the most similar first }, a photo
-- being { path | image, crop, lines = texts below, good = true where it is the same individual, false where not }. options:
-- title, subtitle (what the frames mean), columns = candidates at most (5), side (110 pixels), limit = queries at most (12).
function rank_lists.rank_lists(list, options)
   local o = options or {}
   if type(list) ~= "table" then error("plot.rank_lists: expected a list of queries, found " .. tostring(list), 2) end
   local side, n = o.side or 110, math.min(#list, o.limit or 12)
   local columns, lines = size_of_rows(list, n, o.columns or 5)
   local row, width = side + lines * LINE + GAP + 8, 2 * EDGE + side + APART + columns * (side + GAP) - GAP
   local fig, top = new_figure(o, width, n, row, "Queries and their candidates")
   for i = 1, n do
      local y = top + (i - 1) * row
      draw(fig, list[i].query, EDGE, y, side)
      local x = EDGE + side + APART
      fig.canvas:polyline({ x - APART / 2, y, x - APART / 2, y + side }, { color = figure.GRID, width = 1.5 })
      for k = 1, math.min(columns, #(list[i].candidates or {})) do
         draw(fig, list[i].candidates[k], x + (k - 1) * (side + GAP), y, side)
      end
   end
   return fig
end

--- Pairs of photos side by side, such as different individuals that a model takes for one. list: of { first = photo, second =
-- photo }, photos as for plot.rank_lists. options: title, subtitle, columns = pairs in a row (2), side (120 pixels), limit =
-- pairs at most (12).
function rank_lists.photo_pairs(list, options)
   local o = options or {}
   if type(list) ~= "table" then error("plot.photo_pairs: expected a list of pairs, found " .. tostring(list), 2) end
   local side, n, lines = o.side or 120, math.min(#list, o.limit or 12), 0
   for i = 1, n do
      local pair = list[i]
      check_photo("plot.photo_pairs", i, type(pair) == "table" and pair.first)
      check_photo("plot.photo_pairs", i, pair.second)
      lines = math.max(lines, most_lines { pair.first, pair.second })
   end
   local columns = math.max(1, math.min(o.columns or 2, n))
   local wide, row = 2 * side + 4 + APART, side + lines * LINE + GAP + 8
   local fig, top = new_figure(o, 2 * EDGE - APART + columns * wide, math.ceil(n / columns), row, "Pairs")
   for i = 1, n do
      local x, y = EDGE + (i - 1) % columns * wide, top + (i - 1) // columns * row
      draw(fig, list[i].first, x, y, side)
      draw(fig, list[i].second, x + side + 4, y, side)
   end
   return fig
end

return rank_lists
