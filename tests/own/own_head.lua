-- A head of one's own on a network of scute, under a name that every script knows (-l).
local scute = require "scute"
local nn, models = scute.nn, scute.models

models.register("own", function(classes)
   local model = models.baseline_cnn { classes = classes, image_size = 32 }
   model.fc = nn.Sequential { nn.Dropout { p = 0.2 }, nn.Linear { 256, 32 }, nn.SiLU(), nn.Linear { 32, #classes } }
   return model
end, { image_size = 32 })
