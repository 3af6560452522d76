-- scute --watch as one who edits a script meets it: runs again on save, ends runs, survives errors; what it keeps from run to
-- run never changes a number; and whose run lies in a folder. Small networks on photos of 32 pixels.
local lfs = require "lfs"
local cli = dofile "tests/cli/shell.lua"
local photos = dofile "tests/cli/photos.lua"
local watcher = dofile "tests/watch/watcher.lua"

local check, refuses, shell, scratch, read_file = cli.check, cli.refuses, cli.shell, cli.scratch, cli.read_file

local function says(said, text, name)
   check(said:find(text, 1, true), name or "says " .. text, said)
end

local function exists(name)
   return lfs.attributes(scratch .. "/" .. name) ~= nil
end

-- ---- runs ----

local function runs_again_on_save()
   local w = watcher.open(cli, "plain.lua one 'two words'")
   w:waits(1)
   says(w:said(), "scute: cannot open 'plain.lua'", "a script that is not there yet is waited for")
   says(w:save("plain.lua", "print('first', ...)"), "scute: plain.lua was saved\nfirst\tone\ttwo words\n")
   says(w:save("plain.lua", "x = = 1"), "scute: plain.lua:1: unexpected symbol near '='", "a mistake in the text")
   says(w:save("plain.lua", "global = 1\nerror 'wrong'"), "plain.lua:2: wrong\nstack traceback:", "an error")
   says(w:save("plain.lua", "print(_G.global, 'gone')"), "nil\tgone", "nothing is left of the run before")
   says(w:save("plain.lua", "print 'exits' os.exit(3)"), "exits\nscute: the run ended with status 3\nscute: waiting",
      "os.exit ends the run")
   says(w:save("plain.lua", "error { exit = 2, message = 'wrong flag' }"),
      "scute: wrong flag\nscute: the run ended with status 2\nscute: waiting")
   says(w:save("plain.lua", "io.stdout:close() os.execute 'kill -9 $PPID'"), "the run was ended by a signal (Killed)")
   says(w:save("plain.lua", "print(io.read())"), "nil", "it needs no input")
   os.remove(scratch .. "/plain.lua")
   says(w:save("plain.lua", "print 'is back'"), "is back", "a file that is gone is waited for")
   w:signal "INT"
   check(w:ended() == 130, "Ctrl-C ends the watching")
   says(w:said():sub(-60), "waiting for a save of plain.lua\n", "and says nothing more")
end

local function watches_what_it_is_made_of()
   photos.write_file(scratch .. "/own/helper.lua", "return { n = 1 }")
   photos.write_file(scratch .. "/data.lua", "number = 10")
   photos.write_file(scratch .. "/made.lua", [[
      package.path = "own/?.lua;" .. package.path
      local helper = require "helper"
      dofile "data.lua"
      print("made of", helper.n, number)]])
   local w = watcher.open(cli, "made.lua")
   w:waits(1)
   says(w:said(), "made of\t1\t10")
   says(w:save("own/helper.lua", "return { n = 2 }"), "helper.lua was saved\nmade of\t2\t10", "a module")
   says(w:save("data.lua", "number = 20"), "data.lua was saved\nmade of\t2\t20", "what dofile reads")
   says(w:save("own/helper.lua", "return {"), "helper.lua:1:", "a module that does not compile")
   says(w:save("own/helper.lua", "return { n = 3 }"), "made of\t3\t20", "and is mended")
   w:signal "TERM"
   check(w:ended() == 143, "SIGTERM ends the watching")
end

local function waits_for_modules_that_are_missing()
   photos.write_file(scratch .. "/misses.lua", [[
      package.path = "own/?.lua;" .. package.path
      print("has", require "later", pcall(require, "much.later"))]])
   local w = watcher.open(cli, "misses.lua")
   w:waits(1)
   says(w:said(), "module 'later' not found")
   says(w:save("later.lua", "return 1"), "scute: later.lua was saved\nhas\t1\tfalse", "a module beside the script")
   photos.write_file(scratch .. "/own/much/readme", "")
   says(w:save("own/much/later.lua", "return 2"), "later.lua was saved\nhas\t1\ttrue\t2", "and one in package.path")
   w:signal "TERM"
   w:ended()
end

local function a_save_ends_a_run()
   photos.write_file(scratch .. "/loop.lua",
      "print 'loops' io.stdout:flush() while true do pcall(function() while true do end end) end")
   local w = watcher.open(cli, "loop.lua", "trap '' USR1;") -- what a shell ignores is no matter
   w:wait "loops"
   w:write("loop.lua", "print 'another' io.stdout:flush() while true do end")
   w:wait "scute: loop.lua was saved\nanother"
   check(not w:said():find("interrupted", 1, true), "the end of a run that is replaced is no news", w:said())
   w:signal "INT"
   check(w:ended() == 130, "Ctrl-C in a run ends the watching too")
   says(w:said(), "scute: interrupted")
end

-- An editor that empties the file and writes it in two steps: what is between is no script.
local function half_a_file_is_no_save()
   photos.write_file(scratch .. "/steps.lua", "print 'before'")
   local w = watcher.open(cli, "steps.lua")
   w:waits(1)
   local file = assert(io.open(scratch .. "/steps.lua", "w"))
   os.execute "sleep 0.3"
   file:write "print('written "
   file:flush()
   os.execute "sleep 0.3"
   file:write "in steps')"
   file:close()
   w:waits(2)
   says(w:said(), "scute: steps.lua was saved\nwritten in steps\n", "half a file is no save")
   w:signal "INT"
   w:ended()
end

local function wrong_command_lines()
   refuses("without a file", 2, "--watch needs a file", "$S --watch")
   refuses("standard input", 2, "--watch needs a file", "$S --watch -")
   refuses("a session", 2, "--watch needs a file", "$S --watch -i $T/plain.lua")
   says(shell("$S --help").out, "--watch", "--help has it")
end

-- ---- what is kept ----

photos.set(scratch .. "/set", { blue = 20, red = 19 })

local SCRIPT = [[
local scute = require "scute"
local cli, data, models, optim, train = scute.cli, scute.data, scute.models, scute.optim, scute.train
local opt = cli.parse(arg, "", cli.common)
local set = data.open(opt.data_dir, data.options(opt))
scute.manual_seed(7)
local model = models.create("baseline_cnn", { classes = set.classes, image_size = 32, log = false })
local run = train.options(opt)
run.epochs = 2
model:freeze "backbone"
-- EDIT
run.optimizer = optim.adamw(model:groups { lr = 0.01 })
train.fit(model, set, run)
print("drawn", scute.randn(1):item())
]]

local function script_with(edit)
   return (SCRIPT:gsub("%-%- EDIT", (edit:gsub("%%", "%%%%"))))
end

-- What a run left that says what it computed.
local function result_of(folder)
   local path = scratch .. "/" .. folder .. "/baseline_cnn/"
   local digests = shell(("cd '%s' && sha256sum best.safetensors last.safetensors history.csv split.csv"):format(path)).out
   return digests .. (read_file(path .. "history.csv") or "")
end

-- The same script as a program of its own, into a folder below the scratch folder.
local ALONE = watcher.program .. " train.lua --data_dir set --output_dir "

local KEPT = "kept from an earlier save"

-- Halves what the first layer says.
local HALVED = "local _, w = model:named_parameters()(); scute.no_grad(function() w:copy_(w:mul(0.5)) end)"

-- Each edit: lines of the script, whether features are to be recalled (nil: it has none), what changes beforehand.
local EDITS = {
   { "run.seed = 5; run.epochs = 3; run.batch_size = 5", recalls = true },
   { "run.precision = 'fp32_strict'", recalls = false },
   { HALVED, recalls = false },
   { "run.augment = scute.augment.preset 'light'; run.cache_features = 2", recalls = false },
   { "model.preprocessing.crop = 24", recalls = false },
   { "local f = scute.conv_bn_act; scute.conv_bn_act = function(...) return f(...):tanh() end", recalls = false },
   { "model:unfreeze(); run.augment = scute.augment.preset 'standard'" },
   { "model:unfreeze(); run.augment = scute.augment.preset 'standard'; run.epochs = 1" },
   { "run.epochs = 1", recalls = false, before = function()
      photos.write(scratch .. "/set/red/003.bmp", 1, 77)
      photos.write_file(scratch .. "/set/red/004.bmp", "\xff\xd8\xff no photo")
   end },
   { "run.epochs = 2", recalls = true },
}

-- Compares what an edited script under --watch said and left with what a program does that begins with nothing.
local function compare(edit, said)
   local alone = shell("cd $T && rm -rf alone && " .. ALONE .. "alone")
   check(alone.code == 0, edit[1] .. ": trains alone", alone.all)
   check(said:match "drawn[^\n]*" == alone.out:match "drawn[^\n]*", edit[1] .. ": draws the same", said)
   check(said:match "left out[^\n]*" == alone.err:match "left out[^\n]*", edit[1] .. ": leaves out the same", said)
   check(result_of "watched" == result_of "alone", edit[1] .. ": the same to the last bit",
      result_of "watched" .. "\nalone:\n" .. result_of "alone")
   if edit.recalls ~= nil then
      local name = edit[1] .. (edit.recalls and ": recalls" or ": computes anew")
      check((said:find(KEPT, 1, true) ~= nil) == edit.recalls, name, said)
   end
end

local function follow(edits)
   photos.write_file(scratch .. "/train.lua", script_with "run.epochs = 2")
   local w = watcher.open(cli, "train.lua --data_dir set --output_dir watched")
   w:waits(1)
   for _, edit in ipairs(edits) do
      if edit.before then edit.before() end
      compare(edit, w:save("train.lua", script_with(edit[1])))
   end
   w:signal "INT"
   check(w:ended() == 130, "ends")
   check(not exists "watched/baseline_cnn.1", "each run replaced the one before")
   shell "rm -rf $T/watched"
end

local function nothing_stale_is_used()
   follow(EDITS)
end

-- A weight file of the same size, under the same name.
local function write_weights(seed)
   return function()
      local made = shell(("$S -e 'scute.manual_seed(%d) scute.models.save(scute.models.baseline_cnn { classes = 10, "
         .. "image_size = 32 }, \"'$T'/weights.safetensors\")'"):format(seed))
      check(made.code == 0, "a weight file", made.all)
   end
end

local function weights_are_known_by_their_file()
   local START = "model = models.create('baseline_cnn', { classes = set.classes, image_size = 32, pretrained = "
      .. "'weights.safetensors', log = false }); print('drawn', model.weights.sha256); model:freeze 'backbone'"
   follow {
      { START, recalls = false, before = write_weights(1) },
      { START .. " run.seed = 1", recalls = true },
      { START .. " run.seed = 2", recalls = false, before = write_weights(2) },
   }
end

-- ---- folders ----

local function digest(path)
   return shell("sha256sum <$T/" .. path).out
end


local function only_what_was_there_is_moved_aside()
   photos.write_file(scratch .. "/train.lua", script_with "run.epochs = 1")
   shell("cd $T && " .. ALONE .. "out")
   local first = digest "out/baseline_cnn/best.safetensors"
   local w = watcher.open(cli, "train.lua --data_dir set --output_dir out")
   w:waits(1)
   says(w:said(), "baseline_cnn.1 now", "what was there is moved aside")
   local said = w:save("train.lua", script_with "run.epochs = 2")
   check(not said:find("note: the run", 1, true), "the run of the save before is replaced", said)
   check(digest "out/baseline_cnn.1/best.safetensors" == first and not exists "out/baseline_cnn.2", "and nothing else moves")
   -- A program of another window trains into the same folder.
   shell("cd $T && " .. ALONE .. "out --seed 3 --overwrite")
   local other = digest "out/baseline_cnn/best.safetensors"
   said = w:save("train.lua", script_with "run.epochs = 3")
   says(said, "baseline_cnn.2 now", "a run of another program is moved aside")
   check(digest "out/baseline_cnn.2/best.safetensors" == other, "and kept")
   -- One that goes on with the run of the save before makes it its own.
   shell("cd $T && " .. ALONE .. "out --epochs 4 --resume auto")
   local gone_on = digest "out/baseline_cnn/best.safetensors"
   says(w:save("train.lua", script_with "run.epochs = 1; "),
      "baseline_cnn.3 now", "so is one that was gone on with")
   check(digest "out/baseline_cnn.3/best.safetensors" == gone_on, "and kept too")
   -- A script that trains twice has both runs, of one save.
   local twice = script_with("run.epochs = 1") .. "train.fit(model, set, run)\n"
   w:save("train.lua", twice)
   w:save("train.lua", twice .. "-- again")
   check(exists "out/baseline_cnn.4/best.safetensors" and not exists "out/baseline_cnn.5", "both runs of one save are there",
      w:said())
   w:signal "INT"
   w:ended()
end

-- Exercises 3 and 4, whose runs stand beside each other in a folder.
local PRACTICES = [[
local scute = require "scute"
local best_practices, cli, data, optim, train = scute.best_practices, scute.cli, scute.data, scute.optim, scute.train
local opt = cli.parse(arg, "two rows", best_practices.flags)
local rows = best_practices.rows { { "all", "all", { dropout = 0.1 } }, { "plain", "none", { dropout = 0 } } }
local trial = best_practices.options(opt, rows)
trial.set = data.open(opt.data_dir, data.options(opt))
function trial.run(row, context)
   local model, run = best_practices.model(opt, context.set.classes, row.dropout), context.options(opt)
   run.optimizer, run.epochs = optim.sgd(model, { lr = 0.01 }), 1 -- EPOCHS
   return train.fit(model, context.set, run)
end
best_practices.tell(scute.experiment(trial), rows)
]]

local function runs_beside_each_other_are_replaced()
   photos.write_file(scratch .. "/practices.lua", PRACTICES)
   photos.write_file(scratch .. "/compare.lua", read_file "scripts/compare_architectures.lua")
   local SAME = " --data_dir set --weights none --image_size 32 --batch_size 16 --threads 1 --output_dir "
   local practices = "practices.lua --model baseline_cnn" .. SAME .. "practices"
   for _, case in ipairs {
      { practices, "practices.lua", "practices/runs/plain/seed0/baseline_cnn/run.json",
         (PRACTICES:gsub("1 %-%- EPOCHS", "2")) },
      { "compare.lua --models baseline_cnn --budget epochs=1 --seeds 1" .. SAME .. "compared", "compare.lua",
         "compared/runs/Baseline_CNN/seed0/result.json" },
   } do
      local line, script, path, edited = table.unpack(case)
      local w = watcher.open(cli, line)
      w:waits(1)
      local before = digest(path)
      photos.write_file(scratch .. "/" .. path:match "^(.*)/" .. "/mine.txt", "kept")
      local said = w:save(script, edited or read_file(scratch .. "/" .. script) .. "-- again\n")
      check(not said:find("output_dir", 1, true) and digest(path) ~= before, script .. ": trains again into its folder", said)
      check(exists(path:match "^(.*)/" .. "/mine.txt"), "what else lies there stays")
      w:signal "INT"
      w:ended()
      local alone = shell(("cd $T && %s %s"):format(watcher.program, line))
      check(alone.code == 0 and alone.out:find("is in .*%.1 now"), "a program of its own moves them aside", alone.all)
   end
   check(read_file(scratch .. "/practices/results.csv"):find "\nplain,0,seed0,0,[^\n]*,finished,[^\n]*,2,",
      "the table is of the last save", read_file(scratch .. "/practices/results.csv"))
end

local function what_a_run_starts_from_stays()
   local w = watcher.open(cli, "tune.lua --data_dir set --output_dir from")
   w:waits(1)
   w:save("tune.lua", script_with "run.epochs = 1")
   local first = digest "from/baseline_cnn/best.safetensors"
   local said = w:save("tune.lua", (script_with("run.epochs = 1"):gsub("log = false", "log = false, "
      .. "pretrained = 'from/baseline_cnn/best.safetensors'")))
   says(said, "stays as it is; this run is in from/baseline_cnn_tuned", "what a run starts from stays")
   check(digest "from/baseline_cnn/best.safetensors" == first, "as it is")
   w:signal "INT"
   w:ended()
end

local function a_save_ends_training_after_its_step()
   local LONG = "run.epochs = 100000; run.cache_features = 'off'"
   photos.write_file(scratch .. "/long.lua", script_with(LONG))
   local w = watcher.open(cli, "long.lua --data_dir set --output_dir long")
   w:wait "epoch   1"
   local said = w:save("long.lua", script_with "run.epochs = 1")
   says(said, "scute: stopped in epoch ", "the run ends")
   says(said, "scute: long.lua was saved", "for the save")
   check(not said:match "stopped[^\n]*":find("--resume", 1, true), "and writes no checkpoint", said)
   check(not exists "long/baseline_cnn.1", "it is replaced")
   w:write("long.lua", script_with(LONG))
   local again = #w:said() + 1
   w:wait("epoch   1", nil, again)
   w:signal "INT"
   check(w:ended() == 130, "Ctrl-C ends the run and the watching")
   says(w:said(), "--resume auto goes on from there", "with a checkpoint")
   check(exists "long/baseline_cnn/checkpoint.safetensors", "which is there")
   check(not exists "long/baseline_cnn/run.lock", "in a folder that is free")
end

cli.run { runs_again_on_save, watches_what_it_is_made_of, waits_for_modules_that_are_missing, a_save_ends_a_run,
   half_a_file_is_no_save, wrong_command_lines, nothing_stale_is_used, weights_are_known_by_their_file,
   only_what_was_there_is_moved_aside, runs_beside_each_other_are_replaced, what_a_run_starts_from_stays,
   a_save_ends_training_after_its_step }
