-- Whether probabilities mean what they say: how often what was said with some probability was true.
local axes = require "scute.plot.axes"
local figure = require "scute.plot.figure"

local calibration = {}

local LEAST, MOST = 3, 9 -- radius of a dot, by how many are behind it

--- A reliability diagram. bins: as metrics.calibration_error returns them, list of { count, confidence, accuracy }; the larger
-- a dot, the more photos are behind it. options: title, subtitle, width (540, or what the titles want), height (420).
function calibration.calibration(bins, options)
   if type(bins) ~= "table" or type(bins[1]) ~= "table" or not bins[1].count then
      error("plot.calibration: expected the ranges that metrics.calibration_error returns as its second value", 2)
   end
   local o, most = options or {}, 0
   for _, bin in ipairs(bins) do most = math.max(most, bin.count) end
   local fig = figure.titled(o.width or 540, o.height or 420, o.title or "Are probabilities what they say?",
      o.subtitle or "the larger a dot, the more photos are behind it")
   local ax = axes.new(fig, { x = 12, y = 50, width = fig.width - 24, height = fig.height - 58 },
      { xlabel = "probability that was said", ylabel = "share that was true", xlim = { -0.03, 1.03 }, ylim = { -0.03, 1.03 },
         empty = "no photos", legend = false })
   if most > 0 then ax:line({ 0, 1 }, { 0, 1 }, { color = figure.SOFT, width = 1.2, dash = { 5, 4 } }) end
   for _, bin in ipairs(bins) do
      if bin.count > 0 then
         ax:points({ bin.confidence }, { bin.accuracy }, { color = figure.GOOD, alpha = 0.85,
            radius = LEAST + (MOST - LEAST) * math.sqrt(bin.count / most) })
      end
   end
   ax:draw()
   return fig
end

return calibration
