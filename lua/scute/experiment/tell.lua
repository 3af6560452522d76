-- How a trial prints: a table that fits the terminal, what it comes to, which differences are real, and where the files are.
local console = require "scute.base.console"
local failed = require "scute.experiment.failed"
local fitted = require "scute.experiment.fitted"
local headline = require "scute.experiment.headline"
local scute = require "scute"
local sorted_keys = require "scute.base.sorted_keys"
local threads = require "scute.experiment.threads"

local tell = {}

local ALL_PAIRS = 10 -- of more only those of the first are told

-- ---- the table ----

local function digits(n)
   return (n < 10 and "%.1f" or "%.0f"):format(n)
end

local function millions(n)
   if n < 1e3 then return ("%.0f"):format(n) end
   return n < 1e6 and digits(n / 1e3) .. "k" or ("%.1fM"):format(n / 1e6)
end

local function multiply_adds(n)
   if n < 1e6 then return digits(n / 1e3) .. " k" end
   return n < 1e9 and digits(n / 1e6) .. " M" or ("%.2f G"):format(n / 1e9)
end

local function figure_text(metric)
   return function(row)
      if not row.figure then return "-" end
      return metric:text(row.figure) .. (row.sd and " ± " .. metric:spread(row.sd) or "")
   end
end

local function interval_text(metric)
   return function(row)
      if not row.low or row.high == math.huge then return "-" end
      local low, high = metric:text(row.low), metric:text(row.high)
      return ("%s to %s"):format(low, high)
   end
end

-- A column of what a row may be without.
local function optional(title, field, text)
   return { title, function(row) return row[field] and text(row[field]) or "-" end, field = field }
end

-- Every other figure of the runs: accuracy, loss and balanced, then metrics.
local function other_figures(found)
   local names, seen = {}, { [found.metric.name] = true }
   local function add(name)
      for _, row in ipairs(found.rows) do
         if row.figures[name] and not seen[name] then seen[name], names[#names + 1] = true, name end
      end
   end
   for _, name in ipairs { "accuracy", "loss", "balanced" } do add(name) end
   for _, row in ipairs(found.rows) do
      for _, name in ipairs(sorted_keys(row.figures)) do add(name) end
   end
   return names
end

local function is_there(rows, column)
   if not column.field then return true end
   for _, row in ipairs(rows) do
      if row[column.field] then return true end
   end
   return false
end

-- Columns of which at least one row has something.
local function those_there(rows, columns)
   local list = {}
   for _, column in ipairs(columns) do list[#list + 1] = is_there(rows, column) and column or nil end
   return list
end

local COSTS = {
   optional("params", "parameters", millions),
   optional("trained", "trainable", millions),
   optional("mult-adds", "multiply_adds", multiply_adds),
   optional("time", "seconds", console.duration),
   optional("photos/s", "images_per_second", function(n) return ("%.0f"):format(n) end),
   optional("memory", "peak_memory", console.bytes),
   optional("one photo", "latency", function(seconds)
      return ("%.3g ms"):format(1000 * seconds)
   end),
   optional("best epoch", "best_epoch", function(epoch) return ("%g"):format(epoch) end),
}
local TIMES = { seconds = true, images_per_second = true, latency = true }

local MEANINGS = {
   { "parameters_1000", "params: with the classes of these photos, where published networks have 1000" },
   { "trainable", "trained: of the parameters" }, { "seconds", "time, photos/s: of training" },
   { "peak_memory", "memory: the highest of the process" }, { "latency", "one photo: through the trained network" } }

-- With a mark where times do not compare.
local function cost_of(column, found)
   local mark = found.times and TIMES[column.field] and "*" or ""
   return { column[1] .. mark, column[2], field = column.field }
end

local function columns_of(found)
   local metric = found.metric
   local list = {
      { "", function(row) return row.rank and row.rank .. "." or "-" end },
      { "variant", function(row) return row.name end, left = true },
      { metric.name, figure_text(metric), first = true },
      { "95 % interval", interval_text(metric), field = "low", first = true },
   }
   for _, name in ipairs(other_figures(found)) do
      local of = require("scute.experiment.metric").of(name)
      list[#list + 1] = { name, function(row) return row.figures[name] and of:text(row.figures[name]) or "-" end }
   end
   for _, column in ipairs(COSTS) do list[#list + 1] = cost_of(column, found) end
   list[#list + 1] = { "", function(row) return row.unranked or "" end, left = true }
   return those_there(found.rows, list)
end

--- The table as a page takes it: list of {title, numeric} and rows of texts.
function tell.cells(found)
   return fitted.cells(columns_of(found), found.rows)
end

--- The table as lines of text. width: of the terminal, in letters, where there is one.
function tell.table(found, width)
   return fitted.text(columns_of(found), found.rows, width)
end

--- The table as lines of Markdown, a list.
function tell.markdown_table(found)
   return fitted.markdown(columns_of(found), found.rows)
end

--- What the columns of the table mean, in a line or two.
function tell.legend(found)
   local words = { ("%s: mean%s, and its interval for the variant by itself"):format(found.metric.name,
      (found.seeds or found.folds) > 1 and " ± deviation of the runs" or "") }
   for _, entry in ipairs(MEANINGS) do
      words[#words + 1] = is_there(found.rows, { field = entry[1] }) and entry[2] or nil
   end
   local line = table.concat(words, "; ")
   return found.times and ("%s\n*: not to be compared, since %s"):format(line, found.times) or line
end

-- ---- what it means ----

local function smallest_text(found, pair)
   if not pair.smallest then return "no difference could show here, however large" end
   return ("the smallest difference that they could show: %s (found in 80 %% of such comparisons)"):format(
      found.metric:amount(pair.smallest))
end

local function pair_text(found, pair)
   local metric = found.metric
   local interval = ("%s (%s)"):format(metric:difference(pair.difference), metric:between(pair.low, pair.high))
   if pair.apart then return ("%s is better than %s: %s"):format(pair.first.name, pair.second.name, interval) end
   return ("%s and %s cannot be told apart on %s: %s; %s"):format(pair.first.name, pair.second.name, headline.units(found),
      interval, smallest_text(found, pair))
end

local function add_pairs(lines, found)
   local count = #found.pairs
   if count == 0 then
      if #found.ranked == 1 and #found.unranked > 0 then
         lines[1] = ("Only %s has a rank, so there is nothing to test."):format(found.ranked[1].name)
      end
      return
   end
   lines[1] = ("Which differences are real (%s; the intervals hold together at 95 %%):"):format(headline.test(found))
   for _, pair in ipairs(found.pairs) do
      if count <= ALL_PAIRS or pair.first == found.ranked[1] then lines[#lines + 1] = pair_text(found, pair) end
   end
   if count > ALL_PAIRS then
      lines[#lines + 1] = ("%d more pairs, of which none is of %s, are in comparison.json and trial.pairs."):format(
         count - #found.ranked + 1, found.ranked[1].name)
   end
end

--- Lines that say which differences are real, what has no rank and why, what failed and what is missing.
function tell.statements(found)
   local lines, unranked = {}, {}
   add_pairs(lines, found)
   for _, row in ipairs(found.unranked) do unranked[#unranked + 1] = ("%s (%s)"):format(row.name, row.unranked) end
   if #unranked > 0 then
      lines[#lines + 1] = ("Without a rank, and left out of the tests: %s."):format(table.concat(unranked, ", "))
   end
   local results = {}
   for i, row in ipairs(found.rows) do results[i] = row.results end
   lines[#lines + 1] = threads.note(results)
   for _, failure in ipairs(found.failures) do
      lines[#lines + 1] = ("Failed: %s: %s"):format(failed.title(failure), failure.message)
   end
   if found.missing > 0 then
      lines[#lines + 1] = ("%s missing; resume finishes %s."):format(console.count(found.missing, "run is", "runs are"),
         found.missing == 1 and "it" or "them")
   end
   if #found.failures > 0 then
      lines[#lines + 1] = ("%s failed; resume tries %s again."):format(console.count(#found.failures, "run"),
         #found.failures == 1 and "it" or "them")
   end
   return lines
end

--- One line on what was the same for all.
function tell.settings(found)
   local words = {}
   for i, entry in ipairs(found.plan.settings or {}) do words[i] = ("%s: %s"):format(entry[1], entry[2]) end
   return table.concat(words, "; ")
end

--- What it comes to, a list of sentences: who is ahead, whether that is more than chance, and what the figures are worth.
function tell.conclusion(found)
   local lines, verdict = {}, headline.verdict(found)
   local figure, words = headline.figure(found)
   if figure and found.test then lines[1] = figure .. words .. "." end
   if verdict then
      lines[#lines + 1] = verdict .. "."
      lines[#lines + 1] = headline.explain(found)
   end
   if figure and not found.test then lines[#lines + 1] = figure .. words .. "." end
   return table.move(headline.chosen(found), 1, #headline.chosen(found), #lines + 1, lines)
end

-- ---- all of it ----

local FILES = { "report.html", "comparison.md", "comparison.csv", "comparison.json", "results.csv" }

local function files_text(found)
   local lfs, list = require "lfs", {}
   for _, name in ipairs(FILES) do
      if found.folder and lfs.attributes(found.folder .. "/" .. name) then list[#list + 1] = name end
   end
   return #list > 0 and ("files: %s/%s"):format(found.folder, table.concat(list, ", "))
end

--- What it is about, in a line.
function tell.title(found)
   local metric = found.metric
   return ("%s: %s, %s each, by %s%s"):format(found.title or found.name or "trial", console.count(#found.rows, "variant"),
      headline.runs(found), metric.words, metric.direction and (" (%s)"):format(metric.direction) or "")
end

--- All of it as text.
function tell.text(found)
   local width = console.is_terminal(1) and scute.terminal_size() or nil
   local parts = { tell.title(found) .. "\n" .. tell.settings(found), tell.table(found, width) .. "\n" .. tell.legend(found) }
   for _, lines in ipairs { tell.conclusion(found), tell.statements(found) } do
      if #lines > 0 then parts[#parts + 1] = table.concat(lines, "\n") end
   end
   parts[#parts + 1] = files_text(found) or nil
   return table.concat(parts, "\n\n")
end

return tell
