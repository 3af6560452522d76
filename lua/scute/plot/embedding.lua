-- Where the backbone sees photos: their features on the two directions in which they differ most.
local axes = require "scute.plot.axes"
local figure = require "scute.plot.figure"

local embedding = {}

local MOST_CLASSES = 24 -- with a symbol of their own

-- The classes by number of photos, the most first.
local function frequent(labels)
   local counts, order = {}, {}
   for _, label in ipairs(labels) do
      if not counts[label] then order[#order + 1] = label end
      counts[label] = (counts[label] or 0) + 1
   end
   table.sort(order, function(a, b)
      if counts[a] ~= counts[b] then return counts[a] > counts[b] end
      return a < b
   end)
   return order
end

local function collect(points, labels, wanted)
   local xs, ys = {}, {}
   for i, point in ipairs(points) do
      if wanted(labels[i]) then xs[#xs + 1], ys[#ys + 1] = point[1], point[2] end
   end
   return xs, ys
end

--- A map of photos. features: f32 (N, F), as scute.predict.photos returns them. labels: N class numbers (list or i64 tensor).
-- classes: names. options: title, width (760), height (620). With more than 24 classes the rarer ones are gray.
function embedding.embedding(features, labels, classes, options)
   options = options or {}
   local numbers = type(labels) == "table" and labels or labels:values()
   local found = require("scute.pca").fit(features, 2)
   if #numbers ~= #found.points then
      error(("plot.embedding: %d labels for %d photos"):format(#numbers, #found.points), 2)
   end
   local fig = figure.new(options.width or 760, options.height or 620)
   fig:title(options.title or "Features of the photos", ("%d photos; the two axes hold %.0f %% and %.0f %% of the variance")
      :format(#numbers, 100 * found.explained[1], 100 * found.explained[2]))
   local ax = axes.new(fig, { x = 12, y = 50, width = fig.width - 24, height = fig.height - 58 },
      { xlabel = "first component", ylabel = "second component" })
   local order, shown = frequent(numbers), {}
   for i = 1, math.min(#order, MOST_CLASSES) do shown[order[i]] = true end
   local named = {}
   for i = 1, math.min(#order, MOST_CLASSES) do named[i] = order[i] end
   table.sort(named)
   if #order > MOST_CLASSES then
      local xs, ys = collect(found.points, numbers, function(label) return not shown[label] end)
      ax:points(xs, ys, { label = ("%d more"):format(#order - MOST_CLASSES), color = "#BBBBBB", radius = 3 })
   end
   for i, label in ipairs(named) do
      local xs, ys = collect(found.points, numbers, function(other) return other == label end)
      ax:points(xs, ys, { label = classes and classes[label] or tostring(label), alpha = 0.8, radius = 4,
         color = figure.COLORS[(i - 1) % 7 + 1], shape = axes.SHAPES[((i - 1) % 7 + (i - 1) // 7) % #axes.SHAPES + 1] })
   end
   ax:draw()
   return fig, found
end

return embedding
