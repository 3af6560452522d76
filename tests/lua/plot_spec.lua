local cjson = require "cjson"
local scute = require "scute"
local parity = dofile "tests/lua/parity.lua"
local figures = require "scute.plot.figure"
local ticks = require "scute.plot.ticks"
local plot = scute.plot

local function read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read "a"
   file:close()
   return text
end

local function close(expected, found, tolerance, what)
   assert.is_true(type(found) == "number" and math.abs(expected - found) <= tolerance,
      ("%s: expected %.9g, found %s"):format(what, expected, tostring(found)))
end

local function history(n)
   local rows = {}
   for e = 1, n do
      rows[e] = { epoch = e, train_loss = 2 / e, val_loss = 2.2 / e, train_accuracy = 1 - 0.5 / e,
         val_accuracy = 0.9 - 0.5 / e, rates = { fc = 0.01 / e, layer4 = e > 2 and 0.001 or nil } }
   end
   return rows
end

-- How many values of the picture are not the background's.
local function inked(figure)
   local image <close> = figure:image()
   local tensor <close> = image:tensor()
   local dark = 0
   for _, value in ipairs(tensor:flatten(1):values()) do dark = dark + (value < 250 and 1 or 0) end
   return dark
end

describe("plot ticks", function()
   local function texts(list)
      local out = {}
      for i, entry in ipairs(list) do out[i] = entry[2] end
      return table.concat(out, " ")
   end

   it("are round numbers", function()
      assert.equal("0.0 0.2 0.4 0.6 0.8 1.0", texts(ticks.linear(0, 1, 5)))
      assert.equal("-5 0 5 10", texts(ticks.linear(-7, 12, 4)))
      assert.equal("1 2 3", texts(ticks.linear(1, 3, 9, true)))
      assert.equal("0 10k 20k", texts(ticks.linear(0, 25000, 3)))
      assert.equal("1M 2M", texts(ticks.linear(1e6, 2e6, 1)))
      assert.equal("0.0000 0.0002 0.0004 0.0006 0.0008 0.0010", texts(ticks.linear(0, 1e-3, 5)))
      assert.equal("0 1e-5 2e-5 3e-5", texts(ticks.linear(0, 3e-5, 3)))
   end)

   it("are one where the axis has no length", function()
      assert.equal("1", texts(ticks.linear(1, 1, 4, true)))
   end)

   it("are decades on a logarithmic axis, and more where there are few", function()
      assert.equal("1e-4 1e-3 0.01 0.1 1", texts(ticks.log(1e-4, 1, 5)))
      assert.equal("1 3 10", texts(ticks.log(0.9, 11, 4)))
      assert.equal("6e-4 8e-4 1e-3", texts(ticks.log(5e-4, 1.1e-3, 3)))
      assert.equal("2 4 6 8", texts(ticks.log(1.5, 8, 4)))
      assert.is_true(#ticks.log(1.01, 1.04, 4) >= 2)
   end)

   it("leave room around the data, also where all values are equal", function()
      local low, high = ticks.limits(3, 3)
      assert.is_true(low < 3 and high > 3)
      low, high = ticks.limits(5, 5, true)
      assert.is_true(low < 5 and high > 5 and low > 0)
   end)
end)

describe("scute.plot", function()
   it("draws histories of any length, with gaps where a value is none", function()
      for _, n in ipairs { 1, 2, 40 } do assert.is_true(inked(plot.curves(history(n))) > 2000) end
      local rows = history(3)
      rows[2].train_loss, rows[3].val_loss = 0 / 0, math.huge
      assert.is_true(inked(plot.curves(rows)) > 2000)
      assert.is_true(inked(plot.runs { { name = "a", history = history(3) }, { name = "b", history = history(9) } }) > 2000)
   end)

   it("shows as trained what trained in an epoch at whose end the schedule was at 0", function()
      local image <close> = plot.curves({ { epoch = 1, val_loss = 1, val_accuracy = 0.5, rates = { fc = 0 } } }):image()
      local tensor <close> = image:tensor()
      local planes, blue = { tensor[1][1]:flatten(1):values(), tensor[1][3]:flatten(1):values() }, 0
      for i, red in ipairs(planes[1]) do blue = blue + (red == 0 and planes[2][i] == 0xB2 and 1 or 0) end
      assert.is_true(blue > 5000, blue) -- a bar of a third of the width
   end)

   it("cuts names at their end, or in their middle", function()
      local figure = figures.new(100, 100)
      for _, name in ipairs { "Chelonia mydas 036", "Schildkröte Nummer zwölf", "ääääääääääää" } do
         for width = 10, 120, 10 do
            for _, middle in ipairs { false, true } do
               local text = figure:fit(name, width, nil, middle)
               assert.is_true(utf8.len(text) and (figure.canvas:measure(text, { size = 12 }) <= width or text == "…"), text)
               local head, tail = text:match "^(.*)…(.*)$"
               if head then
                  assert.is_true(name:sub(1, #head) == head and (tail == "" or name:sub(-#tail) == tail), text)
                  assert.is_true(utf8.len(tail) <= utf8.len(head) and (middle or tail == ""), text)
               end
            end
         end
      end
      assert.equal("Chelonia mydas 036", figure:fit("Chelonia mydas 036", 200, nil, true))
      assert.matches("^C.*….*6$", figure:fit("Chelonia mydas 036", 80, nil, true))
   end)

   it("marks the epoch that a run kept, else the one with the best accuracy", function()
      local rows = {}
      for i, accuracy in ipairs { 0.5, 0.9, 0.7 } do rows[i] = { epoch = i, val_accuracy = accuracy, val_loss = 1 } end
      local function subtitle(source, options)
         local new, seen = figures.new, nil
         figures.new = function(...)
            local made = new(...)
            made.title = function(_, _, text) seen = text end
            return made
         end
         plot.curves(source, options)
         figures.new = new
         return seen
      end
      assert.equal("validation accuracy 0.900 in the best epoch, 2 of 3", subtitle(rows))
      assert.equal("validation accuracy 0.700 in the best epoch, 3 of 3", subtitle(rows, { best_epoch = 3 }))
      assert.equal("validation accuracy 0.500 in the best epoch, 1 of 3", subtitle { history = rows, best = rows[1] })
   end)

   it("puts features.2 before features.10", function()
      assert.same({ "features.2", "features.10" }, require("scute.plot.history").groups {
         { rates = { ["features.10"] = 1, ["features.2"] = 1 } } })
   end)

   it("reads history.csv, without a line cut in the middle", function()
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write("epoch,step,lr_fc,train_loss,train_accuracy,val_loss,val_accuracy\n1,5,0.1,2.5,0.25,2,0.5\n"
         .. "2,10,0.1,1.5,0.25,2,0.5")
      file:close()
      local rows = plot.read_history(path)
      assert.same({ 1, 1, 2.5, 0.1 }, { #rows, rows[1].epoch, rows[1].train_loss, rows[1].rates.fc })
      plot.curves(path)
      os.remove(path)
      assert.error_matches(function() plot.curves "/nowhere/history.csv" end, "cannot open '/nowhere/history.csv'")
      assert.error_matches(function() plot.curves "/" end, "cannot read '/': Is a directory")
      assert.error_matches(function() plot.curves { history = 3 } end, "plot.curves: expected a history .* found 3")
      assert.error_matches(function() return plot.curve {} end, "no picture 'curve', did you mean 'curves'?")
      assert.error_matches(function() plot.photos { { image = 3 } } end, "entry 1: expected { path")
      assert.error_matches(function() plot.curves {} end, "no epoch yet")
      assert.error_matches(function() plot.curves { { loss = 1 } } end, "row 1 of the history has no epoch")
   end)

   it("draws the rate of a group from the epoch in which it joins", function()
      local schedule = scute.schedule.warmup_cosine { warmup = 1 }
      local all = plot.schedule(schedule, { epochs = 4, steps_per_epoch = 3, lr = { body = 1, head = 2 } }):svg()
      local late = plot.schedule(schedule, { epochs = 4, steps_per_epoch = 3, lr = { body = 1, head = 2 },
         from = { body = 3, head = 1 } }):svg()
      assert.are_not.equal(all, late)
      assert.is_true(#late < #all)
   end)

   describe("of learning rates", function()
      local axes = require "scute.plot.axes"
      local schedules = scute.schedule

      -- The axes of a picture: options, and items with xs, ys, label, step and above.
      local function axes_of(draw)
         local new, seen = axes.new, nil
         axes.new = function(...)
            local ax = new(...)
            if not seen or (ax.options.title or ""):find "rate" then seen = ax end
            return ax
         end
         local done, why = pcall(draw)
         axes.new = new
         assert(done, why)
         return seen
      end

      local function of_schedule(schedule, options)
         options.epochs, options.steps_per_epoch = options.epochs or 4, options.steps_per_epoch or 2
         return axes_of(function() plot.schedule(schedule, options) end)
      end

      local function labels(ax)
         local list = {}
         for i, item in ipairs(ax.items) do list[i] = item.label end
         return list
      end

      it("has steps as steps, and epochs from 1", function()
         local ax = of_schedule(schedules.step { every = 2, gamma = 0.5 }, { lr = 0.1 })
         local line = ax.items[1]
         assert.is_true(line.step)
         assert.same({ 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5 }, line.xs) -- the last step lasts as long as the others
         assert.same({ 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05 }, line.ys)
         assert.same({ 1, 5 }, ax.options.xlim)
         assert.same({ 1, 2 }, of_schedule(schedules.constant(), { epochs = 1, steps_per_epoch = 1 }).options.xlim)
         local svg = plot.schedule(schedules.constant(), { epochs = 1, steps_per_epoch = 1 }):svg()
         assert.is_truthy(svg:find("<svg", 1, true))
      end)

      it("has a logarithmic axis where rates differ by more than ten", function()
         local function is_log(schedule, lr, more)
            local options = { lr = lr, epochs = 10, steps_per_epoch = 20 }
            for name, value in pairs(more or {}) do options[name] = value end
            return of_schedule(schedule, options).options.ylog
         end
         local cosine = schedules.warmup_cosine { warmup = 1 }
         assert.is_false(is_log(cosine, 0.1))
         assert.is_false(is_log(schedules.one_cycle(), 0.1))
         assert.is_false(is_log(schedules.step { every = 3, gamma = 0.5 }, 0.1))
         assert.is_true(is_log(schedules.step { every = 3, gamma = 0.1 }, 0.1))
         assert.is_false(is_log(cosine, { body = 0.01, head = 0.1 }))
         assert.is_true(is_log(cosine, { body = 0.001, head = 0.1 }))
         assert.is_false(is_log(cosine, { body = 0.05, head = 0.1 }, { from = { body = 10 } })) -- lower only since it is late
         assert.is_true(is_log(cosine, 0.1, { log = true }))
         assert.is_false(is_log(cosine, { body = 0.001, head = 0.1 }, { log = false }))
      end)

      it("keeps the end of a cosine from pressing a logarithmic axis together", function()
         local ax = of_schedule(schedules.cosine(), { lr = { body = 1e-4, head = 1e-2 }, epochs = 10, steps_per_epoch = 100 })
         assert.is_true(ax.options.ylim[1] > 1e-8 and ax.options.ylim[1] < 1e-6)
         assert.is_true(ax.items[1].ys[1000] < ax.options.ylim[1]) -- it leaves through the ground
      end)

      it("hides no line under another", function()
         local ax = of_schedule(schedules.constant(), { lr = { fc = 0.1, layer1 = 0.05, layer2 = 0.05, layer3 = 0.05 } })
         assert.same({ "fc", "layer1, layer2, layer3" }, labels(ax))
         ax = of_schedule(schedules.constant(), { lr = { fc = 0.1, layer1 = 0.05, layer2 = 0.05, layer3 = 0.05 },
            from = { layer1 = 3, layer2 = 2, layer3 = 2 } })
         assert.same({ "fc", "layer1", "layer2, layer3" }, labels(ax))
         assert.same({ 0, 3, 0 }, { ax.items[1].above, ax.items[2].above, ax.items[3].above }) -- who begins first is in place
         assert.is_nil(of_schedule(schedules.constant(), { lr = 0.1 }).items[1].label)
      end)

      it("warms up what joins later", function()
         local ax = of_schedule(schedules.constant(), { lr = { body = 1, head = 1 }, from = { body = 3 }, warmup = 4,
            steps_per_epoch = 4 })
         assert.same({ 0.25, 0.5, 0.75, 1, 1 }, table.move(ax.items[1].ys, 9, 13, 1, {}))
         assert.equal(1, ax.items[2].ys[1])
      end)

      it("has the same of a history, whose axis has no epoch 0", function()
         local rows = {}
         for epoch = 1, 40 do
            rows[epoch] = { epoch = epoch, train_loss = 1, val_loss = 1, train_accuracy = 1, val_accuracy = 1,
               rates = { fc = 0.1, layer1 = 0.01 / epoch, layer2 = 0.01 / epoch } }
         end
         local ax = axes_of(function() plot.curves(rows) end)
         assert.same({ "fc", "layer1, layer2" }, labels(ax))
         assert.is_true(ax.options.ylog)
         assert.equal(0.5, ax.options.xlim[1])
         ax = axes_of(function() plot.runs { { history = rows, name = "a" }, { history = rows, name = "b" } } end)
         assert.is_true(ax.items[1].dash == nil and ax.items[2].dash ~= nil) -- both are seen
         assert.equal(0.5, ax.options.xlim[1])
      end)

      it("goes from 0 to 1 where it is a share, which of metrics nobody knows", function()
         local runs = { { history = { { epoch = 1, val_accuracy = 0.5, my_accuracy = 50 } } } }
         assert.same({ 0, 1 }, axes_of(function() plot.runs(runs) end).options.ylim)
         local limits = axes_of(function() plot.runs(runs, { metric = "my_accuracy" }) end).options.ylim
         assert.is_true(not limits or limits[2] > 50)
      end)
   end)

   it("writes PNG, SVG and PDF, and nothing else", function()
      local base = os.tmpname()
      local figure = plot.schedule(scute.schedule.warmup_cosine { warmup = 1 })
      for ending, start in pairs { png = "\x89PNG", svg = "<?xml", pdf = "%PDF" } do
         figure:save(base .. "." .. ending)
         assert.equal(start, read(base .. "." .. ending):sub(1, #start))
         os.remove(base .. "." .. ending)
      end
      os.remove(base)
      assert.error_matches(function() figure:save "x.gif" end, "ends in .png, .svg or .pdf")
      assert.error_matches(function() figure:save "/nowhere/x.png" end, "/nowhere/x.png")
   end)

   it("gives SVG that several pictures of one page can hold", function()
      local a, b = plot.runs { { name = "a", history = history(3) } }:svg "A & B", plot.curves(history(3)):svg()
      assert.equal('<svg role="img" aria-label="A &amp; B"', a:sub(1, 38))
      local ids = {}
      for id in (a .. b):gmatch ' id="([^"]+)"' do
         assert.is_nil(ids[id], id)
         ids[id] = true
      end
      for id in (a .. b):gmatch 'href="#([^"]+)"' do assert.is_true(ids[id], id) end
      assert.is_nil(a:find('height="420px"', 1, true))
   end)

   it("shows confusion for 2, 30 and 400 classes", function()
      for _, n in ipairs { 2, 30, 400 } do
         local c = scute.metrics.confusion(n)
         for i = 1, n do c:add({ i, i % n + 1 }, { i, i }) end
         assert.is_true(inked(plot.confusion(c)) > 2000)
      end
      assert.is_true(inked(plot.confusion({ counts = { { 0, 0 }, { 0, 0 } } }, { "a", "b" })) > 100)
      assert.error_matches(function() plot.confusion { counts = { { 1, 2 } } } end, "expected 1 counts in row 1, found 2")
      assert.error_matches(function() plot.confusion({ counts = { { 1 } } }, { "a", "b" }) end, "2 names for 1 classes")
      assert.error_matches(function() plot.confusion(3) end, "expected a confusion matrix")
   end)

   it("shows a batch in the colours that went into it", function()
      local photo = scute.image.load "tests/golden/images/one_pixel.png"
      local bytes = photo:tensor():flatten(1):values()
      local x = photo:resize { width = 40, height = 40 }:preprocess {}
      local seen = plot.batch(x, { labels = { 1 }, classes = { "dot" } }):image():tensor()
      for channel = 1, 3 do close(bytes[channel], seen[1][channel][100][90], 1.5, "channel " .. channel) end
   end)

   it("goes on where a photo is missing, tiny or long", function()
      local items = {}
      for i, name in ipairs { "one_pixel.png", "tall.png", "wide.png", "nowhere.png" } do
         items[i] = { path = "tests/golden/images/" .. name, lines = { "a name that is far too long for the photo", "ä\xff" } }
      end
      assert.is_true(inked(plot.photos(items)) > 2000)
      plot.photos {}
      assert.error_matches(function() plot.photos { {} } end, "entry 1")
      assert.error_matches(function() plot.batch(scute.zeros(3, 4)) end, "expected a batch of photos")
   end)

   it("puts on the Pareto front what nothing else beats in both", function()
      local models = { { name = "a", accuracy = 0.8, parameters = 10 }, { name = "b", accuracy = 0.9, parameters = 20 },
         { name = "c", accuracy = 0.85, parameters = 30 }, { name = "d", accuracy = 0.8, parameters = 9 },
         { name = "e", accuracy = 0 / 0, parameters = 1 } }
      local front = require("scute.plot.comparison").front(models, "parameters")
      assert.same({ 2, "d", "b" }, { #front, front[1].name, front[2].name })
      assert.is_true(inked(plot.comparison(models)) > 1000)
      for i, memory in ipairs { 100, 101, 90, 103 } do models[i].memory = memory end -- the second is best, for 1 % more
      front = require("scute.plot.comparison").front(models, "memory")
      assert.same({ 2, "c", "b" }, { #front, front[1].name, front[2].name })
      for i, loss in ipairs { 0.5, 0.4, 0.45, 0.3, 0.2 } do models[i].accuracy = loss end
      models[5].unranked = "1 of 2 runs"
      front = require("scute.plot.comparison").front(models, "parameters", true)
      assert.same({ 1, "d" }, { #front, front[1].name })
      assert.is_true(inked(plot.comparison(models, { label = "loss", lower = true, noun = "variant" })) > 1000)
      assert.error_matches(function() plot.comparison { { name = "a", accuracy = 1 } } end, "no model has parameters")
   end)

   -- How many pixels of a figure have a colour, and the middle of them.
   local function pixels_of(fig, hex)
      local wanted, planes = {}, {}
      for pair in hex:gmatch "%x%x" do wanted[#wanted + 1] = tonumber(pair, 16) end
      local image = fig:image():tensor()
      for k = 1, 3 do planes[k] = image[1][k]:flatten(1):values() end
      local n, x, y = 0, 0, 0
      for i = 1, #planes[1] do
         if planes[1][i] == wanted[1] and planes[2][i] == wanted[2] and planes[3][i] == wanted[3] then
            n, x, y = n + 1, x + (i - 1) % fig.width, y + (i - 1) // fig.width
         end
      end
      return n, x / n, y / n
   end

   it("colours a map by what is better, frames the best, and leaves open what is not known", function()
      local o = { x = { "1", "2" }, y = { "a", "b" }, columns = 1, text = function(value, map, column, row)
         return ("%s%d%d:%g"):format(map.title, column, row, value)
      end }
      local maps = { { title = "m", values = { { 0.5, 0 / 0 }, { nil, 0.25 } } }, { title = "n", values = { { 0.1, 1 }, {} } } }
      local middles = {}
      for i, lower in ipairs { false, true } do
         o.lower = lower
         local fig = plot.heat_map(maps, o)
         local n, x, y = pixels_of(fig, require("scute.plot.color").hex("blues", 0.88))
         local framed, fx, fy = pixels_of(fig, figures.BAD)
         assert.is_true(n > 500 and n < 5000 and framed > 100, n .. " " .. framed)
         close(x, fx, 12, "the best is framed")
         close(y, fy, 12, "the best is framed")
         middles[i] = { x, y }
      end
      assert.is_true(middles[1][1] > middles[2][1] + 40, "0.1 stands left of 1")
      close(middles[1][2], middles[2][2], 5, "in the same row")
      assert.is_true(plot.heat_map(maps, o).width <= 370)
      o.columns = nil
      assert.is_true(plot.heat_map(maps, o).width <= 930)
      plot.heat_map({ { values = { {}, {} } } }, o)
      local function refuses(list, options, why)
         assert.error_matches(function() plot.heat_map(list, options) end, why)
      end
      refuses({}, o, "plot.heat_map: expected a list of maps, found none")
      refuses(maps, { x = { "1" } }, "plot.heat_map: y: expected a list of names, found none")
      refuses({ { values = { { 1 } } } }, o, "map 1: expected 2 rows, one for each of options.y, found 1")
      refuses({ { values = { { 1 }, { 1, 2, 3 } } } }, o, "map 1: row 2: expected 2 numbers, one for each of options.x")
   end)

   it("shows intervals, of which some are open or missing", function()
      local list = { { name = "a", value = 0.5, low = 0.4, high = 0.6 }, { name = "b", value = 0.4, hollow = true },
         { name = "c", note = "no run yet" }, { name = "d", value = 0.45, low = -math.huge, high = math.huge, strong = true } }
      local fig = plot.intervals(list, { mark = 0, label = "accuracy" })
      assert.is_true(pixels_of(fig, figures.GOOD) > 100 and pixels_of(fig, figures.BAD) > 20)
      assert.equal(370, plot.intervals(list, { columns = 1 }).width)
      plot.intervals { { name = "none" } }
      assert.error_matches(function() plot.intervals {} end, "expected a list of numbers, found none")
      assert.error_matches(function() plot.intervals { { value = 1 } } end, "entry 1: expected { name = TEXT")
   end)

   it("marks what a learning-rate finder suggests, although the loss ends in NaN", function()
      local points = {}
      for i = 1, 20 do points[i] = { lr = 10 ^ (-6 + i / 4), loss = i < 20 and 3 - i / 10 or 0 / 0 } end
      assert.is_true(inked(plot.lr_finder(points, { suggestion = 1e-3 })) > 1000)
      assert.error_matches(function() plot.lr_finder {} end, "found none")
   end)
end)

describe("scute.pca", function()
   -- float32 products over 60 x 24 numbers against float64: 1e-4 of the largest coordinate (about 5).
   it("agrees with scikit-learn, signs too", function()
      local golden = cjson.decode(read "tests/golden/pca.json")
      scute.rng_state { 20240917, 77 }
      local u = scute.rand({ 60, 24 }, { dtype = "f64", device = "ref" })
      local scale = {}
      for i = 1, 24 do scale[i] = 3 + (0.2 - 3) * (i - 1) / 23 end
      local x = (u * 2 - 1):to("f32"):to("f64") * scute.tensor(scale, { dtype = "f64", device = "ref" })
      local found = require("scute.pca").fit(x, 2)
      assert.equal(60, #golden.points)
      for i, point in ipairs(golden.points) do
         for k = 1, 2 do close(point[k], found.points[i][k], 5e-4, ("point %d"):format(i)) end
      end
      for k = 1, 2 do
         close(golden.explained[k], found.explained[k], 1e-5, "explained")
         for i, value in ipairs(golden.components[k]) do close(value, found.components[k][i], 2e-4, "component") end
      end
   end)

   it("takes features that are all equal, and single ones", function()
      local found = require("scute.pca").fit(scute.ones(4, 3))
      assert.is_true(found.points[1][1] == 0 and found.explained[1] == 0)
      assert.equal(2, #require("scute.pca").fit(scute.ones(1, 1)).points[1])
      local nan = scute.full({ 2, 2 }, 0 / 0)
      assert.error_matches(function() require("scute.pca").fit(nan) end, "NaN")
      assert.error_matches(function() require("scute.pca").fit(3) end, "expected features")
   end)
end)

describe("scute.gradcam", function()
   local function gradcam_equals(case, model, x)
      local found = scute.gradcam(model, x, math.tointeger(case.class))
      local largest = 0
      for _, row in ipairs(case.raw) do largest = math.max(largest, table.unpack(row)) end
      assert.is_true(largest > 0)
      assert.equal(#case.raw, #found.raw)
      for i, row in ipairs(case.raw) do
         for j, value in ipairs(row) do
            -- float32 through the whole network against float64
            close(value, found.raw[i][j], 2e-4 * largest, ("%s at %d, %d"):format(case.model, i, j))
            close(value / largest, found.map[i][j], 4e-4, "scaled")
         end
      end
      close(case.probability, found.probability, 1e-4, "probability")
   end

   it("equals PyTorch's on golden weights, trained and frozen", function()
      local cases = cjson.decode(read "tests/golden/gradcam.json")
      assert.equal(5, #cases)
      for _, case in ipairs(cases) do
         local model = parity.fill(scute.nn.init.skip(scute.models.create, case.model, { classes = 10 }))
         local x = parity.images({ 1, 3, math.tointeger(case.pixels), math.tointeger(case.pixels) }, "cpu", "f32")
         gradcam_equals(case, model, x)
         gradcam_equals(case, model:freeze "backbone", x)
         gradcam_equals(case, model:freeze(), x)
      end
   end)

   it("leaves the model as it was", function()
      local model = scute.models.resnet18 { classes = 3 }:freeze "backbone"
      model:train()
      local x = scute.randn(1, 3, 64, 64)
      local weight = model:get("fc").weight
      model(scute.randn(2, 3, 64, 64)):sum():backward()
      local gradient = weight.grad:values()
      scute.no_grad(scute.gradcam, model, x)
      assert.is_true(weight.requires_grad and model.training)
      assert.same(gradient, weight.grad:values())
      assert.is_nil(rawget(model:child "layer4", "forward"))
      assert.error_matches(function() scute.gradcam(model, x, 4) end, "class from 1 to 3")
      assert.error_matches(function() scute.gradcam(model, x, "fish") end, "no class 'fish'")
      assert.error_matches(function() scute.gradcam(model, scute.zeros(2, 3, 64, 64)) end,
         "expected one photo %(1, 3, H, W%), found tensor f32 cpu %(2, 3, 64, 64%)$")
      assert.error_matches(function() scute.gradcam(nil, x) end, "expected a model of scute.models, found nil")
      assert.is_true(model.training)
   end)
end)
