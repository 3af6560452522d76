-- Grids of photos: a batch after augmentation, predictions, the worst mistakes; and what a network looked at.
local lfs = require "lfs"
local scute = require "scute"
local color = require "scute.plot.color"
local console = require "scute.base.console"
local figure = require "scute.plot.figure"
local readable = require "scute.base.readable"
local is_tensor = require("scute.nn.module").is_tensor

local photos = {}

local EDGE, GAP, LINE = 16, 12, 15

local function broken(fig, x, y, side, message)
   fig.canvas:rect(x, y, side, side, { color = "#EEEEEE", fill = true })
   fig:text(x + side / 2, y + side / 2, message, { align = "center", size = figure.SMALL, color = figure.SOFT, fit = side - 8 })
end

local function size_of(image)
   if is_tensor(image) then return image.shape[4], image.shape[3] end
   return image.width, image.height
end

--- The photo of an item in a square, whole.
local function draw_photo(fig, item, x, y, side)
   local image = item.image
   if not image then
      image = readable(item.path, item.crop)
      if not image then
         return broken(fig, x, y, side, lfs.attributes(item.path) and "cannot be read" or item.path:match "[^/]*$")
      end
   end
   local w, h = size_of(image)
   local scale = side / math.max(w, h)
   w, h = math.max(1, w * scale), math.max(1, h * scale)
   fig.canvas:image(image, x + (side - w) / 2, y + (side - h) / 2, w, h, { smooth = scale < 4 })
   if not item.image then image:free() end
end

photos.draw_photo = draw_photo

--- Its frame: blue where it is right, orange where it is wrong, none where that is not known.
function photos.draw_frame(fig, good, x, y, side)
   if good == nil then return end
   fig.canvas:rect(x - 1.5, y - 1.5, side + 3, side + 3, { color = good and figure.GOOD or figure.BAD, width = 3 })
end

--- The texts below it, the first one bold. middle: true where that is a name, which is cut in its middle.
function photos.draw_lines(fig, lines, x, y, side, middle)
   for k, line in ipairs(lines or {}) do
      fig:text(x, y + side + k * LINE + 1, line, { size = figure.SMALL, fit = side, bold = k == 1, middle = middle and k == 1,
         color = k == 1 and figure.INK or figure.SOFT })
   end
end

--- A grid. items: list of { path = | image = (scute.image or u8 tensor (1, 3, H, W)), crop = the part of the file at path (a
-- table as scute.image.load takes it), lines = list of texts below, good = true, false or nil: the colour of its frame }.
-- options: title, subtitle, columns (5), side (150 pixels).
function photos.photos(items, options)
   options = options or {}
   if type(items) ~= "table" then error("plot.photos: expected a list of photos, found " .. tostring(items), 2) end
   for i, item in ipairs(items) do
      if type(item) ~= "table" or not (type(item.path) == "string" or type(item.image) == "userdata") then
         error(("plot.photos: entry %d: expected { path = ... } or { image = ... }"):format(i), 2)
      end
   end
   local side, lines = options.side or 150, 0
   for _, item in ipairs(items) do lines = math.max(lines, #(item.lines or {})) end
   local columns = math.max(1, math.min(options.columns or 5, #items))
   local rows = math.max(1, math.ceil(#items / columns))
   local top = options.subtitle and 56 or options.title and 38 or 12
   local high = side + lines * LINE + GAP + 4
   local fig = figure.new(math.max(2 * EDGE - GAP + columns * (side + GAP), 240), top + rows * high + 4)
   fig:title(options.title, options.subtitle)
   if #items == 0 then fig:text(16, top + 40, "no photos", { color = figure.SOFT }) end
   for i, item in ipairs(items) do
      local x, y = EDGE + (i - 1) % columns * (side + GAP), top + (i - 1) // columns * high
      draw_photo(fig, item, x, y, side)
      photos.draw_frame(fig, item.good, x, y, side)
      photos.draw_lines(fig, item.lines, x, y, side)
   end
   return fig
end

local MEAN, STD = { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }

-- Image i of a normalised f32 batch (N, 3, H, W) as a u8 tensor (1, 3, H, W).
local function denormalised(x, i, mean, std)
   return scute.no_grad(function()
      local one = x[{ { i, i } }]
      local m = scute.tensor(mean):reshape { 1, 3, 1, 1 }
      local s = scute.tensor(std):reshape { 1, 3, 1, 1 }
      return ((one * s + m) * 255 + 0.5):to "u8" -- what lies outside becomes 0 or 255
   end)
end

--- A batch as the network gets it, after augmentation and normalisation. x: f32 (N, 3, H, W). options: labels (class
-- numbers: list or i64 tensor), classes (names), mean, std (ImageNet's), limit (20), title, columns, side.
function photos.batch(x, options)
   options = options or {}
   if not is_tensor(x) or #x.shape ~= 4 or x.shape[2] ~= 3 then
      error("plot.batch: expected a batch of photos (N, 3, H, W), found " .. console.brief(x), 2)
   end
   local labels = options.labels and (type(options.labels) == "table" and options.labels or options.labels:values())
   local cpu = x:to "cpu"
   local items = {}
   for i = 1, math.min(x.shape[1], options.limit or 20) do
      local label = labels and labels[i]
      items[i] = { image = denormalised(cpu, i, options.mean or MEAN, options.std or STD),
         lines = label and { options.classes and options.classes[label] or tostring(label) } or nil }
   end
   return photos.photos(items, { title = options.title or "A batch as the network sees it", columns = options.columns,
      side = options.side })
end

local FRAMES = "blue frame: right, orange frame: wrong"

--- What a model said. results: list of { path, top = list of {class, probability} } as scute.predict.photos gives them,
-- with truth = name where it is known. options: title, limit (20), columns, side.
function photos.predictions(results, options)
   options = options or {}
   local list, items = results.photos or results, {}
   for i = 1, math.min(#list, options.limit or 20) do
      local r = list[i]
      local lines = { ("%s %.0f %%"):format(r.top[1].class, 100 * r.top[1].probability) }
      if r.truth then
         lines[2] = r.truth == r.top[1].class and "right" or "is " .. r.truth
      elseif r.top[2] then
         lines[2] = ("%s %.0f %%"):format(r.top[2].class, 100 * r.top[2].probability)
      end
      local good
      if r.truth then good = r.truth == r.top[1].class end
      items[i] = { path = r.path, crop = r.crop, image = r.image, lines = lines, good = good }
   end
   local framed = false
   for _, item in ipairs(items) do framed = framed or item.good ~= nil end
   return photos.photos(items, { title = options.title or "Predictions", subtitle = framed and FRAMES or nil,
      columns = options.columns, side = options.side })
end

--- The items of photos.top_losses: { path, image, good, lines }, the highest loss first, at most `limit`.
function photos.loss_items(records, limit)
   local order = {}
   for i, record in ipairs(records) do order[i] = { record, i } end
   table.sort(order, function(a, b)
      if a[1].loss ~= b[1].loss then return a[1].loss > b[1].loss end
      return a[2] < b[2]
   end)
   local items = {}
   for i = 1, math.min(#order, limit) do
      local r = order[i][1]
      items[i] = { path = r.path, crop = r.crop, image = r.image, good = r.truth == r.predicted, lines = {
         "is " .. r.truth,
         ("said %s %.0f %%"):format(r.predicted, 100 * r.probability),
         ("loss %.2f"):format(r.loss) .. (r.truth_probability and (", truth %.1f %%"):format(100 * r.truth_probability) or ""),
      } }
   end
   return items
end

--- The photos that a model gets most wrong. records: list of { path, truth, predicted (names), loss, probability (of the
-- prediction), truth_probability }, in any order. options: title, limit (15), columns, side.
function photos.top_losses(records, options)
   options = options or {}
   return photos.photos(photos.loss_items(records, options.limit or 15), { title = options.title or "Top losses",
      subtitle = FRAMES, columns = options.columns, side = options.side })
end

-- ---- what a network looked at ----

-- A map (list of rows of 0..1) as a u8 tensor (1, 3, h, w).
local function heat_image(map)
   local h, w = #map, #map[1]
   local planes = { {}, {}, {} }
   for i = 1, h do
      for j = 1, w do
         local k = (i - 1) * w + j
         planes[1][k], planes[2][k], planes[3][k] = color.rgb("inferno", map[i][j])
      end
   end
   return scute.tensor(planes, { dtype = "u8" }):reshape { 1, 3, h, w }
end

local function is_blank(map)
   for _, row in ipairs(map) do
      if math.max(table.unpack(row)) > 0 then return false end
   end
   return true
end

--- A photo and, over it, where a network looked. image: a scute.image or u8 tensor (1, 3, H, W), as the network saw it (after
-- resize and crop). found: what scute.gradcam returns, or a list of such. options: title, alpha (0.5), side (260).
function photos.gradcam(image, found, options)
   options = options or {}
   local list = found.map and { found } or found
   local side, alpha = options.side or 260, options.alpha or 0.5
   local top = options.title and 38 or 12
   local fig = figure.new(2 * EDGE - GAP + (#list + 1) * (side + GAP), top + side + LINE + 14)
   fig:title(options.title)
   draw_photo(fig, { image = image }, EDGE, top, side)
   fig:text(EDGE, top + side + LINE, "photo", { size = figure.SMALL, bold = true })
   for i, cam in ipairs(list) do
      local x = EDGE + i * (side + GAP)
      draw_photo(fig, { image = image }, x, top, side)
      local text = ("%s %.1f %%"):format(cam.name or cam.class, 100 * cam.probability)
      if is_blank(cam.map) then
         text = text .. ": nothing speaks for it"
      else
         local w, h = size_of(image)
         local scale = side / math.max(w, h)
         fig.canvas:image(heat_image(cam.map), x + (side - w * scale) / 2, top + (side - h * scale) / 2, w * scale,
            h * scale, { alpha = alpha })
      end
      fig:text(x, top + side + LINE, text, { size = figure.SMALL, bold = true, fit = side })
   end
   return fig
end

return photos
