-- report.html of a comparison: all models on one page, made from the saved results alone; and its two pictures as files,
-- comparison.png and curves.png.
local console = require "scute.base.console"
local lfs = require "lfs"
local metrics = require "scute.metrics"
local page = require "scute.base.page"
local scute = require "scute"
local headline = require "scute.compare.headline"
local tell = require "scute.compare.tell"
local thumbnail = require "scute.base.thumbnail"

local report = {}

local HARDEST = 12 -- photos that most models got wrong
local REFRESH = 10 -- seconds after which a browser looks again while runs are missing

-- ---- pictures ----

-- The models as scute.plot.comparison takes them.
local function points(found)
   local models = {}
   for i, e in ipairs(tell.all(found)) do
      models[i] = { name = e.name, accuracy = e.accuracy, low = e.low, high = e.high, parameters = e.parameters,
         seconds = e.seconds, memory = e.peak_memory, unranked = e.unranked }
   end
   return models
end

-- Accuracy after each epoch, averaged over the runs that got so far.
local function mean_curve(results)
   local rows = {}
   for _, result in ipairs(results) do
      for epoch, accuracy in ipairs(type(result.curve) == "table" and result.curve or {}) do
         local row = rows[epoch] or { epoch = epoch, sum = 0, n = 0 }
         rows[epoch], row.sum, row.n = row, row.sum + accuracy, row.n + 1
      end
   end
   for _, row in ipairs(rows) do row.val_accuracy = row.sum / row.n end
   return rows
end

local function curves(found, results, options)
   local runs = {}
   for _, e in ipairs(tell.all(found)) do
      local rows = mean_curve(results[e.model] or {})
      if #rows > 0 then
         runs[#runs + 1] = { name = e.unranked and ("%s (%s)"):format(e.name, e.unranked) or e.name, history = rows }
      end
   end
   return #runs > 0 and scute.plot.runs(runs, options) or nil
end

-- ---- parts ----

local function head(made, found, missing)
   local lines = { "<h1>Comparison of architectures</h1>", ('<p class="soft">%s</p>'):format(page.escape(tell.settings(made))) }
   local verdict, share, words = headline.verdict(found), headline.accuracy(found)
   if verdict then
      lines[#lines + 1] = ('<p class="lead">%s.</p>\n<p class="soft">%s</p>'):format(page.escape(verdict),
         page.escape(headline.explain(found)))
   end
   if share then
      lines[#lines + 1] = ('<p><span class="big">%s</span> %s. %s</p>'):format(page.escape(share), page.escape(words),
         page.escape(headline.chosen(made)))
   end
   if missing > 0 then
      lines[#lines + 1] = ("<p>%s missing; the page is renewed as they end.</p>"):format(console.count(missing, "run is",
         "runs are"))
   end
   return table.concat(lines, "\n")
end

local function models_table(found)
   local titles, rows = tell.cells(found)
   return page.section("Models", page.table(titles, rows),
      '<p class="soft">params: of the network with 1000 classes; new head: with the classes here; photos/s: through the'
      .. " network while it trained; memory: the highest of the process; accuracy: mean, and deviation of the runs</p>")
end

local function statements(found)
   local lines = {}
   for i, line in ipairs(tell.statements(found)) do lines[i] = ("<li>%s</li>"):format(page.escape(line)) end
   return #lines > 0 and page.section("What can be said", "<ul>", table.concat(lines, "\n"), "</ul>") or nil
end

local function pictures(found, results)
   local models = points(found)
   local wide, narrow = curves(found, results), curves(found, results, { width = 440, height = 460 })
   return page.section("Accuracy and cost", page.figure(scute.plot.comparison(models, { width = 312, height = 380 }),
         "accuracy over parameters, time and memory", "cost", "wide"),
      page.figure(scute.plot.comparison(models, { columns = 1 }), "the same, one below the other", "cost1", "narrow"))
      .. (wide and "\n" .. page.section("Training", page.figure(wide, "accuracy of each epoch", "curves", "wide"),
         page.figure(narrow, "accuracy of each epoch", "curves1", "narrow")) or "")
end

local function classes_of(results)
   for _, list in pairs(results) do
      for _, result in ipairs(list) do
         if type(result.classes) == "table" then return result.classes end
      end
   end
end

-- A photo of each kind of mistake of a model's runs.
local function photo_of_mistake(runs_of)
   local paths = {}
   for _, result in ipairs(runs_of) do
      for i, path in ipairs(result.photos) do
         local key = result.labels[i] .. "," .. result.predicted[i]
         paths[key] = paths[key] or path
      end
   end
   return function(actual, predicted)
      local path = paths[actual .. "," .. predicted]
      return path and thumbnail(path)
   end
end

local function confusion(made, found, results, classes)
   local best = found.ranked[1] or found.unranked[1]
   if not best then return nil end
   local counts = metrics.confusion(made.classes)
   counts:add(best.seen.predicted, best.seen.labels)
   local wide = scute.plot.confusion(counts, classes, { photos = photo_of_mistake(results[best.model]) })
   local narrow = scute.plot.confusion(counts, classes, { columns = 1, limit = 8 })
   return page.section("Confusion of " .. best.name, page.figure(wide, "confusion matrix", "confusion", "wide"),
      page.figure(narrow, "confusion matrix", "confusion1", "narrow"))
end

-- Photo -> {path, label, right = answers that were right, all, said = {name of a class = answers}}, over the ranked models.
local function answers(found, results, classes)
   local photos, list = {}, {}
   for _, e in ipairs(#found.ranked > 0 and found.ranked or found.unranked) do
      for _, result in ipairs(results[e.model] or {}) do
         for i, path in ipairs(result.photos) do
            local p = photos[path] or { path = path, label = result.labels[i], right = 0, all = 0, said = {} }
            if not photos[path] then list[#list + 1] = p end
            photos[path], p.all = p, p.all + 1
            if result.predicted[i] == p.label then p.right = p.right + 1 end
            local name = tostring(classes and classes[result.predicted[i]] or result.predicted[i])
            p.said[name] = (p.said[name] or 0) + 1
         end
      end
   end
   return list
end

-- What was said most often, other than the truth.
local function most_said(p, truth)
   local best
   for name, n in pairs(p.said) do
      if name ~= truth and (not best or n > p.said[best] or n == p.said[best] and name < best) then best = name end
   end
   return best
end

local function hardest(found, results, classes)
   local list, items = answers(found, results, classes), {}
   table.sort(list, function(a, b)
      if a.right / a.all ~= b.right / b.all then return a.right / a.all < b.right / b.all end
      return a.path < b.path
   end)
   for i = 1, math.min(HARDEST, #list) do
      local p = list[i]
      if p.right == p.all then break end
      local truth = tostring(classes and classes[p.label] or p.label)
      items[i] = { path = p.path, good = false, lines = { "is " .. truth, "taken for " .. most_said(p, truth),
         ("right in %d of %d answers"):format(p.right, p.all) } }
   end
   if #items == 0 or not lfs.attributes(items[1].path) then return nil end
   return page.section("Photos that were most often wrong", ('<p class="soft">By %s.</p>'):format(
      #found.ranked > 0 and "the ranked models" or "all models"), page.photos(items))
end

-- Links to the pages of the runs, which lie beside this one.
local function runs(output_dir, results)
   local rows = {}
   for model, list in pairs(results) do
      for _, result in ipairs(list) do
         local path = ("runs/%s/%s/%s/report.html"):format(model, result.run, model)
         if lfs.attributes(output_dir .. "/" .. path) then
            rows[#rows + 1] = ('<li><a href="%s">%s, %s</a></li>'):format(path, page.escape(model), page.escape(result.run))
         end
      end
   end
   table.sort(rows)
   return #rows > 0 and page.section("Runs", "<ul>", table.concat(rows, "\n"), "</ul>") or nil
end

local function settings(made)
   local list = {}
   for name, value in pairs(made) do
      if name ~= "models" and name ~= "starts" then list[name] = value end
   end
   for model, start in pairs(made.starts) do
      list["start of " .. model] = start.path and ("%s (sha256 %s)"):format(start.path, start.weights)
         or start.note and "random numbers: " .. start.note or "random numbers"
   end
   return page.section("Settings", page.rows(page.sorted(list), "long"))
end

-- ---- all of it ----

--- The page as text. made: the plan; found: see scute.compare.summary; results: model -> list of results; missing: how many
-- runs are to come.
function report.text(output_dir, made, found, results, missing)
   local classes = classes_of(results)
   return page.document("Comparison of architectures", {
      head(made, found, missing), models_table(found), statements(found) or "", pictures(found, results),
      hardest(found, results, classes) or "", confusion(made, found, results, classes) or "", runs(output_dir, results) or "",
      settings(made), page.section("Versions", page.rows(page.sorted(scute.version()))),
   }, missing > 0 and REFRESH or nil)
end

--- Writes report.html, comparison.png and curves.png.
function report.write(output_dir, made, found, results, missing)
   console.guard("output_dir", function()
      scute.files.write(output_dir .. "/report.html", report.text(output_dir, made, found, results, missing))
      scute.plot.comparison(points(found)):save(output_dir .. "/comparison.png")
      local lines = curves(found, results)
      if lines then lines:save(output_dir .. "/curves.png") end
   end)
end

return report
