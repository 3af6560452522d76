-- A network of one's own in a file of its own, which scripts require or `scute -l` loads.
local scute = require "scute"
local nn = scute.nn
local width = require "width" -- beside this file

scute.models.register("striped", function(classes)
   return nn.Sequential { nn.Conv2dNormActivation { 3, width, 3, stride = 2 }, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
      nn.Linear { width, #classes } }
end, { image_size = 32 })
