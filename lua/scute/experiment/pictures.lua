-- The pictures of a trial: figures with their intervals, what they cost, how they came about, and a map of a grid.
local page = require "scute.base.page"
local scute = require "scute"
local comparison = require "scute.plot.comparison"

local pictures = {}

local MOST_ROWS = 40   -- intervals below each other
local MOST_POINTS = 24 -- variants in a picture that tells them apart by colour and shape
local MOST_LINES = 16  -- curves with a name; others are gray
local MOST_MAPS = 12   -- of a grid of more than two settings
local WIDTH = 936      -- pixels of panels beside each other

local OF_CURVE = { accuracy = "val_accuracy", loss = "val_loss" }

--- Why a variant has no rank, in a word or two: "stopped", "failed"; nil where it has one. The whole is told where there is
-- room.
function pictures.short_reason(row)
   if row.unranked and row.stopped_at then return "stopped" end
   return row.unranked and row.unranked:match "^[^:]*"
end

-- "5 variants", "the best 40 of 100".
local function count_text(n, all)
   return n < all and ("the best %d of %d"):format(n, all) or ("%d variants"):format(all)
end

-- ---- intervals ----

--- Figures of the variants, each with the interval for itself. nil where there is none yet.
function pictures.figures(trial, options)
   local list, metric, is_hollow = {}, trial.metric, false
   for i = 1, math.min(MOST_ROWS, #trial.rows) do
      local row = trial.rows[i]
      list[i] = { name = row.name, value = row.figure, low = row.low, high = row.high, hollow = row.unranked ~= nil,
         note = pictures.short_reason(row) }
      is_hollow = is_hollow or row.unranked and row.figure ~= nil
   end
   if #list == 0 or not trial.rows[1].figure then return nil end
   return scute.plot.intervals(list, { title = "Each by itself", label = metric.words, columns = options and options.columns,
      subtitle = ("%s; 95 %% intervals%s"):format(count_text(#list, #trial.rows), is_hollow and "; hollow: without a rank"
         or "") })
end

--- By how much the first is ahead of each other, with the intervals that hold together. nil where nothing was tested.
function pictures.differences(trial, options)
   local list, metric, first = {}, trial.metric, trial.ranked[1]
   local scale = metric.share and 100 or 1
   for _, pair in ipairs(trial.pairs) do
      if pair.first == first and #list < MOST_ROWS then
         list[#list + 1] = { name = pair.second.name, value = scale * pair.difference, low = scale * pair.low,
            high = scale * pair.high, strong = pair.apart }
      end
   end
   if #list == 0 then return nil end
   return scute.plot.intervals(list, { title = first.name .. " against", mark = 0, columns = options and options.columns,
      label = metric.share and ("points of %s ahead"):format(metric.words)
         or ("difference in %s%s"):format(metric.words, metric.lower and " (less is better)" or ""),
      subtitle = "orange: more than chance; the intervals hold together" })
end

-- ---- cost ----

-- Times that do not compare are left out.
local function point_of(row, trial)
   return { name = row.name, accuracy = row.figure, low = row.low, high = row.high, parameters = row.parameters,
      seconds = not trial.times and row.seconds or nil, memory = row.peak_memory,
      unranked = pictures.short_reason(row) }
end

local COSTS = { "parameters", "seconds", "memory" }

-- Whether the variants differ in a cost at all, where it is known.
local function differ(points, cost)
   local first
   for _, point in ipairs(points) do
      first = first or point[cost]
      if point[cost] and point[cost] ~= first then return true end
   end
   return false
end

--- Which variants no other beats in figure and in cost: name of a cost -> list of names, the cheapest first; costs in which
-- they do not differ are left out.
function pictures.fronts(trial)
   local points, fronts = {}, {}
   for _, row in ipairs(trial.ranked) do points[#points + 1] = point_of(row, trial) end
   for _, cost in ipairs(COSTS) do
      local names = {}
      for i, point in ipairs(comparison.front(points, cost, trial.metric.lower)) do names[i] = point.name end
      if #names > 0 and differ(points, cost) then fronts[cost] = names end
   end
   return fronts
end

-- The best, and those on a front.
local function points_of(trial)
   local points, on_front = {}, {}
   for _, names in pairs(pictures.fronts(trial)) do
      for _, name in ipairs(names) do on_front[name] = true end
   end
   for _, row in ipairs(trial.rows) do
      if row.figure and (#points < MOST_POINTS or on_front[row.name]) then points[#points + 1] = point_of(row, trial) end
   end
   return points
end

-- Of costs that are the same for all there is nothing to see. Returns how many are left.
local function leave_differences(points)
   local count = 0
   for _, cost in ipairs(COSTS) do
      local is_there = differ(points, cost)
      for _, point in ipairs(points) do point[cost] = is_there and point[cost] or nil end
      count = count + (is_there and 1 or 0)
   end
   return count
end

--- Figures over the costs in which the variants differ, with those marked that no other beats in both. nil where there are
-- none.
function pictures.costs(trial, options)
   local points = points_of(trial)
   local panels = leave_differences(points)
   if panels == 0 then return nil end
   local o = { width = math.min(460, WIDTH // panels), title = "Figure and cost", label = trial.metric.words,
      lower = trial.metric.lower, noun = "variant" }
   for key, value in pairs(options or {}) do o[key] = value end
   return scute.plot.comparison(points, o)
end

-- ---- curves ----

-- The metric after each epoch, averaged over the runs that got so far.
local function mean_curve(records, key)
   local rows = {}
   for _, record in ipairs(records) do
      for epoch, of_run in ipairs(record.curve or {}) do
         local row, value = rows[epoch] or { epoch = epoch, sum = 0, n = 0 }, of_run[key]
         rows[epoch] = row
         if type(value) == "number" then row.sum, row.n = row.sum + value, row.n + 1 end
      end
   end
   for _, row in ipairs(rows) do row[key] = row.n > 0 and row.sum / row.n or nil end
   return rows
end

local function has_any(rows, key)
   for _, row in ipairs(rows) do
      if row[key] then return true end
   end
   return false
end

--- The metric over the epochs, of all variants. nil where no run has such a curve.
function pictures.curves(trial, options)
   local runs, key = {}, OF_CURVE[trial.metric.name] or trial.metric.name
   for _, row in ipairs(trial.rows) do
      local rows = mean_curve(row.results, key)
      if has_any(rows, key) then
         runs[#runs + 1] = { history = rows, soft = #runs >= MOST_LINES,
            name = row.stopped_at and ("%s (stopped after epoch %d)"):format(row.name, row.stopped_at) or row.name }
      end
   end
   if #runs == 0 then return nil end
   local o = { metric = key, title = "Validation " .. trial.metric.words }
   for name, value in pairs(options or {}) do o[name] = value end
   return scute.plot.runs(runs, o)
end

-- ---- the map of a grid ----

-- The settings of a grid that have several values, those with the most last.
local function axes_of(trial)
   local list = {}
   for i, axis in ipairs(trial.plan.axes or {}) do
      if #axis.values > 1 then list[#list + 1] = { key = axis.key, values = axis.values, place = i } end
   end
   table.sort(list, function(a, b)
      if #a.values ~= #b.values then return #a.values < #b.values end
      return a.place < b.place
   end)
   return list
end

local function names_of(axis)
   local names = {}
   for i, value in ipairs(axis.values) do names[i] = page.plain(value) end
   return names
end

-- All combinations of the values of some settings, as lists of {key, value}.
local function combinations(axes, last)
   if last == 0 then return { {} } end
   local list = {}
   for _, before in ipairs(combinations(axes, last - 1)) do
      for _, value in ipairs(axes[last].values) do
         local one = table.move(before, 1, #before, 1, {})
         one[#one + 1] = { axes[last].key, value }
         list[#list + 1] = one
      end
   end
   return list
end

local function fits(row, settings)
   for _, setting in ipairs(settings) do
      if row.options[setting[1]] ~= setting[2] then return false end
   end
   return row.figure ~= nil
end

-- The mean figure of the variants with some settings (nil: there is none), and whether one of them was stopped.
local function cell(trial, settings)
   local sum, n, stopped = 0, 0, false
   for _, row in ipairs(trial.rows) do
      if fits(row, settings) then sum, n, stopped = sum + row.figure, n + 1, stopped or row.stopped_at ~= nil end
   end
   return n > 0 and sum / n or nil, stopped
end

local function title_of(settings)
   local words = {}
   for i, setting in ipairs(settings) do words[i] = ("%s=%s"):format(setting[1], page.plain(setting[2])) end
   return #words > 0 and table.concat(words, ", ") or nil
end

local function map_of(trial, others, y, x)
   local map = { title = title_of(others), values = {}, stopped = {} }
   for j, of_row in ipairs(y.values) do
      map.values[j], map.stopped[j] = {}, {}
      for i, of_column in ipairs(x.values) do
         local settings = table.move(others, 1, #others, 1, {})
         settings[#settings + 1], settings[#settings + 2] = { y.key, of_row }, { x.key, of_column }
         map.values[j][i], map.stopped[j][i] = cell(trial, settings)
      end
   end
   return map
end

local function any_stopped(trial)
   for _, row in ipairs(trial.rows) do
      if row.stopped_at then return true end
   end
   return false
end

-- Of each combination of the other settings a map, of too many their mean.
local function maps_of(trial, axes)
   local others, x, y = combinations(axes, #axes - 2), axes[#axes], axes[#axes - 1]
   local words = "the stronger the colour, the better; framed: the best"
   if #others > MOST_MAPS then
      local keys = {}
      for i = 1, #axes - 2 do keys[i] = axes[i].key end
      others, words = { {} }, ("mean over %s; %s"):format(table.concat(keys, ", "), words)
   end
   local maps = {}
   for i, settings in ipairs(others) do maps[i] = map_of(trial, settings, y, x) end
   return maps, any_stopped(trial) and words .. "; *: stopped early" or words
end

--- The figure over the settings of a grid. nil where fewer than two of them have several values, or no run is done.
function pictures.map(trial, options)
   local axes, metric = axes_of(trial), trial.metric
   if #axes < 2 or not trial.rows[1] or not trial.rows[1].figure then return nil end
   local maps, words = maps_of(trial, axes)
   local x, y = axes[#axes], axes[#axes - 1]
   local o = { x = names_of(x), y = names_of(y), xlabel = x.key, ylabel = y.key, lower = metric.lower,
      title = metric.words:gsub("^%l", string.upper), subtitle = words, text = function(value, map, column, row)
         return metric:text(value) .. (map.stopped[row][column] and "*" or "")
      end }
   for name, value in pairs(options or {}) do o[name] = value end
   return scute.plot.heat_map(maps, o)
end

return pictures
