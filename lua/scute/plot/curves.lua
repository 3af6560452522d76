-- Training over the epochs: one run in four panels, or several runs in one.
local axes = require "scute.plot.axes"
local figure = require "scute.plot.figure"
local history = require "scute.plot.history"
local rate_lines = require "scute.plot.rate_lines"
local measured = require "scute.base.measured"
local ticks = require "scute.plot.ticks"

local curves = {}

local DASH = { 6, 4 }
local SOFT_LINE = "#BBBBBB"

local function has(ys)
   for _, y in ipairs(ys) do
      if y == y then return true end
   end
   return false
end

-- All panels cover the same epochs, also of groups that join late. There is no epoch 0.
local function epochs_from(first, last)
   local low, high = ticks.limits(first, last)
   return { math.max(low, 0.5), high }
end

local function epochs_of(rows)
   return epochs_from(rows[1].epoch, rows[#rows].epoch)
end

local function pair(fig, rows, box, title, name, options)
   options.title, options.xlabel, options.xwhole, options.xlim = title, "epoch", true, epochs_of(rows)
   local ax = axes.new(fig, box, options)
   for i, part in ipairs { { "val_", "validation" }, { "train_", "train", DASH } } do -- the dashed line does not hide the other
      local xs, ys = history.column(rows, part[1] .. name)
      if has(ys) then
         ax:line(xs, ys, { label = part[2], color = figure.COLORS[3 - i], dash = part[3], markers = #rows <= 30 })
      end
   end
   return ax
end

-- The row of the best epoch: the one that a run says it kept, or else the one with the best accuracy.
local function best_of(rows, epoch)
   local best
   for _, row in ipairs(rows) do
      if row.epoch == epoch then return row end
   end
   for _, row in ipairs(rows) do
      local value = type(row.val_accuracy) == "number" and row.val_accuracy == row.val_accuracy and row.val_accuracy
      if value and (not best or value > best.val_accuracy
         or value == best.val_accuracy and (row.val_loss or 0) < (best.val_loss or 0)) then best = row end
   end
   return best
end

local function rate_of(row, group)
   return row and row.rates and row.rates[group] or 0
end

local function ever(rows, group)
   for _, row in ipairs(rows) do
      if rate_of(row, group) > 0 then return true end
   end
   return false
end

-- A row has the rate of its last step, which a schedule may end at 0: such an epoch trained all the same. A group is listed
-- because it trained, so where all its rates are 0 that was in the last epoch.
local function trained(rows, i, group)
   if rate_of(rows[i], group) > 0 then return true end
   if i == #rows and not ever(rows, group) then return true end
   return i > 1 and rate_of(rows[i - 1], group) > 0 and (i == #rows or rate_of(rows[i + 1], group) > 0)
end

local function rates(fig, rows, groups, box)
   local ax = axes.new(fig, box, { title = "Learning rate at the end of each epoch", xlabel = "epoch", xwhole = true,
      xlim = epochs_of(rows), empty = "0" })
   local xs, lines = {}, {}
   for j, row in ipairs(rows) do xs[j] = row.epoch end
   for i, group in ipairs(groups) do
      local ys = {}
      for j, row in ipairs(rows) do ys[j] = trained(rows, j, group) and rate_of(row, group) or 0 / 0 end
      lines[i] = { name = group, ys = ys }
   end
   rate_lines.add(ax, xs, lines, { markers = #rows == 1 })
   ax:draw()
end

-- {first, last} of each stretch of epochs in which a group trained.
local function spans(rows, group)
   local list, open = {}, nil
   for i, row in ipairs(rows) do
      if not trained(rows, i, group) then
         open = nil
      elseif open then
         open[2] = row.epoch
      else
         open = { row.epoch, row.epoch }
         list[#list + 1] = open
      end
   end
   return list
end

-- A bar for each group over the epochs in which it learned.
local function timeline(fig, rows, groups, box)
   local canvas, small = fig.canvas, { size = figure.SMALL }
   fig:text(box.x + 12, box.y + 14, "What trained", { bold = true })
   local names = 0
   for _, group in ipairs(groups) do names = math.max(names, (canvas:measure(group, small))) end
   names = math.min(names, 0.35 * box.width)
   local left, right, top, bottom = box.x + 24 + names, box.x + box.width - 12, box.y + 26, box.y + box.height - 42
   local first, last = rows[1].epoch, rows[#rows].epoch
   local function x(epoch) return left + (epoch - first) / (last - first + 1) * (right - left) end
   local high = math.min(30, (bottom - top) / #groups)
   for i, group in ipairs(groups) do
      local y = top + (i - 1) * high
      fig:text(left - 8, y + high / 2 + 4, group, { size = figure.SMALL, align = "right", color = figure.SOFT, fit = names })
      canvas:rect(left, y + 2, right - left, high - 4, { color = "#EEEEEE", fill = true })
      for _, span in ipairs(spans(rows, group)) do
         canvas:rect(x(span[1]), y + 2, x(span[2] + 1) - x(span[1]), high - 4,
            { color = figure.COLORS[(i - 1) % #figure.COLORS + 1], fill = true })
      end
   end
   local under = top + #groups * high
   local marks = ticks.linear(first, last, math.max(2, (right - left) // 70), true)
   for _, entry in ipairs(marks) do
      fig:text((x(entry[1]) + x(entry[1] + 1)) / 2, under + 14, entry[2],
         { size = figure.SMALL, align = "center", color = figure.SOFT })
   end
   fig:text((left + right) / 2, under + 33, "epoch", { align = "center", color = figure.SOFT })
end

-- How much lower the narrow page is where few groups make a low timeline, which is its last panel.
local function spare_of(groups, metrics)
   return #groups > 0 and #metrics == 0 and math.max(0, 160 - 30 * #groups) or 0
end

-- A metric of the user's, in a panel of its own: what it counts is known to the user alone.
local function panel(fig, rows, name, box, best)
   local ax = axes.new(fig, box, { title = name, xlabel = "epoch", xwhole = true, xlim = epochs_of(rows) })
   for i, part in ipairs { { "", "validation" }, { "ema_", "averaged weights" } } do
      local xs, ys = history.column(rows, part[1] .. name)
      if has(ys) then ax:line(xs, ys, { label = part[2], color = figure.COLORS[i + 1], markers = #rows <= 30 }) end
   end
   if best then ax:mark { x = best.epoch, color = figure.SOFT, label = "best epoch" } end
   ax:draw()
end

--- A run: loss, accuracy, the rate of each group, which groups trained when, and each metric. history: rows as train.fit
-- returns them, its whole result, or the path of a history.csv. options: title, width (900), height (640, more with metrics),
-- columns (2; 1 is for narrow screens: the panels stand below each other, 440 wide), best_epoch (that of the result; where
-- there is none, the one with the best accuracy).
function curves.curves(source, options)
   options = options or {}
   local rows = history.rows(source, "plot.curves")
   local groups, metrics = history.groups(rows), measured(rows)
   local columns, count = options.columns or 2, #groups > 0 and 4 or 2
   local panels = (count + #metrics + columns - 1) // columns
   local width = options.width or columns == 2 and 900 or 440
   local height = options.height or 60 + panels * (columns == 2 and 290 or 260)
   local spare = not options.height and columns == 1 and spare_of(groups, metrics) or 0
   local fig = figure.new(width, height - spare)
   local kept = type(source) == "table" and type(source.best) == "table" and source.best.epoch or options.best_epoch
   local best = best_of(rows, kept)
   fig:title(options.title or "Training", best and ("validation accuracy %.3f in the best epoch, %d of %d"):format(
      best.val_accuracy, best.epoch, rows[#rows].epoch))
   local w, h = (width - 12 * (columns + 1)) / columns, (height - 58) / panels - 4
   local function box(i)
      return { x = 12 + (i - 1) % columns * (w + 12), y = 54 + (i - 1) // columns * (h + 4), width = w, height = h }
   end
   local loss = pair(fig, rows, box(1), "Loss", "loss", {})
   local accuracy = pair(fig, rows, box(2), "Accuracy", "accuracy", { ylim = { 0, 1 } })
   for _, ax in ipairs { loss, accuracy } do
      if best then ax:mark { x = best.epoch, color = figure.SOFT, label = "best epoch" } end
      ax:draw()
   end
   if #groups > 0 then
      rates(fig, rows, groups, box(3))
      timeline(fig, rows, groups, box(4))
   end
   for i, name in ipairs(metrics) do panel(fig, rows, name, box(count + i), best) end
   return fig
end

local titles = { val_accuracy = "Validation accuracy", val_loss = "Validation loss", train_loss = "Training loss",
   train_accuracy = "Training accuracy" }

local SHARES = { train_accuracy = true, val_accuracy = true, ema_val_accuracy = true }

-- Whether a line is just where one of those before it is.
local function is_hiding(lines, ys)
   for _, other in ipairs(lines) do
      local same = #other == #ys
      for k = 1, #ys do same = same and other[k] == ys[k] end
      if same then return true end
   end
   return false
end

-- Those that stand back lie under the others.
local function add_soft(ax, runs, histories, metric)
   for i, run in ipairs(runs) do
      if run.soft then
         local xs, ys = history.column(histories[i], metric)
         ax:line(xs, ys, { color = SOFT_LINE, width = 1 })
      end
   end
end

--- Several runs in one picture. runs: list of { name, history = as for plot.curves, soft = true for one among many: gray and
-- without its name }. options: metric ("val_accuracy"), title, width (760), height (420).
function curves.runs(runs, options)
   options = options or {}
   local metric = options.metric or "val_accuracy"
   if type(runs) ~= "table" or #runs == 0 then error("plot.runs: expected a list of runs, found none", 2) end
   local fig = figure.new(options.width or 760, options.height or 420)
   fig:title(options.title or titles[metric] or metric)
   local histories, first, last = {}, math.huge, 0
   for i, run in ipairs(runs) do
      local rows = history.rows(run.history, run.name or ("run " .. i))
      histories[i], first, last = rows, math.min(first, rows[1].epoch), math.max(last, rows[#rows].epoch)
   end
   local ax = axes.new(fig, { x = 12, y = 34, width = fig.width - 24, height = fig.height - 42 }, { xlabel = "epoch",
      xwhole = true, xlim = epochs_from(first, last), ylim = SHARES[metric] and { 0, 1 } or nil })
   add_soft(ax, runs, histories, metric)
   local lines = {}
   for i, run in ipairs(runs) do
      local xs, ys = history.column(histories[i], metric)
      if not run.soft then
         ax:line(xs, ys, { label = run.name or ("run " .. i), color = figure.COLORS[(i - 1) % #figure.COLORS + 1],
            dash = (i > #figure.COLORS or is_hiding(lines, ys)) and DASH or nil, markers = #histories[i] <= 30 })
         lines[#lines + 1] = ys
      end
   end
   ax:draw()
   return fig
end

return curves
