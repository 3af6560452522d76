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
      write("slow_start/mpirun.openmpi", "#!/bin/sh\ntrap '' USR2\necho up\nexec sleep 60\n")
      local lines = {}
      for i, signal in ipairs { "TERM", "INT" } do
         lines[i] = ([[set -m; rm -f $T/up%d; mkfifo $T/up%d; chmod +x $T/slow_start/mpirun.openmpi
            PATH=$T/slow_start:$PATH $S --nproc 2 -e 'x = 1' >$T/up%d & job=$!
            read line <$T/up%d; kill -%s $job; wait $job]]):format(i, i, i, i, signal)
      end
      local rs = at_once(lines)
      check(rs[1].code == 143, "TERM", rs[1].all)
      check(rs[2].code == 130, "INT", rs[2].all)
   end

   local MPIRUN = "mpirun --bind-to none --oversubscribe --allow-run-as-root -np 2 "

   -- What one freezes alone is told before it adds up other gradients than the others.
   local FREEZES = [[
      local scute = require "scute"
      local set = scute.data.open(arg[1], { seed = 0 })
      local model = scute.models.create("plain", { classes = set.classes })
      local function freeze(run)
         if scute.world.rank == 1 and run.epoch == 2 then model:freeze "backbone" end
      end
      scute.train.fit(model, set, { optimizer = scute.optim.adamw(model:groups { lr = 0.001 }), epochs = 3, batch_size = 6,
         workers = 0, output_dir = arg[2], hooks = { { on_epoch_begin = freeze } } })]]

   -- The second process is told to go on, as after a stop, while it waits for the first; and is not. Says in each case whether
   -- most of the time was waiting.
   local STOPPED = [[
      local scute = require "scute"
      local world, folder, said = require("scute.core").world, arg[1], {}
      world.barrier()
      for at, doing in ipairs { "kill -CONT $PPID; ", "" } do
         local flag = ("%s/went_on%d"):format(folder, at)
         local before, since = world.waited(), scute.clock()
         if world.rank == 1 then
            os.execute(("(sleep 0.3; %stouch %s) &"):format(doing, flag))
         else
            os.execute(("while [ ! -e %s ]; do sleep 0.05; done"):format(flag))
         end
         world.all_reduce(scute.ones(1))
         said[at] = tostring(world.waited() - before > 0.5 * (scute.clock() - since))
      end
      if world.rank == 1 then print(table.concat(said, " ")) end]]

   local function one_line_each()
      write("freezes.lua", FREEZES)
      write("stopped.lua", STOPPED)
      base.shell "mkdir -p $T/no_start; printf '#!/bin/sh\\nexit 243\\n' >$T/no_start/mpirun.openmpi; chmod +x $T/no_start/*"
      local rs = at_once {
         "env -u PATH $S --nproc 2 -e 'print(1)'",
         "PATH=$T/no_start $S --nproc 2 -e 'x = 1'",
         "$S --nproc 2 nosuch.lua",
         MPIRUN .. "$S - </dev/null",
         "{ $S --nproc 2 -e 'for i = 1, 100000 do print(i) end'; echo $? >&2; } | head -n 1",
         "$S --nproc 2 --help",
         "OMP_NUM_THREADS=1 $S -l $T/small.lua --nproc 2 $T/freezes.lua $T/photos $T/freezes",
         "OMP_NUM_THREADS=1 $S --nproc 2 $T/stopped.lua $T",
         "ulimit -f 8; $S --nproc 2 -e 'x = 1'",
      }
      check(rs[1].code == 0 and rs[1].out == "1\n1\n", "without a PATH", rs[1].all)
      check(rs[2].err == "scute: mpirun has started no process, and ended with code 243\n", "a code is no signal", rs[2].all)
      check(rs[3].code == 1 and rs[3].err == "scute: cannot open 'nosuch.lua': No such file or directory\n", "no such file",
         rs[3].all)
      local first = rs[4].err:match "^[^\n]*" or ""
      check(rs[4].code == 2 and first:find("one of several processes (OMPI_COMM_WORLD_SIZE is set) runs a file", 1, true)
         and first:find("SCUTE_WORLD=none passes over", 1, true), "what one process does alone, under mpirun", rs[4].all)
      check(rs[5].out == "1\n" and rs[5].err == "scute: cannot write to standard output\n1\n", "nobody reads any more",
         rs[5].all)
      check(rs[6].code == 0 and rs[6].out:find "^usage: ", "help", rs[6].all)
      check(rs[7].code == 1 and rs[7].err == "scute: rank 1: other parameters train than in rank 0 (there are 6 in rank 0): "
         .. "what freezes or unfreezes has to do so in all processes\n", "other parameters", rs[7].all)
      check(rs[8].code == 0 and rs[8].out == "false true\n", "a stop while it waits is no waiting", rs[8].all)
      check(rs[9].code == 1 and rs[9].err:find("^scute: %-%-nproc: a file may have 8 kB here %(ulimit %-f%)"), "small files",
         rs[9].all)
   end

   return { one_line_each, signals_before_there_are_processes }
end
