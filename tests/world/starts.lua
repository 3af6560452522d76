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

   return { signals_before_there_are_processes }
end
