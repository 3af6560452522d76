-- Training whose steps are recorded and done again (scute.train.graph) ends with the numbers of training without, to the bit,
-- and it is by graphs that it was done. Needs nothing of the software GPU, so that it says so of a real one.
-- Usage: scute tests/cuda/recorded.lua [DEVICE]
local scute = require "scute"
local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
require("scute.base.console").quiet = true
scute.deterministic(true)

local folder = os.tmpname()
os.remove(folder)
photos.set(folder, { blue = 9, red = 9 }) -- 14 train
local set = scute.data.open(folder, { seed = 0 })

-- Launches are counted where they are asked for.
local record, launches, reason = scute.record, 0, nil
function scute.record(...)
   local graph, why = record(...)
   reason = why or reason
   return graph and { launch = function(_, ...)
      local done = graph:launch(...)
      if done then launches = launches + 1 end
      return done
   end, free = function() graph:free() end }, why
end

-- All that a run ends with, as text, and how many updates were a graph's.
local function outcome_of(precision, graphs)
   scute.graphs(graphs)
   scute.manual_seed(5)
   launches = 0
   local model = scute.models.create("baseline_cnn", { classes = set.classes, pretrained = "none", image_size = 32 }):to(device)
   local row = scute.train.fit(model, set, { device = device, workers = 1, batch_size = 2, seed = 3, epochs = 1,
      precision = precision, optimizer = scute.optim.adamw(model:groups { lr = 0.01 }) }).history[1]
   local state, tensors = model:state_dict(), {}
   for i, name in ipairs(state.names) do tensors[i] = state.tensors[name] end
   return ("%.17g %.17g %s"):format(row.train_loss, row.val_loss, scute.checksum(tensors)), launches
end

for _, precision in ipairs { "fp32", "bf16", "fp16" } do
   local ok, found, done = pcall(outcome_of, precision, true)
   if tally.check(ok, precision .. ": training", found) then
      local expected, none = outcome_of(precision, false)
      tally.check(found == expected, precision .. ": graphs change no number", found .. "\n instead of\n" .. expected)
      tally.check(done >= 4 and none == 0, precision .. ": steps are done by graphs", ("%d of 7: %s"):format(done, reason))
   end
end
os.execute(("rm -rf '%s'"):format(folder))
tally.finish()
