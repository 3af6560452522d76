-- What each process does in tests/world/training.lua: it trains a network that draws, twice, goes on from the middle of the
-- first run, trains by the clock, and says what differs. Usage, several times at once: scute tests/world/draws_child.lua
-- PHOTOS FOLDER
local scute = require "scute"
local budgets = require "scute.experiment.budgets"
local nn, world = scute.nn, scute.world
local folder, output = arg[1], arg[2]

-- Dropout that tells which units of its first photo it has left out, the first time.
local Told = nn.Module:extend("Told", {})
local mask

function Told:forward(x)
   local y = scute.dropout { x = x, p = 0.5, training = self.training }
   mask = mask or self.training and table.concat(scute.slice(y, 1, 1, 1):ne(0):values(), "")
   return y
end

scute.models.register("told", function(classes)
   return nn.Sequential { nn.Conv2d { 3, 32, 3, stride = 4 }, nn.BatchNorm2d { 32 }, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
      Told(), nn.Linear { 32, #classes } }
end, { image_size = 32 })

-- Returns the result, and a checksum of the weights. The first process alone draws something after an epoch.
local function fit(name, resume, budget)
   local set = scute.data.open(folder, { seed = 0 })
   local model = scute.models.create("told", { classes = set.classes })
   local hook = { on_epoch_end = function()
      if world.rank == 0 then scute.rand(1) end
   end }
   budget = budget or { hooks = {} }
   local result = scute.train.fit(model, set, { optimizer = scute.optim.adamw(model:groups { lr = 0.01 }), epochs = 1,
      workers = 0, batch_size = 4, output_dir = output .. "/" .. name, save_steps = 4, resume = resume,
      hooks = { hook, table.unpack(budget.hooks) }, schedule = budget.schedule })
   local state, list = model:state_dict(), {}
   for i, key in ipairs(state.names) do list[i] = state.tensors[key] end
   return result, scute.checksum(list)
end

scute.manual_seed(5)
local first, bits = fit "first"
local loaded = scute.models.load(first.folder .. "/best.safetensors").arch
local alike = #world.differing(table.concat(scute.rng_state(), " "))
fit "second"
local _, again = fit("again", first.folder .. "/checkpoint-1.safetensors")
local masks, differing = {}, 0
for _, text in ipairs(world.texts(mask or "")) do
   differing = differing + (text ~= "" and not masks[text] and 1 or 0)
   masks[text] = true
end

-- A budget of minutes, where the clock of the second process jumps.
local clock, past = scute.clock, 0
function scute.clock()
   past = past + (world.rank == 1 and 600 or 0)
   return clock() + past
end
fit("minutes", nil, budgets.new { minutes = 30, name = "told" })
print(("%d masks, %s loaded, %d draw otherwise, %s"):format(differing, loaded, alike, bits == again and "same" or "not same"))
