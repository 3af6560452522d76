-- Short runs of a small network on the photos of a scratch folder (see scratch.lua): short_run(root, defaults, change) returns
-- a function that makes model, set and options of train.fit, anew each time; change: other options, and frozen = true for a
-- backbone that does not train.
local scute = require "scute"
local Small = dofile "tests/lua/small.lua"

return function(root, defaults, change)
   return function()
      scute.manual_seed(0)
      local set = scute.data.open(root .. "/photos", { seed = 0 })
      local model, options = Small(set.classes), { workers = 1 }
      for _, given in ipairs { defaults, change or {} } do
         for name, value in pairs(given) do options[name] = value end
      end
      if options.frozen then model:freeze "backbone" end
      options.frozen = nil
      options.optimizer = scute.optim.adamw(model:groups { lr = options.rate or 0.01 })
      options.rate = nil
      return model, set, options
   end
end
