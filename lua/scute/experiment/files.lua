-- What a trial leaves on disk: comparison.md and .csv (a row for each variant), results.csv (a row for each run), and
-- comparison.json.
local cjson = require "cjson"
local console = require "scute.base.console"
local csv_line = require("scute.base.csv").line
local failed = require "scute.experiment.failed"
local headline = require "scute.experiment.headline"
local part_text = require "scute.base.part_text"
local scute = require "scute"
local sorted_keys = require "scute.base.sorted_keys"
local tell = require "scute.experiment.tell"
local to_json = require "scute.base.json"

local files = {}

-- ---- what variants and runs have ----

local function plain(value)
   local kind = type(value)
   if value == nil or kind == "number" or kind == "string" or kind == "boolean" then return value end
   local ok, text = pcall(to_json.line, value)
   return ok and text or part_text.of(value)
end

-- The names in the tables that `of` gives for each of a list, sorted.
local function names_in(list, of)
   local all = {}
   for _, entry in ipairs(list) do
      for name in pairs(of(entry) or {}) do all[name] = true end
   end
   return sorted_keys(all)
end

-- A table of columns, { title, value of an entry }, where the name of an option gives way to another title that is taken.
local function with_options(columns, found, options_of)
   local taken, list = {}, {}
   for _, column in ipairs(columns) do taken[column[1]] = true end
   for _, name in ipairs(names_in(found.rows, function(row) return row.options end)) do
      list[#list + 1] = { taken[name] and "option_" .. name or name, function(entry)
         return plain(options_of(entry)[name])
      end }
   end
   return list
end

local function field(name)
   return { name, function(entry) return entry[name] end }
end

local function fields(...)
   local list = {}
   for i, name in ipairs { ... } do list[i] = field(name) end
   return list
end

local function joined(...)
   local list = {}
   for _, more in ipairs { ... } do table.move(more, 1, #more, #list + 1, list) end
   return list
end

local function csv(columns, entries)
   local titles = {}
   for k, column in ipairs(columns) do titles[k] = column[1] end
   local lines = { csv_line(titles, #titles) }
   for _, entry in ipairs(entries) do
      local row = {}
      for k, column in ipairs(columns) do row[k] = column[2](entry) end
      lines[#lines + 1] = csv_line(row, #columns)
   end
   return table.concat(lines, "\n") .. "\n"
end

-- ---- a row for each variant ----

local COSTS = { "seconds", "images_per_second", "peak_memory", "latency", "parameters", "trainable", "parameters_1000",
   "multiply_adds", "image_size", "best_epoch", "epochs", "weights" }

local function figure_columns(found)
   local list = {}
   for i, name in ipairs(names_in(found.rows, function(row) return row.figures end)) do
      list[i] = { name, function(row)
         if name == found.metric.name then return row.figure end
         return row.figures[name]
      end }
   end
   return list
end

-- What the test says of the first variant and each other one.
local function against_columns(found)
   local against, list = {}, {}
   for _, pair in ipairs(found.pairs) do
      if pair.first == found.ranked[1] then against[pair.second] = pair end
   end
   for _, entry in ipairs { { "first_ahead", "difference" }, { "first_ahead_low", "low" }, { "first_ahead_high", "high" },
      { "first_apart", "apart" }, { "first_smallest", "smallest" } } do
      list[#list + 1] = { entry[1], function(row) return against[row] and against[row][entry[2]] end }
   end
   return list
end

local function variants_csv(found)
   local columns = joined(fields("rank", "variant", "unranked", "stopped_at", "runs", "wanted"), figure_columns(found),
      fields("sd", "low", "high"), fields(table.unpack(COSTS)), against_columns(found))
   local options = with_options(columns, found, function(row) return row.options end)
   return csv(joined({ columns[1], columns[2] }, options, table.move(columns, 3, #columns, 1, {})), found.rows)
end

-- ---- a row for each run ----

-- What was told of runs, those that failed too.
local function runs_of(found)
   local list = {}
   for _, row in ipairs(found.rows) do
      for _, record in ipairs(row.results) do list[#list + 1] = { row = row, record = record } end
      for _, failure in ipairs(failed.of(found.failures, row.name)) do
         list[#list + 1] = { row = row, record = { run = failure.run, state = "failed", figures = {} },
            message = failure.message }
      end
   end
   return list
end

local function of_record(list)
   local columns = {}
   for i, name in ipairs(list) do
      columns[i] = { name, function(entry) return entry.record[name] end }
   end
   return columns
end

local function figures_of(runs, prefix, of)
   local columns = {}
   for i, name in ipairs(names_in(runs, of)) do
      columns[i] = { prefix .. name, function(entry) return (of(entry) or {})[name] end }
   end
   return columns
end

local function test_figures(entry)
   return entry.record.test and entry.record.test.figures
end

-- What the curve of a run says: in the epoch that counts how well the photos that trained were known, and the figure that
-- one gets who stops at the end.
local OF_CURVE = { { "train_accuracy", function(entry)
   for _, epoch in ipairs(entry.record.curve or {}) do
      if epoch.epoch == entry.record.best_epoch then return epoch.train_accuracy end
   end
end }, { "last_accuracy", function(entry)
   local curve = entry.record.curve or {}
   return curve[#curve] and curve[#curve].val_accuracy
end } }

local function runs_csv(found)
   local runs = runs_of(found)
   local columns = joined({ { "variant", function(entry) return entry.row.name end } }, of_record { "run", "seed", "fold",
      "inner", "state" }, figures_of(runs, "", function(entry) return entry.record.figures end),
      figures_of(runs, "test_", test_figures), OF_CURVE,
      of_record { "best_epoch", "epochs", "updates", "seconds", "images_per_second", "peak_memory", "latency", "parameters",
         "trainable", "multiply_adds", "jobs", "threads", "model" },
      { { "message", function(entry) return entry.message end } })
   local options = with_options(columns, found, function(entry) return entry.row.options end)
   return csv(joined({ columns[1] }, options, table.move(columns, 2, #columns, 1, {})), runs)
end

-- ---- all of it ----

local function finite(value)
   return value and math.abs(value) < math.huge and value or cjson.null
end

local function variant_json(found, row)
   local shown = { _order = { "rank", "unranked", "options", "runs", "wanted", "figure", "sd", "low", "high", "figures",
      "stopped_at", "of_runs", table.unpack(COSTS) }, rank = row.rank or cjson.null, unranked = row.unranked, options = {},
      runs = row.runs, wanted = row.wanted, figure = row.figure, sd = row.sd, low = row.low, high = row.high,
      figures = row.figures, stopped_at = row.stopped_at, of_runs = { _order = {} } }
   for name, value in pairs(row.options) do shown.options[name] = plain(value) end
   for _, name in ipairs(COSTS) do shown[name] = row[name] end
   for i, record in ipairs(row.results) do
      shown.of_runs[record.run], shown.of_runs._order[i] = record.figures[found.metric.name] or cjson.null, record.run
   end
   return shown
end

--- What the test says of each pair, as a table for JSON.
function files.pairs(found)
   local shown = { _order = {} }
   for i, pair in ipairs(found.pairs) do
      local name = pair.first.name .. " - " .. pair.second.name
      shown[name], shown._order[i] = { _order = { "difference", "low", "high", "apart", "smallest" },
         difference = pair.difference, low = finite(pair.low), high = finite(pair.high), apart = pair.apart,
         smallest = pair.smallest or cjson.null }, name
   end
   return shown
end

local function settings_json(found)
   local settings = { _order = {} }
   for i, entry in ipairs(found.plan.settings or {}) do settings[entry[1]], settings._order[i] = entry[2], entry[1] end
   return settings
end

local function json(found)
   local variants, failures = { _order = {} }, { _order = {} }
   for i, row in ipairs(found.rows) do variants[row.name], variants._order[i] = variant_json(found, row), row.name end
   for i, failure in ipairs(found.failures) do
      local name = failure.variant .. " " .. failure.run .. (failed.is_training(failure) and "" or " test")
      failures[name], failures._order[i] = failure.message, name
   end
   local test = found.test
   return to_json { _order = { "conclusion", "name", "metric", "less_is_better", "settings", "versions", "photos", "seeds",
         "folds", "nested", "test", "times", "chosen", "variants", "pairs", "missing", "failures" },
      conclusion = table.concat(tell.conclusion(found), " "), name = found.name, metric = found.metric.name,
      less_is_better = found.metric.lower, settings = settings_json(found), versions = scute.version(), photos = found.photos,
      seeds = found.seeds, folds = found.folds, nested = found.nested,
      test = #found.pairs > 0 and headline.test(found) or cjson.null, times = found.times,
      chosen = test and { variants = test.variants, before = test.before, figure = test.figure, low = finite(test.low),
         high = finite(test.high), photos = test.photos, words = test.words } or cjson.null,
      variants = variants, pairs = files.pairs(found), missing = found.missing, failures = failures }
end

local function markdown(found)
   local lines = { "# " .. tell.title(found), "", table.concat(tell.conclusion(found), " "), "", tell.settings(found), "" }
   for _, line in ipairs(tell.markdown_table(found)) do lines[#lines + 1] = line end
   lines[#lines + 1] = ""
   for line in tell.legend(found):gsub("\n%*", "\n\\*"):gmatch "[^\n]+" do
      lines[#lines + 1] = line
      lines[#lines + 1] = ""
   end
   for _, line in ipairs(tell.statements(found)) do lines[#lines + 1] = "- " .. line end
   return table.concat(lines, "\n") .. "\n"
end

--- Writes them into a folder, each whole or not at all.
function files.write(folder, found)
   for name, text in pairs { ["comparison.csv"] = variants_csv(found), ["results.csv"] = runs_csv(found),
      ["comparison.json"] = json(found), ["comparison.md"] = markdown(found) } do
      console.guard("output_dir", scute.files.write, folder .. "/" .. name, text)
   end
end

return files
