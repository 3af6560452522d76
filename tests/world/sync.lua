-- Batch norm over the photos of all processes: as ops and layers, and in training. Part of tests/world/run.lua.

local EXERCISE = "$S -l $T/sync_models.lua %s scripts/transfer_learning.lua --model normed --weights none --image_size 32 "
   .. "--data_dir $T/sync_photos --output_dir $T/%s --overwrite --threads 1 --precision fp32 "

-- A network with batch norm; the layer `short` runs out of memory when the environment says so (rank, calls that go well).
local MODELS = [[
local scute = require "scute"
local nn = scute.nn
local Short = nn.Module:extend "Short"
if os.getenv "SHORT" then scute.memory_for_speed(0) end -- what backward can compute again is not kept
local calls = 0
function Short:forward(x)
   local rank, first, times = (os.getenv "SHORT" or ""):match "(%d+) (%d+) (%d+)"
   if not self.training or tonumber(rank) ~= scute.world.rank then return x end
   calls = calls + 1
   if calls <= tonumber(first) or calls > first + times then return x end
   scute.memory_limit(1)
   local _, why = pcall(scute.zeros, 1000, 1000)
   scute.memory_limit(0)
   error(why, 0)
end
scute.models.register("normed", function(classes)
   return nn.Sequential { nn.Conv2dNormActivation { 3, 8, 3, stride = 2 }, nn.Conv2dNormActivation { 8, 16, 3, stride = 2 },
      Short(), nn.Conv2d { 16, 16, 1, bias = false }, nn.BatchNorm2d { 16 }, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
      nn.Linear { 16, #classes } }
end, { image_size = 32 })
]]

-- base: the tests' own check and shell.
return function(base)
   local check, shell, scratch = base.check, base.shell, base.scratch
   local photos = dofile "tests/cli/photos.lua"

   local function write(name, text)
      photos.write_file(scratch .. "/" .. name, text)
   end

   -- Each process has one thread: there are few processors here.
   local function start(n, command)
      return shell(("env OMP_NUM_THREADS=1 $S --nproc %d %s"):format(n, command))
   end

   -- The program has said nothing on standard error but that there are few processors here; mpirun may.
   local function is_quiet(r)
      local said = r.err:gsub("scute: note: %-%-nproc [^\n]*", "")
      return r.code == 0 and not said:find "scute"
   end

   local function as_ops()
      for n = 2, 3 do
         local r = start(n, "tests/world/sync_ops.lua ref,cpu")
         local lines, good = base.lines_of(r.out), is_quiet(r)
         for _, line in ipairs(lines) do good = good and line:find "^%d+ cases, 0 wrong$" end
         check(good and #lines == n, ("batch norm of %d processes"):format(n), r.all)
      end
   end

   -- A process alone computes as ever, to the last bit.
   local function alone()
      local r = shell([[$S -e 'local bn, x = scute.nn.BatchNorm2d { 3 }, scute.randn(4, 3, 5, 5)
         local other = scute.nn.BatchNorm2d { 3 }
         other.synchronised = true
         print(scute.checksum { bn(x), bn.running_var } == scute.checksum { other(x), other.running_var })
         local op = function(how) return scute.checksum { scute.batch_norm { x = x, training = true, synchronised = how } } end
         print(op "all" == op "no", op "others" == op "no", pcall(op, "yes"))']])
      check(r.code == 0 and r.out:find "^true\ntrue\ttrue\tfalse\t.*'synchronised': expected one of no|all|others",
         "a process alone", r.all)
   end

   -- Layers of as many channels are not joined where they are not the same.
   local function other_layers()
      write("sync_layers.lua", [[
         local scute = require "scute"
         local sync = require "scute.train.sync"
         local model = scute.nn.Sequential { scute.nn.BatchNorm2d { 3 }, scute.nn.BatchNorm2d { 3 } }:train()
         local run = { model = model, sync_batch_norm = true, shared = true, feed = { shared = true } }
         local held <close> = sync.hold(run) -- luacheck: ignore
         local x = scute.randn(2, 3, 4, 4)
         model(x)
         print((select(2, pcall(model[1 + scute.world.rank], x))))
         model(x)]])
      local r = start(2, "$T/sync_layers.lua")
      local _, times = r.out:gsub("rank 0 calls a batch norm of 3 channels %(0%), rank 1 calls a batch norm of 3 channels "
         .. "%(1%)", "")
      check(r.code == 0 and times == 2, "other layers", r.all)
   end

   -- Each of these is told in all processes, which then go on.
   local function faults()
      write("sync_faults.lua", [[
         local scute = require "scute"
         local w = scute.world
         local function bn(c, n, how)
            return scute.batch_norm { x = scute.randn(n, c, 1, 1), training = true, synchronised = how or "all" }
         end
         local function try(f, ...) print((select(2, pcall(f, ...)))) end
         try(bn, w.rank == 0 and 4 or 6, 3)
         if w.rank == 0 then try(bn, 4, 3) else try(w.barrier) end
         bn(4, 1)
         try(bn, 4, 1, w.rank == 1 and "others" or nil)
         local x = scute.randn(2, 3, 4, 4, { requires_grad = true })
         local y = scute.batch_norm { x = x, training = true, synchronised = "all" }
         local loss = y:sum()
         if w.rank == 0 then try(loss.backward, loss) else try(bn, 3, 2) end]])
      local r = start(2, "$T/sync_faults.lua")
      for _, text in ipairs { "rank 0 calls a batch norm of 4 channels, rank 1 calls a batch norm of 6 channels",
         "rank 0 calls a batch norm of 4 channels, rank 1 calls barrier",
         "expected more than one value per channel when training, found 1 in all 2 processes",
         "rank 0 calls the backward of a batch norm of 3 channels, rank 1 calls a batch norm of 3 channels" } do
         local _, times = r.out:gsub(text:gsub("%p", "%%%0"), "")
         check(r.code == 0 and times == 2, text, r.all)
      end
   end

   local function train(n, name, options, settings)
      local program = EXERCISE:format(n > 1 and "--nproc " .. n .. " " or "", name)
      return shell((settings or "") .. " " .. program .. options)
   end

   local function rows(name)
      local list, names = {}, nil
      for _, line in ipairs(base.lines_of(base.read_file(("%s/%s/normed/history.csv"):format(scratch, name)) or "")) do
         local cells = {}
         for cell in (line .. ","):gmatch "([^,]*)," do cells[#cells + 1] = cell end
         local row = {}
         for i, column in ipairs(names or {}) do row[column] = tonumber(cells[i]) end
         if names then list[#list + 1] = row end
         names = names or cells
      end
      return list
   end

   -- Fails where losses of two runs differ by more.
   local function close(one, other, most)
      local a, b = rows(one), rows(other)
      local good = #a > 0 and #a == #b
      for i, row in ipairs(good and a or {}) do
         for _, figure in ipairs { "train_loss", "val_loss" } do
            local d = math.abs(row[figure] - b[i][figure])
            check(d <= most, ("%s and %s, epoch %d: %s differs by %g"):format(one, other, i, figure, d))
         end
      end
      check(good, ("%s and %s have as many epochs"):format(one, other))
   end

   -- Of batches of three photos one cannot be read, so that a process of three has none in that batch; then 20 are left, of
   -- which the last two are a batch. Batches count together in an update, photos by their classes.
   local function trains()
      local bad = scratch .. "/sync_photos/red/003.bmp"
      local whole = base.read_file(bad)
      photos.write_file(bad, whole:sub(1, 60))
      local options = "--epochs 2 --batch_size 3 --accumulate 2 --learning_rate 0.003 --class_weights balanced "
         .. "--sync_batch_norm "
      for _, n in ipairs { 1, 2, 3 } do
         local r = train(n, "sync" .. n, options)
         check(r.code == 0 and r.err:find "left out: .*red/003.bmp", ("--sync_batch_norm of %d"):format(n), r.all)
      end
      close("sync1", "sync2", 1e-5)
      close("sync1", "sync3", 1e-5)
      -- All begin a step anew where one runs out of memory, and end together where it does so again.
      local r = train(2, "short", options, "SHORT='1 1 1'")
      check(r.code == 0, "it was garbage that was in the way", r.all)
      close("sync2", "short", 0)
      r = train(2, "shorter", options, "SHORT='1 1 9'")
      local _, told = r.err:gsub("out of memory", "")
      check(r.code == 1 and told == 1 and r.err:find("scute: out of memory in rank 1: a batch is not taken in pieces with "
         .. "--sync_batch_norm", 1, true), "all end with one line", r.all)
      photos.write_file(bad, whole)
   end

   -- The option, layers that the script itself has made synchronised, and frozen ones that thaw in mid-epoch learn the same, to
   -- the last bit, also where a process has no photo; the rates that are looked for are those of one process; and no photo is
   -- mixed with itself.
   local function whoever_asks()
      local child = "OMP_NUM_THREADS=1 $S %s -l $T/sync_models.lua tests/world/sync_child.lua $T/sync_photos"
      local rs = base.at_once { child:format "", child:format "--nproc 3" }
      local figures = {}
      for i, r in ipairs(rs) do
         local pattern = "(%S+) (%S+) (%S+), own true, stays true, thawed true, alone 0\n"
         local _, times = r.out:gsub(pattern, "")
         check(r.code == 0 and times == (i == 1 and 1 or 3), "whoever asks for it", r.all)
         figures[i] = { r.out:match(pattern) }
      end
      check(rs[2].out:find("note: --sync_batch_norm changes nothing as long as all batch norms are frozen", 1, true),
         "frozen batch norm", rs[2].all)
      for k = 1, 3 do
         local d = math.abs((tonumber(figures[1][k]) or 0) - (tonumber(figures[2][k]) or math.huge))
         check(d < 1e-5, ("loss %d of three processes differs by %g"):format(k, d))
      end
   end

   write("sync_models.lua", MODELS)
   photos.set(scratch .. "/sync_photos", { red = 14, blue = 13 })
   return { alone, as_ops, other_layers, faults, trains, whoever_asks }
end
