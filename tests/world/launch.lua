-- What a person meets who starts several processes: one of them is killed at any moment, Ctrl-Z, experiments, ranks that
-- were started otherwise, and what a launcher has left in the environment. Part of tests/world/run.lua. What only waits runs
-- at once.
local cjson = require "cjson"
local lfs = require "lfs"

-- A run that a process of rank $2 ends at the moment $1 with a signal nobody can handle.
local KILLED = [[
local scute = require "scute"
local moment, rank, folder = arg[1], math.tointeger(arg[2]), arg[3]
local function die(now)
   if now ~= moment or scute.world.rank ~= rank then return end
   os.execute "kill -9 $PPID; sleep 600"
end
die "start"
local set = scute.data.open(arg[4], { seed = 0 })
local model = scute.models.create("normed", { classes = set.classes, image_size = 32 })
local options = { optimizer = scute.optim.adamw(model:groups { lr = 0.001 }), epochs = 3, batch_size = 6, output_dir = folder,
   resume = "auto", save_steps = 1, workers = 0 }
options.hooks = { { name = "killer",
   on_step_begin = function(run) if run.step == 6 then die "checkpoint" end end, -- one is being written
   on_backward_begin = function(run) if run.step == 6 then die "training" end end } }
local trains -- metrics are tried before
options.hooks[1].on_step_end = function(run) trains = run.step > 5 end
options.metrics = { one = function()
   if trains then die "validation" end
   return 1
end }
scute.train.fit(model, set, options)
die "end"
]]

-- What one process does in the middle of a run in which the others go on to add up: it ends, has something to say,
-- or trains other parameters or other batch norms.
local STRAYS = [[
local scute = require "scute"
local what, rank = arg[3], math.tointeger(arg[4])
local set = scute.data.open(arg[1], { seed = 0 })
local model = scute.models.create(what == "fixes" and "normed" or "plain", { classes = set.classes })
local function stray(run)
   if scute.world.rank ~= rank or run.step ~= 2 then return end
   if what == "ends" then os.exit(0) end
   if what == "calls" then scute.world.all_reduce(scute.ones(1)) end
   if what:find "^freezes" then model:freeze "backbone" end
   if what == "fixes" then model[1][2].fixed = true end
end
scute.train.fit(model, set, { optimizer = scute.optim.adamw(model:groups { lr = 0.001 }), epochs = 2, batch_size = 6,
   workers = 0, output_dir = arg[2] .. "_" .. what, ordered = what == "freezes_in_order" or nil,
   hooks = { { on_step_end = stray } } })
]]

local EXERCISE = "$S -l $T/small.lua %s scripts/%s.lua --model normed --weights none --image_size 32 --data_dir $T/photos "
   .. "--output_dir $T/%s --overwrite --threads 1 --precision fp32 "
local MPIRUN = "mpirun --bind-to none --oversubscribe --allow-run-as-root"

-- base: the tests' own check and shell.
return function(base)
   local check, shell, at_once, scratch = base.check, base.shell, base.at_once, base.scratch

   local function write(name, text)
      local file = assert(io.open(scratch .. "/" .. name, "w"))
      file:write(text)
      file:close()
   end

   local MOMENTS = { "start", "training", "validation", "checkpoint", "end" }

   local function file_names(folder)
      local names = {}
      for name in lfs.dir(folder) do names[#names + 1] = name end
      return table.concat(names, " ")
   end

   local function killed_at_any_moment()
      write("killed.lua", KILLED)
      local command = "$S -l $T/small.lua --nproc %d $T/killed.lua %s %d $T/killed_%s $T/photos"
      local lines = {}
      for i, moment in ipairs(MOMENTS) do lines[i] = command:format(2, moment, i % 2, moment) end
      lines[#lines + 1] = MPIRUN .. " -np 2 " .. command:gsub("%-%-nproc %%d ", ""):format("training", 1, "mpirun")
      for i, r in ipairs(at_once(lines)) do -- nobody ends by itself here; how soon they do is for tests/soak/world.lua
         local moment = MOMENTS[i] or "mpirun"
         check(r.code == 137, moment .. ": exit code", r.all)
         if moment == "mpirun" then
            check(r.err:find "process rank 1 with PID %d+ on node %S+ exited on signal 9", "mpirun names it", r.all)
         else
            check(r.err == ("scute: rank %d was ended by signal 9 (Killed), and the others with it; a training run goes on "
               .. "from its last checkpoint with --resume auto\n"):format(i % 2), moment .. ": one line names the rank", r.all)
         end
      end
      local resumed = at_once {
         command:format(1, "never", 0, "training"), command:format(3, "never", 0, "validation"),
         command:format(1, "never", 0, "checkpoint"),
      }
      for i, moment in ipairs { "training", "validation", "checkpoint" } do
         local r = resumed[i]
         check(r.code == 0 and r.out:find("going on from", 1, true), moment .. ": it goes on", r.all)
         local history = base.read_file(("%s/killed_%s/normed/history.csv"):format(scratch, moment)) or ""
         check(select(2, history:gsub("\n%d+,", "")) == 3, moment .. ": its history is whole", history)
         local names = file_names(("%s/killed_%s/normed"):format(scratch, moment))
         check(not names:find "%.new" and not names:find "tmp", moment .. ": no half file is left", names)
      end
   end

   -- Ctrl-Z stops all of them, and fg lets them go on; the second Ctrl-C ends them at once, whatever they do. (Two within a
   -- quarter of a second are one, as wrappers pass one on twice.)
   local function stops()
      write("stubborn.lua", [[
         local scute = require "scute"
         scute.on_interrupt "finish"
         local rank = scute.world.rank
         io.open(arg[1] .. "/pid" .. rank, "w"):write(scute.process.id()):close()
         scute.world.barrier()
         if rank == 0 then print "begun"; io.stdout:flush() end
         while not scute.interrupted() do scute.process.wait({}, 0.05) end
         if rank == 0 then print "heard"; io.stdout:flush() end
         while true do scute.process.wait({}, 0.05) end]])
      local r = shell [[set -m; rm -f $T/told; mkfifo $T/told
         OMP_NUM_THREADS=1 $S --nproc 2 $T/stubborn.lua $T >$T/told & job=$!
         exec 3<$T/told; read line <&3
         state() { for i in 0 1; do sed 's/.*) //; s/ .*//' /proc/$(cat $T/pid$i)/stat; done | tr -d '\n'; echo; }
         look() { while :; do case $(state) in $1) echo $2; return;; esac; sleep 0.05; done; }
         kill -TSTP $job; look TT stopped; kill -CONT $job; look '[SR][SR]' 'on again'
         kill -INT $job; read line <&3; sleep 0.4; kill -INT $job; wait $job; code=$?
         case $(state 2>/dev/null) in *[RSDT]*) echo alive; esac
         exit $code]]
      check(r.code == 130 and r.out == "stopped\non again\n", "Ctrl-Z, and Ctrl-C twice", r.all)
      check(not r.err:find "mpirun", "without mpirun's words", r.all)
   end

   -- What mpirun passes on to its processes is Ctrl-C for them.
   local function under_mpirun()
      local line = MPIRUN .. " -np 2 " .. EXERCISE:format("", "transfer_learning", "usr2") .. "--epochs 4000 --batch_size 8"
      local r = base.interrupt(line, "USR2", "epoch   2")
      check(r.code == 130, "USR2 for mpirun", r.all)
      local run = base.read_file(scratch .. "/usr2/normed/run.json") or ""
      check(run:find('"state": "interrupted"', 1, true)
         and lfs.attributes(scratch .. "/usr2/normed/checkpoint.safetensors"), "it has saved", r.all)
   end

   local function experiments()
      local line = EXERCISE:format("--nproc 2", "compare_architectures", "compared"):gsub("%-%-model normed",
         "--models plain,normed") .. "--budget epochs=1 --seeds 1 --batch_size 8 "
      local rates = EXERCISE:format("--nproc 2", "transfer_learning", "rates") .. "--freeze_backbone --lr_find"
      local rs = at_once { line, line .. "--jobs 2", rates, "$S --nproc 2 scripts/predict.lua --model x y.jpg",
         EXERCISE:format("--nproc 2", "fine_tuning", "fine") .. "--epochs 1 --batch_size 6" }
      local r = rs[1]
      local told = select(2, r.out:gsub("Model Comparison Results", ""))
      check(r.code == 0 and r.err == "" and told == 1, "Exercise 3", r.all)
      local record = base.read_file(scratch .. "/compared/runs/normed/seed0/normed/events.jsonl")
      check(r.out:find("each run is 2 processes", 1, true) and record, "its runs are several processes", r.all)
      local said = base.read_file(scratch .. "/compared/runs/normed/seed0/output.log") or ""
      check(said:find("2 processes with 1 thread each", 1, true), "as is told in each", said)
      check(rs[2].code == 1 and rs[2].err == "scute: --jobs 2: each run of the experiment has all 2 processes; leave --jobs "
         .. "out, or --nproc\n", "several runs of several processes", rs[2].all)
      check(rs[3].code == 0 and rs[3].err == "" and lfs.attributes(scratch .. "/rates/normed_lr_find/lr_find.csv"),
         "rates are found", rs[3].all)
      check(rs[4].code == 2 and rs[4].err == "scute: scripts/predict.lua is for one process, and 2 were started; leave "
         .. "--nproc, or mpirun, out\n", "a script of one process", rs[4].all)
      check(rs[5].code == 0 and rs[5].err == "", "Exercise 2", rs[5].all)
   end

   local function practices()
      local line = EXERCISE:format("--nproc 2", "best_practices", "practices"):gsub("%-%-model normed",
         "--model baseline_cnn")
      local r = shell(line .. "--only all --epochs 1 --seeds 1 --batch_size 8 --unfreeze all")
      check(r.code == 0 and lfs.attributes(scratch .. "/practices/practices.md"), "Exercise 4", r.all)
   end

   local TOLD = "; all processes of a run are started alike\n"

   -- Ranks that were started otherwise are named before anything trains, and before a run that is there is touched.
   local function started_otherwise()
      shell [[cp -r $T/photos $T/fewer; rm $T/fewer/red/003.bmp
         for i in 1 2 6; do
            mkdir -p $T/other$i/normed; for f in best.safetensors run.json; do echo '{}' >$T/other$i/normed/$f; done
         done]]
      local n = 0
      local function pair(first, second, front)
         n = n + 1
         local line = EXERCISE:format("", "transfer_learning", "other" .. n) .. "--epochs 1 --batch_size 8 "
         local other = line:gsub("%$S ", "$S " .. (front or ""), 1)
         return ("%s -np 1 %s : -np 1 %s"):format(MPIRUN, line .. first, other .. second)
      end
      local cases = {
         { pair("--label_smoothing 0.1", "--label_smoothing 0.2"),
            "rank 1: label_smoothing = 0.2, and not so in rank 0" .. TOLD },
         { pair("", ""):gsub("^(.* : .*)$T/photos", "%1$T/fewer"):gsub("%-%-overwrite", ""),
            "rank 1: other photos (names, classes, split or sizes of the files) than rank 0" .. TOLD },
         { pair("", ""):gsub("^(.* : .*)$T/photos", "%1$T/nowhere"), "rank 1: data_dir: cannot open the folder" },
         { pair("", "", [[-e 'require("scute.core").version = function() return { scute = "0" } end' ]]),
            "rank 1: other versions of the program or its libraries than rank 0" .. TOLD },
         { pair("", "", [[-e 'require("scute").manual_seed(5); local c = require("scute.cli"); local p = c.parse
            c.parse = function(...) local o = p(...); require("scute").manual_seed(5); return o end' ]]),
            "rank 1: other weights than rank 0" .. TOLD },
         { pair("--lr_find", ""), "rank 0: lr_find = true, and not so in rank 1" .. TOLD },
      }
      local lines = {}
      for i, case in ipairs(cases) do lines[i] = case[1] end
      for i, r in ipairs(at_once(lines)) do
         local told = select(2, ("\n" .. r.err):gsub("\nscute: ", ""))
         check(r.code == 1 and r.err:find("scute: " .. cases[i][2], 1, true) and told == 1, cases[i][2], r.all)
         check(not r.out:find("note: the run that was in", 1, true), "no run is told to go", r.all)
      end
      for _, i in ipairs { 1, 2, 6 } do
         local folder = ("%s/other%d"):format(scratch, i)
         local names = file_names(folder .. "/normed")
         check(names:find "best" and names:find "run.json" and not lfs.attributes(folder .. "/normed.1"),
            "a run that is there is not touched", names)
      end
   end

   -- Where one process waits in a call for the others, and they for its part of a sum, both are named; a call that takes long
   -- is none of that.
   local STRAY = "OMP_NUM_THREADS=1 $S -l $T/small.lua --nproc %d $T/strays.lua $T/photos $T/strays %s %d"
   local strays = { STRAY:format(3, "ends", 1), STRAY:format(2, "calls", 0), STRAY:format(2, "freezes", 1),
      STRAY:format(2, "freezes_in_order", 0), STRAY:format(2, "fixes", 1),
      [[OMP_NUM_THREADS=1 $S --nproc 2 -e 'local world, wait = scute.world, scute.process.wait
         if world.rank == 1 then wait({}, 1.3) end
         world.barrier()
         if world.rank == 0 then wait({}, 0.2) end
         print(world.sums { 1, 2 }[2])']] }

   local function check_strays(ends, calls, freezes, in_order, fixes, waits)
      for r, said in pairs {
         [ends] = "rank 1 calls the end of the program, while rank 0 waits for its part of a sum: all processes have to make "
            .. "the same calls in the same order\n",
         [calls] = "^scute: rank 1: .*rank 0 calls all_reduce of f32 %(1%), while rank 1 waits for its part of a sum",
         [freezes] = "rank 1 calls sums of the gradients of 2 parameters %(.*%), while rank 0 waits for its part of a sum",
         [in_order] = "rank 0 calls sums of the gradients of 2 parameters, while rank 1 waits for its part of a sum",
         [fixes] = "rank 1 calls a step with other statistics of batch norm %(3%) than before, while rank 0 waits for its part",
      } do
         check(r.code == 1 and select(2, r.err:gsub(said, "")) == 1, "one goes another way", r.all)
      end
      check(waits.code == 0 and waits.err == "" and waits.out == ("4.0\n"):rep(2), "a call that takes long", waits.all)
   end

   -- One process fails on what the others do not see: its message, and its code.
   local function one_fails()
      write("strays.lua", STRAYS)
      shell "cp -r $T/photos $T/broken; head -c 60 $T/photos/red/003.bmp >$T/broken/red/003.bmp"
      local line = EXERCISE:format("--nproc 2", "transfer_learning", "bad"):gsub("$T/photos", "$T/broken")
      local rs = at_once { line .. "--epochs 1 --batch_size 6 --on_bad_image error",
         [[$S --nproc 2 -e 'if scute.world.rank == 1 then
            scute.process.limit_memory(2000000000); local t = scute.zeros(1 << 40) end; scute.world.barrier()']],
         [[$S --nproc 3 -e 'if scute.world.rank > 0 then error("two are broken", 0) end; scute.world.barrier()']],
         [[OMP_NUM_THREADS=1 $S --nproc 2 -e 'os.execute(os.getenv "S" .. " -e \"io.write(scute.world.size)\"")']],
         table.unpack(strays) }
      check_strays(table.unpack(rs, 5))
      check(rs[1].code == 1 and select(2, rs[1].err:gsub("red/003.bmp", "")) == 1 and rs[1].err:find "^scute: ",
         "a photo", rs[1].all)
      check(rs[2].code == 1 and rs[2].err:find "scute: rank 1: .*memory", "memory", rs[2].all)
      local told = select(2, rs[3].err:gsub("two are broken", ""))
      check(rs[3].code == 1 and told == 1, "two of three: it is told once", rs[3].all)
      check(rs[4].code == 0 and rs[4].out:find "11$", "what they start is none of the group", rs[4].all)
   end

   -- Of a launcher that is gone, of a batch system that has started nothing, and more processes than cores.
   local function environment()
      base.refuses("a launcher that is gone", 1, "the launcher that has set it is gone (there is no /nowhere/at/all)",
         "PMIX_SERVER_TMPDIR=/nowhere/at/all OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1 $S -e 'x = 1'")
      local batch = "SLURM_JOBID=1 SLURM_JOB_ID=1 SLURM_NODELIST=a,b SLURM_JOB_NODELIST=a,b SLURM_TASKS_PER_NODE='2(x2)' "
         .. "SLURM_NNODES=2 SLURM_PROCID=3 SLURM_NTASKS=4 "
      local rs = at_once { batch .. "$S -e 'print(scute.world.size)'", batch .. "$S --nproc 2 -e 'print(scute.world.size)'",
         "taskset -c 0 " .. EXERCISE:format("--nproc 2", "transfer_learning", "turns") .. "--epochs 1 --batch_size 8",
         "env -u OMP_NUM_THREADS SCUTE_THREADS=3 $S --nproc 2 -e 'print(scute.threads())'" }
      check(rs[1].code == 0 and rs[1].out == "1\n", "a batch system alone is no launcher", rs[1].all)
      check(rs[2].code == 0 and rs[2].out == "2\n2\n", "--nproc is of this machine", rs[2].all)
      check(rs[3].code == 0 and rs[3].out:find("\nnote: 2 processes take turns on 1 core\n", 1, true),
         "more processes than cores", rs[3].all)
      check(rs[4].code == 0 and rs[4].out == "3\n3\n", "threads that the user chose", rs[4].all)
   end

   -- What whoever starts it has done with signals, with its terminal and with Open MPI's settings.
   local function surroundings()
      write("hosts", "localhost slots=1\nelsewhere.invalid slots=4\n")
      write("heard.lua", [[
         local scute = require "scute"
         io.stderr:write "begun\n"
         scute.world.barrier()
         os.execute "sleep 0.5"
         for _ = 1, 9 do io.stderr:write "nobody reads this\n" end
         scute.world.barrier()
         os.execute "sleep 0.5"
         if scute.world.rank == 0 then io.open(arg[1], "w"):close() end]])
      local long = ("OMPI_COMM_WORLD_%s=1"):format(("X"):rep(200))
      local line = "export OMP_NUM_THREADS=1; $S --nproc 2 "
      write("size.lua", [[
         local scute = require "scute"
         if scute.world.rank > 0 then return end
         local own = scute.terminal_size()
         local child = io.popen(os.getenv "S" .. " -e 'print((scute.terminal_size()))'")
         print(own, child:read "n")
         child:close()]])
      write("wide.sh", "stty cols 50 rows 20; " .. line .. "$T/size.lua")
      local rs = at_once {
         "(trap '' CHLD; export OMP_NUM_THREADS=1; exec $S --nproc 2 -e 'error(\"it is broken\", 0)')",
         line .. "$T/heard.lua $T/heard.to_end 2>&1 | head -n 1",
         "export OMPI_MCA_orte_default_hostfile=$T/hosts; " .. line .. "-e 'print(scute.world.size)'",
         "export SCUTE_JOINED=1 OMP_NUM_THREADS=1 " .. long .. "; timeout 60 $S --nproc 2 -e 'print(scute.world.size)'",
         line .. "-e 'if scute.world.rank == 0 then print(...) end' a : b",
         "script -qec 'sh $T/wide.sh' /dev/null",
      }
      check(rs[1].code == 1 and rs[1].err:find "^scute: it is broken\n", "SIGCHLD was ignored", rs[1].all)
      check(rs[2].out == "begun\n" and lfs.attributes(scratch .. "/heard.to_end"), "nobody reads any more", rs[2].all)
      check(rs[3].code == 0 and rs[3].out == "2\n2\n", "other machines are left out", rs[3].all)
      check(rs[4].code == 0 and rs[4].out == "2\n2\n", "a long name", rs[4].all)
      check(rs[5].code == 2 and rs[5].err == "scute: --nproc: mpirun cannot pass on the argument ':'; write it otherwise\n",
         "what mpirun does not pass on", rs[5].all)
      check(rs[6].out:find "^50%s+80%s", "the terminal is that of the first process alone", rs[6].all)
   end

   local ALONE = { "evaluate", "evaluate_reid", "export", "identify", "metric_learning", "models", "predict",
      "compare_demo", "demo", "fine_tuning_demo", "reid_demo" }

   local function scripts()
      local together = { transfer_learning = true, fine_tuning = true, compare_architectures = true, best_practices = true }
      for _, name in ipairs(ALONE) do together[name] = false end
      for file in lfs.dir "scripts" do
         local name = file:match "^(.*)%.lua$"
         if name then
            local text = base.read_file("scripts/" .. file)
            check(together[name] ~= nil, name .. ": is it for several processes?")
            local says = text:find("\ncli.alone()\n", 1, true) ~= nil
            check(says == not together[name], name .. " says whether it is of one", text)
         end
      end
   end

   -- A loop of one's own trains one network, and photos that a script draws are all there for each.
   local function examples()
      local rs = at_once {
         "P=$(realpath $S); R=$PWD; mkdir $T/empty; cd $T/empty; OMP_NUM_THREADS=1 $P --nproc 2 $R/examples/custom_sampler.lua",
         "OMP_NUM_THREADS=1 $S examples/train_by_hand.lua; OMP_NUM_THREADS=1 $S --nproc 2 examples/train_by_hand.lua",
      }
      check(rs[1].code == 0 and rs[1].out:find("80 photos in 2 classes", 1, true), "they are drawn once", rs[1].all)
      local one, two = rs[2].out:match "^(.-\nepoch 300:[^\n]*\n)(.*)$"
      check(rs[2].code == 0 and one and one == two, "by hand: what one process says", rs[2].all)
   end

   local function events_are_of_one_run()
      local line = EXERCISE:format("--nproc 2", "transfer_learning", "board") .. "--epochs 1 --batch_size 8 --tensorboard"
      local r = shell(line)
      local n, folder = 0, scratch .. "/board/normed"
      for name in lfs.dir(folder) do n = n + (name:find "tfevents" and 1 or 0) end
      local run = cjson.decode(base.read_file(folder .. "/run.json") or "{}")
      check(r.code == 0 and n == 1 and run.state == "finished", "the files are those of one run", r.all)
   end

   return { stops, killed_at_any_moment, under_mpirun, experiments, practices, started_otherwise, one_fails, environment,
      surroundings, scripts, examples, events_are_of_one_run }
end
