-- Experiments as a user runs them, on small photos: scripts that are run, gone on with, edited, killed, and that fail.
-- Usage: scute tests/experiment/run.lua
local lfs = require "lfs"
local json_file = require "scute.base.json_file"
local scute = require "scute"
local photos = dofile "tests/cli/photos.lua"
local script = dofile "tests/experiment/script.lua"
local kills = dofile "tests/experiment/kills.lua"
local tally = dofile "tests/tally.lua"
local check = tally.check

local program = arg[-1]
local scratch = os.tmpname()
os.remove(scratch)
assert(lfs.mkdir(scratch))

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   return text
end

-- Runs a line of shell in which $S is the program and $T the scratch folder.
local function shell(line)
   local text = ("S=%s T=%s; export S T; %s"):format(quote(program), quote(scratch), line)
   local _, how, code = os.execute(("timeout 600 bash -c %s >%s/.out 2>%s/.err </dev/null"):format(quote(text), scratch,
      scratch))
   if how == "signal" then code = 128 + code end
   local r = { out = read_file(scratch .. "/.out"), err = read_file(scratch .. "/.err"), code = code }
   r.all = ("$ %s\nout: %s\nerr: %s\ncode: %d"):format(line, r.out, r.err, r.code)
   return r
end

local FLAGS = " --data_dir $T/two --threads 1 --seeds 1 "

-- Writes the script with those pieces, and runs it into a folder.
local function run(pieces, folder, flags)
   script.write(scratch .. "/script.lua", pieces)
   return shell(("$S $T/script.lua%s --output_dir $T/%s %s"):format(FLAGS, folder, flags or ""))
end

local function refuses(name, text, r)
   local _, lines = r.err:gsub("\n", "")
   check(r.code == 1 and lines == 1 and r.err:sub(1, 7) == "scute: " and r.err:find(text, 1, true), name, r.all)
   return r
end

local function result(folder, variant, name)
   return json_file.read(("%s/%s/runs/%s/%s/result.json"):format(scratch, folder, variant, name or "seed0"))
end

local function modified(folder, variant)
   return lfs.attributes(("%s/%s/runs/%s/seed0/result.json"):format(scratch, folder, variant), "ino")
end

-- ---- one folder, from its beginning on ----

local function begins()
   local r = run({}, "out")
   check(r.code == 0 and r.err == "" and r.out:find "%[2/2%] fast, seed0" and r.out:find "fast", "an experiment runs", r.all)
   local found = result("out", "fast") or {}
   check(found.state == "finished" and found.content and found.content["option lr"] == "0.01" and found.content.run
      and found.content.budget == "epochs=2" and found.content.seed == "0", "what its results hang on", found.content)
   for _, name in ipairs { "experiment.json", "comparison.json", "comparison.md", "comparison.csv", "results.csv", "split.csv",
      "report.html" } do
      check(lfs.attributes(scratch .. "/out/" .. name), "it leaves " .. name)
   end
   local said = read_file(scratch .. "/out/runs/fast/seed0/output.log") or ""
   check(said:find "epoch   2", "what a run says is in its log", said)
end

local MORE = { VARIANTS = '{ "slow", lr = 0.001 }, { "fast", lr = 0.01 }, { "third", lr = 0.003 }', BEGIN = "-- a comment",
   AFTER = "print(trial) -- and more", BEFORE = "\n\nlocal unused = 1" }

local function goes_on()
   local slow = modified("out", "slow")
   local r = run(MORE, "out", "--resume --workers 1 --seeds 2")
   check(r.code == 0 and r.err == "" and r.out:find "third, seed0", "variants may be added, and printing edited", r.all)
   check(r.out:find "%[4/4%] third, seed1", "seeds may be added", r.all)
   check(modified("out", "slow") == slow and not r.out:find "slow, seed0\n" and not r.out:find "fast, seed0\n",
      "what is done is not done again")
   r = run(MORE, "out", "--report_only")
   check(r.code == 0 and r.err:find "^$" and not r.out:find "%[1/", "a report without training", r.all)
end

local function refuses_changes()
   local slow, fast = modified("out", "slow"), modified("out", "fast")
   local kept <close> = io.open(scratch .. "/out/runs/fast/seed0/result.json") -- luacheck: ignore (no new file gets its number)
   local plan = read_file(scratch .. "/out/experiment.json")
   local edited = { VARIANTS = MORE.VARIANTS:gsub("0.01 ", "0.02 ") }
   local all = refuses("changes", "; --overwrite beside --resume does those runs anew (3)",
      run({ VARIANTS = edited.VARIANTS, BEGIN = "local x = 1" }, "out", "--resume --budget epochs=3"))
   refuses("an edited run", "run (line 11 of script.lua) has changed;", all)
   refuses("an edited variant", "lr was 0.01 there, is 0.02 now ('fast');", all)
   refuses("another budget", "budget was epochs=2 there, is epochs=3 now;", all)
   refuses("folds", "it has 2 seeds there and 2 folds now", shell(
      "$S $T/script.lua --data_dir $T/two --threads 1 --folds 2 --resume --output_dir $T/out"))
   check(plan == read_file(scratch .. "/out/experiment.json"), "nothing was written")
   local r = run(edited, "out", "--resume --overwrite")
   check(r.code == 0 and r.out:find "note: 1 run begins anew: lr was 0.01 there, is 0.02 now"
      and r.out:find "%[1/1%] fast, seed0", "with --overwrite those begin anew", r.all)
   check(modified("out", "slow") == slow and modified("out", "fast") ~= fast, "and only those")
end

local ONE = { VARIANTS = '{ "slow", lr = 0.001 }' }

-- The first run edits the script, as somebody may in an editor.
local EDITED = { BEGIN = [[if variant.name == "slow" then
   os.execute("sed -i 's/batch_size = 8/batch_size = 4/' " .. arg[0])
end]] }

local function moves_aside()
   local r = run(EDITED, "out")
   check(r.out:find "note: the trial that was in .*/out is in .*/out.1 now" and result("out.1", "third"),
      "an older trial is moved aside", r.all)
   check(r.code == 1 and r.err:find "fast, seed0 failed: this run would not be the one that was planned: run %(line 11 of "
      .. "script.lua%) has changed" and result("out", "slow") and not result("out", "fast"),
      "a script that is edited meanwhile", r.all)
   r = run(ONE, "out", "--overwrite")
   check(r.code == 0 and r.out:find "is dropped %(%-%-overwrite%)" and not lfs.attributes(scratch .. "/out.2"),
      "or dropped", r.all)
   refuses("nothing to resume", "there is nothing to resume", run({}, "nowhere", "--resume"))
end

local function knows_damage()
   local path = scratch .. "/out/runs/slow/seed0/result.json"
   local text = read_file(path)
   photos.write_file(path, text:sub(1, #text // 2))
   local r = run(ONE, "out", "--report_only")
   check(r.code == 1 and r.err:find "slow/seed0/result.json.*left out" and r.err:find "no finished run",
      "a report without it", r.all)
   r = run(ONE, "out", "--resume")
   check(r.code == 0 and r.err:find "result.json.*it is done again" and r.out:find "%[1/1%] slow, seed0",
      "a damaged result is done again", r.all)
   path = scratch .. "/out/experiment.json"
   text = read_file(path)
   photos.write_file(path, text:sub(1, #text // 2))
   refuses("a damaged plan", "experiment.json is damaged or was cut off", run(ONE, "out", "--report_only"))
   photos.write_file(scratch .. "/two/blue/900.bmp", read_file(scratch .. "/two/blue/001.bmp") .. "new")
   r = run(ONE, "out", "--resume")
   check(r.code == 0 and r.err:find "it is written anew" and not r.out:find "%[1/" and read_file(path) == text,
      "a damaged plan is written anew", r.all)
   check(r.out:find "note: 1 photo is new since the run began and left out", "photos that are new", r.all)
   os.remove(scratch .. "/two/blue/900.bmp")
end

local function says_that_the_disk_is_full()
   local before = read_file(scratch .. "/out/comparison.json")
   local r = shell("ulimit -f 1; $S $T/script.lua" .. FLAGS .. "--output_dir $T/out --report_only >/dev/null")
   check(r.code == 1 and r.err:find "^scute: output_dir: cannot write .*: File too large" and not r.err:find "\n.",
      "a disk that is full", r.all)
   check(read_file(scratch .. "/out/comparison.json") == before, "nothing is lost")
end

local function refuses_other_folders()
   photos.write_file(scratch .. "/old/plan.json", "{}")
   refuses("an older format", "holds a comparison in the format of an earlier scute (plan.json)", run({}, "old"))
   photos.write_file(scratch .. "/older/settings.json", "{}")
   refuses("an older table", "holds a table of practices in the format of an earlier scute", run({}, "older", "--resume"))
   photos.write_file(scratch .. "/file", "")
   refuses("a file", "is a file, not a folder", run({}, "file"))
   local held = scute.files.lock(scratch .. "/out/run.lock")
   refuses("a folder that another process has", "is in use by another run (process ", run(ONE, "out", "--resume"))
   held:close()
   refuses("a class folder", "lies among the photos of class 'blue'", run({}, "two/blue/out"))
   local inner = shell("mkdir $T/all; ln -s ../two/blue $T/all/train; ln -s ../two/red $T/all/other; $S $T/script.lua "
      .. "--data_dir $T/all --layout classes --seeds 1 --output_dir $T/all/out")
   refuses("a folder beside those that are classes", "all/out/runs' lies in '" .. scratch .. "/all', where each", inner)
   check(not lfs.attributes(scratch .. "/all/out"), "nothing was written")
end

local function holds_to_its_photos()
   local path = scratch .. "/two/blue/001.bmp"
   local text = read_file(path)
   photos.write_file(path, text:sub(1, -2) .. "\1")
   refuses("photos that have changed", "photos have changed since the runs in", run(ONE, "out", "--resume --seeds 2"))
   local r = run(ONE, "out", "--resume")
   check(r.code == 0 and r.err:find "^scute: data_dir: photos have changed since .*001.bmp'; the figures are of what was there"
      and select(2, r.err:gsub("\n", "")) == 1, "they are told where all is done", r.all)
   photos.write_file(path, text)
end

local function tells_another_split()
   local r = run(ONE, "split")
   refuses("another split", "split was drawn, 20 %, seed 0 there, is drawn, 50 %, seed 0 now",
      run(ONE, "split", "--resume --val_fraction 0.5"))
   check(not read_file(scratch .. "/split/comparison.md"):find "50 %%", "nothing was written", r.all)
   local _, before = read_file(scratch .. "/split/split.csv"):gsub(",val,", "")
   r = run(ONE, "split", "--resume --overwrite --val_fraction 0.5")
   local _, after = read_file(scratch .. "/split/split.csv"):gsub(",val,", "")
   check(r.code == 0 and before == 6 and after == 14 and r.out:find "%[1/1%] slow, seed0"
      and #result("split", "slow").photos == 14, "with --overwrite the new one is used", r.all)
   r = run({}, "split", "--resume --val_fraction 0.5 --threads 2")
   check(r.code == 0 and r.out:find "%[1/1%] fast" and #result("split", "fast").photos == 14, "and stays", r.all)
   check(r.err:find "^scute: the results there were made with %-%-threads 1 a run, those to come have 2: the last digits will"
      and r.out:find "The runs had different numbers of threads %(1, 2%), which alone", "other threads are told", r.all)
end

-- ---- runs that fail ----

local FAILING = { VARIANTS = '{ "wrong", how = "wrong" }, { "hungry", how = "hungry" }, { "good", lr = 0.01 }',
   BEGIN = [[if variant.how == "wrong" then error "no such thing" end
   while variant.how == "hanging" do end
   local list = {}
   while variant.how == "hungry" do list[#list + 1] = scute.zeros(20000, 20000) end]] }

local function leaves_others_whole()
   local r = run(FAILING, "failing", "--memory '400 MB' --jobs 2 --budget epochs=1")
   check(r.code == 1 and r.err:find "wrong, seed0 failed: .*script.lua:12: no such thing .*; the others go on", "an error",
      r.all)
   check(r.err:find "hungry, seed0 failed: .*out of memory", "one that needs too much memory", r.all)
   check(result("failing", "good") and r.out:find "Failed: wrong, seed0", "the others", r.all)
   r = run(FAILING, "failing", "--report_only")
   check(r.code == 0 and r.out:find "Failed: wrong, seed0: .*no such thing" and r.out:find "2 runs failed; resume tries them"
      and not (r.out .. r.err):find "missing", "are told later too", r.all)
   r = run({ VARIANTS = '{ "good", lr = 0.01 }, { "hanging", how = "hanging" }', BEGIN = FAILING.BEGIN }, "failing",
      "--resume --timeout 0.5 --budget epochs=1")
   check(r.code == 1 and r.err:find "hanging, seed0 failed: it took longer than 0.5 s" and r.out:find "1%. +good",
      "one that hangs", r.all)
   r = run({ VARIANTS = '{ "wrong", lr = "a text" }' }, "none")
   check(r.code == 1 and r.err:find "no run succeeded; the first: ", "where none succeeds", r.all)
end

local function tries_again()
   local mended = { VARIANTS = '{ "late", lr = 0.01 }',
      BEGIN = 'if not io.open(os.getenv "T" .. "/mended") then error "not yet" end' }
   local failed = scratch .. "/again/runs/late/seed0/failed.json"
   local r = run(mended, "again", "--budget epochs=1")
   check(r.code == 1 and lfs.attributes(failed), "a run that failed is kept as that", r.all)
   photos.write_file(scratch .. "/mended", "")
   r = run(mended, "again", "--budget epochs=1 --resume")
   check(r.code == 0 and not lfs.attributes(failed) and not r.out:find "failed", "until it is done", r.all)
end

local function does_not_go_on_in_vain()
   local r = run({}, "vain", "--metric acuracy --seeds 2")
   check(r.code == 1 and r.err:find "^scute: slow, seed0 failed: .*a run has no figure 'acuracy'; did you mean 'accuracy'"
      and r.err:find "; nothing else is begun\n$" and not r.out:find "%[2/4%]", "a figure that no run has", r.all)
   r = run({ BEGIN = "local x = nil + 1" }, "vain", "--seeds 2 --overwrite")
   check(r.code == 1 and r.err:find "scute: slow and fast failed alike: .*script.lua:12: attempt to perform arithmetic"
      and not r.out:find "%[3/4%]", "two variants that fail alike", r.all)
   refuses("less memory than the program has", "memory: this program has ", run({}, "vain", "--memory 4 --overwrite"))
end

-- A script that catches errors, and has more to do.
local function ends_runs_itself()
   local pieces = { VARIANTS = '{ "a", how = "wrong" }, { "b", lr = 0.01 }', BEGIN = FAILING.BEGIN, BEFORE = [[
      local experiment = scute.experiment
      local caught = setmetatable({}, { __index = experiment, __call = function(_, o)
         local ok, found = pcall(experiment, o)
         if ok then return found end
         print("caught")
         os.exit(1)
      end })
      scute = setmetatable({ experiment = caught }, { __index = scute })]],
      AFTER = 'io.open(opt.output_dir .. "/behind", "a"):write("x")' }
   local r = run(pieces, "caught", "--budget epochs=1")
   check(r.code == 1 and r.err:find "a, seed0 failed: .*script.lua:19: no such thing" and read_file(scratch .. "/caught/behind")
      == "x" and not r.out:find "caught\n", "a run ends itself with its reason, whatever the script catches", r.all)
end

-- ---- scripts ----

local function tells_experiments_apart()
   local two = { VARIANTS = '{ "fast", lr = 0.01 }', AFTER = [[local more = scute.experiment.options(opt)
   more.name, more.set, more.budget, more.variants = "%s", set, "epochs=1", { { "only " .. trial.best.name } }
   function more.run(_, context) return given.run({ lr = trial.best.options.lr }, context) end
   print(scute.experiment(more))]] }
   local r = run({ VARIANTS = two.VARIANTS, AFTER = two.AFTER:format "second" }, "several")
   check(r.code == 0 and result("several", "fast") and result("several/second", "only_fast"), "two experiments in a script",
      r.all)
   local held = scute.files.lock(scratch .. "/several/runs/fast/seed0/run.lock")
   refuses("a run that another process is at", "several/runs/fast/seed0' is in use by another run (", run({}, "several"))
   held:close()
   r = run(ONE, "several")
   check(r.code == 0 and result("several.1", "fast") and result("several/second", "only_fast"),
      "the one that is moved aside takes no other along", r.all)
   r = run({ VARIANTS = two.VARIANTS, AFTER = two.AFTER:format "experiment" }, "several", "--resume")
   check(r.code == 1 and r.err:find "there are two experiments called 'experiment'", "of one name", r.all)
   r = run({ VARIANTS = two.VARIANTS, BEGIN = "scute.experiment(given)" }, "inner")
   check(r.code == 1 and r.err:find "begins no other one", "an experiment within a run", r.all)
end

local function changes_folders()
   script.write(scratch .. "/script.lua", { BEFORE = ('require "lfs".chdir "%s"'):format(scratch),
      VARIANTS = ONE.VARIANTS, BEGIN = 'require "lfs".chdir "/"' })
   local r = shell("$S $T/script.lua" .. FLAGS .. "--output_dir elsewhere --budget epochs=1 --jobs 3")
   check((result("elsewhere", "slow") or {}).jobs == 1, "no more runs at once than there are", r.all)
   check(r.code == 0 and r.err == "" and (result("elsewhere", "slow") or {}).model == "runs/slow/seed0/small",
      "a script that changes its folder", r.all)
end

local function works_without_a_script()
   script.write(scratch .. "/typed.lua", { VARIANTS = '{ "a", lr = 0.01 }, { "b", lr = 0.001 }',
      BEGIN = 'if variant.name == "a" then return { figures = { accuracy = variant.lr } } end',
      BEFORE = 'given.output_dir, given.seeds = "' .. scratch .. '/typed", 1' })
   local r = shell("sed 's/^local opt = .*/local opt = {}/; s#opt.data_dir, data.options(opt)#\"'$T/two'\"#'"
      .. " $T/typed.lua | $S -")
   check(r.code == 0 and r.out:find "in this process, one after the other" and r.out:find "were in one process"
      and result("typed", "b"), "without a script the runs are here", r.all)
   check(r.err == "", "quietly", r.all)
end

-- A signal while the code of run hangs.
local function stops_without_a_script()
   script.write(scratch .. "/typed.lua", { BEGIN = 'os.execute("kill -TERM $PPID") while true do end',
      BEFORE = 'given.output_dir, given.seeds = "' .. scratch .. '/hangs", 1' })
   local r = shell("sed 's/^local opt = .*/local opt = {}/; s#opt.data_dir, data.options(opt)#\"'$T/two'\"#'"
      .. " $T/typed.lua | timeout -s KILL 20 $S -")
   check(r.code == 143 and r.err:find "stopped; to finish what is missing: the same with resume = true"
      and not r.out:find "%[2/2%]", "one signal ends a run that hangs, where there is no script", r.all)
end

-- ---- stopping ----

local function goes_on_after_kills()
   kills.run { program = program, scratch = scratch, data = scratch .. "/two", check = check,
      flags = "--seeds 1 --budget epochs=3 --threads 1", variants = 2,
      kills = { "slow seed0 5 parent KILL", "smooth seed0 4 worker KILL", "smooth seed0 8 parent TERM" } }
   kills.run { program = program, scratch = scratch, data = scratch .. "/two", check = check, whole = scratch .. "/searched",
      flags = "--seeds 1 --budget epochs=2 --threads 1 --search halving", kills = { "fast seed0 2 worker KILL" } }
end

local function says_how_to_go_on()
   script.write(scratch .. "/script.lua", { BEGIN = 'os.execute("kill -TERM " .. os.getenv "SCUTE_EXPERIMENT_PARENT")' })
   local r = shell("$S $T/script.lua" .. FLAGS .. "--output_dir $T/stopped")
   check(r.code == 143 and r.err:find("stopped; to finish what is missing: " .. program .. " " .. scratch
      .. "/script.lua --data_dir " .. scratch .. "/two --threads 1 --seeds 1 --output_dir " .. scratch .. "/stopped --resume\n",
      1, true), "a command that is stopped says how to go on", r.all)
   r = shell "$S tests/experiment/killed.lua --help"
   check(r.code == 0 and r.out:find "%-%-report_only" and r.out:find "%-%-jobs", "--help", r.all)
end

photos.set(scratch .. "/two", { blue = 14, red = 13 })
for _, test in ipairs { begins, goes_on, refuses_changes, moves_aside, knows_damage, says_that_the_disk_is_full,
   holds_to_its_photos, tells_another_split, refuses_other_folders, leaves_others_whole, tries_again,
   does_not_go_on_in_vain, ends_runs_itself, tells_experiments_apart, changes_folders, works_without_a_script,
   stops_without_a_script, goes_on_after_kills, says_how_to_go_on,
} do
   local start = scute.clock()
   local ok, message = xpcall(test, debug.traceback)
   if not ok then check(false, "a test that broke off", message) end
   if os.getenv "TIMES" then print(("%.1f s"):format(scute.clock() - start)) end
end
os.execute(("rm -rf '%s'"):format(scratch))
tally.finish()
