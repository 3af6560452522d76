-- Several processes that each have a GPU of their own, joined by NCCL: on the software GPU, whose library of that name checks
-- that all of them call the same, on a stream of their own, in memory of their device, and that nobody is forgotten.
-- Without MPI (SCUTE_WORLD=nccl has scute start the processes itself) and, where it is there, with it.
-- With "cuda" behind it: what of that real GPUs can show, where there are two or more; else that one is not enough.
-- Usage: scute tests/cuda/world.lua [cuda]
local cjson = require "cjson"
local lfs = require "lfs"
local here = arg[0]:match "^(.*)/" or "."
local soft = (arg[-1]:match "^(.*)/" or ".") .. "/softgpu"
local cli = dofile(here .. "/../cli/shell.lua")
local photos = dofile(here .. "/../cli/photos.lua")
local check, shell, scratch = cli.check, cli.shell, cli.scratch

local real = arg[1] ~= nil
local has_mpi = lfs.attributes((arg[-1]:match "^(.*)/" or ".") .. "/scute_mpi.so") and shell("command -v mpirun").code == 0

-- ---- starting ----

-- A line of shell with the software GPU in it, of so many devices.
local function on_gpus(devices, line)
   if real then return shell("export OMP_NUM_THREADS=1; " .. line) end
   local settings = "export SCUTE_CUDA_CACHE= OMP_NUM_THREADS=1 SCUTE_PLUGINS=%s SOFTGPU_DEVICES=%d"
   return shell(settings:format(soft, devices) .. " SOFTGPU_FOLDER=$T SOFTGPU_REPORT=$T/account.%p; " .. line)
end

-- n processes without MPI, each with its GPU.
local function start(n, command, settings)
   return on_gpus(n, ("SCUTE_WORLD=nccl %s $S --nproc %d %s"):format(settings or "", n, command))
end

-- n processes under mpirun.
local function start_mpi(n, command, settings)
   return on_gpus(n, ("%s $S --nproc %d %s"):format(settings or "", n, command))
end

-- But that there are fewer processors than processes.
local function said_nothing(r)
   return not r.err:gsub("scute: note: %-%-nproc %d+: there [^\n]*\n", ""):find "%S"
end

-- What each process says of its GPU, since the last call.
local function accounts()
   local list = {}
   if real then return list end
   for file in lfs.dir(scratch) do
      if file:find "^account" then
         list[#list + 1] = cjson.decode(cli.read_file(scratch .. "/" .. file))
         os.remove(scratch .. "/" .. file)
      end
   end
   return list
end

local function are_clean(n, name)
   local list = accounts()
   if real then return end
   check(#list == n, ("%s: %d processes had a GPU"):format(name, n), #list)
   for _, account in ipairs(list) do
      check(next(account.live) == nil, name .. ": nothing is left on the device", cjson.encode(account.live))
      check(account.spins == 0, name .. ": the host sleeps while it waits", account.spins)
      check(#account.violations == 0, name .. ": nothing is violated", account.violations[1])
   end
end

local function write(name, text)
   photos.write_file(scratch .. "/" .. name, text)
end

local function sorted(text)
   local lines = cli.lines_of(text)
   table.sort(lines)
   return table.concat(lines, "\n")
end

-- How many GPUs there are; enough, of those that are software.
local gpus = 4
if real then
   gpus = 0
   while shell(("$S -e 'scute.device \"cuda:%d\"'"):format(gpus)).code == 0 do gpus = gpus + 1 end
end

-- ---- sums ----

write("sums.lua", [[
   local scute = require "scute"
   local world = scute.world
   local rank, size = world.rank, world.size
   local said = { ("rank %d of %d, %s, %s"):format(rank, size, world.transport, scute.device "cuda") }
   local function say(name, t) said[#said + 1] = name .. " " .. table.concat(t:values(), " ") end
   for _, dtype in ipairs { "f32", "f64", "i64" } do
      say(dtype, world.all_reduce(scute.full({ 3 }, rank + 1, { dtype = dtype })))
   end
   say("there", world.all_reduce(scute.full({ 2 }, rank + 1, { device = "cuda" })))
   say("from the last", world.broadcast(scute.full({ 2 }, rank, { dtype = "u8" }), size - 1))
   -- What the device has just computed is in the sums, and what it computes next finds them.
   local a, b = scute.full({ 5 }, rank + 1, { device = "cuda" }), scute.full({ 2, 3 }, 8 * rank, { device = "cuda" })
   for _ = 1, 3 do a = a * 2 end
   world.average({ a, b }, 1 / size)
   say("a", a * 10)
   say("b", b:sum())
   -- Gradients, in buckets of a number or two, begun while backward goes on; one process has none.
   local p, q = scute.full({ 3 }, 2, { device = "cuda" }):requires_grad_(), scute.ones(2, { device = "cuda" }):requires_grad_()
   local reducer = world.reducer({ p, q }, 8)
   for step = 1, 2 do
      p:zero_grad()
      q:zero_grad()
      if rank == 0 or size == 1 or step == 2 then
         reducer:watch()
         local loss = (p * p):sum() * (rank + 1) + q:sum()
         loss:backward()
         reducer:unwatch()
         local begun, of = reducer:begun()
         assert(size == 1 or begun == of, begun .. " of " .. of)
      end
      reducer:finish()
      say("p" .. step, p.grad)
      say("q" .. step, q.grad)
   end
   reducer:free()
   said[#said + 1] = #world.differing(rank == 1 and "b" or "a") .. " differ"
   world.barrier()
   print(table.concat(said, "; "))]])

local function numbers(format, n, value)
   return (" " .. format:format(value)):rep(n)
end

local function expected(rank, n, transport)
   local sum = n * (n + 1) / 2
   local list = { ("rank %d of %d, %s, cuda:%d"):format(rank, n, transport, rank), "f32" .. numbers("%.1f", 3, sum),
      "f64" .. numbers("%.1f", 3, sum), "i64" .. numbers("%d", 3, sum), "there" .. numbers("%.1f", 2, sum),
      "from the last" .. numbers("%d", 2, n - 1), "a" .. numbers("%.1f", 5, 80 * sum / n),
      "b" .. numbers("%.1f", 1, 6 * 8 * (n - 1) / 2) }
   for step = 1, 2 do
      list[#list + 1] = ("p%d"):format(step) .. numbers("%.1f", 3, 4 * (step == 1 and 1 or sum))
      list[#list + 1] = ("q%d"):format(step) .. numbers("%.1f", 2, step == 1 and 1 or n)
   end
   list[#list + 1] = (n > 1 and 1 or 0) .. " differ"
   return table.concat(list, "; ")
end

local function check_sums(n, transport, r, name)
   local list = {}
   for rank = 0, n - 1 do list[#list + 1] = expected(rank, n, transport) end
   local text = table.concat(list, "\n")
   check(r.code == 0 and said_nothing(r) and sorted(r.out) == text, name, r.all .. "\n" .. text)
end

local function sums()
   for _, case in ipairs { { 2, "lazy" }, { 2, "eager" }, { 4, "random:3" } } do
      local n, order = case[1], case[2]
      if real and (n > gpus or order == "eager") then break end
      local name = ("%d processes, %s"):format(n, order)
      check_sums(n, "nccl", start(n, "$T/sums.lua", "SOFTGPU_ORDER=" .. order), name)
      are_clean(n, name)
   end
   if not has_mpi then return end
   check_sums(2, "mpi", start_mpi(2, "$T/sums.lua"), "two processes of MPI")
   are_clean(2, "two processes of MPI")
end

-- ---- training ----

-- A network in which photos do not look at each other, and one with batch norm.
write("small.lua", [[
   local scute = require "scute"
   local nn = scute.nn
   scute.models.register("plain", function(classes)
      return nn.Sequential { nn.Conv2d { 3, 8, 3, stride = 2 }, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
         nn.Linear { 8, #classes } }
   end, { image_size = 32 })
   scute.models.register("normed", function(classes)
      return nn.Sequential { nn.Conv2dNormActivation { 3, 8, 3, stride = 2 }, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
         nn.Linear { 8, #classes } }
   end, { image_size = 32 })]])

local EXERCISE = "-l $T/small.lua scripts/transfer_learning.lua --model %s --weights none --image_size 32 --data_dir $T/photos "
   .. "--output_dir $T/%s --overwrite --threads 1 --workers 1 --device cuda %s"

local function history(name, model)
   return cli.history(("%s/%s/%s"):format(scratch, name, model))
end

-- The largest difference between the losses of two runs; infinite where they are of other lengths.
local function difference(one, other, model)
   local a, b, most = history(one, model), history(other, model), 0
   if #a ~= #b or #a == 0 then return math.huge end
   for i, row in ipairs(a) do
      for _, figure in ipairs { "train_loss", "val_loss" } do
         local d = math.abs(row[figure] - b[i][figure])
         most = d == d and math.max(d, most) or math.huge
      end
   end
   return most
end

-- Bounds: sums in another order, in f32; fp16 rounds products of other gradients.
local function training()
   photos.set(scratch .. "/photos", { red = 10, blue = 9 })
   for _, case in ipairs { { "fp32_strict", 1e-5 }, { "fp16", 2e-3 } } do
      local precision, bound = case[1], case[2]
      local options = "--epochs 2 --batch_size 5 --learning_rate 0.01 --precision " .. precision
      if precision == "fp16" then options = options .. " --save_steps 2" end
      local r = on_gpus(1, "$S " .. EXERCISE:format("plain", precision .. 1, options))
      check(r.code == 0, precision .. ": one process", r.all)
      accounts()
      for _, n in ipairs((precision == "fp16" or gpus < 4) and { 2 } or { 2, 4 }) do
         local name = precision .. n
         r = start(n, EXERCISE:format("plain", name, options))
         check(r.code == 0 and said_nothing(r), name .. " processes", r.all)
         are_clean(n, name)
         local d = difference(precision .. 1, name, "plain")
         check(d < bound, ("%s: losses differ by %g from those of one process"):format(name, d))
      end
   end
end

-- Running statistics are averaged on the device, and features of a frozen backbone go back to it; through MPI, where it is.
local function more_training()
   local begin = has_mpi and start_mpi or start
   local r = begin(2, EXERCISE:format("normed", "normed", "--epochs 2 --batch_size 6 --precision bf16 --ema 0.9"))
   check(r.code == 0 and said_nothing(r), "batch norm", r.all)
   are_clean(2, "batch norm")
   r = begin(2, EXERCISE:format("normed", "frozen", "--epochs 2 --batch_size 6 --freeze_backbone"))
   check(r.code == 0 and said_nothing(r) and r.out:find "features: ", "a frozen backbone", r.all)
   are_clean(2, "a frozen backbone")
   -- On the CPU of processes that only GPUs join.
   r = start(2, (EXERCISE:format("normed", "host", "--epochs 1 --batch_size 6"):gsub("%-%-device cuda", "--device cpu")))
   check(r.code == 0 and said_nothing(r), "on the CPU", r.all)
   are_clean(2, "on the CPU")
   -- One process goes on where several were, and the other way round.
   local options = "--epochs %d --batch_size 6 --precision fp16 --resume auto"
   r = begin(2, EXERCISE:gsub("%-%-overwrite ", ""):format("plain", "again", options:format(1)))
   check(r.code == 0, "an epoch of two processes", r.all)
   r = on_gpus(1, "$S " .. EXERCISE:gsub("%-%-overwrite ", ""):format("plain", "again", options:format(2)))
   check(r.code == 0 and r.out:find "going on from ", "one of one process", r.all)
   r = begin(2, EXERCISE:gsub("%-%-overwrite ", ""):format("plain", "again", options:format(3)))
   check(r.code == 0 and r.out:find "going on from " and #history("again", "plain") == 3, "and one of two again", r.all)
   accounts()
end

-- A loss of the script's own has a tensor where the model is; those who validate ask it, too.
local function own_loss()
   write("own_loss.lua", [[
      local scute = require "scute"
      scute.manual_seed(1)
      local set = scute.data.open(arg[1], { seed = 0 })
      local model = scute.models.create("plain", { classes = set.classes, image_size = 32 }):to "cuda"
      local twice = scute.full({}, 2, { device = "cuda" })
      local result = scute.train.fit(model, set, { optimizer = scute.optim.sgd(model:groups { lr = 0.01 }), workers = 0,
         batch_size = 5, epochs = 1, cache_features = "off", precision = "fp32_strict", device = "cuda",
         loss = function(logits, y) return scute.cross_entropy(logits, y) * twice end })
      if scute.world.rank == 0 then print(("losses %.5f %.5f"):format(result.best.train_loss, result.best.val_loss)) end]])
   local losses = {}
   for n = 1, 2 do
      local command = "-l $T/small.lua $T/own_loss.lua $T/photos"
      local r = n == 1 and on_gpus(1, "$S " .. command) or start(n, command)
      losses[n] = r.out:match "losses [%d.]+ [%d.]+"
      check(r.code == 0 and losses[n] and losses[n] == losses[1], ("a loss of one's own: %d processes"):format(n), r.all)
      are_clean(n, "a loss of one's own")
   end
end

-- Batch norm over the photos of all processes: by itself, and in training, where they learn what one process does. The last
-- batch has two photos, of which the third process has none.
local function synchronised()
   local r = start(2, here .. "/../world/sync_ops.lua cuda")
   local lines, good = cli.lines_of(r.out), r.code == 0
   for _, line in ipairs(lines) do good = good and line:find "^%d+ cases, 0 wrong$" end
   check(good and #lines == 2, "batch norm of two processes", r.all)
   are_clean(2, "batch norm of two processes")
   local options = "--epochs 2 --batch_size 13 --learning_rate 0.01 --precision fp32_strict --sync_batch_norm"
   r = on_gpus(1, "$S " .. EXERCISE:format("normed", "sync1", options))
   check(r.code == 0, "--sync_batch_norm of one process", r.all)
   accounts()
   r = start(3, EXERCISE:format("normed", "sync3", options))
   check(r.code == 0 and said_nothing(r), "--sync_batch_norm of three", r.all)
   are_clean(3, "--sync_batch_norm of three")
   local d = difference("sync1", "sync3", "normed")
   check(d < 1e-5, ("losses differ by %g from those of one process"):format(d))
end

-- Memory is given back, which waits for the sums that have begun, where another process had begun fewer, and goes on to meet.
local function backwards_that_fail()
   local r = start(2, [[-e 'local world = scute.world
      local p, q = scute.ones(3, { device = "cuda" }):requires_grad_(), scute.ones(2, { device = "cuda" }):requires_grad_()
      local reducer = world.reducer({ p, q }, 8)
      local function backward()
         p:zero_grad()
         q:zero_grad()
         reducer:watch()
         local loss = (p * p):sum() + q:sum()
         loss:backward()
         reducer:unwatch()
      end
      if world.rank == 0 then backward() end
      reducer:begin_rest(true)
      local unused = scute.ones(1000, { device = "cuda" })
      unused:free()
      scute.flush()
      world.barrier()
      backward()
      reducer:finish()
      print(p.grad[3], q.grad[2])
      reducer:free()']], "SCUTE_NCCL_TIMEOUT=20")
   check(r.code == 0 and r.out == ("4.0\t2.0\n"):rep(2), "two backwards that fail", r.all)
   are_clean(2, "two backwards that fail")
end

-- ---- what is wrong ----

local function other_calls()
   local r = start(2, [[-e 'local w = scute.world
      w.connect "cuda"
      w.average({ scute.ones(2 + w.rank, { device = "cuda" }) }, 1)
      scute.synchronize()']], "SCUTE_NCCL_TIMEOUT=20")
   check(r.code == 1 and r.err:find "rank 0 calls ncclAllReduce of 2 ncclFloat32 %(ncclSum%), rank 1 calls ncclAllReduce of 3 "
      or r.err:find "rank 1 calls ncclAllReduce of 3 ncclFloat32 %(ncclSum%), rank 0 calls ncclAllReduce of 2 ",
      "other counts are named", r.all)
   check(r.code == 1 and r.err:find "NCCL: .*%(ncclInternalError%)", "and end the processes", r.all)
   accounts()
end

-- What processes say to each other, where nothing but NCCL joins them: what does not fit is told in both, who may go on.
local function other_words()
   write("words.lua", [[
      local scute = require "scute"
      local w = scute.world
      local function numbers(n)
         local list = {}
         for i = 1, n do list[i] = i end
         return list
      end
      local function try(mine, theirs)
         local f = w.rank == 0 and mine or theirs
         print((select(2, pcall(f)):gsub("^.* the same order; ", "")))
      end
      local function sums(n) return function() w.sums(numbers(n)) end end
      local function reduce() w.all_reduce(scute.ones(1)) end
      try(sums(2), sums(1))
      try(sums(9000), sums(1))
      try(sums(24), reduce)
      try(function() w.texts "x" end, w.wait)
      print(w.sums(numbers(9000))[9000], w.texts(("x"):rep(9000))[2]:len(), w.sums { 0.5 }[1])
      try(reduce, function() os.exit() end)
      w.sums { 1 }]])
   local r = start(2, "$T/words.lua")
   local lines = { "rank 0 adds up 2 numbers (f64), rank 1 adds up 1 number (f64)",
      "rank 0 adds up 9000 numbers (f64), rank 1 adds up 1 number (f64)",
      "rank 0 adds up 24 numbers (f64), rank 1 calls all_reduce of f32 (1)",
      "rank 0 adds up 2 numbers (i64), rank 1 waits for all", "18000.0\t9000\t1.0" }
   for i, line in ipairs(lines) do
      local _, times = ("\n" .. r.out):gsub("\n" .. line:gsub("%p", "%%%0") .. "%f[\n]", "")
      check(times == 2, "other words " .. i, r.all)
   end
   check(r.out:find("rank 0 calls all_reduce of f32 (1), rank 1 calls the end of the program\n", 1, true)
      and r.code == 1 and r.err:find("rank 0 adds up 1 number (f64), rank 1 calls the end of the program\n", 1, true),
      "one ends", r.all)
   accounts()
end

-- Processes that nobody watches: what one of them notices of the other's end.
local function alone(rank, more, line)
   return ("%s SCUTE_WORLD_RANK=%d SCUTE_WORLD_SIZE=2 SCUTE_WORLD_PIPE=7,8 $S %s"):format(more or "", rank, line)
end

local function deaths()
   local r = start(2, [[-e 'local w = scute.world
      if w.rank == 1 then os.execute("kill -9 $PPID") end
      w.barrier()']])
   check(r.code == 137 and r.err == "scute: rank 1 was ended by signal 9 (Killed), and the others with it; a training run goes "
      .. "on from its last checkpoint with --resume auto\n",
      "a killed process is named", r.all)
   local pipe = "rm -f $T/pipe; mkfifo $T/pipe; exec 7<>$T/pipe 8>$T/pipe; "
   local waits = [[-e 'local x = scute.ones(3, { device = "cuda" }); scute.world.connect "cuda"
      scute.world.average({ x }, 1); scute.world.average({ x }, 1); print(x[1])']]
   local dies = [[-e 'local x = scute.ones(3, { device = "cuda" }); scute.world.connect "cuda"
      scute.world.average({ x }, 1); x:sum():item(); os.execute("kill -9 $PPID")']]
   r = on_gpus(2, pipe .. alone(1, nil, dies) .. " & " .. alone(0, nil, waits))
   check(r.code == 1 and r.err:find "scute: .*NCCL: remote process exited .*%(ncclRemoteError%): rank 1 has ended.*%-%-resume"
      and r.out == "", "a process that is gone: no number comes of it", r.all)
   local sleeps = dies:gsub("kill %-9 $PPID", "sleep 4")
   r = on_gpus(2, pipe .. alone(1, nil, sleeps) .. " & " .. alone(0, "SCUTE_NCCL_TIMEOUT=2", waits)
      .. "; code=$?; wait; exit $code")
   check(r.code == 1 and r.err:find("the other processes did not come within 2 seconds (SCUTE_NCCL_TIMEOUT)", 1, true)
      and r.out == "", "one that does not come", r.all)
   r = start(2, [[-e 'if scute.world.rank == 1 then error("it is broken", 0) end; scute.world.barrier()']])
   check(r.code == 1 and r.err:find "^scute: rank 1: it is broken\n" and not r.err:find "NCCL", "an error of one", r.all)
   accounts()
end

local function failures()
   -- In each process, of which one may hear of the other's before it meets its own.
   for name, says in pairs { ["ncclCommInitRankConfig:1"] = "joining processes: NCCL: unhandled system error",
      ["ncclAllReduce:1"] = "NCCL: ", ["ncclAllReduce:3:3"] = "NCCL: " } do
      local r = start(2, "-e 'scute.world.barrier()'", "SOFTGPU_FAIL=" .. name)
      check(r.code == 1 and r.err:find(says, 1, true), name .. " fails", r.all)
   end
   accounts()
end

-- Another one that the system may know is hidden.
local LOST = "SCUTE_PLUGINS=$T/lost LD_LIBRARY_PATH=$T/lost/none"

local function refused()
   local r = on_gpus(1, "SCUTE_WORLD=nccl $S --nproc 2 -e 'print(1)'")
   check(r.code == 1 and r.err:find("without MPI each of the 2 processes needs a GPU of its own", 1, true), "too few GPUs",
      r.all)
   local short = "--epochs 1 --batch_size 6"
   r = start(2, (EXERCISE:format("plain", "one_gpu", short):gsub("%-%-device cuda", "--device cuda:0")))
   check(r.code == 1 and r.err:find("scute: --device cuda:0: ranks 0 and 1 would share one GPU", 1, true), "one GPU", r.all)
   if has_mpi then
      r = on_gpus(1, "$S --nproc 2 " .. EXERCISE:format("plain", "few", short))
      check(r.code ~= 0 and r.err:find("there are 2 processes on this computer, each of which needs a GPU of its own, and 1 "
         .. "GPU:", 1, true), "too few GPUs under MPI", r.all)
      r = start_mpi(2, EXERCISE:format("plain", "lost", short), LOST)
      check(r.code == 1 and r.err:find("GPUs of several processes add up through NCCL, and there is no libnccl.so.2", 1, true),
         "MPI without NCCL", r.all)
   end
   r = start(2, "-e 'print(1)'", LOST)
   check(r.code == 1 and r.err:find("through their GPUs: GPUs of several processes add up through NCCL, and there is no "
      .. "libnccl.so.2", 1, true) and #cli.lines_of(r.err) == 1, "no NCCL", r.all)
   accounts()
end

-- Ctrl-C reaches all of them, who may finish what they do.
local function interrupts()
   write("loop.lua", [[
      local scute = require "scute"
      scute.on_interrupt "finish"
      scute.world.barrier()
      if scute.world.rank == 0 then print "begun"; io.stdout:flush() end
      while not scute.interrupted() do os.execute "sleep 0.05" end
      print("saved " .. scute.world.rank)]])
   local r = on_gpus(2, [[set -m; rm -f $T/told; mkfifo $T/told; SCUTE_WORLD=nccl $S --nproc 2 $T/loop.lua >$T/told & job=$!
      while IFS= read -r line; do
         echo "$line"; [ "$line" != begun ] || kill -INT $job
      done <$T/told; wait $job]])
   check(r.code == 130 and sorted(r.out) == "begun\nsaved 0\nsaved 1", "Ctrl-C lets them finish", r.all)
   accounts()
end

-- The plugin and its libraries, without NCCL.
shell(("mkdir -p $T/lost/lib; cp %s/scute_cuda.so $T/lost; cp %s/lib/* $T/lost/lib; rm $T/lost/lib/libnccl*; "
   .. "mkdir $T/lost/none; touch $T/lost/none/libnccl.so.2"):format(soft, soft))
-- Where a batch system has given each process a GPU, all that it sees is its own, by the same name in all of them.
local function given_beforehand()
   if not has_mpi then return end
   write("given.sh", "export CUDA_VISIBLE_DEVICES=$((OMPI_COMM_WORLD_RANK${1:-}))\nshift\nexec \"$@\"\n")
   local line = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 2 sh $T/given.sh %s $S "
   local short = EXERCISE:format("plain", "given", "--epochs 1 --batch_size 6")
   local r = on_gpus(1, line:format "+3" .. short)
   check(r.code == 0 and r.out:find "2 processes with 1 thread each", "each sees its own GPU", r.all)
   are_clean(2, "each sees its own GPU")
   r = on_gpus(1, line:format "*0" .. short)
   check(r.code ~= 0 and r.err:find("there are 2 processes on this computer", 1, true), "both see the same one", r.all)
   r = on_gpus(1, "$S --nproc 2 " .. short:gsub("%-%-device cuda", "--device auto"))
   local _, told = r.out:gsub("device auto: cpu computes, as no GPU answers: there are 2 processes on this computer", "")
   check(r.code == 0 and told == 1, "the CPU for want of GPUs: that is told", r.all)
   accounts()
end

-- As many processes as there are GPUs, and one more.
local function one_too_many()
   local r = shell(("SCUTE_WORLD=nccl $S --nproc %d -e 'print(1)'"):format(gpus + 1))
   check(r.code == 1 and r.err:find(("each of the %d processes needs a GPU of its own"):format(gpus + 1), 1, true),
      "one process more than GPUs", r.all)
end

local tests = { sums, training, more_training, own_loss, synchronised, backwards_that_fail, other_calls, other_words, deaths,
   failures, refused, given_beforehand, interrupts }
if real then tests = gpus > 1 and { sums, training, more_training, one_too_many } or { one_too_many } end
cli.run(tests)
