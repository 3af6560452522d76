-- Draws every type of picture on one sheet, to be looked at: tests/pictures/contact_sheet.png. What was found wrong that way
-- is in README.md beside it. All data are made up by formulas.
-- Usage: ./scute tests/pictures/sheet.lua [FILE]
local scute = require "scute"
local plot = scute.plot

local TEN = { "bird", "clothes", "fish", "flower", "fruit", "insect", "mammal", "tool", "vegetable", "vehicle" }
local WIDTH, GAP, COLUMNS = 900, 16, 2

-- Whole numbers 1..k that depend on nothing but how many were drawn before.
local state = 7
local function draw(k)
   state = (state * 1103515245 + 12345) & 0x7fffffff
   return (state >> 8) % k + 1
end

local function history(epochs, speed, top)
   local rows = {}
   for e = 1, epochs do
      local fade = math.exp(-e / speed)
      rows[e] = {
         epoch = e, train_loss = 2.2 * fade + 0.1, val_loss = 2 * fade + 0.3 + 0.02 * math.sin(3 * e),
         train_accuracy = 1 - 0.7 * fade, val_accuracy = top - 0.6 * fade + 0.01 * math.sin(5 * e),
         rates = { classifier = 3e-3 * math.cos(e / 10), top = e > 3 and 1e-3 * math.cos(e / 10) or nil,
            stages = e > 6 and 1e-4 * math.cos(e / 10) or nil },
      }
   end
   rows[math.min(8, epochs)].train_loss = 0 / 0 -- a gap
   return rows
end

local function confusion(classes, photos, mistakes)
   local c = scute.metrics.confusion(classes)
   for _ = 1, photos do
      local actual = draw(classes)
      local predicted = actual
      if draw(100) <= mistakes then predicted = draw(4) == 1 and draw(classes) or actual * 7 % classes + 1 end
      c:add({ predicted }, { actual })
   end
   return c
end

local function lr_points()
   local points = {}
   for i = 0, 99 do
      local lr = 1e-6 * 10 ^ (i / 99 * 6.5)
      local loss = 2.3 - 1.2 / (1 + math.exp(-3 * (math.log(lr, 10) + 3))) + (lr > 0.1 and (8 * lr) ^ 1.5 or 0)
      points[#points + 1] = { lr = lr, loss = loss + 0.1 * math.sin(7 * i), smoothed = loss }
   end
   return points
end

local function mistakes()
   local records = {}
   for i, name in ipairs { "photo.jpg", "tall.png", "wide.png", "rgb.png", "tiny.png", "one_pixel.png", "not_there.jpg" } do
      records[i] = { path = "tests/golden/images/" .. name, truth = TEN[i], predicted = TEN[i % 2 == 0 and i or i + 1],
         loss = 4 - i / 3, probability = 1 - i / 20, truth_probability = 0.01 * i }
   end
   return records
end

local function batch(photo)
   local chunks = {}
   for i = 1, 10 do
      local crop = photo:random_resized_crop { size = 96, seed = 1, index = i }
      chunks[i] = crop:preprocess {}
   end
   return scute.concat(chunks, 1)
end

local function features(n, classes)
   local rows, labels = {}, {}
   for i = 1, n do
      labels[i] = (i - 1) % (classes or #TEN) + 1
      rows[i] = {}
      for j = 1, 32 do rows[i][j] = math.sin(labels[i] * j) + 0.6 * math.sin(1.7 * i * j) end
   end
   return scute.tensor(rows), labels
end

local models = {
   { name = "ResNet-18", accuracy = 0.84, low = 0.78, high = 0.89, parameters = 11.7e6, seconds = 310, memory = 0.9e9 },
   { name = "ResNet-50", accuracy = 0.87, low = 0.82, high = 0.92, parameters = 25.6e6, seconds = 900, memory = 2.1e9 },
   { name = "EfficientNet-B0", accuracy = 0.88, low = 0.82, high = 0.93, parameters = 5.3e6, seconds = 420, memory = 1.7e9 },
   { name = "EfficientNet-B3", accuracy = 0.89, low = 0.83, high = 0.93, parameters = 12.2e6, seconds = 1200, memory = 2.9e9 },
   { name = "MobileNetV2", accuracy = 0.85, low = 0.8, high = 0.9, parameters = 3.5e6, seconds = 240, memory = 1.2e9 },
}

local function many_models()
   local list = {}
   for i = 1, 9 do
      list[i] = { name = "EfficientNet-B" .. i - 1, accuracy = 0.5 + 0.04 * i, low = 0.45 + 0.04 * i, high = 0.53 + 0.04 * i,
         parameters = 1e6 * i * i, seconds = 100 * i, memory = 1e8 * i, unranked = i > 5 and "random weights" or nil }
   end
   return list
end

local function long_names(n)
   local list = {}
   for i = 1, n do list[i] = ("Dermochelys coriacea (Lederschildkröte) %d"):format(i) end
   return list
end

-- One group more learns after each epoch.
local function many_groups(epochs, groups)
   local rows = history(epochs, 12, 0.9)
   for e, row in ipairs(rows) do
      row.rates = {}
      for g = 1, groups do row.rates["features." .. g] = e > 2 * g and 1e-3 * 0.7 ^ g or nil end
   end
   return rows
end

-- Maps of three rows and four columns, of which a cell is not known.
local function maps(n)
   local list = {}
   for k = 1, n do
      list[k] = { title = n > 1 and ("classes=%d"):format(10 * k) or nil, values = {} }
      for row = 1, 3 do
         list[k].values[row] = {}
         for column = 1, 4 do list[k].values[row][column] = 60 + 4 * k + 3 * row + 10 * math.sin(column * row) end
      end
      list[k].values[2][4] = 0 / 0
   end
   return list
end

local function against()
   local list = { { name = "a variant that has no run", note = "no run yet" } }
   for i, name in ipairs(long_names(3)) do list[i + 1] = { name = name, value = 2 * i, low = -2 * i, high = 6 * i } end
   list[5] = { name = "better=true", value = 20, low = 9, high = 30, strong = true }
   list[6] = { name = "alone", value = 4, hollow = true }
   return list
end

-- A query and its candidates.
local function ranked(k)
   local function photo(i, good)
      return { path = mistakes()[i].path, lines = { "Dermochelys coriacea 03" .. i, "similarity 0.7" .. i, "left, 2019-07-03" },
         good = good }
   end
   local candidates = {}
   for i = 1, k do candidates[i] = photo(i % 4 + 1, i == k) end
   return { query = photo(1), candidates = candidates }
end

-- Similarities around a middle, as of a bell.
local function bell(n, middle, width)
   local list = {}
   for i = 1, n do
      local sum = 0
      for _ = 1, 6 do sum = sum + draw(1000) / 1000 - 0.5 end
      list[i] = middle + width * sum
   end
   return list
end

local function said_and_true()
   local said, is_true = {}, {}
   for i = 1, 300 do
      said[i] = draw(1000) / 1000
      is_true[i] = draw(1000) / 1000 < said[i] ^ 1.3
   end
   return select(2, scute.metrics.calibration_error(said, is_true, { bins = 10 }))
end

local function figures()
   scute.manual_seed(1)
   local photo = scute.image.load "tests/golden/images/photo.jpg"
   local square = photo:resize(128):crop(128)
   local network = scute.models.create("resnet18", { classes = TEN, log = false }):freeze "backbone"
   local x, labels = features(200)
   local names = {}
   for i = 1, 400 do names[i] = ("t%03d"):format(i) end
   local predictions = {}
   for i, record in ipairs(mistakes()) do
      predictions[i] = { path = record.path, truth = i ~= 3 and record.truth or nil,
         top = { { class = record.predicted, probability = record.probability }, { class = "turtle", probability = 0.04 } } }
   end
   return {
      plot.curves(history(14, 4, 0.9), { title = "Curves of a run" }),
      plot.schedule(scute.schedule.warmup_cosine { warmup = 2, epochs = 10 },
         { lr = { head = 3e-3, backbone = 3e-4 }, epochs = 10, steps_per_epoch = 40 }),
      plot.confusion(confusion(400, 4000, 30), names, { title = "Confusion, 400 classes", photos = function(actual)
         return actual % 3 > 0 and "tests/golden/images/photo.jpg" or nil
      end }),
      plot.runs { { name = "ResNet-18", history = history(14, 4, 0.88) },
         { name = "MobileNetV2", history = history(9, 2, 0.84) },
         { name = "EfficientNet-B0", history = history(14, 3, 0.92) } },
      plot.confusion(confusion(2, 100, 20), { "green turtle", "loggerhead" }, { title = "Confusion, 2 classes" }),
      plot.top_losses(mistakes(), { columns = 4 }),
      plot.lr_finder(lr_points(), { suggestion = { steepest = 8e-4, valley = 2e-3 } }),
      plot.confusion(confusion(10, 300, 20), TEN, { title = "Confusion, 10 classes" }),
      plot.predictions(predictions, { columns = 4 }),
      plot.embedding(x, labels, TEN),
      plot.confusion(confusion(40, 900, 30), nil, { title = "Confusion, 40 classes" }),
      plot.batch(batch(photo), { labels = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, classes = TEN, columns = 5 }),
      plot.comparison(models, { width = 294, height = 340 }),
      plot.comparison(many_models(), { columns = 1 }),
      plot.confusion(confusion(12, 60000, 30), long_names(12), { title = "Confusion, long names, many photos" }),
      plot.confusion(confusion(30, 900, 30), long_names(30), { title = "Confusion, 30 long names" }),
      plot.embedding(features(240, 40)),
      plot.curves(many_groups(40, 12), { title = "Forty epochs, twelve groups" }),
      plot.gradcam(square,
         { scute.gradcam(network, square:preprocess {}, "fish"), scute.gradcam(network, square:preprocess {}) },
         { title = "Grad-CAM (an untrained network)" }),
      plot.curves(history(1, 4, 0.9), { title = "One epoch, one column", columns = 1 }),
      plot.heat_map(maps(3), { title = "Accuracy", x = { "0.0001", "0.0003", "0.001", "0.003" },
         y = { "none", "light", "strong" }, xlabel = "learning_rate", ylabel = "augment",
         text = function(share) return ("%.1f%%"):format(share) end }),
      plot.heat_map(maps(1), { title = "Loss", lower = true, columns = 1, x = long_names(4), y = long_names(3) }),
      plot.intervals(against(), { title = "ResNet-18 against", subtitle = "orange: more than chance", mark = 0,
         label = "points of accuracy ahead" }),
      plot.intervals(against(), { title = "In one column", columns = 1 }),
      plot.rank_lists { ranked(5), ranked(3), ranked(1) },
      plot.photo_pairs({ { first = ranked(1).query, second = ranked(1).candidates[1] },
         { first = ranked(1).query, second = ranked(2).candidates[1] } }, { title = "Pairs that are most alike" }),
      plot.similarities(bell(400, 0.7, 0.12), bell(9000, 0.15, 0.16), { threshold = 0.5 }),
      plot.calibration(said_and_true()),
   }
end

-- Each into the column that is the shortest so far.
local function arrange(list)
   local heights, places = {}, {}
   for c = 1, COLUMNS do heights[c] = GAP end
   for i, figure in ipairs(list) do
      local column = 1
      for c = 2, COLUMNS do
         if heights[c] < heights[column] then column = c end
      end
      local scale = math.min(1, WIDTH / figure.width)
      places[i] = { x = GAP + (column - 1) * (WIDTH + GAP), y = heights[column], w = figure.width * scale,
         h = figure.height * scale }
      heights[column] = heights[column] + places[i].h + GAP
   end
   return places, math.max(table.unpack(heights))
end

local list = figures()
local places, height = arrange(list)
local sheet = scute.canvas(GAP + COLUMNS * (WIDTH + GAP), height)
for i, figure in ipairs(list) do
   local p = places[i]
   local image <close> = figure:image(p.w / figure.width)
   sheet:image(image, p.x, p.y, p.w, p.h)
   sheet:rect(p.x, p.y, p.w, p.h, { color = "#CCCCCC" })
end
local path = arg[1] or "tests/pictures/contact_sheet.png"
sheet:save(path)
print(path)
