-- How alike photos of one individual are, and those of different ones: two distributions, and what lies between them.
local axes = require "scute.plot.axes"
local columns = require "scute.base.columns"
local figure = require "scute.plot.figure"

local similarities = {}

local function check(name, list)
   if type(list) ~= "table" then
      error(("plot.similarities: expected %s as a list of similarities, found %s"):format(name, tostring(list)), 3)
   end
   for i, value in ipairs(list) do
      if type(value) ~= "number" or value ~= value then
         error(("plot.similarities: %s: expected numbers, found %s at place %d"):format(name, tostring(value), i), 3)
      end
   end
end

-- From the least to the most of both lists.
local function limits(same, different)
   local low, high
   for _, list in ipairs { same, different } do
      for _, value in ipairs(list) do low, high = math.min(low or value, value), math.max(high or value, value) end
   end
   if not low then return 0, 1 end
   if high == low then return low - 0.5, high + 0.5 end
   return low, high
end

-- The line of a histogram: its share in each of `bins` ranges, as stairs that begin and end on the ground.
local function stairs(list, low, high, bins)
   local counts, xs, ys = {}, { low }, { 0 }
   for b = 1, bins do counts[b] = 0 end
   for _, value in ipairs(list) do
      local b = math.min(bins, 1 + math.floor((value - low) / (high - low) * bins))
      counts[b] = counts[b] + 1
   end
   for b = 1, bins do
      xs[#xs + 1], ys[#ys + 1] = low + (b - 1) / bins * (high - low), counts[b] / math.max(1, #list)
   end
   xs[#xs + 1], ys[#ys + 1] = high, counts[bins] / math.max(1, #list)
   xs[#xs + 1], ys[#ys + 1] = high, 0
   return xs, ys
end

--- The distributions of similarities (or distances, or scores) of pairs. same, different: lists of numbers, of pairs of one
-- individual and of different ones. options: title, subtitle, threshold = a number at which a line stands, xlabel ("similarity
-- (cosine)"), bins (60), width (760, or what the titles want), height (340).
function similarities.similarities(same, different, options)
   check("same", same)
   check("different", different)
   local o = options or {}
   local fig = figure.titled(o.width or 760, o.height or 340, o.title or "How alike pairs of photos are", o.subtitle
      or ("%s of the same individual, %s of different ones"):format(columns.thousands(#same), columns.thousands(#different)))
   local ax = axes.new(fig, { x = 12, y = 50, width = fig.width - 24, height = fig.height - 58 },
      { xlabel = o.xlabel or "similarity (cosine)", ylabel = "share of the pairs", ylim = { 0 }, empty = "no pairs" })
   local low, high = limits(same, different)
   for _, entry in ipairs { { same, "the same individual", figure.GOOD }, { different, "different ones", figure.BAD } } do
      if #entry[1] > 0 then
         local xs, ys = stairs(entry[1], low, high, o.bins or 60)
         ax:line(xs, ys, { label = entry[2], color = entry[3], step = true, width = 1.8 })
      end
   end
   if o.threshold then ax:mark { x = o.threshold, label = ("threshold %.3f"):format(o.threshold), color = figure.INK } end
   ax:draw()
   return fig
end

return similarities
