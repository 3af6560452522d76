-- What Exercise 4 says in the end: a table against the first row, as text and Markdown, the curves as pictures, and what the
-- differences are worth (see scute.experiment).
local scute = require "scute"
local columns = require "scute.base.columns"
local console = require "scute.base.console"

local tell = {}

-- ---- numbers ----

-- Mean and standard deviation (of a sample; nil for one value) of what f gives of each run; a run without it counts as none.
local function mean_of(row, f)
   local sum, square, list = 0, 0, {}
   for _, record in ipairs(row.results) do
      local value = f(record)
      if type(value) == "number" then list[#list + 1] = value end
   end
   for _, value in ipairs(list) do sum = sum + value end
   local mean = sum / #list
   for _, value in ipairs(list) do square = square + (value - mean) ^ 2 end
   return mean, #list > 1 and math.sqrt(square / (#list - 1)) or nil
end

local function figure(name)
   return function(record) return record.figures[name] end
end

local function in_last_epoch(name)
   return function(record)
      local last = record.curve[#record.curve]
      return last and last[name]
   end
end

local function in_best_epoch(name)
   return function(record)
      for _, epoch in ipairs(record.curve) do
         if epoch.epoch == record.best_epoch then return epoch[name] end
      end
   end
end

local function field(name)
   return function(record) return record[name] end
end

local function percent(row, f)
   local mean, deviation = mean_of(row, f)
   return ("%.1f %%"):format(100 * mean) .. (deviation and (" ± %.1f"):format(100 * deviation) or "")
end

-- ---- the table ----

-- What the test says of a row and the first one: the difference, and a star where it is more than chance.
local function against(trial, row, first)
   if row.name == first.name then return "" end
   for _, pair in ipairs(trial.pairs) do
      local sign = pair.first.name == row.name and pair.second.name == first.name and 1
         or pair.first.name == first.name and pair.second.name == row.name and -1
      if sign then return ("%+.1f%s"):format(100 * sign * pair.difference + 0.0, pair.apart and " *" or "") end
   end
   return "?"
end

-- Title, text of a row (with the trial and what is compared with), and whether it stands to the left.
local COLUMNS = {
   { "row", function(e) return e.name end, true },
   { "accuracy", function(e) return percent(e, figure "accuracy") end },
   { "against the first", function(e, trial, first) return against(trial, e, first) end },
   { "last epoch", function(e) return percent(e, in_last_epoch "val_accuracy") end },
   { "loss", function(e) return ("%.3f"):format((mean_of(e, figure "loss"))) end },
   { "in training", function(e) return percent(e, in_best_epoch "train_accuracy") end },
   { "best epoch", function(e) return ("%.1f"):format((mean_of(e, field "best_epoch"))) end },
   { "epochs", function(e) return ("%.1f"):format((mean_of(e, field "epochs"))) end },
   { "time", function(e) return console.duration((mean_of(e, field "seconds"))) end },
   { "what it is", function(e, _, _, rows) return rows[e.name] and rows[e.name].what or "" end, true },
}

-- Rows of the trial that have a result, in the order of the script.
local function done(trial, rows)
   local by_name, list = {}, {}
   for _, row in ipairs(trial.rows) do by_name[row.name] = row.runs > 0 and row or nil end
   for _, row in ipairs(rows) do list[#list + 1] = by_name[row.name] end
   return list
end

local function cells_of(trial, rows)
   local list = done(trial, rows)
   local lines = { {} }
   for c, column in ipairs(COLUMNS) do lines[1][c] = column[1] end
   for i, row in ipairs(list) do
      lines[i + 1] = {}
      for c, column in ipairs(COLUMNS) do lines[i + 1][c] = column[2](row, trial, list[1], rows) end
   end
   return lines
end

--- The table as text: a line for each row of the trial, in the order of the script's rows.
function tell.table(trial, rows)
   local left = {}
   for c, column in ipairs(COLUMNS) do left[#left + 1] = column[3] and c or nil end
   return columns.text(cells_of(trial, rows), left)
end

-- How much a difference means on so few photos.
local function notes_of(trial)
   local n = math.max(trial.photos, 1)
   return { ("Accuracies are those of the best epoch, chosen on the same %s that did not train; split: %s."):format(
      console.count(n, "photo"), trial.plan.split),
      ("One photo is %.1f points. * more than chance, as the paired test of all rows says; %s."):format(100 / n,
      trial.seeds > 1 and ("± is the standard deviation over %d seeds"):format(trial.seeds)
      or "--seeds 3 tells luck from merit") }
end

local function markdown(trial, rows, notes)
   local lines = cells_of(trial, rows)
   for i, cells in ipairs(lines) do lines[i] = "| " .. table.concat(cells, " | ") .. " |" end
   table.insert(lines, 2, "|" .. (" --- |"):rep(#COLUMNS))
   return "# Best practices\n\n" .. table.concat(lines, "\n") .. "\n\n" .. table.concat(notes, "\n")
      .. "\n\n![validation accuracy](accuracy.png)\n\n![validation loss](loss.png)\n"
end

-- ---- the curves ----

-- The mean over the seeds of a measure, as rows of a history, as far as all seeds have come.
local function mean_history(row, metric)
   local history, epochs = {}, math.huge
   for _, record in ipairs(row.results) do epochs = math.min(epochs, #record.curve) end
   for epoch = 1, epochs do
      history[epoch] = { epoch = epoch, [metric] = mean_of(row, function(record) return record.curve[epoch][metric] end) }
   end
   return history
end

--- The curves of all rows in one picture. metric: "val_accuracy", "val_loss", "train_loss" or "train_accuracy".
function tell.curves(trial, rows, metric)
   local runs = {}
   for i, row in ipairs(done(trial, rows)) do runs[i] = { name = row.name, history = mean_history(row, metric) } end
   return scute.plot.runs(runs, { metric = metric, width = 900, height = 500 })
end

--- Prints the table and what the test says, and writes practices.md, accuracy.png and loss.png into the folder of the trial; of
-- several processes the first one does. rows: as best_practices.rows returns them.
function tell.all(trial, rows)
   if scute.world.rank > 0 then return end
   local notes = notes_of(trial)
   console.line("\n%s\n\n%s", tell.table(trial, rows), table.concat(notes, "\n"))
   local function write(name, text) console.guard("output_dir", scute.files.write, trial.folder .. "/" .. name, text) end
   write("practices.md", markdown(trial, rows, notes))
   for name, metric in pairs { accuracy = "val_accuracy", loss = "val_loss" } do
      local picture = tell.curves(trial, rows, metric)
      console.guard("output_dir", picture.save, picture, ("%s/%s.png"):format(trial.folder, name))
   end
   for _, failure in ipairs(trial.failures) do
      console.line("failed: %s, %s: %s", failure.variant, failure.run, failure.message)
   end
   console.line("files: %s/report.html, practices.md, results.csv, comparison.md, accuracy.png, loss.png", trial.folder)
end

return tell
