-- Pictures. Each function returns a figure: figure:save "x.png" (or .svg, .pdf), figure:svg(), figure:show().
--
--    scute.plot.curves "models/resnet50/history.csv":save "curves.png"
--
-- One type of picture a file, in plot/; loaded at first use.
local nearest = require("scute.core").nearest
local public = require "scute.base.public"
local sorted_keys = require "scute.base.sorted_keys"

local plot = {}

local homes = {
   curves = "curves", runs = "curves", schedule = "rates", lr_finder = "rates", confusion = "confusion", photos = "photos",
   batch = "photos", predictions = "photos", top_losses = "photos", gradcam = "photos", embedding = "embedding",
   comparison = "comparison", heat_map = "heat_map", intervals = "intervals", read_history = "history",
   rank_lists = "rank_lists", photo_pairs = "rank_lists", similarities = "similarities", calibration = "calibration",
}

public.offer(plot, function() return sorted_keys(homes) end)

-- What someone who typed an unknown name is told.
local function meant(name)
   local names = public.names(plot)
   local near = nearest(name, names)
   return near and (", did you mean '%s'?"):format(near) or "; there are " .. table.concat(names, ", ")
end

return setmetatable(plot, {
   __index = function(_, name)
      local home = homes[name]
      if not home then
         if type(name) ~= "string" or name:find "^_" then return nil end
         error(("scute.plot: there is no picture '%s'%s"):format(name, meant(name)), 2)
      end
      local value = require("scute.plot." .. home)[name]
      rawset(plot, name, value)
      return value
   end,
   __pairs = function()
      return next, homes
   end,
})
