-- Whose the folder of a run is, as a user meets it: runs of the exercises one after the other and two at once, in one output
-- folder. Each is of a small network on photos of 32 pixels, of which the head alone trains.
local lfs = require "lfs"
local scute = require "scute"
local cli = dofile "tests/cli/shell.lua"
local photos = dofile "tests/cli/photos.lua"

local check, refuses, shell, scratch, read_file = cli.check, cli.refuses, cli.shell, cli.scratch, cli.read_file

local FROZEN = "$S scripts/transfer_learning.lua --data_dir $T/two --model baseline_cnn --weights none --image_size 32"
   .. " --freeze_backbone --learning_rate 0.01 --epochs 3"

photos.set(scratch .. "/two", { blue = 14, red = 13 })
photos.set(scratch .. "/bad", { blue = 14, red = 13 })
for i = 1, 13 do photos.write_file(("%s/bad/red/%03d.bmp"):format(scratch, i), "\xff\xd8\xff not a photo") end

-- What a run of Exercise 1 into $T/<name> says; it has to end well.
local function trains(name, more)
   local r = shell(("%s --output_dir $T/%s %s"):format(FROZEN, name, more or ""))
   check(r.code == 0 and r.err == "", name .. ": trains", r.all)
   return r
end

local function digest(path)
   return lfs.attributes(scratch .. "/" .. path) and scute.weights.sha256(scratch .. "/" .. path) or "none"
end

local function exists(path)
   return lfs.attributes(scratch .. "/" .. path) ~= nil
end

local function state_of(path)
   return (read_file(("%s/%s/run.json"):format(scratch, path)) or ""):match '"state": "(%a+)"'
end

-- What lies in $T/<name>, in one line.
local function listed(name)
   local r = shell(("LC_ALL=C ls $T/%s"):format(name))
   return (r.out:gsub("\n$", ""):gsub("\n", " "))
end

local function lies(name, expected)
   check(listed(name) == expected, ("%s holds %s"):format(name, expected), listed(name))
end

-- ---- one run after the other ----

local function keeps_the_first_run()
   trains "out"
   local first = digest "out/baseline_cnn/best.safetensors"
   check(not exists "out/baseline_cnn/run.lock", "a run takes its lock away")
   -- The second one dies in its first epoch.
   local r = shell(FROZEN:gsub("/two", "/bad") .. " --output_dir $T/out --on_bad_image error")
   check(r.code == 1 and r.out:find("note: the run that was in " .. scratch .. "/out/baseline_cnn is in " .. scratch
      .. "/out/baseline_cnn.1 now (what was moved aside takes ", 1, true) and r.out:find("--overwrite", 1, true),
      "what becomes of the first run is told", r.all)
   lies("out", "baseline_cnn baseline_cnn.1")
   check(digest "out/baseline_cnn.1/best.safetensors" == first and state_of "out/baseline_cnn.1" == "finished",
      "the first run is whole", listed "out/baseline_cnn.1")
   check(state_of "out/baseline_cnn" == "failed" and not listed "out/baseline_cnn":find "safetensors",
      "the second one has no model", listed "out/baseline_cnn")
   check(not listed "out/baseline_cnn*":find "run.lock", "neither has a lock", listed "out/baseline_cnn*")
   -- A third one replaces the second, which had no epoch, and is moved aside by a fourth.
   r = trains "out"
   check(not r.out:find "note:", "what had no epoch is replaced", r.all)
   lies("out", "baseline_cnn baseline_cnn.1")
   r = trains("out", "--seed 1")
   check(r.out:find "baseline_cnn.2 now", "the next number", r.all)
   lies("out", "baseline_cnn baseline_cnn.1 baseline_cnn.2")
   check(digest "out/baseline_cnn.2/best.safetensors" == first and digest "out/baseline_cnn/best.safetensors" ~= first,
      "each has its own model")
   -- That one goes on, and nothing moves.
   local before = read_file(scratch .. "/out/baseline_cnn/history.csv")
   r = trains("out", "--seed 1 --epochs 5 --resume auto")
   check(r.out:find "going on from" and not r.out:find "note: the run", "a run goes on in its folder", r.all)
   lies("out", "baseline_cnn baseline_cnn.1 baseline_cnn.2")
   check(read_file(scratch .. "/out/baseline_cnn/history.csv"):sub(1, #before) == before, "with its own history")
end

local function drops_a_run_on_request()
   trains "drop"
   shell "cd $T/drop/baseline_cnn && touch mine.txt lr_find.png evaluation.json best.safetensors.1-0.tmp"
   local first = digest "drop/baseline_cnn/best.safetensors"
   local r = shell(FROZEN:gsub("/two", "/bad") .. " --output_dir $T/drop --on_bad_image error --overwrite")
   check(r.code == 1 and r.out:find("is dropped (--overwrite)", 1, true), "--overwrite says so", r.all)
   lies("drop", "baseline_cnn")
   lies("drop/baseline_cnn", "events.jsonl lr_find.png mine.txt report.html run.json schedule.png split.csv")
   trains "drop"
   check(digest "drop/baseline_cnn/best.safetensors" == first and exists "drop/baseline_cnn/mine.txt", "and trains anew")
   -- Another architecture has a folder of its own.
   shell(FROZEN:gsub("baseline_cnn", "resnet18") .. " --output_dir $T/drop --epochs 1")
   lies("drop", "baseline_cnn resnet18")
end

local function looks_for_rates_beside_a_run()
   local before = shell("cd $T/drop/baseline_cnn && ls -l").out
   local r = trains("drop", "--lr_find")
   check(not r.out:find "note: " and shell("cd $T/drop/baseline_cnn && ls -l").out == before,
      "--lr_find leaves a run as it is", r.all)
   lies("drop", "baseline_cnn baseline_cnn_lr_find resnet18")
   lies("drop/baseline_cnn_lr_find", "lr_find.csv lr_find.png")
end

-- ---- photos and results ----

-- Pictures in a folder of photos would be photos of the next run; what lies elsewhere among the folders would be a class.
local function keeps_results_apart_from_photos()
   local among, beside = "lies among the photos of class 'red'", "where each folder is a class of photos"
   shell "cp -r $T/two $T/own; ln -s $T/own/red $T/link; mkdir -p $T/splits; cp -r $T/two $T/splits/train; mkdir $T/own/.out"
   trains "judge"
   local judges = "$S scripts/evaluate.lua --model $T/judge/baseline_cnn/best.safetensors --split all --data_dir "
   local compares = "$S scripts/compare_architectures.lua --models baseline_cnn --weights none --data_dir $T/own --output_dir "
   local trained = FROZEN:gsub("/two", "/own") .. " --output_dir "
   local cases = {
      { judges .. "$T/own --output_dir $T/own/red", among }, { judges .. "$T/own --output_dir $T/own/red/new/one", among },
      { judges .. "$T/own/ --output_dir $T/link/x", among }, { judges .. "$T/own --output_dir $T/own/results", beside },
      { judges .. "$T/splits --output_dir $T/splits/train/results/x", beside },
      { compares .. "$T/own", beside }, { compares .. "$T/own/red", among }, { compares .. "$T/own/new", beside },
      { trained .. "$T/own/red", among }, { trained .. "$T/own --lr_find", beside },
      { compares:gsub("compare_architectures", "best_practices"):gsub("%-%-models", "--model") .. "$T/own/new", beside },
   }
   for _, case in ipairs(cases) do refuses(case[1], 1, case[2], case[1] .. " >/dev/null") end
   lies("own", "blue red")
   for _, line in ipairs { judges .. "$T/own --output_dir $T/own/.out/x", judges .. "$T/splits --output_dir $T/splits/results",
      trained .. "$T/own/models --epochs 1", judges .. "$T/own --output_dir $T/own/models/baseline_cnn" } do
      local r = shell(line .. " >/dev/null")
      check(r.code == 0, "may lie there: " .. line, r.all)
   end
end

-- ---- two at once ----

-- Starts a run, stops it (SIGSTOP) after an epoch, does the rest of the line, and kills it.
local function meanwhile(command, line)
   return shell(([[rm -f $T/.told; mkfifo $T/.told; set -m; %s >$T/.told 2>&1 & job=$!
      while IFS= read -r said; do
         case $said in "epoch   2 "*) kill -STOP $job; %s
            kill -KILL $job; break;; esac
      done <$T/.told; wait $job]]):format(command, line))
end

local function belongs_to_one_process()
   local long = FROZEN .. " --output_dir $T/busy --epochs 60"
   local r = meanwhile(long .. " --save_steps 1", FROZEN .. [[ --output_dir $T/busy --overwrite >$T/.second 2>&1
      echo "ended with $? while $job ran"; cat $T/.second; ls $T/busy]])
   local pid = r.out:match "while (%d+) ran"
   check(r.out:find("scute: output_dir: '" .. scratch .. "/busy/baseline_cnn' is in use by another run (process ", 1, true)
      and r.out:find "ended with 1 " and pid and r.out:find("process " .. pid .. " on ", 1, true)
      and r.out:find("; wait for it, or choose another --output_dir\n", 1, true), "the second of two at once", r.all)
   check(not r.out:find "baseline_cnn.1", "it moves nothing", r.all)
   check(exists "busy/baseline_cnn/run.lock", "a killed run leaves the file of its lock")
   -- What it held is free, and was a run.
   r = trains "busy"
   check(r.out:find("; --overwrite drops one instead, --resume " .. scratch .. "/busy/baseline_cnn.1 goes on with it", 1, true),
      "how to go on with a killed run is told", r.all)
   local second = digest "busy/baseline_cnn/best.safetensors"
   r = trains("busy", "--epochs 60 --resume $T/busy/baseline_cnn.1")
   check(r.out:find "going on from .*busy/baseline_cnn%.1/checkpoint" and r.out:find "baseline_cnn%.2 now", "and it does so",
      r.all)
   check(digest "busy/baseline_cnn.2/best.safetensors" == second and state_of "busy/baseline_cnn.1" == "running",
      "each of the three is where it was said to be", listed "busy")
   trains("alone", "--epochs 60")
   check(digest "busy/baseline_cnn/last.safetensors" == digest "alone/baseline_cnn/last.safetensors", "to the same end")
end

local function the_whole_of_an_exercise_belongs_to_one_process()
   for script, name in pairs { compare_architectures = "comparison", best_practices = "practices" } do
      local line = ("$S scripts/%s.lua --data_dir $T/two --output_dir $T/%s"):format(script, name)
      shell(("mkdir -p $T/%s"):format(name))
      local held <close> = assert(scute.files.lock(("%s/%s/run.lock"):format(scratch, name))) -- luacheck: ignore
      refuses(script .. " in a folder that is in use", 1, "is in use by another run (process ", line .. " --weights none")
      lies(name, "run.lock")
   end
end

-- ---- what a run reads ----

local function stays_clear_of_what_it_reads()
   trains "chain"
   local first = digest "chain/baseline_cnn/best.safetensors"
   local tune = "$S scripts/fine_tuning.lua --data_dir $T/two --unfreeze none --augment none --epochs 3 --output_dir $T/chain"
   local function tunes(from, more)
      local r = shell(("%s --from %s %s"):format(tune, from, more or ""))
      check(r.code == 0 and r.err == "", "Exercise 2 from " .. from, r.all)
      check(digest "chain/baseline_cnn/best.safetensors" == first, "the model that it started from is as it was", r.all)
      return r
   end
   local r = tunes "$T/chain/baseline_cnn/best.safetensors"
   check(r.out:find(("note: %s/chain/baseline_cnn holds the weights that this run starts from, and stays as it is; this run is "
      .. "in %s/chain/baseline_cnn_tuned\n"):format(scratch, scratch), 1, true), "where it lies is told", r.all)
   lies("chain", "baseline_cnn baseline_cnn_tuned")
   local tuned = digest "chain/baseline_cnn_tuned/best.safetensors"
   shell "ln -s chain/baseline_cnn/best.safetensors $T/link.safetensors; ln -s chain $T/other_name"
   r = tunes("$T/link.safetensors", "--resume auto --epochs 4")
   check(r.out:find "going on from .*baseline_cnn_tuned/checkpoint", "by a link: resumed", r.all)
   lies("chain", "baseline_cnn baseline_cnn_tuned")
   tunes("$T/other_name/baseline_cnn/../baseline_cnn/best.safetensors", "--overwrite")
   lies("chain", "baseline_cnn baseline_cnn_tuned")
   check(digest "chain/baseline_cnn_tuned/best.safetensors" == tuned, "by another path: the same from the same start")
   tunes "$T/chain/baseline_cnn/best.safetensors"
   lies("chain", "baseline_cnn baseline_cnn_tuned baseline_cnn_tuned.1")
   tunes "$T/chain/baseline_cnn_tuned/best.safetensors"
   lies("chain", "baseline_cnn baseline_cnn_tuned baseline_cnn_tuned.1 baseline_cnn_tuned_tuned")
   check(digest "chain/baseline_cnn_tuned/best.safetensors" == tuned, "a tuned model stays as well")
   -- Weights alone, and --resume by another path.
   r = trains("chain", "--weights $T/chain/baseline_cnn/best.safetensors --epochs 1 --overwrite")
   check(r.out:find "stays as it is" and digest "chain/baseline_cnn/best.safetensors" == first, "--weights", r.all)
   r = trains("chain", "--resume $T/other_name/baseline_cnn --epochs 4")
   check(r.out:find "going on from" and not r.out:find "note: the run", "--resume of its own folder by another name", r.all)
   lies("chain", "baseline_cnn baseline_cnn_tuned baseline_cnn_tuned.1 baseline_cnn_tuned_tuned")
end

-- ---- folders that cannot be had ----

-- A line of shell as somebody who may not write everywhere.
local function as_nobody(line)
   if shell("id -u").out ~= "0\n" then return shell(line) end
   if shell("setpriv --reuid 65534 --clear-groups test -x $S").code ~= 0 then return nil end
   return shell("export HOME=$T; setpriv --reuid 65534 --clear-groups " .. line)
end

local function says_what_to_do_where_nothing_can_move()
   trains "fixed"
   shell "chmod 755 $T; chmod -R a+rwX $T/fixed $T/two; chmod 555 $T/fixed"
   local first, r = digest "fixed/baseline_cnn/best.safetensors", as_nobody(FROZEN .. " --output_dir $T/fixed")
   if not r then return print "not run: a folder that cannot be renamed (nobody may run the program here)" end
   check(r.code == 1 and r.err:find("' holds a run and cannot be moved aside to '", 1, true) and r.err:find "Permission denied"
      and r.err:find("; choose another --output_dir, or drop that run with --overwrite\n", 1, true)
      and #cli.lines_of(r.err) == 1, "a folder that cannot be renamed", r.all)
   check(digest "fixed/baseline_cnn/best.safetensors" == first and not exists "fixed/baseline_cnn/run.lock",
      "and stays as it was")
   r = as_nobody(FROZEN .. " --output_dir $T/fixed --overwrite")
   check(r.code == 0 and r.out:find "is dropped", "--overwrite needs no more than the folder", r.all)
   shell "chmod 755 $T/fixed"
   refuses("a file in the place of the folder", 1, "output_dir: cannot create the folder",
      FROZEN .. " --output_dir $T/two/red/001.bmp >/dev/null")
end

-- In a file system of its own, of 20 MB, that is full when the second run begins.
local function keeps_the_first_run_on_a_full_disk()
   if shell("unshare -rm true").code ~= 0 then
      return print "not run: a full disk (this machine lends no file system)"
   end
   local r = shell(([[mkdir -p $T/disk; unshare -rm bash -c '
      mount -t tmpfs -o size=20m none $T/disk && cd $T/disk && mkdir models && FROZEN >/dev/null
      sha256sum <models/baseline_cnn/best.safetensors
      head -c 20m /dev/zero >ballast 2>/dev/null
      FROZEN; echo code $?; ls models; sha256sum <models/baseline_cnn.1/best.safetensors']]):gsub("FROZEN",
      "(cd \"$OLDPWD\"; " .. FROZEN .. " --output_dir $T/disk/models)"))
   local before, after = r.out:match "^(%x+)", r.out:match "(%x+)  %-\n$"
   check(before and #before == 64 and before == after, "a full disk: the first run is whole", r.all)
   check(r.out:find "code 1\nbaseline_cnn.1\n" and r.err:find "No space left on device" and #cli.lines_of(r.err) == 1,
      "a full disk: the second one says so and leaves nothing", r.all)
end

-- ---- what has come into the data folder ----

-- Class folders that came since a run began are not its own, whatever it started from, and the model is made without them.
local function leaves_new_classes_out()
   local function with_new_class(f)
      photos.set(scratch .. "/more", { green = 3 })
      shell "mv $T/more/green $T/two/green; cp $T/two/red/001.bmp $T/two/red/new.bmp"
      f()
      shell "rm -r $T/two/green $T/two/red/new.bmp"
   end
   local NEW = "note: a class is new since the run in [^ ]* began and left out of '[^ ]*': 'green' %(3 photos%)\n"
   local function left_out(what, r)
      check(r.code == 0 and r.out:find "going on from" and r.out:find(NEW), what .. ": the new class is named", r.all)
      check(r.out:find "note: 1 photo is new since the run began and left out\n", what .. ": the new photo counts", r.all)
   end
   local tune = "$S scripts/fine_tuning.lua --data_dir $T/two --unfreeze none --augment none --output_dir $T/grown"
      .. " --from $T/grown/baseline_cnn/best.safetensors"
   trains "grown"
   shell(tune .. " --epochs 1")
   with_new_class(function()
      left_out("Exercise 2", shell(tune .. " --resume auto --epochs 2"))
      shell "mkdir $T/young; cp -r $T/grown/baseline_cnn $T/young; rm $T/young/baseline_cnn/*.safetensors"
      local young = shell(FROZEN .. " --output_dir $T/young --resume auto")
      check(young.code == 0 and young.out:find "31 photos in 3 classes", "without a checkpoint it begins with all of them",
         young.all)
      left_out("Exercise 1", trains("grown", "--resume auto --epochs 4"))
      left_out("by its path", trains("grown", "--resume $T/grown/baseline_cnn/checkpoint.safetensors --epochs 5"))
      local r = shell(tune .. " --epochs 2")
      check(r.code == 1 and r.err:find "only in the photos: 'green'", "without --resume it is another model", r.all)
   end)
end

-- ---- bytes ----

local function is_the_same_file_each_time()
   local more = "--epochs 30 --ema 0.9"
   trains("once", more)
   trains("twice", more .. " --workers 0")
   cli.interrupt(("%s --output_dir $T/stopped --save_steps 1 %s"):format(FROZEN, more), "INT", "epoch ", 4)
   local went_on = trains("stopped", more .. " --resume auto")
   check(went_on.out:find "going on from", "a run that was stopped goes on", went_on.all)
   check(went_on.out:find "\naccuracy     [%d.]+ on 6 photos" and went_on.out:find("\naverage      [%d.]+ in epoch %d+, its "
      .. "best %([%d.]+ averaged over classes%); those weights are in best_ema.safetensors\n"), "both figures are told",
      went_on.all)
   check((read_file(scratch .. "/once/baseline_cnn/report.html") or ""):find("best epoch of the averaged weights", 1, true),
      "also on the page")
   for _, file in ipairs { "best", "last", "ema", "best_ema" } do
      local path = ("/baseline_cnn/%s.safetensors"):format(file)
      check(digest("once" .. path) == digest("twice" .. path), file .. ": the same run twice")
      check(digest("once" .. path) == digest("stopped" .. path), file .. ": the same run stopped and gone on with")
   end
end

cli.run { keeps_the_first_run, drops_a_run_on_request, looks_for_rates_beside_a_run, keeps_results_apart_from_photos,
   belongs_to_one_process, the_whole_of_an_exercise_belongs_to_one_process, stays_clear_of_what_it_reads,
   says_what_to_do_where_nothing_can_move, keeps_the_first_run_on_a_full_disk, leaves_new_classes_out,
   is_the_same_file_each_time }
