-- Several processes that compute one thing together: scute.world under mpirun, --nproc, and what it says where something is
-- wrong. Where there is no plugin of MPI (kernels/mpi/mpi.mk), that is what is tested. Usage: scute tests/world/run.lua
local lfs = require "lfs"
local scute = require "scute"
local cli = dofile "tests/cli/shell.lua"
local check, shell, refuses = cli.check, cli.shell, cli.refuses

local has_plugin = lfs.attributes(arg[-1]:match "^(.*)/" .. "/scute_mpi.so") ~= nil
local has_launcher = shell("command -v mpirun").code == 0

local function write(name, text)
   local file = assert(io.open(cli.scratch .. "/" .. name, "w"))
   file:write(text)
   file:close()
end

-- The lines of several processes, whoever came first.
local function sorted(text)
   local lines = cli.lines_of(text)
   table.sort(lines)
   return table.concat(lines, "\n")
end

-- Each process has one thread: there are few processors here.
local function start(n, command, settings)
   return shell(("env OMP_NUM_THREADS=1 %s $S --nproc %d %s"):format(settings or "", n, command))
end

-- ---- alone ----

local function alone()
   local world = scute.world
   check(world.rank == 0 and world.size == 1 and world.transport == "none", "a process alone is 0 of 1")
   local t = scute.tensor { 1, 2, 3 }
   local sum = world.all_reduce(t)
   t:fill_(7)
   check(table.concat(sum:values(), " ") == "1.0 2.0 3.0", "the sum of one is a copy", tostring(sum))
   check(world.broadcast(t):sum():item() == 21, "what comes from itself is there")
   world.barrier()
   check(#world.differing "x" == 0, "nobody differs")
end

local function strict_arguments()
   local world = scute.world
   local function fails(text, f, ...)
      local ok, why = pcall(f, ...)
      check(not ok and tostring(why):find(text, 1, true), text, why)
   end
   fails("world.all_reduce: argument 't': expected a tensor, found 3", world.all_reduce, 3)
   fails("world.all_reduce: argument 't': expected a tensor, found nothing", world.all_reduce)
   fails("world.broadcast: argument 't': expected a tensor, found nothing", world.broadcast)
   fails("world.all_reduce: expected at most 1 argument, found 'sum' behind it", world.all_reduce, scute.ones(1), "sum")
   fails("argument 't': expected f32, f64 or i64, found u8 (2)", world.all_reduce, scute.ones(2, { dtype = "u8" }))
   fails("expected f32, f64 or i64, found bf16 (2)", world.all_reduce, scute.ones(2, { dtype = "bf16" }))
   fails("no gradient flows through this", world.all_reduce, scute.ones(2, { requires_grad = true }))
   fails("argument 'root': expected a rank from 0 to 0, found 1", world.broadcast, scute.ones(2), 1)
   fails("argument 'root': expected a rank from 0 to 0, found '0'", world.broadcast, scute.ones(2), "0")
   fails("argument 'root': expected a rank from 0 to 0, found 0.5", world.broadcast, scute.ones(2), 0.5)
   fails("world.barrier: expected at most 0 arguments, found 1", world.barrier, 1)
   fails("scute.world.sizes: there is no such function, did you mean 'scute.world.size'?",
      load "return require('scute').world.sizes")
   fails("scute.world.rank is not assigned: what starts the processes (mpirun, scute --nproc N) gives it",
      load "require('scute').world.rank = 5")
   check(scute.no_grad(world.all_reduce, scute.ones(2, { requires_grad = true })):sum():item() == 2, "within no_grad it may")
end

local function command_lines()
   for _, wrong in ipairs { { "0", "found '0'" }, { "two", "found 'two'" }, { "-1", "found '-1'" }, { "1025", "found '1025'" },
      { "2.5", "found '2.5'" } } do
      refuses("--nproc " .. wrong[1], 2, "--nproc: expected a number of processes from 1 to 1024, " .. wrong[2],
         "$S --nproc " .. wrong[1] .. " -e 'x = 1'")
   end
   refuses("--nproc at the end", 2, "from 1 to 1024, found nothing", "$S --nproc")
   refuses("--nproc twice", 2, "--nproc is given twice", "$S --nproc 2 --nproc=2 -e 'x = 1'")
   for _, other in ipairs { "", "-i", "-", "--watch a.lua", "--check a.lua" } do
      refuses("--nproc and " .. other, 2, "--nproc runs a file or -e CODE", "$S --nproc 2 " .. other)
   end
   local r = shell "$S --nproc 1 -e 'print(scute.world.size, ...)'"
   check(r.code == 0 and r.out == "1\n", "one process is as ever", r.all)
   refuses("a world that is none", 2, "SCUTE_WORLD: expected mpi, nccl or none, found 'all'",
      "SCUTE_WORLD=all $S -e 'x = 1'")
   refuses("none with --nproc", 2, "--nproc: SCUTE_WORLD=none keeps each process alone; leave one of them out",
      "SCUTE_WORLD=none $S --nproc 2 -e 'x = 1'")
end

local function leftovers()
   refuses("half of a launcher", 2, "OMPI_COMM_WORLD_RANK is not set; SCUTE_WORLD=none passes over it",
      "OMPI_COMM_WORLD_SIZE=2 $S -e 'x = 1'")
   refuses("a size that is none", 2, "OMPI_COMM_WORLD_SIZE: expected a number of at least 1, found 'x'",
      "OMPI_COMM_WORLD_SIZE=x OMPI_COMM_WORLD_RANK=0 $S -e 'x = 1'")
   refuses("a rank beyond", 2, "OMPI_COMM_WORLD_RANK: expected a number below OMPI_COMM_WORLD_SIZE, which is 2, found 2",
      "OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=2 $S -e 'x = 1'")
   refuses("--nproc within", 2, "--nproc: this is one of several processes already (PMI_SIZE is set)",
      "PMI_SIZE=2 PMI_RANK=0 $S --nproc 2 -e 'x = 1'")
   local r = shell "PMI_SIZE=2 PMI_RANK=1 SCUTE_WORLD=none $S -e 'print(scute.world.size)'"
   check(r.code == 0 and r.out == "1\n", "a launcher that is passed over", r.all)
   r = shell "PMI_SIZE=1 PMI_RANK=0 $S -e 'print(scute.world.size)'"
   check(r.code == 0 and r.out == "1\n", "a launcher of one", r.all)
end

-- The program without its plugin: a copy in a folder of its own.
local function without_the_plugin()
   shell "mkdir -p $T/bare/build && cp $S $T/bare/build/scute && ln -s $PWD/lua $T/bare/lua && ln -s $PWD/deps $T/bare/deps"
   local what = "this scute was built without its MPI plugin (there is no scute_mpi.so beside the program): install MPI "
      .. "(Debian: apt install libopenmpi-dev openmpi-bin) and build it with make, or start one process alone"
   refuses("--nproc without the plugin", 1, what, "$T/bare/build/scute --nproc 2 -e 'x = 1'")
   refuses("a launcher without the plugin", 1, "this is process 1 of 2 (PMI_SIZE): " .. what,
      "PMI_SIZE=2 PMI_RANK=1 $T/bare/build/scute -e 'x = 1'")
   local r = shell "$T/bare/build/scute -e 'print(scute.world.size)'"
   check(r.code == 0 and r.out == "1\n", "without the plugin it is as before", r.all)
end

-- ---- together ----

local function without_mpirun()
   refuses("no mpirun", 1, "--nproc needs mpirun, which is not on the PATH (Debian: apt install openmpi-bin libopenmpi-dev)",
      "PATH=/nowhere $S --nproc 2 -e 'x = 1'")
end

local function sums()
   write("sums.lua", [[
      local scute = require "scute"
      local world = scute.world
      local rank, size = world.rank, world.size
      local said = { ("rank %d of %d, %s, %d thread"):format(rank, size, world.transport, scute.threads()) }
      local function say(name, t) said[#said + 1] = name .. " " .. table.concat(t:values(), " ") end
      for _, dtype in ipairs { "f32", "f64", "i64" } do
         say(dtype, world.all_reduce(scute.full({ 3 }, rank + 1, { dtype = dtype })))
      end
      say("whole", world.all_reduce(scute.tensor({ 1 << 53, rank }, { dtype = "i64" })))
      local photo = scute.arange(1, 2 * 3 * 2 * 2):reshape { 2, 3, 2, 2 } * (rank + 1)
      say("photo", world.all_reduce(photo))
      say("from the last", world.broadcast(scute.full({ 2 }, rank, { dtype = "u8" }), size - 1))
      local large = world.all_reduce(scute.ones(300000))
      said[#said + 1] = "large " .. large:sum():item()
      said[#said + 1] = "differ " .. table.concat(world.differing(rank == 1 and "b" or "a"), " ")
      world.barrier()
      print(table.concat(said, "; "))]])
   local photo = {}
   for i = 1, 24 do photo[i] = ("%.1f"):format(3 * i) end
   local rest = "of 2, mpi, 1 thread; f32 3.0 3.0 3.0; f64 3.0 3.0 3.0; i64 3 3 3; whole 18014398509481984 1; photo "
      .. table.concat(photo, " ") .. "; from the last 1 1; large 600000.0; differ 1"
   local r = start(2, "$T/sums.lua")
   check(r.code == 0 and r.err == "" and sorted(r.out) == ("rank 0 %s\nrank 1 %s"):format(rest, rest), "two processes", r.all)
   r = shell "env -u OMP_NUM_THREADS SCUTE_THREADS= $S --nproc 4 -e 'print(scute.world.all_reduce(scute.ones(1)):item())'"
   check(r.code == 0 and r.out == ("4.0\n"):rep(4), "four processes", r.all)
   r = shell "SCUTE_WORLD=mpi $S -e 'print(scute.world.transport, scute.world.size)'"
   check(r.code == 0 and r.out == "mpi\t1\n", "MPI without a launcher", r.all)
end

local function arguments_arrive()
   write("arguments.lua", 'local w = require("scute").world; if w.rank == 1 then print(arg[0]:match "[^/]*$", ...) end')
   local r = start(2, "$T/arguments.lua a --nproc 3 -e 'b c'")
   check(r.code == 0 and r.out == "arguments.lua\ta\t--nproc\t3\t-e\tb c\n", "arguments are the script's own", r.all)
   r = shell "SCUTE_THREADS=3 $S -e 'y = 2' --nproc=2 -e 'if scute.world.rank == 1 then print(y, scute.threads()) end'"
   check(r.code == 0 and r.out == "2\t3\n", "-e, and threads that the user chose", r.all)
end

-- What some do and others do not is told by all, and ends them.
local function other_calls()
   local r = start(2, [[-e 'local w = scute.world; if w.rank == 0 then w.barrier() else w.all_reduce(scute.ones(2, 3)) end']])
   check(r.code == 1 and r.err:find("rank 0 calls barrier, rank 1 calls all_reduce of f32 (2, 3)", 1, true),
      "other calls are named", r.all)
   r = start(2, [[-e 'local w = scute.world; print(pcall(w.all_reduce, scute.ones(w.rank + 1))); w.barrier()']])
   check(r.code == 0 and select(2, r.out:gsub("all_reduce of f32 %(1%), rank 1 calls all_reduce of f32 %(2%)", "")) == 2,
      "other shapes, and all go on together", r.all)
end

-- One that fails ends the others, with its message and its code; where all do the first one has time to save.
local function failures()
   write("slow.lua", [[
      local scute = require "scute"
      local world = require("scute.core").world
      world.saves(true)
      world.saves(false)
      world.barrier()
      local closing <close> = setmetatable({}, { __close = function()
         if world.rank > 0 then return end
         scute.process.wait({}, 3.5)
         print "saved"
      end })
      error("all are broken", 0)]])
   local function of_two(code) return "OMP_NUM_THREADS=1 $S --nproc 2 -e '" .. code .. "'" end
   local rs = cli.at_once {
      of_two 'if scute.world.rank == 1 then error("it is broken", 0) end; scute.world.barrier()',
      of_two 'error("all are broken", 0)',
      of_two 'if scute.world.rank == 1 then os.exit(7) end; scute.world.barrier()',
      of_two 'require("scute.cli").parse({ "--modle" }, "", {})',
      "OMP_NUM_THREADS=1 $S --nproc 3 $T/slow.lua",
   }
   local r = rs[1]
   check(r.code == 1 and r.err:find("scute: rank 1: it is broken", 1, true), "an error of one", r.all)
   r = rs[2]
   check(r.code == 1 and r.err:find "scute: all are broken" and not r.err:find "rank 1: ", "of all: it is told once", r.all)
   check(rs[3].code == 7 and rs[3].err == "scute: rank 1 was ended by os.exit(7), and the others with it\n",
      "an exit code arrives, and is told", rs[3].all)
   check(rs[4].code == 2 and select(2, rs[4].err:gsub("unknown option[^\n]*\n$", "")) == 1, "a wrong command line", rs[4].all)
   check(rs[5].code == 1 and rs[5].out == "saved\n" and rs[5].err:find "^scute: all are broken", "of all, one of which saves",
      rs[5].all)
   r = start(2, [[-e 'print(#scute.world.differing(tostring(scute.world.rank)), "after")']])
   check(r.code == 0 and r.out == "1\tafter\n1\tafter\n", "a new group", r.all)
end

-- Ctrl-C reaches all of them, who may finish what they do; also where they are as many as mpirun has threads start them.
local function interrupts()
   write("loop.lua", [[
      local scute = require "scute"
      scute.on_interrupt "finish"
      scute.world.barrier()
      if scute.world.rank == 0 then print "begun"; io.stdout:flush() end
      while not scute.interrupted() do os.execute "sleep 0.05" end
      os.execute("sleep " .. arg[1])
      print("saved " .. scute.world.rank)]])
   local function interrupted(signal, settings, seconds)
      return ([[set -m; rm -f $T/told_%s; mkfifo $T/told_%s; %s OMP_NUM_THREADS=1 $S --nproc 2 $T/loop.lua %s >$T/told_%s &
         job=$!
         while IFS= read -r line; do
            echo "$line"; [ "$line" != begun ] || kill -%s $job
         done <$T/told_%s; wait $job]]):format(signal, signal, settings, seconds, signal, signal, signal)
   end
   local rs = cli.at_once { interrupted("INT", "", 2.5), interrupted("TERM", "OMPI_MCA_odls_base_cutoff=1", 0) }
   for i, code in ipairs { 130, 143 } do
      check(rs[i].code == code and sorted(rs[i].out) == "begun\nsaved 0\nsaved 1", code .. ": they finish", rs[i].all)
   end
end

-- Others that still want something hear of an end.
local function early_ends()
   local two = "OMP_NUM_THREADS=1 $S --nproc 2 "
   local rs = cli.at_once { two .. "-e 'if scute.world.rank == 0 then os.exit() end; scute.world.barrier()'",
      two .. [[-e 'if scute.world.rank == 1 then os.exit() end
         print(pcall(scute.world.all_reduce, scute.ones(2)))
         print(pcall(scute.world.barrier))']] }
   local r = rs[1]
   check(r.code == 1 and r.err:find("rank 0 calls the end of the program, rank 1 calls barrier", 1, true), "an early end",
      r.all)
   r = rs[2]
   check(r.code == 0 and r.out:find "rank 0 calls all_reduce of f32 %(2%), rank 1 calls the end of the program.*barrier",
      "they may catch that, and end", r.all)
end

-- A process that one of them starts is none of the group.
local function children()
   local r = start(2, [[-e 'local p = scute.process
      if scute.world.rank == 0 then
         local child = p.start({ "/proc/self/exe", "-e", "print(scute.world.size)" }, {}, "]] .. cli.scratch .. [[/c", "]]
         .. cli.scratch .. [[/d")
         p.wait({ child }, 60)
      end']])
   check(r.code == 0 and cli.read_file(cli.scratch .. "/c") == "1\n", "a child is alone", r.all)
end

local training, reducer = dofile "tests/world/training.lua", dofile "tests/world/reducer.lua"
local ordered, launch = dofile "tests/world/ordered.lua", dofile "tests/world/launch.lua"
local sync, state = dofile "tests/world/sync.lua", dofile "tests/world/state.lua"
local script, starts = dofile "tests/world/script.lua", dofile "tests/world/starts.lua"

local tests = { alone, strict_arguments, command_lines, leftovers, without_the_plugin }
if has_plugin and has_launcher then
   for _, test in ipairs { without_mpirun, sums, arguments_arrive, other_calls, failures, interrupts, early_ends, children } do
      tests[#tests + 1] = test
   end
   for _, part in ipairs { training, script, reducer, state, ordered, sync, launch, starts } do
      for _, test in ipairs(part(cli)) do tests[#tests + 1] = test end
   end
else
   print "there is no MPI here: processes alone are tested"
end
cli.run(tests)
