-- The pages in a real browser, headless Chromium: they open without an error and without fetching anything, what they say
-- equals the JSON beside them, and on a phone nothing hangs over the edge. Usage: scute tests/report/run.lua
local cjson = require "cjson"
local here = arg[0]:match "^(.*)/" or "."
local cli = dofile(here .. "/../cli/shell.lua")
local photos = dofile(here .. "/../cli/photos.lua")
local check, shell, read_file = cli.check, cli.shell, cli.read_file
local root = cli.scratch

local function unescape(text)
   return (text:gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&nbsp;", " "):gsub("&amp;", "&"))
end

local DARK = " --blink-settings=preferredColorScheme=0" -- of a reader who prefers dark pages

-- What the browser finds on a page on a narrow and a wide screen and on paper, see probe.html; and what it says meanwhile.
local function look_at(path, flags)
   photos.write_file(root .. "/probe.html", (read_file(here .. "/probe.html"):gsub("PAGE", function()
      return "file://" .. path
   end)))
   local r = shell("HOME=$T chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
      .. " --allow-file-access-from-files --enable-logging=stderr --user-data-dir=$T/profile --virtual-time-budget=20000"
      .. (flags or "") .. " --dump-dom file://$T/probe.html")
   local text = r.out:match '<pre id="found">(.-)</pre>'
   if not check(r.code == 0 and text and text ~= "", "the browser opens " .. path, r.err:sub(-2000)) then return nil, "" end
   return cjson.decode(unescape(text)), r.err
end

local function open(path)
   local found, said = look_at(path)
   check(not said:find "CONSOLE", path .. ": nothing on the console", said:sub(-2000))
   return found
end

-- What holds for any page.
local function is_sound(name, found)
   for _, view in ipairs(found) do
      local at = ("%s at %d pixels: "):format(name, view.width)
      check(view.scroll <= view.width, at .. "nothing hangs over the edge", view.scroll)
      check(view.tallest < 80, at .. "rows of tables are a few lines high", view.tallest)
      check(#view.cut == 0, at .. "nothing is cut", cjson.encode(view.cut))
      check(view.contrast.page == 1 and view.contrast.least >= 4.5 and view.contrast.turned == 0, at .. "dark ink on white",
         cjson.encode(view.contrast))
      check(#view.fetched == 0 and view.scripts == 0, at .. "nothing is fetched, no scripts", cjson.encode(view.fetched))
      for i, good in ipairs(view.images) do check(good, at .. "image " .. i, "it does not show") end
      check(#view.pictures > 0, at .. "pictures", "none")
      for _, picture in ipairs(view.pictures) do
         check(picture.width > 200 and picture.height > 100 and picture.drawn > 10 and picture.label ~= "",
            at .. "a picture", cjson.encode(picture))
      end
   end
end

-- For who prefers dark pages; paper stays white.
local function is_dark(name, path)
   local found = look_at(path, DARK)
   if not found then return end
   for _, view in ipairs(found) do
      local c, at = view.contrast, ("%s, dark, at %d pixels: "):format(name, view.width)
      if view.width == 718 then
         check(c.page == 1 and c.least >= 4.5 and c.turned == 0, at .. "white paper", cjson.encode(c))
      else
         check(c.page < 0.02 and c.least >= 4.5, at .. "light ink on a dark page", cjson.encode(c))
         check(c.drawings > 0 and c.turned >= c.drawings, at .. "drawings are turned round", cjson.encode(c))
      end
   end
end

-- {name = value} of a table of two columns.
local function pairs_of(section, number)
   local map = {}
   for _, row in ipairs(section and section[number or 1] or {}) do map[row[1]] = row[2] end
   return map
end

local function same(name, shown, expected)
   check(shown == expected, name, ("the page says %s, the JSON %s"):format(tostring(shown), tostring(expected)))
end

local function decode(path)
   return cjson.decode(read_file(path) or "{}")
end

local function number(value)
   return math.tointeger(value) and ("%d"):format(value) or ("%.6g"):format(value)
end

-- A page with every fault that is_sound looks for: so it is known that they would be seen.
local function faults_are_seen()
   photos.write_file(root .. "/bad.html", '<title>bad</title><div style="width:2000px">wide</div><img src="none.png">'
      .. '<script>console.error("a fault")</script><svg width="10" height="10"></svg>'
      .. '<p style="width:2000px; color:#ccc">faint<div class="scroll"><table><tr style="height:200px"><td>x</table></div>')
   local found, said = look_at(root .. "/bad.html")
   if not found then return end
   check(said:find "CONSOLE.*a fault", "an error on the console is seen", said:sub(-500))
   for _, view in ipairs(found) do
      check(view.scroll >= 2000 and view.images[1] == false and view.scripts == 1 and #view.fetched == 1
         and view.tallest >= 200 and view.pictures[1].drawn == 0 and #view.cut == 1 and view.contrast.least < 2,
         "faults are seen", cjson.encode(view))
   end
end

-- ---- a run ----

local TRAIN = "$S scripts/transfer_learning.lua --data_dir $T/photos --model resnet18 --weights none --image_size 32"
   .. " --batch_size 8 --threads 1 "

local function page_of_a_run()
   local r = shell(TRAIN .. "--epochs 3 --freeze_backbone --output_dir $T/run")
   if not check(r.code == 0, "a run", r.all) then return end
   r = shell("$S scripts/evaluate.lua --model $T/run/resnet18/best.safetensors --data_dir $T/photos --output_dir"
      .. " $T/run/resnet18")
   check(r.code == 0, "its evaluation", r.all)
   local folder = root .. "/run/resnet18"
   local found = open(folder .. "/report.html")
   if not found then return end
   is_sound("a run", found)
   is_dark("a run", folder .. "/report.html")
   local run, evaluation = decode(folder .. "/run.json"), decode(folder .. "/evaluation.json")
   for _, view in ipairs(found) do
      same("title", view.title, run.model)
      local low, high = table.unpack(run.result.val_accuracy_interval)
      check(view.text:find(("%.1f %% (95 %% interval %.1f to %.1f %%, Wilson's) of the %d photos that did not train were "
         .. "recognised"):format(100 * run.result.val_accuracy, 100 * low, 100 * high, run.photos.val), 1, true)
         and view.text:find(("Epoch %d of 3 was chosen on the same photos, so the figure is optimistic"):format(
         run.result.best_epoch), 1, true), "the first sentences", view.text:sub(1, 400))
      check(view.text:find("These photos chose the epoch that was kept", 1, true), "what the evaluation is worth", view.text)
      local summary = pairs_of(view.sections.Summary)
      same("accuracy", summary["validation accuracy"], number(run.result.val_accuracy))
      same("balanced", summary["averaged over classes"], number(run.result.val_balanced_accuracy))
      same("loss", summary["validation loss"], number(run.result.val_loss))
      same("best epoch", summary["best epoch"], number(run.result.best_epoch))
      local classes = pairs_of(view.sections.Classes)
      same("evaluated", classes.accuracy, number(evaluation.accuracy))
      same("its interval", classes["its 95 % interval"], ("%.3f to %.3f"):format(table.unpack(evaluation.accuracy_interval)))
      same("log loss", classes["log loss"], number(evaluation.log_loss))
      same("calibration", classes["calibration error"], number(evaluation.calibration_error))
      for i, row in ipairs(view.sections.Classes[2]) do
         if i > 1 then
            local c = evaluation.per_class[row[1]]
            same("class " .. row[1], table.concat(row, " ", 2), ("%.3f %.3f %.3f %d"):format(c.precision, c.recall, c.f1,
               c.photos))
         end
      end
      same("classes", #view.sections.Classes[2] - 1, #run.classes)
      for i, row in ipairs(view.sections.Photos[2]) do
         if i > 1 then
            same("photos of " .. row[1], row[2] .. " " .. row[3], ("%d %d"):format(run.photos.train_per_class[row[1]],
               run.photos.val_per_class[row[1]]))
         end
      end
      local arguments = pairs_of(view.sections.Arguments)
      same("epochs", arguments.epochs, number(run.arguments.epochs))
      same("learning rate", arguments.learning_rate, number(run.arguments.learning_rate))
      same("versions", pairs_of(view.sections.Versions).scute, run.versions.scute)
      check(view.sections.Hardware, "hardware", view.text)
   end
   same("pictures on a wide screen", #found[2].pictures, 2)
   check(found[2].sections["Worst photos"] and found[2].sections.Features and found[2].sections["What the network looked at"]
      and #found[2].images >= 3, "worst photos, features, Grad-CAM", cjson.encode(found[2].images))
end

-- ---- while it trains ----

local function escapes()
   same("what HTML would take for its own", require("scute.base.page").escape [[<a href="b">&amp;</a>]],
      "&lt;a href=&quot;b&quot;&gt;&amp;amp;&lt;/a&gt;")
end

local function page_of_a_run_that_goes_on()
   local r = shell("set -m; " .. TRAIN .. "--epochs 500 --output_dir $T/live >$T/log 2>&1 & job=$!;"
      .. " page=$T/live/resnet18/report.html;"
      .. " several() { grep -B 1 '<th>best epoch' $page 2>/dev/null | grep -Eq '<th>epochs</th><td>([2-9]|[0-9]{2})'; };"
      .. " while kill -0 $job 2>/dev/null && ! several; do sleep 0.05; done;"
      .. " cp $page $T/first.html; cp $T/live/resnet18/run.json $T/first.json; kill -TERM $job; wait $job")
   if not check(r.code == 143, "a run that goes on", r.all .. (read_file(root .. "/log") or "")) then return end
   local page, state = read_file(root .. "/first.html") or "", decode(root .. "/first.json").state
   check(page:find('http-equiv="refresh"', 1, true) and page:find "the page is renewed while it trains", "it renews itself",
      page:sub(1, 400))
   same("run.json meanwhile", state, "running")
   local found = open(root .. "/first.html")
   if found then
      is_sound("a run that goes on", found)
      check(#found[2].images > 1 and found[2].sections["Worst photos"], "worst photos without an evaluation", #found[2].images)
   end
   page = read_file(root .. "/live/resnet18/report.html")
   check(not page:find("http-equiv", 1, true) and page:find("interrupted, started", 1, true), "at its end it does not",
      page:sub(1, 400))
end

-- ---- a comparison ----

local function page_of_a_comparison()
   local r = shell("$S scripts/compare_architectures.lua --data_dir $T/photos --models resnet18,mobilenet_v2,resnet34"
      .. " --weights none --image_size 32 --batch_size 8 --threads 1 --seeds 2 --budget epochs=2 --output_dir $T/compared")
   if not check(r.code == 0, "a comparison", r.all) then return end
   local found = open(root .. "/compared/report.html")
   if not found then return end
   is_sound("a comparison", found)
   is_dark("a comparison", root .. "/compared/report.html")
   local json = decode(root .. "/compared/comparison.json")
   for _, view in ipairs(found) do
      same("title", view.title, "Comparison of architectures")
      local seen = 0
      for _, row in ipairs(view.sections.Variants[1]) do
         local m = json.variants[row[2]]
         if m then
            seen = seen + 1
            same(row[2] .. ": rank", row[1], ("%d."):format(m.rank))
            same(row[2] .. ": accuracy", row[3], ("%.1f%% ± %.1f"):format(100 * m.figure, 100 * m.sd))
            local line = " " .. table.concat(row, " ") .. " "
            for name, text in pairs { parameters = ("%.1fM"):format(m.parameters / 1e6),
               balanced = ("%.1f%%"):format(100 * m.figures.balanced), latency = ("%.3g ms"):format(1000 * m.latency) } do
               check(line:find(" " .. text .. " ", 1, true), row[2] .. ": " .. name, line)
            end
         end
      end
      same("models", seen, 3)
      for _, pair in pairs(json.pairs) do
         check(view.text:find(("%+.1f points (%+.1f to %+.1f)"):format(100 * pair.difference, 100 * pair.low, 100 * pair.high),
            1, true), "a difference", cjson.encode(pair))
      end
      same("settings", pairs_of(view.sections.Settings)["budget of a run"], json.settings["budget of a run"])
      local verdict = json.conclusion:match "^(.-)%. "
      check(view.text:find(verdict, 1, true) and (verdict:find " is better than " or verdict:find "cannot tell from chance"),
         "the headline says what the test says", view.text:sub(1, 600))
      check(view.text:find("The best epoch of each run and the best variant were chosen on the photos that validate", 1, true),
         "and what it is worth", "")
   end
   same("pictures on a wide screen", #found[2].pictures, 5)
end

-- ---- an experiment ----

local GRID = [[
local scute = require "scute"
dofile "tests/lua/small.lua"
local set = scute.data.open(arg[1] .. "/photos", { seed = 0 })
scute.experiment { name = "grid", output_dir = arg[1] .. "/trials", set = set, seeds = 1, budget = "epochs=3",
   grid = { lr = { 1e-4, 1e-2 }, augment = { "none", "light" } }, tensorboard = true,
   run = function(variant, context)
      local model = scute.models.create("small", { classes = context.set.classes })
      return scute.train.fit(model, context.set, { optimizer = scute.optim.adamw(model, { lr = variant.lr }),
         augment = variant.augment, batch_size = 8, workers = 0 })
   end }
]]

local function page_of_an_experiment()
   photos.write_file(root .. "/grid.lua", GRID)
   local r = shell "$S $T/grid.lua $T"
   if not check(r.code == 0 and r.err == "", "an experiment", r.all) then return end
   local folder = root .. "/trials/grid"
   local found = open(folder .. "/report.html")
   if not found then return end
   is_sound("an experiment", found)
   is_dark("an experiment", folder .. "/report.html")
   local json, seen = decode(folder .. "/comparison.json"), 0
   for _, view in ipairs(found) do
      same("title", view.title, "grid")
      for _, row in ipairs(view.sections.Variants[1]) do
         local variant = json.variants[row[2]]
         if variant then
            seen = seen + 1
            same(row[2] .. ": rank", row[1], ("%d."):format(variant.rank))
            same(row[2] .. ": accuracy", row[3], ("%.1f%%"):format(100 * variant.figure))
         end
      end
      for _, sentence in ipairs { "of accuracy; the intervals hold together", "photos that validate" } do
         check(view.text:find(sentence, 1, true), "it says: " .. sentence, view.text:sub(1, 800))
      end
      same("settings", pairs_of(view.sections.Settings)["budget of a run"], "epochs=3")
      check(view.sections.Grid and view.sections.Runs, "map and links", view.text)
   end
   same("variants, at each width", seen, 12)
   -- intervals twice, map, costs, curves; confusion has photos in it
   same("pictures on a wide screen", #found[2].pictures, 6)
end

photos.set(root .. "/photos", { blue = 14, ["red <b>&amp; \"quoted\""] = 13 })
cli.run { faults_are_seen, escapes, page_of_a_run, page_of_a_run_that_goes_on, page_of_a_comparison,
   page_of_an_experiment }
