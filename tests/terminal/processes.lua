-- Several processes behind one terminal: the bar is drawn as by one, as wide as the terminal is, and Ctrl-C saves.
local lfs = require "lfs"
local photos = dofile((arg[0]:match "^(.*)/" or ".") .. "/../cli/photos.lua")

-- It waits after a step until its user has looked, and takes its time, so that the bar is drawn at each step.
local SCRIPT = [[
local lfs = require "lfs"
local scute = require "scute"
local set = scute.data.open("%s/photos", { seed = 0 })
local model = scute.models.create("resnet18", { classes = set.classes, image_size = 32 })
scute.train.fit(model, set, { optimizer = scute.optim.sgd(model:groups { lr = 0.001 }), epochs = 50, workers = 0,
   batch_size = 4, hooks = { {
      on_step_begin = function() os.execute "sleep 0.15" end,
      on_step_end = function(run)
         if scute.world.rank > 0 or run.step ~= 3 and run.step ~= 5 then return end
         io.open("%s/waits" .. run.step, "w"):close()
         while not lfs.attributes("%s/go" .. run.step) do os.execute "sleep 0.05" end
      end } } })
]]

return function(open, check, scratch)
   local has_mpi = lfs.attributes(arg[-1]:match "^(.*)/" .. "/scute_mpi.so") and os.execute "command -v mpirun >/dev/null"
   if not has_mpi then return end
   photos.set(scratch .. "/photos", { blue = 14, red = 13 })
   local file = assert(io.open(scratch .. "/processes.lua", "w"))
   file:write(SCRIPT:format(scratch, scratch, scratch))
   file:close()
   local t = open { arguments = ("--nproc 2 %s/processes.lua"):format(scratch), prompt = false, columns = 110,
      environment = { OMP_NUM_THREADS = "1" } }
   t:wait(function() return lfs.attributes(scratch .. "/waits3") end)
   t:wait(function() return t:screen():find "epoch 1/50 %[%-+%]" end)
   check(not t:screen():find "rank 1", "one of them speaks", t:screen())
   t:resize(50, 30)
   io.open(scratch .. "/go3", "w"):close()
   t:wait(function() return lfs.attributes(scratch .. "/waits5") end)
   t:wait(function() return t:screen():find "epoch 1/50   %d%%" end) -- there is no room for the bar now
   t:key "C-c"
   io.open(scratch .. "/go5", "w"):close()
   check(t:ended() == 130, "Ctrl-C ends it", t:screen())
   check(t:screen():find("scute: interrupted", 1, true) and not t:screen():find("exited on signal", 1, true),
      "in its own words alone", t:screen())
   t:close()
end
