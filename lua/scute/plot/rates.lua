-- Learning rates: what a schedule will do, and what a learning-rate finder saw.
local axes = require "scute.plot.axes"
local console = require "scute.base.console"
local figure = require "scute.plot.figure"
local rate_lines = require "scute.plot.rate_lines"
local schedules = require "scute.schedule"

local rates = {}

local MOST_POINTS = 2000

local function as_groups(lr)
   if type(lr) ~= "table" then return { { "learning rate", lr or 1 } } end
   local groups = {}
   for name, rate in pairs(lr) do groups[#groups + 1] = { name, rate } end
   table.sort(groups, function(a, b) return a[1] < b[1] end)
   return groups
end

-- The rate of a group at the steps of a list; NaN while it waits. A step's rate holds until the next, so the last one has an
-- end.
local function rates_of(schedule, group, steps, options)
   local ys, per_epoch = {}, options.steps_per_epoch
   local joins = ((options.from and options.from[group[1]] or 1) - 1) * per_epoch
   for i, step in ipairs(steps) do
      ys[i] = step < joins and 0 / 0 or group[2] * schedule.factor { step = step, steps_per_epoch = per_epoch,
         epochs = options.epochs, span = options.span }
      if joins > 0 and options.warmup then ys[i] = ys[i] * math.min((step - joins + 1) / options.warmup, 1) end
   end
   ys[#ys + 1] = ys[#ys]
   return ys
end

-- The steps that are drawn, from 0, and where they stand on an axis on which epoch 1 is from 1 to 2.
local function steps_of(options)
   local first, last = options.span and options.span.step or 0, options.epochs * options.steps_per_epoch - 1
   local steps, xs = {}, {}
   for step = first, last, math.max(1, (last + 1) // MOST_POINTS) do
      steps[#steps + 1], xs[#xs + 1] = step, 1 + step / options.steps_per_epoch
   end
   xs[#xs + 1] = 1 + options.epochs
   return steps, xs
end

--- What a schedule will do, step by step. schedule: as scute.schedule makes them. options: epochs (10), steps_per_epoch (100),
-- lr (a number, or {group = rate}; default 1), from ({group = first epoch, from 1}; default: all from the start), warmup (steps
-- in which the rate of a group that joins later rises), span ({step} from which on a run was lengthened, where the picture
-- begins), title, log (whether the axis is logarithmic; default: where rates differ by more than ten).
function rates.schedule(schedule, options)
   options = options or {}
   if type(schedule) ~= "function" and (type(schedule) ~= "table" or type(schedule.factor) ~= "function") then
      error("plot.schedule: expected a schedule of scute.schedule, found " .. tostring(schedule), 2)
   end
   schedule = schedules.of(schedule)
   local epochs, per_epoch = options.epochs or 10, options.steps_per_epoch or 100
   local shown = { epochs = epochs, steps_per_epoch = per_epoch, from = options.from, warmup = options.warmup,
      span = options.span }
   local steps, xs = steps_of(shown)
   local fig = figure.new(options.width or 760, options.height or 360)
   fig:title(options.title or "Schedule" .. (schedule.name and ": " .. schedule.name:gsub("_", " ") or ""),
      ("%s of %s"):format(console.count(epochs, "epoch"), console.count(per_epoch, "step")))
   local ax = axes.new(fig, { x = 12, y = 52, width = fig.width - 24, height = fig.height - 60 },
      { xlabel = "epoch", ylabel = "learning rate", xspans = true, xlim = { xs[1], 1 + epochs } })
   local groups, lines = as_groups(options.lr), {}
   for i, group in ipairs(groups) do lines[i] = { name = group[1], ys = rates_of(schedule, group, steps, shown) } end
   rate_lines.add(ax, xs, lines, { step = true, log = options.log, labels = #groups > 1 })
   ax:draw()
   return fig
end

--- The curve of a learning-rate finder. points: list of { lr, loss, smoothed = optional }. options: suggestion (a rate, or
-- {name = rate}), title.
function rates.lr_finder(points, options)
   options = options or {}
   if type(points) ~= "table" or #points == 0 then error("plot.lr_finder: expected a list of {lr, loss}, found none", 2) end
   local fig = figure.new(options.width or 760, options.height or 400)
   fig:title(options.title or "Learning-rate finder")
   local xs, raw, smooth = {}, {}, {}
   local least, most = math.huge, -math.huge
   for i, point in ipairs(points) do
      xs[i], raw[i] = point.lr or point[1], point.loss or point[2]
      smooth[i] = point.smoothed or raw[i]
      if smooth[i] == smooth[i] and smooth[i] < math.huge then
         least, most = math.min(least, smooth[i]), math.max(most, smooth[i])
      end
   end
   -- The loss explodes at the end; the part to read is below the start.
   local first = smooth[1] == smooth[1] and smooth[1] or most
   local little = 0.05 * math.max(math.abs(first), math.abs(least)) -- of a loss that hardly changes
   local roof = least < math.huge and math.max(math.min(most, first + 1.5 * math.max(first - least, little)),
      least + 0.02 * little, least + 1e-12) or nil
   local ax = axes.new(fig, { x = 12, y = 34, width = fig.width - 24, height = fig.height - 42 }, { xlog = true,
      xlabel = "learning rate", ylabel = "loss",
      ylim = roof and { least - 0.08 * (roof - least), roof + 0.05 * (roof - least) } })
   if points[1].smoothed then ax:line(xs, raw, { label = "loss of the step", color = "#BBBBBB", width = 1 }) end
   ax:line(xs, smooth, { label = points[1].smoothed and "smoothed" or nil, color = figure.COLORS[1] })
   local marks = type(options.suggestion) == "table" and options.suggestion
      or options.suggestion and { suggestion = options.suggestion } or {}
   local names = {}
   for name in pairs(marks) do names[#names + 1] = name end
   table.sort(names)
   for i, name in ipairs(names) do
      ax:mark { x = marks[name], label = ("%s %.2g"):format(name, marks[name]), color = figure.COLORS[i + 1] }
   end
   ax:draw()
   return fig
end

return rates
