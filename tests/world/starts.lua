-- What is said, and what becomes of signals, where several processes start and end. Part of tests/world/run.lua. What only
-- waits runs at once.

-- base: the tests' own check and shell; photos are in $T/photos, networks in $T/small.lua.
return function(base)
   local check, at_once = base.check, base.at_once

   local function write(name, text)
      local file = assert(io.open(base.scratch .. "/" .. name, "w"))
      file:write(text)
      file:close()
   end

   -- A launcher that has started nothing yet has nobody to pass a signal on to: it is ended.
   local function signals_before_there_are_processes()
      base.shell "mkdir -p $T/slow_start"
      write("slow_start/mpirun.openmpi", "#!/bin/sh\ntrap '' USR2\necho up\nexec sleep 20\n")
      local lines = {}
      for i, signal in ipairs { "TERM", "INT" } do
         lines[i] = ([[set -m; rm -f $T/up%d; mkfifo $T/up%d; chmod +x $T/slow_start/mpirun.openmpi
            PATH=$T/slow_start:$PATH timeout 10 $S --nproc 2 -e 'x = 1' >$T/up%d & job=$!
            read line <$T/up%d; kill -%s $job; wait $job]]):format(i, i, i, i, signal)
      end
      local rs = at_once(lines)
      check(rs[1].code == 143, "TERM", rs[1].all)
      check(rs[2].code == 130, "INT", rs[2].all)
   end

   -- What one freezes alone is told before it adds up other gradients than the others.
   local function freezes_alone()
      write("freezes.lua", [[
         local scute = require "scute"
         local set = scute.data.open(arg[1], { seed = 0 })
         local model = scute.models.create("plain", { classes = set.classes })
         local function freeze(run)
            if scute.world.rank == 1 and run.epoch == 2 then model:freeze "backbone" end
         end
         scute.train.fit(model, set, { optimizer = scute.optim.adamw(model:groups { lr = 0.001 }), epochs = 3, batch_size = 6,
            workers = 0, output_dir = arg[2], hooks = { { on_epoch_begin = freeze } } })]])
      local r = base.shell "OMP_NUM_THREADS=1 $S -l $T/small.lua --nproc 2 $T/freezes.lua $T/photos $T/freezes"
      check(r.code == 1 and r.err == "scute: rank 1: other parameters train than in rank 0 (there are 6 in rank 0): what "
         .. "freezes or unfreezes has to do so in all processes\n", "it is named", r.all)
   end

   return { freezes_alone, signals_before_there_are_processes }
end
