-- Several processes that train one model: what they learn, write and say is what one process does. Part of tests/world/run.lua.
local cjson = require "cjson"
local lfs = require "lfs"
local photos = dofile "tests/cli/photos.lua"

local EXERCISE = "$S -l $T/small.lua %s scripts/transfer_learning.lua --model %s --weights none --image_size 32 "
   .. "--data_dir $T/photos " .. "--output_dir $T/%s --overwrite --threads 1 --precision fp32 "

-- base: the tests' own check and shell.
-- Two networks that learn in no time: one in which photos do not look at each other, and one with batch norm.
local SMALL = [[
local scute = require "scute"
local nn = scute.nn
scute.models.register("plain", function(classes)
   return nn.Sequential { nn.Conv2d { 3, 8, 3, stride = 2 }, nn.ReLU(), nn.Conv2d { 8, 16, 3, stride = 2 }, nn.ReLU(),
      nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 16, #classes } }
end, { image_size = 32 })
scute.models.register("normed", function(classes)
   return nn.Sequential { nn.Conv2dNormActivation { 3, 8, 3, stride = 2 }, nn.Conv2dNormActivation { 8, 16, 3, stride = 2 },
      nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 16, #classes } }
end, { image_size = 32 })
]]

return function(base)
   local check, shell, scratch = base.check, base.shell, base.scratch

   -- n: of processes; name: of the output folder.
   local function train(n, name, options, model)
      return shell(EXERCISE:format(n > 1 and "--nproc " .. n or "", model or "normed", name) .. options)
   end

   local function folder_of(name, model)
      return ("%s/%s/%s/"):format(scratch, name, model or "normed")
   end

   local function history(name, model)
      return base.history(folder_of(name, model))
   end

   -- The largest difference of a figure between the histories of two runs; infinite where these are of other lengths.
   local function difference(one, other, figure, model)
      local a, b, most = history(one, model), history(other, model), 0
      if #a ~= #b or #a == 0 then return math.huge end
      for i, row in ipairs(a) do
         local d = math.abs(row[figure] - b[i][figure])
         most = d == d and math.max(d, most) or math.huge
      end
      return most
   end

   local function frozen()
      local options = "--freeze_backbone --epochs 3 --batch_size 8 --learning_rate 0.01"
      local r = train(1, "one", options)
      check(r.code == 0, "one process", r.all)
      r = train(2, "two", options)
      check(r.code == 0 and r.err == "", "two processes", r.all)
      check(r.out:find("2 processes with 1 thread each; a batch of 8 photos is shared among them", 1, true), "told", r.all)
      check(select(2, r.out:gsub("\nepoch   3 ", "")) == 1, "one of them speaks", r.all)
      check(base.read_file(folder_of "one" .. "history.csv") == base.read_file(folder_of "two" .. "history.csv"),
         "a frozen backbone: the same to the last bit", base.read_file(folder_of "two" .. "history.csv"))
      local one, two = (base.read_file(folder_of "one" .. "split.csv")), (base.read_file(folder_of "two" .. "split.csv"))
      check(one and one == two, "digests of all photos are known", two)
      for name in lfs.dir(folder_of "two") do check(not name:find "tmp", "no temporary file is left: " .. name) end
   end

   -- Without batch norm the photos of a batch do not look at each other: but for the order of sums it is the same.
   local function whole()
      local options = "--epochs 2 --batch_size 4 --learning_rate 0.001 --augment light"
      for n, name in pairs { [1] = "w1", [2] = "w2", [3] = "w3" } do
         local r = train(n, name, options, "plain")
         check(r.code == 0, ("%d process(es)"):format(n), r.all)
      end
      for _, name in ipairs { "w2", "w3" } do
         for _, figure in ipairs { "train_loss", "val_loss" } do
            local d = difference("w1", name, figure, "plain")
            check(d < 1e-5, ("%s of %s differs by %g"):format(figure, name, d))
         end
      end
   end

   local function batch_norm()
      local r = train(2, "bn", "--epochs 2 --batch_size 5 --learning_rate 0.001 --ema 0.9")
      check(r.code == 0 and r.err == "", "batch norm of each process's photos", r.all)
      local run = cjson.decode(base.read_file(folder_of "bn" .. "run.json") or "{}")
      check(run.state == "finished" and run.photos.train == 21, "run.json is that of one run")
   end

   local function refused()
      local r = train(3, "few", "--epochs 1 --batch_size 2")
      check(r.code == 1 and r.err:find("scute: --batch_size 2: there are 3 processes", 1, true), "few photos in a batch", r.all)
      local line = EXERCISE:format("", "normed", "other") .. "--freeze_backbone --batch_size 8 "
      local flags = "--bind-to none --oversubscribe --allow-run-as-root"
      r = shell(("mpirun %s -np 1 %s --epochs 2 : -np 1 %s --epochs 3"):format(flags, line, line))
      check(r.code == 1 and r.err:find("scute: rank 1: epochs = 3, and not so in rank 0", 1, true), "another argument", r.all)
   end

   -- A photo that cannot be read is met by one of them, and left out by all.
   local function bad_photo()
      shell "cp -r $T/photos $T/kept; head -c 60 $T/photos/red/003.bmp >$T/cut; cp $T/cut $T/photos/red/003.bmp"
      for n, name in pairs { [1] = "b1", [2] = "b2" } do
         local r = train(n, name, "--epochs 2 --batch_size 6", "normed")
         check(r.code == 0 and r.err:find "left out: .*red/003.bmp", "it is told", r.all)
      end
      check(base.read_file(folder_of("b1", "normed") .. "bad_images.csv")
         == base.read_file(folder_of("b2", "normed") .. "bad_images.csv"), "bad_images.csv")
      shell "rm -rf $T/photos; mv $T/kept $T/photos"
   end

   local function resumed()
      local options = "--epochs %d --batch_size 6 --save_steps 1 --resume auto"
      local r = train(2, "again", options:format(2), "normed")
      check(r.code == 0, "two epochs of two processes", r.all)
      r = train(3, "again", options:format(3), "normed")
      check(r.code == 0 and r.out:find "going on from .*checkpoint", "a third one of three", r.all)
      check(#history("again", "normed") == 3, "its history is whole", r.all)
   end

   -- Ctrl-C in the middle: all finish the step, the first one saves.
   local function interrupted()
      local line = EXERCISE:format("--nproc 2", "normed", "stopped")
         .. "--epochs 400 --batch_size 6 --save_steps 1000 --resume auto"
      local r = shell(([[set -m; rm -f $T/told; mkfifo $T/told; %s >$T/told & job=$!; n=0
         while IFS= read -r line; do
            case $line in "epoch   2"*) kill -INT $job;; esac
         done <$T/told; wait $job]]):format(line))
      check(r.code == 130, "Ctrl-C", r.all)
      check(lfs.attributes(folder_of("stopped", "normed") .. "checkpoint.safetensors"), "it has saved", r.all)
   end

   -- Each draws numbers of its own for its photos, and all draw the same before and afterwards, though the third one has no
   -- photos; each finds the files of the run.
   local function draws()
      local r = shell "OMP_NUM_THREADS=1 $S --nproc 3 tests/world/draws_child.lua $T/photos $T/draws"
      local _, times = r.out:gsub("2 masks, told loaded, 0 draw otherwise, same\n", "")
      check(r.code == 0 and times == 3, "random numbers, and files", r.all)
      check(r.out:find("2 of the 3 processes get photos of a batch of 4, the others wait; --batch_size 6", 1, true),
         "who has nothing to do is told", r.all)
      check(r.out:find("checkpoint-1.safetensors: epoch 1, step 4", 1, true), "it goes on in the middle", r.all)
   end

   -- What one of them has to say is heard by all: they go on, stop and fail together.
   local function agreed()
      shell [[cp -r $T/photos $T/photos_broken
         for f in $T/photos_broken/*/0?[147].bmp; do head -c 60 $f >$T/cut; cp $T/cut $f; done]]
      local r = shell "env OMP_NUM_THREADS=1 timeout 60 $S -l $T/small.lua --nproc 2 tests/world/agree.lua $T/photos $T/agree"
      local failed = "false, rescued true: rank 1: the loss became NaN; "
      local rest = "its own clock after 2, without a photo that it knows; mine 0.25; " .. failed .. failed
         .. "late 3; false, the same true; batches of one: 21"
      for rank = 0, 1 do
         check(r.code == 0 and r.out:find(("%d: %s\n"):format(rank, rest), 1, true), "rank " .. rank .. " agrees", r.all)
      end
   end

   photos.write_file(scratch .. "/small.lua", SMALL)
   photos.set(scratch .. "/photos", { red = 14, blue = 13 })
   return { frozen, whole, batch_norm, refused, bad_photo, resumed, interrupted, draws, agreed }
end
