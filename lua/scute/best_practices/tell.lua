-- What Exercise 4 says in the end: a table, as text, Markdown and CSV, and the curves as pictures.
local scute = require "scute"
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local metrics = require "scute.metrics"

local tell = {}

-- ---- numbers ----

-- A loss that was no number is none in a file either.
local function number(value)
   return type(value) == "number" and value or 0 / 0
end

-- Mean and standard deviation (of a sample; nil for one value) of a field over results.
local function mean_of(results, field)
   local sum, square, n = 0, 0, #results
   for _, result in ipairs(results) do sum = sum + number(result[field]) end
   local mean = sum / n
   for _, result in ipairs(results) do square = square + (number(result[field]) - mean) ^ 2 end
   return mean, n > 1 and math.sqrt(square / (n - 1)) or nil
end

local function percent(results, field)
   local mean, deviation = mean_of(results, field)
   return ("%.1f %%"):format(100 * mean) .. (deviation and (" ± %.1f"):format(100 * deviation) or "")
end

-- ---- the table ----

-- Title, text of an entry (with the first entry to compare with), and whether it stands to the left.
local COLUMNS = {
   { "row", function(e) return e.row.name end, true },
   { "accuracy", function(e) return percent(e.results, "accuracy") end },
   { "against the first", function(e, first)
      if e == first then return "" end
      return ("%+.1f"):format(100 * (mean_of(e.results, "accuracy") - mean_of(first.results, "accuracy")))
   end },
   { "last epoch", function(e) return percent(e.results, "last_accuracy") end },
   { "loss", function(e) return ("%.3f"):format((mean_of(e.results, "loss"))) end },
   { "in training", function(e) return percent(e.results, "train_accuracy") end },
   { "best epoch", function(e) return ("%.1f"):format((mean_of(e.results, "best_epoch"))) end },
   { "epochs", function(e) return ("%.1f"):format((mean_of(e.results, "epochs"))) end },
   { "time", function(e) return console.duration((mean_of(e.results, "seconds"))) end },
   { "what it is", function(e) return e.row.what end, true },
}

local function cells_of(found)
   local lines = { {} }
   for c, column in ipairs(COLUMNS) do lines[1][c] = column[1] end
   for i, entry in ipairs(found) do
      lines[i + 1] = {}
      for c, column in ipairs(COLUMNS) do lines[i + 1][c] = column[2](entry, found[1]) end
   end
   return lines
end

--- The table as text: a line for each row.
function tell.table(found)
   local left = {}
   for c, column in ipairs(COLUMNS) do left[#left + 1] = column[3] and c or nil end
   return columns.text(cells_of(found), left)
end

local function markdown(found, notes)
   local lines = cells_of(found)
   for i, cells in ipairs(lines) do lines[i] = "| " .. table.concat(cells, " | ") .. " |" end
   table.insert(lines, 2, "|" .. (" --- |"):rep(#COLUMNS))
   return "# Best practices\n\n" .. table.concat(lines, "\n") .. "\n\n" .. table.concat(notes, "\n")
      .. "\n\n![validation accuracy](accuracy.png)\n\n![validation loss](loss.png)\n"
end

local function csv(found)
   local fields = { "seed", "accuracy", "last_accuracy", "loss", "train_accuracy", "best_epoch", "epochs", "seconds" }
   local lines = { "row," .. table.concat(fields, ",") }
   for _, entry in ipairs(found) do
      for _, result in ipairs(entry.results) do
         local cells = { entry.row.name }
         for _, field in ipairs(fields) do
            cells[#cells + 1] = (math.type(result[field]) == "integer" and "%d" or "%.9g"):format(number(result[field]))
         end
         lines[#lines + 1] = table.concat(cells, ",")
      end
   end
   return table.concat(lines, "\n") .. "\n"
end

-- How much a difference means on so few photos.
local function notes_of(found, set)
   local n, seeds = #set.val.paths, #found[1].results
   local right = math.floor(mean_of(found[1].results, "accuracy") * n + 0.5)
   local low, high = metrics.interval(right, n)
   return { ("Accuracies are those of the best epoch, chosen on the same %s that did not train; split: %s."):format(
      console.count(n, "photo"), set.split),
      ("One photo is %.1f points, and %d of %d right means %.0f to %.0f %% with 95 %% confidence; %s."):format(100 / n, right,
      n, 100 * low, 100 * high, seeds > 1 and ("± is the standard deviation over %d seeds"):format(seeds)
      or "--seeds 3 tells luck from merit") }
end

-- ---- the curves ----

-- The mean over the seeds of a measure, as rows of a history, as far as all seeds have come.
local function mean_history(entry, metric)
   local rows, epochs = {}, math.huge
   for _, result in ipairs(entry.results) do epochs = math.min(epochs, #result.curve[metric]) end
   for epoch = 1, epochs do
      local sum = 0
      for _, result in ipairs(entry.results) do sum = sum + number(result.curve[metric][epoch]) end
      rows[epoch] = { epoch = epoch, [metric] = sum / #entry.results }
   end
   return rows
end

--- The curves of all rows in one picture. metric: "val_accuracy", "val_loss", "train_loss" or "train_accuracy".
function tell.curves(found, metric)
   local runs = {}
   for i, entry in ipairs(found) do runs[i] = { name = entry.row.name, history = mean_history(entry, metric) } end
   return scute.plot.runs(runs, { metric = metric, width = 900, height = 500 })
end

--- Prints the table and writes practices.md, results.csv, accuracy.png and loss.png.
function tell.all(output_dir, found, set)
   if #found == 0 then return end
   local notes = notes_of(found, set)
   console.line("\n%s\n\n%s", tell.table(found), table.concat(notes, "\n"))
   local function write(name, text) console.guard("output_dir", scute.files.write, output_dir .. "/" .. name, text) end
   write("practices.md", markdown(found, notes))
   write("results.csv", csv(found))
   for name, metric in pairs { accuracy = "val_accuracy", loss = "val_loss" } do
      local figure = tell.curves(found, metric)
      console.guard("output_dir", figure.save, figure, ("%s/%s.png"):format(output_dir, name))
   end
   console.line("files: %s/practices.md, results.csv, accuracy.png, loss.png", output_dir)
end

return tell
