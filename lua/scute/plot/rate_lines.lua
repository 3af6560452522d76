-- Learning rates as lines of which none hides another: what is the same all the way is one line with all names, what goes
-- together for a part of it lies side by side; on a logarithmic axis where it takes one.
local figure = require "scute.plot.figure"
local ticks = require "scute.plot.ticks"

local rate_lines = {}

local APART = 10      -- times that rates differ from which on a linear axis would press the lower ones on its ground
local BESIDE = 3      -- pixels between lines that go together
local FEW = 0.04      -- share of the points of a line that may lie below a logarithmic axis: the end of a cosine
local DASH = { 6, 4 } -- of the lines for which no colour is left

-- ---- which are the same ----

local function is_number(y)
   return y == y
end

local function are_equal(a, b)
   for i = 1, #a.ys do
      local y, z = a.ys[i], b.ys[i]
      if is_number(y) ~= is_number(z) or is_number(y) and y ~= z then return false end
   end
   return true
end

-- Whether two lines have points in common, but for the ground on which all may end.
local function touch(a, b)
   for i = 1, #a.ys do
      local y, z = a.ys[i], b.ys[i]
      if is_number(y) and is_number(z) and y > 0 and math.abs(y - z) <= 0.01 * math.max(y, z) then return true end
   end
   return false
end

-- A line for all of the same points; its names in the order in which they came.
local function merged(lines)
   local list = {}
   for _, line in ipairs(lines) do
      local same
      for _, other in ipairs(list) do same = same or are_equal(line, other) and other end
      if same then
         same.name = same.name .. ", " .. line.name
      else
         list[#list + 1] = { name = line.name, ys = line.ys }
      end
   end
   return list
end

-- Where a line begins.
local function first_of(line)
   for i, y in ipairs(line.ys) do
      if is_number(y) then return i end
   end
   return math.huge
end

-- Each gets the lowest place that no line which touches it has; the first to begin is where it is.
local function place_beside(list)
   local order = table.move(list, 1, #list, 1, {})
   for i, line in ipairs(list) do line.first, line.number = first_of(line), i end
   table.sort(order, function(a, b)
      if a.first ~= b.first then return a.first < b.first end
      return a.number < b.number
   end)
   for i, line in ipairs(order) do
      local taken = {}
      for k = 1, i - 1 do
         if touch(line, order[k]) then taken[order[k].place] = true end
      end
      line.place = 0
      while taken[line.place] do line.place = line.place + 1 end
   end
end

-- ---- the axis ----

local function sorted_positive(ys)
   local sorted = {}
   for _, y in ipairs(ys) do
      if y > 0 and y < math.huge then sorted[#sorted + 1] = y end
   end
   table.sort(sorted)
   return sorted
end

local function quantile(sorted, share)
   return sorted[1 + math.floor(share * (#sorted - 1) + 0.5)] or 0 / 0
end

-- How many times lower than the highest of that moment a line is, for half of its way.
local function distance(line, list)
   local times = {}
   for i, y in ipairs(line.ys) do
      local most = y
      for _, other in ipairs(list) do most = other.ys[i] > most and other.ys[i] or most end
      times[i] = most / y
   end
   return quantile(sorted_positive(times), 0.5)
end

-- Whether lines are far from one another, or one of them is from itself for half of its way.
local function are_far(list)
   for _, line in ipairs(list) do
      local sorted = sorted_positive(line.ys)
      if quantile(sorted, 0.75) > APART * quantile(sorted, 0.25) or distance(line, list) > APART then return true end
   end
   return false
end

-- The lowest rate that a logarithmic axis shows; nil where there is none above 0.
local function lowest(list)
   local low, high = math.huge, 0
   for _, line in ipairs(list) do
      local sorted = sorted_positive(line.ys)
      if #sorted > 0 then
         low = math.min(low, sorted[math.min(#sorted, 1 + math.floor(FEW * #line.ys))])
         high = math.max(high, sorted[#sorted])
      end
   end
   return low < math.huge and ticks.limits(low, high, true) or nil
end

-- What lies below a logarithmic axis leaves it through its ground.
local function lowered(ys, low)
   local made = {}
   for i, y in ipairs(ys) do made[i] = y < low and low / 2 or y end
   return made
end

-- ---- all of it ----

--- Adds lines to axes. xs: of all of them; lines: list of {name, ys}, NaN where there is none. options: log (true or false:
-- whatever the rates), labels (false: no names), and those of Axes:line.
function rate_lines.add(ax, xs, lines, options)
   local list = merged(lines)
   place_beside(list)
   ax.options.ylog = options.log or options.log == nil and are_far(list)
   local low = ax.options.ylog and lowest(list)
   ax.options.ylim = { low or not ax.options.ylog and 0 or nil }
   for i, line in ipairs(list) do
      ax:line(xs, low and lowered(line.ys, low) or line.ys, { label = options.labels ~= false and line.name or nil,
         step = options.step, markers = options.markers, above = BESIDE * line.place,
         color = figure.COLORS[(i - 1) % #figure.COLORS + 1], dash = i > #figure.COLORS and DASH or nil })
   end
end

return rate_lines
