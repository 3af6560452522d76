-- What an evaluation leaves on disk: its numbers, and pictures of the confusion and of the worst photos.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local readable = require "scute.base.readable"
local tell = require "scute.evaluate.tell"
local to_json = require "scute.base.json"

local save = {}

--- The `limit` (15) records of highest loss, as scute.plot.top_losses takes them.
function save.worst(records, classes, limit)
   local order = table.move(records, 1, #records, 1, {})
   table.sort(order, function(a, b)
      if a.loss ~= b.loss then return a.loss > b.loss end
      return (a.path or "") < (b.path or "")
   end)
   local list = {}
   for i = 1, math.min(limit or 15, #order) do
      local r = order[i]
      list[i] = { path = r.path, truth = classes[r.truth], predicted = classes[r.predicted], loss = r.loss,
         probability = r.confidence, truth_probability = r.truth_probability }
   end
   return list
end

-- One photo of each kind of mistake: the one of which the model was surest.
local function photo_of_mistake(records)
   local found = {}
   for _, r in ipairs(records) do
      local key = r.truth .. "," .. r.predicted
      if r.predicted ~= r.truth and (not found[key] or r.confidence > found[key].confidence) then found[key] = r end
   end
   return function(actual, predicted)
      local r = found[actual .. "," .. predicted]
      return r and r.path
   end
end

-- The most frequent mistakes with a photo each: list of {actual, predicted, path}, class numbers.
local function mistakes_of(result, records)
   local list, photo = {}, photo_of_mistake(records)
   for i, entry in ipairs(result.confusion:most_confused(15)) do
      list[i] = { actual = entry[1], predicted = entry[2], path = photo(entry[1], entry[2]) }
   end
   return #list > 0 and list or nil
end

local MAPPED, LOOKED = 2000, 4 -- photos on the map of features; photos with what the network looked at

-- The map of the features: at most MAPPED photos, evenly from all.
local function feature_map(features, records, classes)
   local n, rows, labels = #records, {}, {}
   if n < 2 then return nil end
   for k = 1, math.min(n, MAPPED) do
      rows[k] = n <= MAPPED and k or 1 + (k - 1) * n // MAPPED
      labels[k] = records[rows[k]].truth
   end
   local which <close> = scute.tensor(rows, { dtype = "i64" })
   return scute.plot.embedding(features:index_select(1, which), labels, classes)
end

-- What speaks for the prediction and for the truth in one of the worst photos; nil where it cannot be read any more, or the
-- model has no map of it.
local function looked_at(model, record)
   local photo = readable(record.path)
   if not photo then return nil end
   local p, shown = model.preprocessing, photo
   if p.pad_square then shown = shown:pad_square() end
   if p.resize and p.resize > 0 then shown = shown:resize { size = p.resize, filter = p.filter } end
   if p.crop and p.crop > 0 then shown = shown:crop(p.crop) end
   local x <close> = photo:preprocess(p)
   local ok, cam = pcall(scute.gradcam, model, x, record.predicted)
   if not ok and tostring(cam):find "no feature map" then return nil end -- as of a network of one's own
   local cams = { ok and cam or error(cam, 0) }
   if record.truth ~= record.predicted then cams[2] = scute.gradcam(model, x, record.truth) end
   return scute.plot.gradcam(shown, cams, { title = ("%s: is %s, said %s"):format(record.path:match "[^/]*$", record.truth,
      record.predicted) })
end

local function save_pictures(folder, result, records, classes, about, worst, more)
   local subtitle = about and about.split and "Confusion, " .. about.split or "Confusion"
   scute.plot.confusion(result.confusion, classes, { title = subtitle, photos = photo_of_mistake(records) })
      :save(folder .. "/confusion.png")
   scute.plot.top_losses(worst):save(folder .. "/top_losses.png")
   local map = more and more.features and feature_map(more.features, records, classes)
   if map then map:save(folder .. "/features.png") end
   for i = 1, LOOKED do
      local path = ("%s/gradcam_%d.png"):format(folder, i)
      os.remove(path) -- of an earlier evaluation
      local figure = more and more.model and worst[i] and looked_at(more.model, worst[i])
      if figure then figure:save(path, { scale = 1 }) end
   end
end

--- Writes evaluation.json, confusion.png, top_losses.png, features.png and gradcam_1.png to gradcam_4.png into `folder`,
-- which is made if need be; where it is the folder of a training run, its report.html too. about: see to_table. more:
-- { features = (N, F) of the records, model }, for the last two.
function save.save(folder, result, records, classes, about, more)
   console.guard("output_dir", scute.files.mkdirs, folder)
   local worst = save.worst(records, classes)
   local fields = { worst = #worst > 0 and worst or nil, mistakes = mistakes_of(result, records) }
   for key, value in pairs(about or {}) do fields[key] = value end
   console.guard("output_dir", scute.files.write, folder .. "/evaluation.json",
      to_json(tell.to_table(result, classes, fields)))
   console.guard("output_dir", function()
      save_pictures(folder, result, records, classes, about, worst, more)
      if lfs.attributes(folder .. "/run.json") then require("scute.report.html").write(folder) end
   end)
end

return save
