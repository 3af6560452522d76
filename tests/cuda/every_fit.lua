-- Training steps of each kind, as train.fit takes them: what is computed in, what is frozen, what belongs to an update. Each is
-- an epoch of two updates and a validation of a tiny network, and one of as many as a graph is launched in. every_fit.kinds:
-- names; every_fit.step(kind, device) -> list of {name, numbers}, the same each time.
local scute = require "scute"
local here = debug.getinfo(1, "S").source:match "^@(.*)/"
local photos = dofile(here .. "/../cli/photos.lua")
local Tiny = dofile(here .. "/tiny.lua")

local every_fit = {}
every_fit.kinds = { "fp32", "bf16", "fp16", "frozen", "unfrozen later", "with all there is", "recorded" }
every_fit.recorded = "recorded" -- whose updates are a graph's (scute.train.graph)

local function frozen(model)
   model:freeze "stem"
   return {}
end

local ways = {
   fp32 = function() return { precision = "fp32" } end,
   bf16 = function() return { precision = "bf16", clip_norm = 1 } end,
   fp16 = function() return { precision = "fp16", clip_norm = 1, ema = 0.5 } end,
   frozen = frozen,
   ["unfrozen later"] = function(model)
      frozen(model)
      return { epochs = 2, hooks = { { on_epoch_end = function() model:unfreeze "stem" end } } }
   end,
   recorded = function(model) -- at rates at which the last bits do not grow
      local optimizer = scute.optim.sgd(model:groups { lr = 0.001 }, { momentum = 0.5 })
      return { precision = "bf16", batch_size = 2, optimizer = optimizer }
   end,
   ["with all there is"] = function()
      return { accumulate = 2, clip_norm = 0.5, clip_value = 0.3, ema = 0.9, label_smoothing = 0.1, mixup = 0.2,
         augment = { horizontal_flip = 0.5 } }
   end,
}

-- By size, the photos of each class.
local folders = {}

local function set_of_photos(size)
   if not folders[size] then
      folders[size] = os.tmpname()
      os.remove(folders[size])
      photos.set(folders[size], { blue = size, red = size })
   end
   return scute.data.open(folders[size], { seed = 0 })
end

--- Takes away the photos.
function every_fit.finish()
   for _, folder in pairs(folders) do os.execute(("rm -rf '%s'"):format(folder)) end
end

Tiny._of_user = false -- it does the same each time, as the library's own do: its steps become a graph (see scute.train.graph)

function every_fit.step(kind, where)
   scute.manual_seed(5)
   local records = kind == "recorded"
   local set = set_of_photos(records and 6 or 5)
   local model = Tiny(set.classes):to(where)
   local options = ways[kind](model)
   options.optimizer = options.optimizer
      or scute.optim.sgd(model:groups { lr = 0.05 }, { momentum = 0.9 }) -- Adam would make much of a last bit
   options.device, options.workers, options.seed, options.epochs = where, 1, 3, options.epochs or 1
   options.batch_size = options.batch_size or 4
   local result = scute.train.fit(model, set, options)
   local row = result.history[#result.history]
   local results = { { name = "losses", numbers = { row.train_loss, row.val_loss } } }
   for name, tensor in model:named_parameters() do
      results[#results + 1] = { name = name, numbers = tensor:detach():values() }
   end
   return results
end

return every_fit
