-- Ordered training: the same bits with any number of processes. Part of tests/world/run.lua.
local photos = dofile "tests/cli/photos.lua"

local FIT = "env OMP_NUM_THREADS=1 $S -l tests/world/drawing_networks.lua %s tests/world/fit_in_order.lua --model %s "
   .. "--weights none --image_size 32 --data_dir $T/o/photos --output_dir $T/o/%s --hashes $T/o/%s.txt --threads 1 "
   .. "--learning_rate 0.01 --epochs 2 "

-- base: the tests' own check and shell.
return function(base)
   local check, shell, scratch = base.check, base.shell, base.scratch

   local function line(n, name, options, model)
      local precision = options:find "%-%-precision" and "" or "--precision fp32 "
      return FIT:format(n > 1 and "--nproc " .. n or "", model or "draws", name, name) .. precision .. options
   end

   -- What mpirun says where the machine was suspended is none of ours.
   local function own_words(r)
      r.err = r.err:gsub("mpirun: Forwarding signal 18 to job\n", "")
      return r
   end

   local function fit(...)
      return own_words(shell(line(...)))
   end

   local function hashes(name)
      return base.read_file(("%s/o/%s.txt"):format(scratch, name)) or ""
   end

   -- What runs with 1 process and with some more have learned is the same in each of two epochs. said: on standard error.
   local function same(name, counts, options, model, said)
      local lines = { line(1, name .. 1, options, model) }
      for i, n in ipairs(counts) do lines[i + 1] = line(n, name .. n, options, model) end
      local rs = base.at_once(lines)
      local r, one = own_words(rs[1]), hashes(name .. 1)
      check(r.code == 0 and r.err:find(said or "^$"), name .. ": one process", r.all)
      check(#base.lines_of(one) == 2, name .. ": a line of each epoch", one)
      for i, n in ipairs(counts) do
         r = own_words(rs[i + 1])
         check(r.code == 0 and r.err:find(said or "^$"), ("%s: %d processes"):format(name, n), r.all)
         check(hashes(name .. n) == one, ("%s: %d processes have the same bits"):format(name, n), hashes(name .. n), one)
      end
      return one
   end

   local function pieces()
      local r = shell "OMP_NUM_THREADS=1 $S --nproc 3 tests/world/add_in_order.lua"
      check(r.code == 0 and r.out == ("the same\n"):rep(3), "sums in several pieces", r.all)
   end

   -- 21 photos train in batches of 5, 5, 5 and 6, in which parts are of other sizes.
   local WHOLE = "--ordered --batch_size 5 --accumulate 3 --ema 0.9 --clip_norm 1 --augment light "

   local function everything()
      local one = same("all", { 2, 3, 4 }, WHOLE)
      local r = fit(1, "fast", WHOLE .. "--parts 5")
      check(r.code == 0 and hashes "fast" ~= one, "other parts are another run", r.all)
   end

   -- Photos that come twice, are mixed with others of their part, and cannot be read; fewer in a batch than there are parts.
   local function mixed()
      shell "cp -r $T/o/photos $T/o/kept; for i in red/003 red/008 blue/005; do echo broken >$T/o/photos/$i.bmp; done"
      same("mixed", { 3 }, "--ordered --parts 7 --batch_size 6 --sampler balanced --mixup 0.4 --cutmix 1 --label_smoothing 0.1",
         nil, "^scute: left out: ")
      shell "rm -rf $T/o/photos; mv $T/o/kept $T/o/photos"
   end

   -- A part is to a batch as a batch is to what is accumulated: without random numbers it is the same but for the last digits.
   local function accumulated()
      local rs = base.at_once { line(1, "parts", "--ordered --parts 3 --batch_size 6", "still"),
         line(1, "batches", "--batch_size 2 --accumulate 3", "still") }
      local one, other = rs[1], rs[2]
      check(one.code == 0 and other.code == 0, "batches and parts", one.all .. other.all)
      local pattern = ("(%S+) "):rep(6)
      local a, b, n = { hashes "parts":match(pattern .. ".*\n" .. pattern) }, { hashes "batches":match(pattern .. ".*\n"
         .. pattern) }, 0
      for i, value in ipairs(a) do
         n = n + (math.abs(value - b[i]) < 1e-5 and 1 or 0)
      end
      check(n == 12, "parts are as batches that are accumulated", hashes "parts" .. hashes "batches")
   end

   local function frozen()
      same("frozen", { 2 }, "--ordered --batch_size 6 --freeze_backbone --class_weights balanced")
      same("fixed", { 2 }, "--ordered --batch_size 6 --fixed_norms --precision fp16", "normed",
         "^scute: cpu has no fp16 arithmetic")
      same("norms", { 2, 3 }, "--ordered --batch_size 6 --accumulate 2", "normed")
   end

   -- Killed in the second epoch, and gone on by other numbers of processes.
   local function resumed()
      local options = WHOLE .. "--save_steps 1 "
      local r = fit(4, "killed", options .. "--stop_after 3")
      check(r.code == 137, "a process is killed", r.all)
      local expected = base.lines_of(hashes "all1")
      for _, n in ipairs { 1, 2 } do
         shell(("cp -r $T/o/killed $T/o/again%d"):format(n))
         r = fit(n, "again" .. n, options .. "--resume auto")
         check(r.code == 0 and r.out:find "going on from .*checkpoint", "it goes on", r.all)
         local lines = base.lines_of(hashes("again" .. n))
         check(#expected == 2 and lines[#lines] == expected[2], ("as if nothing had happened, with %d processes"):format(n),
            lines[#lines], expected[2])
      end
      r = fit(1, "killed", options .. "--resume auto --parts 5")
      check(r.code == 1 and r.err:find("--parts is 5 here and 4 there", 1, true), "other parts are refused", r.all)
      r = fit(1, "killed", options:gsub("%-%-ordered ", "") .. "--resume auto")
      check(r.code == 1 and r.err:find("--ordered is not given here and true there", 1, true), "and none", r.all)
   end

   local function refused()
      local r = fit(1, "no", "--parts 3")
      check(r.code == 2 and r.err == "scute: --parts means nothing without --ordered\n", "parts alone", r.all)
      r = fit(3, "no", "--ordered --parts 2")
      check(r.code == 1 and r.err:find("scute: --parts 2: there are 3 processes", 1, true), "a process without a part", r.all)
      local one = line(1, "no", "--ordered"):gsub("^env OMP_NUM_THREADS=1 ", "")
      r = shell(("mpirun --bind-to none --oversubscribe --allow-run-as-root -np 1 %s : -np 1 %s"):format(one,
         one:gsub("%-%-threads 1", "--threads 2")))
      check(r.code == 1 and r.err:find("rank 1: 2 threads, and 1 in rank 0", 1, true), "other threads", r.all)
   end

   photos.set(scratch .. "/o/photos", { red = 14, blue = 13 })
   return { pieces, everything, mixed, accumulated, frozen, resumed, refused }
end
