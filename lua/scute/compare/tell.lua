-- What a comparison says: the course's block, a table, the differences that are real; as text, Markdown, CSV and JSON.
local cjson = require "cjson"
local scute = require "scute"
local console = require "scute.base.console"
local csv_line = require("scute.base.csv").line
local fitted = require "scute.experiment.fitted"
local headline = require "scute.compare.headline"
local names = require "scute.compare.names"
local to_json = require "scute.base.json"

local tell = {}

-- ---- numbers as text ----

local function millions(n)
   return ("%.1fM"):format(n / 1e6)
end

-- "37 seconds" up to two minutes, then "45 minutes".
local function training_time(seconds)
   local whole = math.max(math.floor(seconds + 0.5), 1)
   if whole < 120 then return console.count(whole, "second") end
   return console.count(math.floor(seconds / 60 + 0.5), "minute")
end

local function percent(share)
   return ("%.1f%%"):format(100 * share)
end

local function multiply_adds(n)
   return n < 1e9 and ("%.0f M"):format(n / 1e6) or ("%.2f G"):format(n / 1e9)
end

local function accuracy(entry)
   return percent(entry.accuracy) .. (entry.accuracy_sd and (" ± %.1f"):format(100 * entry.accuracy_sd) or "")
end

local function points(share)
   return ("%+.1f"):format(100 * share)
end

-- ---- the block ----

local function block_of(entry)
   return ("%s:\n  - Parameters: %s\n  - Training time: %s\n  - Validation accuracy: %s"):format(entry.name,
      millions(entry.parameters_1000), training_time(entry.seconds), percent(entry.accuracy))
end

-- Ranked ones first.
local function all_of(found)
   return table.move(found.unranked, 1, #found.unranked, #found.ranked + 1, table.move(found.ranked, 1, #found.ranked, 1, {}))
end

tell.all = all_of

--- "Model Comparison Results:" and a few lines for each model, the best first, as the course prints them. Models that
-- started from random weights are named below.
function tell.block(found)
   local blocks = {}
   local random = {}
   for i, entry in ipairs(all_of(found)) do
      blocks[i] = block_of(entry)
      if entry.random then random[#random + 1] = entry.name end
   end
   if #random > 0 then
      blocks[#blocks + 1] = ("Started from random weights, so not to be compared: %s"):format(table.concat(random, ", "))
   end
   return "Model Comparison Results:\n--------------------------\n" .. table.concat(blocks, "\n\n")
end

-- ---- the table ----

local COLUMNS = {
   { "", function(e) return e.rank and e.rank .. "." or "-" end },
   { "model", function(e) return e.name end, left = true },
   { "params", function(e) return millions(e.parameters_1000) end },
   { "new head", function(e) return millions(e.parameters) end },
   { "mult-adds", function(e) return multiply_adds(e.multiply_adds) end },
   { "time", function(e) return console.duration(e.seconds) end },
   { "photos/s", function(e) return e.images_per_second and ("%.0f"):format(e.images_per_second) or "?" end },
   { "memory", function(e) return e.peak_memory and console.bytes(e.peak_memory) or "?" end },
   { "best epoch", function(e) return ("%g"):format(e.best_epoch) end },
   { "accuracy", accuracy, first = true },
   { "balanced", function(e) return percent(e.balanced) end, first = true },
   { "one photo", function(e) return ("%.0f ms"):format(1000 * e.latency) end },
   { "", function(e) return e.unranked or "" end, left = true },
}

--- The table as a page takes it: list of {title, numeric} and rows of texts.
function tell.cells(found)
   return fitted.cells(COLUMNS, all_of(found))
end

--- The table as lines of text. width: of the terminal, in letters, where there is one.
function tell.table(found, width)
   return fitted.text(COLUMNS, all_of(found), width)
end

-- ---- what it means ----

local function smallest_text(pair)
   if not pair.smallest then return "no difference could show here, however large" end
   return ("the smallest difference that they could show: %.1f points (found in 80 %% of such comparisons)"):format(
      100 * pair.smallest)
end

local function pair_text(pair, photos)
   local interval = ("%s points (%s to %s)"):format(points(pair.difference), points(pair.low), points(pair.high))
   if not pair.apart then
      return ("%s and %s cannot be told apart on %s: %s; %s"):format(pair.first.name, pair.second.name,
         console.count(photos, "photo"), interval, smallest_text(pair))
   end
   return ("%s is better than %s: %s"):format(pair.first.name, pair.second.name, interval)
end

--- Lines that say which differences are real, what has no rank and why, and what failed.
function tell.statements(found)
   local lines = {}
   for _, pair in ipairs(found.pairs) do lines[#lines + 1] = pair_text(pair, found.photos) end
   if #found.pairs > 0 then
      table.insert(lines, 1, ("Which differences are real (%s; the intervals hold together at 95 %%):"):format(
         headline.test(found)))
   elseif #found.ranked == 1 and #found.unranked > 0 then
      lines[1] = ("Only %s has a rank, so there is nothing to test."):format(found.ranked[1].name)
   end
   local unranked = {}
   for _, entry in ipairs(found.unranked) do unranked[#unranked + 1] = ("%s (%s)"):format(entry.name, entry.unranked) end
   if #unranked > 0 then
      lines[#lines + 1] = ("Without a rank, and left out of the tests: %s."):format(table.concat(unranked, ", "))
   end
   for _, entry in ipairs(found.unranked) do
      if entry.random then
         lines[#lines + 1] = "Models with random weights say nothing about their architecture: put the official weight files "
            .. "at hand (see --weights), then --resume."
         break
      end
   end
   for _, failure in ipairs(found.failures) do
      lines[#lines + 1] = ("Failed: %s, %s: %s"):format(names.show(failure.model), failure.run, failure.message)
   end
   return lines
end

--- One line on what was the same for all.
function tell.settings(made)
   local protocol = made.protocol == "frozen" and "frozen backbones" or "all layers train"
   local runs = made.folds and ("%d folds"):format(made.folds) or console.count(made.seeds, "seed")
   return ("%s: %d photos in %d classes; split: %s; %s; %s for each run; %s; augmentation %s; batches of %d"):format(
      made.data_dir, made.photos, made.classes, made.split, protocol, made.budget, runs, made.augment, made.batch_size)
end

-- ---- files ----

--- What it comes to, in a few sentences: who is ahead, whether that is more than chance, and what the accuracies are worth.
-- between: what stands between two of them (default: a space).
function tell.conclusion(made, found, between)
   local verdict, share, words = headline.verdict(found), headline.accuracy(found)
   local parts = {}
   if verdict then parts = { verdict .. ".", headline.explain(found) } end
   if share then parts[#parts + 1] = ("%s %s."):format(share, words) end
   if share and headline.chosen(made) ~= "" then parts[#parts + 1] = headline.chosen(made) end
   return table.concat(parts, between or " ")
end

local function markdown(made, found)
   local lines = { "# Comparison of architectures", "", tell.conclusion(made, found), "", tell.settings(made), "",
      "```", tell.block(found), "```", "" }
   for _, line in ipairs(fitted.markdown(COLUMNS, all_of(found))) do lines[#lines + 1] = line end
   lines[#lines + 1] = ""
   for _, line in ipairs(tell.statements(found)) do lines[#lines + 1] = "- " .. line end
   return table.concat(lines, "\n") .. "\n"
end

local FIELDS = { "rank", "model", "name", "unranked", "weights", "runs", "parameters_1000", "parameters", "multiply_adds",
   "image_size", "seconds", "images_per_second", "peak_memory", "latency", "best_epoch", "accuracy", "accuracy_sd", "low",
   "high", "balanced" }

-- What the test says of the first model and each other one, in columns of comparison.csv.
local AGAINST = { first_ahead = "difference", first_ahead_low = "low", first_ahead_high = "high", first_apart = "apart",
   first_smallest = "smallest", _order = { "first_ahead", "first_ahead_low", "first_ahead_high", "first_apart",
   "first_smallest" } }

local function csv(found)
   local lines, against = { table.concat(FIELDS, ",") .. "," .. table.concat(AGAINST._order, ",") }, {}
   for _, pair in ipairs(found.pairs) do
      if pair.first == found.ranked[1] then against[pair.second] = pair end
   end
   for _, entry in ipairs(all_of(found)) do
      local row, pair = {}, against[entry] or {}
      for k, field in ipairs(FIELDS) do row[k] = entry[field] end
      for k, title in ipairs(AGAINST._order) do row[#FIELDS + k] = pair[AGAINST[title]] end
      lines[#lines + 1] = csv_line(row, #FIELDS + #AGAINST._order)
   end
   return table.concat(lines, "\n") .. "\n"
end

local function json(made, found)
   local models, pairs_, failures = { _order = {} }, { _order = {} }, { _order = {} }
   for i, entry in ipairs(all_of(found)) do
      local shown = { _order = table.move(FIELDS, 1, #FIELDS, 1, {}) }
      for _, field in ipairs(FIELDS) do shown[field] = entry[field] end
      for _, field in ipairs { "accuracies", "best_epochs" } do
         shown[field] = entry[field]
         table.insert(shown._order, field)
      end
      models[entry.model], models._order[i] = shown, entry.model
   end
   for i, pair in ipairs(found.pairs) do
      local name = pair.first.model .. " - " .. pair.second.model
      pairs_[name], pairs_._order[i] = { _order = { "difference", "low", "high", "apart", "smallest" },
         difference = pair.difference, low = pair.low, high = pair.high, apart = pair.apart,
         smallest = pair.smallest or cjson.null }, name
   end
   for i, failure in ipairs(found.failures) do
      local name = failure.model .. " " .. failure.run
      failures[name], failures._order[i] = failure.message, name
   end
   local settings = {}
   for name, value in pairs(made) do
      if name ~= "starts" and name ~= "models" then settings[name] = value end
   end
   return to_json { _order = { "conclusion", "settings", "versions", "photos", "test", "models", "pairs", "failures" },
      conclusion = tell.conclusion(made, found), settings = settings, versions = scute.version(),
      photos = found.photos, test = #found.pairs > 0 and headline.test(found) or cjson.null, models = models, pairs = pairs_,
      failures = failures }
end

--- Writes comparison.csv, comparison.json and comparison.md, each whole or not at all.
function tell.write(output_dir, made, found)
   for name, text in pairs { csv = csv(found), json = json(made, found), md = markdown(made, found) } do
      console.guard("output_dir", scute.files.write, ("%s/comparison.%s"):format(output_dir, name), text)
   end
end

--- Prints everything.
function tell.print(output_dir, made, found)
   console.line("\n%s\n\n%s\n", tell.block(found),
      tell.table(found, console.is_terminal(1) and scute.terminal_size() or nil))
   console.line "params: of the network with 1000 classes; new head: with the classes here; photos/s: through the network"
   console.line "while it trained; memory: the highest of the process; accuracy: mean, and deviation of the runs"
   console.line("%s\n", tell.settings(made))
   console.line("%s\n", tell.conclusion(made, found, "\n"))
   for _, line in ipairs(tell.statements(found)) do console.line("%s", line) end
   console.line("\nfiles: %s/report.html, comparison.md, comparison.csv, comparison.json, comparison.png, curves.png",
      output_dir)
end

return tell
