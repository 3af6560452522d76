-- report.html of a trial: all variants on one page, made from what the runs have left alone; and its pictures as files.
local lfs = require "lfs"
local console = require "scute.base.console"
local headline = require "scute.experiment.headline"
local metrics = require "scute.metrics"
local page = require "scute.base.page"
local pictures = require "scute.experiment.pictures"
local scute = require "scute"
local sorted_keys = require "scute.base.sorted_keys"
local tell = require "scute.experiment.tell"
local thumbnail = require "scute.base.thumbnail"
local voices = require "scute.experiment.voices"

local report = {}

local PHOTOS = 12 -- of each kind
local NAMES = 60 -- letters of the variants that are named beside what they said
local REFRESH = 10 -- seconds after which a browser looks again while runs are missing

-- ---- parts ----

local function paragraph(text, class)
   return ("<p%s>%s</p>"):format(class and (' class="%s"'):format(class) or "", page.escape(text))
end

local function items(lines)
   local list = {}
   for i, line in ipairs(lines) do list[i] = ("<li>%s</li>"):format(page.escape(line)) end
   return "<ul>\n" .. table.concat(list, "\n") .. "\n</ul>"
end

-- The same picture for a wide and a narrow screen.
local function both(wide, narrow, label, prefix)
   return page.figure(wide, label, prefix, "wide") .. "\n" .. page.figure(narrow, label, prefix .. "1", "narrow")
end

local function head(trial)
   local lines = { ("<h1>%s</h1>"):format(page.escape(trial.title or trial.name)), paragraph(tell.title(trial), "soft") }
   local verdict, share, words = headline.verdict(trial), headline.figure(trial)
   if verdict then
      lines[#lines + 1] = paragraph(verdict .. ".", "lead")
      lines[#lines + 1] = paragraph(headline.explain(trial), "soft")
   end
   if share then
      lines[#lines + 1] = ('<p><span class="big">%s</span>%s.</p>'):format(page.escape(share), page.escape(words))
   end
   for _, line in ipairs(headline.chosen(trial)) do lines[#lines + 1] = paragraph(line) end
   if trial.missing > 0 then
      lines[#lines + 1] = paragraph(("%s missing; the page is renewed as they end."):format(console.count(trial.missing,
         "run is", "runs are")))
   end
   return table.concat(lines, "\n")
end

local function variants_table(trial)
   local titles, rows = tell.cells(trial)
   local notes = {}
   if titles[#titles][1] == "" then -- why they have no rank
      for i, row in ipairs(trial.rows) do rows[i][#titles] = pictures.short_reason(row) or "" end
   end
   for line in tell.legend(trial):gmatch "[^\n]+" do notes[#notes + 1] = paragraph(line, "soft") end
   return page.section("Variants", page.table(titles, rows), table.concat(notes, "\n"))
end

local function statements(trial)
   local lines = tell.statements(trial)
   if #lines == 0 then return nil end
   local title = lines[1]:find ":$" and paragraph(table.remove(lines, 1)) or ""
   return page.section("What can be said", title, items(lines))
end

local function intervals(trial)
   local parts = {}
   for _, name in ipairs { "differences", "figures" } do
      local wide = pictures[name](trial)
      if wide then parts[#parts + 1] = both(wide, pictures[name](trial, { columns = 1 }), "intervals of " .. name, name) end
   end
   return #parts > 0 and page.section("Intervals", table.concat(parts, "\n"))
end

local function map(trial)
   local wide = pictures.map(trial)
   return wide and page.section("Grid", both(wide, pictures.map(trial, { columns = 1 }), "map of the grid", "map"))
end

local COSTS = { { "parameters", "few parameters" }, { "seconds", "little time" }, { "memory", "little memory" } }

-- "No other is at least as good for as little time: a, b".
local function front_lines(trial)
   local fronts, lines = pictures.fronts(trial), {}
   for _, cost in ipairs(COSTS) do
      local names = fronts[cost[1]]
      if names then
         lines[#lines + 1] = ("No other is at least as good for as %s: %s"):format(cost[2], table.concat(names, ", "))
      end
   end
   return lines
end

local function costs(trial)
   local wide = pictures.costs(trial, { height = 380 })
   if not wide then return nil end
   local narrow, lines = pictures.costs(trial, { columns = 1, width = 420 }), front_lines(trial)
   return page.section("Figure and cost", both(wide, narrow, "figures over parameters, time and memory", "cost"),
      #lines > 0 and items(lines) or "",
      trial.times and paragraph(("Times are left out: %s."):format(trial.times), "soft") or "")
end

local function curves(trial)
   local wide = pictures.curves(trial)
   return wide and page.section("Training", both(wide, pictures.curves(trial, { width = 440, height = 460 }),
      "figures of each epoch", "curves"))
end

local function stopped(trial)
   local rows = {}
   for _, row in ipairs(trial.rows) do
      if row.stopped_at then
         rows[#rows + 1] = { row.name, tostring(row.stopped_at), row.figure and trial.metric:text(row.figure) or "-",
            (row.stopped_why or ""):gsub("^stopped after epoch %d+: ", "") }
      end
   end
   return #rows > 0 and page.section("Stopped early", paragraph("The search went on with those that were ahead by then.",
      "soft"), page.table({ { "variant" }, { "after epoch", true }, { trial.metric.name, true }, { "why" } }, rows))
end

-- ---- photos ----

-- "loggerhead: frozen, all", of many variants the first few.
local function voice_text(group)
   local names, shown = group.variants[1], 1
   while group.variants[shown + 1] and #names + #group.variants[shown + 1] <= NAMES do
      shown = shown + 1
      names = names .. ", " .. group.variants[shown]
   end
   local more = #group.variants - shown
   return ("%s%s: %s%s"):format(group.class, group.right and " (right)" or "", names,
      more > 0 and (" and %d more"):format(more) or "")
end

-- Photos side by side; what is no file, in a table.
local function shown(list)
   if lfs.attributes(list[1].path) then return page.photos(list) end
   local rows = {}
   for i, item in ipairs(list) do rows[i] = { item.path, table.concat(item.lines, "; ") } end
   return page.table({ { "sample" }, { "" } }, rows)
end

local function disputed(trial, photos, classes)
   local found, count = voices.disputed(trial, photos, classes, PHOTOS)
   if #found == 0 then return nil end
   local list = {}
   for i, entry in ipairs(found) do
      list[i] = { path = entry.photo.path, lines = { "is " .. entry.truth } }
      for _, group in ipairs(entry.groups) do table.insert(list[i].lines, voice_text(group)) end
   end
   local note = ("%d of %d; what most runs of a variant said."):format(count, #photos)
   return page.section("Photos on which the variants disagree", paragraph(note, "soft"), shown(list))
end

local function hardest(photos, classes)
   local list = {}
   for i, entry in ipairs(voices.hardest(photos, classes, PHOTOS)) do
      list[i] = { path = entry.photo.path, good = false, lines = { "is " .. entry.truth, "taken for " .. entry.said,
         ("right in %d of %d answers"):format(entry.photo.right, entry.photo.answers) } }
   end
   return #list > 0 and page.section("Photos that were most often wrong", shown(list))
end

-- A photo of each kind of mistake of a variant's runs.
local function photo_of_mistake(row)
   local paths = {}
   for _, record in ipairs(row.results) do
      for i, path in ipairs(record.photos or {}) do
         local key = record.labels[i] .. "," .. record.predicted[i]
         paths[key] = paths[key] or path
      end
   end
   return function(actual, predicted)
      local path = paths[actual .. "," .. predicted]
      return path and lfs.attributes(path) and thumbnail(path)
   end
end

local function confusion(trial, classes)
   local best = trial.best
   if not best or #classes == 0 then return nil end
   local counts, any = metrics.confusion(#classes), false
   for _, record in ipairs(best.results) do
      if record.predicted then
         counts:add(record.predicted, record.labels)
         any = true
      end
   end
   return any and page.section("Confusion of " .. best.name, both(
      scute.plot.confusion(counts, classes, { photos = photo_of_mistake(best) }),
      scute.plot.confusion(counts, classes, { columns = 1, limit = 8 }), "confusion matrix", "confusion"))
end

-- ---- what it was made with ----

-- The options of the variants, which the names of a grid say already.
local function options(trial)
   if trial.plan.axes then return nil end
   local rows, any = {}, false
   for i, variant in ipairs(trial.plan.variants) do
      local words = {}
      for k, key in ipairs(sorted_keys(variant.options)) do
         words[k] = ("%s = %s"):format(key, page.plain(variant.options[key]))
      end
      any = any or #words > 0
      rows[i] = { variant.name, #words > 0 and table.concat(words, ", ") or "none" }
   end
   return any and page.section("Options", page.rows(rows, "long"))
end

-- Links to the pages of the runs, which lie below this one.
local function runs(trial)
   local lines = {}
   for _, row in ipairs(trial.rows) do
      for _, record in ipairs(row.results) do
         local path = record.model and record.model .. "/report.html"
         if path and trial.folder and lfs.attributes(trial.folder .. "/" .. path) then
            lines[#lines + 1] = ('<li><a href="%s">%s, %s</a></li>'):format(page.escape(page.link(path)), page.escape(row.name),
               page.escape(record.run))
         end
      end
   end
   return #lines > 0 and page.section("Runs", "<ul>", table.concat(lines, "\n"), "</ul>")
end

local function settings(trial)
   local rows = trial.plan.settings or {}
   return #rows > 0 and page.section("Settings", page.rows(rows, "long"))
end

-- ---- all of it ----

-- Parts for which there is nothing are nil or false.
local function those_there(...)
   local parts = {}
   for i = 1, select("#", ...) do parts[#parts + 1] = select(i, ...) or nil end
   return parts
end

--- The page as text.
function report.text(trial)
   local classes, photos = voices.classes(trial), voices.photos(trial)
   local versions = page.section("Versions", page.rows(page.sorted(scute.version())))
   return page.document(trial.title or trial.name, those_there(head(trial), variants_table(trial), statements(trial),
      intervals(trial), map(trial), costs(trial), curves(trial), stopped(trial), disputed(trial, photos, classes),
      hardest(photos, classes), confusion(trial, classes), runs(trial), options(trial), settings(trial), versions),
      trial.missing > 0 and REFRESH or nil)
end

--- Writes report.html, and those of comparison.png, curves.png and grid.png that there is something for.
function report.write(folder, trial)
   console.guard("output_dir", function()
      scute.files.write(folder .. "/report.html", report.text(trial))
      for name, picture in pairs { comparison = pictures.costs, curves = pictures.curves, grid = pictures.map } do
         local figure = picture(trial)
         if figure then figure:save(("%s/%s.png"):format(folder, name)) end
      end
   end)
end

return report
