-- Pictures. Each function returns a figure: figure:save "x.png" (or .svg, .pdf), figure:svg(), figure:show().
--
--    scute.plot.curves "models/resnet50/history.csv":save "curves.png"
--
-- One type of picture a file, in plot/; loaded at first use.
local searchpath = package.searchpath

local plot = {}

local homes = {
   curves = "curves", runs = "curves", schedule = "rates", lr_finder = "rates", confusion = "confusion", photos = "photos",
   batch = "photos", predictions = "photos", top_losses = "photos", gradcam = "photos", embedding = "embedding",
   comparison = "comparison", read_history = "history",
}

return setmetatable(plot, {
   __index = function(_, name)
      local home = homes[name]
      if not home or not searchpath("scute.plot." .. home, package.path) then return nil end
      local value = require("scute.plot." .. home)[name]
      rawset(plot, name, value)
      return value
   end,
   __pairs = function()
      return next, homes
   end,
})
