-- How the result of a run prints, its history, a row for each epoch, and the worst photos of one.
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local known_fields = require "scute.base.known_fields"
local measured = require "scute.base.measured"

local as_text = {}

local FIRST, LAST = 5, 15 -- rows of a history that has more

local function number(value, format)
   return type(value) == "number" and (format or "%.4f"):format(value) or "-"
end

-- The highest rate of an epoch; groups that wait have none.
local function rate_of(row)
   local rate
   for _, value in pairs(row.rates or {}) do rate = math.max(rate or 0, value) end
   return number(rate, "%.3g")
end

local function heading(rows, metrics)
   local names = { "epoch", "rate", "loss", "accuracy", "val loss", "val accuracy" }
   table.move(metrics, 1, #metrics, #names + 1, names)
   if rows[1] and rows[1].ema_val_accuracy then names[#names + 1] = "averaged" end
   return names
end

local function cells(row, metrics)
   local list = { tostring(row.epoch), rate_of(row), number(row.train_loss), number(row.train_accuracy, "%.3f"),
      number(row.val_loss), number(row.val_accuracy, "%.3f") }
   for _, name in ipairs(metrics) do list[#list + 1] = number(row[name], "%.4g") end
   if row.ema_val_accuracy then list[#list + 1] = number(row.ema_val_accuracy, "%.3f") end
   return list
end

local function rows_text(rows, all)
   if #rows == 0 then return "no epoch is finished" end
   local metrics = measured(rows)
   local lines = { heading(rows, metrics) }
   local from, to = #rows, #rows -- the rows between are left out
   if not all and #rows > FIRST + LAST + 1 then from, to = FIRST, #rows - LAST end
   for i = 1, from do lines[#lines + 1] = cells(rows[i], metrics) end
   if from < to then lines[#lines + 1] = { "…" } end
   for i = to + 1, #rows do lines[#lines + 1] = cells(rows[i], metrics) end
   return columns.text(lines, {})
end

local HISTORY = { __name = "scute.train.history", __tostring = function(rows) return rows_text(rows) end,
   __brief = function(rows) return ("history of %s"):format(console.count(#rows, "epoch")) end,
   __all = function(rows) return rows_text(rows, true) end }

local ROW = { __index = known_fields.reading("a row of the history", known_fields.set("confusion worst answers weights saved "
   .. "ema_val_loss ema_val_accuracy ema_balanced")) }

--- A row of the history as one that knows its fields.
function as_text.row(row)
   return setmetatable(row, ROW)
end

--- The list of a run's epochs as one that prints as a table.
function as_text.history(rows)
   for _, row in ipairs(rows) do as_text.row(row) end
   return setmetatable(rows, HISTORY)
end

-- Names of files need be no text.
local function letters(path)
   return utf8.len(path) and path or (path:gsub("[\x80-\xff]", "?"))
end

local function worst_text(list)
   local lines = { { "loss", "is", "said", "probability", "photo" } }
   for i, photo in ipairs(list) do
      lines[i + 1] = { number(photo.loss), photo.truth, photo.predicted, number(photo.probability, "%.3f"),
         letters(photo.path) }
   end
   return columns.text(lines, { 2, 3, 5 })
end

local WORST = { __name = "scute.train.worst", __tostring = worst_text,
   __brief = function(list) return ("the %s of highest loss"):format(console.count(#list, "photo")) end }

--- The photos of highest loss of an epoch as a list that prints as a table.
function as_text.worst(list)
   return setmetatable(list, WORST)
end

--- The text of what train.fit returns: what came out, and the history.
function as_text.result(result)
   local best, n = result.best, #result.history
   local first = ("run of %s%s%s"):format(console.count(n, "epoch"),
      result.seconds and " in " .. console.duration(result.seconds) or "",
      result.stopped and (", stopped: %s"):format(result.stopped) or result.interrupted and ", interrupted" or "")
   local lines = { first .. (best and (": accuracy %.3f in epoch %d, the best"):format(best.val_accuracy, best.epoch) or "") }
   lines[2] = rows_text(result.history)
   local averaged = result.best_ema
   if averaged then
      lines[#lines + 1] = ("averaged weights: accuracy %.3f in epoch %d"):format(averaged.ema_val_accuracy, averaged.epoch)
   end
   if result.folder then lines[#lines + 1] = "files: " .. result.folder end
   return table.concat(lines, "\n")
end

as_text.RESULT = { __name = "scute.train.result", __tostring = as_text.result }

return as_text
