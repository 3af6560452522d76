-- --profile as a user runs it: with the exercises, with a script of one's own, stopped, killed, in experiments, said wrongly.
-- Usage: scute tests/profile/run.lua
local cjson = require "cjson"
local lfs = require "lfs"

local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")
local cli = dofile(here .. "/../cli/shell.lua")
local scratch, check, shell, refuses, read_file = cli.scratch, cli.check, cli.shell, cli.refuses, cli.read_file

local LEARN = "$S -l tests/lua/small.lua scripts/transfer_learning.lua --model small --weights none --image_size 32 --threads 1"
   .. " --data_dir $T/two --batch_size 8 --epochs 2"

local AT = "S=$(realpath $S); L=$PWD/tests/lua/small.lua; cd $T && "

local function write(name, text)
   local file <close> = assert(io.open(scratch .. "/" .. name, "w"))
   file:write(text)
end

-- The events of a trace by name, and the names of its threads; nil where it is none.
local function events_of(path)
   local ok, trace = pcall(cjson.decode, read_file(scratch .. "/" .. path) or "")
   if not ok then return nil end
   local events, threads = {}, {}
   for _, event in ipairs(trace.traceEvents) do
      if event.name == "thread_name" then threads[event.args.name] = true end
      events[event.name] = (events[event.name] or 0) + 1
   end
   return events, threads
end

-- The shares of a table, which make up 100 %.
local function sum_of_shares(text)
   local sum = 0
   for line in (text:match "\nop (.-)\nall of it" or ""):gmatch "[^\n]+" do
      sum = sum + (tonumber(line:match "(%-?[%d.]+) %%$") or 0)
   end
   return sum
end

local function profiles_an_exercise()
   local r = shell(LEARN .. " --output_dir $T/out --profile --workers 2")
   if not check(r.code == 0, "--profile: the exercise runs", r.all) then return end
   for _, words in ipairs { "^profile of [%d.]+ s on cpu, 1 thread\n", "\nconv2d +%d", "\nwaiting for photos +%d",
      "\nadamw_step ", "\nwriting weights +%d", "\nhooks, beside ops", "\nLua, and what is not listed ",
      "\nall of it .* 100%.0 %%\n", "\nthe calls that took most ",
      "\nbeside that, in other threads: .*decoding photos 54 times",
      "\ntrace: %S+/out/small/trace.json has %d+ events" } do
      check(r.err:find(words), "--profile says " .. words, r.all)
   end
   local sum = sum_of_shares(r.err)
   check(sum > 99 and sum < 101, "the shares make up the whole: " .. sum, r.err)
   check(not r.out:find "GFLOP", "what the script prints stays as it is", r.all)
   local events, threads = events_of "out/small/trace.json"
   check(events and events["conv2d backward"] and events.optimizer and events["decoding photos"], "the trace", r.all)
   check(threads and threads.main and (threads["decoding 1"] or threads["decoding 2"]), "the threads in it")
end

local function says_where_the_trace_goes()
   for _, flag in ipairs { "--profile $T/here.json --quiet", "--quiet --profile=$T/here.json", "--profile auto --quiet" } do
      local r = shell("rm -f $T/here.json; " .. LEARN .. " --output_dir $T/where --overwrite --freeze_backbone " .. flag)
      local path = flag:find "auto" and "where/small/trace.json" or "here.json"
      check(r.code == 0 and r.out == "" and events_of(path), flag .. " writes " .. path, r.all)
   end
   check(not lfs.attributes(scratch .. "/here.json"), "auto writes nothing elsewhere")
end

-- The folder is emptied for the run, or moved aside with the run that was in it.
local function goes_where_an_earlier_run_was()
   local run = LEARN .. " --output_dir $T/again --quiet --freeze_backbone --profile=$T/again/small/trace.json"
   check(shell(LEARN .. " --output_dir $T/again --quiet --freeze_backbone --profile").code == 0, "an earlier run")
   local before = read_file(scratch .. "/again/small/trace.json")
   for _, flag in ipairs { "", " --overwrite" } do
      local r = shell(run .. flag)
      check(r.code == 0 and r.err:find "trace: %S+/again/small/trace.json has" and events_of "again/small/trace.json",
         "a trace in the folder of an earlier run" .. flag, r.all)
   end
   check(before and read_file(scratch .. "/again/small.1/trace.json") == before, "the earlier trace moves with its run")
   local r = shell("mkdir $T/again/small/d.json; " .. run:gsub("trace.json$", "d.json"))
   check(r.code == 1 and r.err:find("--profile: cannot write '" .. scratch .. "/again/small/d.json': Is a directory", 1, true)
      and not lfs.attributes(scratch .. "/again/small.2"), "what cannot be written there, before anything is moved", r.all)
   r = shell(AT .. "mkdir -p gone && $S --profile=gone/t.json -e 'local x = scute.zeros(3) + 1; os.remove [[gone/t.json]]'")
   check(r.code == 0 and r.err:find "gone/t.json' was removed or moved away", "a trace that is removed meanwhile", r.all)
end

local function profiles_a_script_of_ones_own()
   write("own.lua", [[local scute = require "scute"; local _ = scute.zeros(20, 20):matmul(scute.zeros(20, 20)); print(...)]])
   local r = shell(AT .. "$S --profile own.lua --profile 3")
   check(r.code == 0 and r.out == "--profile\t3\n" and r.err:find "\nmatmul +1 ", "a script of one's own", r.all)
   check(events_of "trace.json", "its trace lies where it was started", r.all)
   r = shell(AT .. "$S --profile own.lua && echo '{}' >trace.json && $S --profile own.lua; cat trace.json")
   check(r.out:find "{}\n$" and r.err:find "trace: trace.1.json" and events_of "trace.1.json",
      "a trace is written over, another file is not", r.all)
   r = shell "$S --profile=$T/line.json -e 'local x = scute.zeros(3) + 1'"
   check(r.code == 0 and events_of "line.json".add == 1, "a line of code", r.all)
   r = shell(AT .. "rm trace*.json && $S --profile -e 'print(1)'; ls")
   check(r.err:find "^profile of 0.%d s: no op ran\n$" and not r.out:find "trace", "nothing that computes", r.all)
   write("goes.lua", [[local scute = require "scute"; local _ = scute.zeros(2) + 1; require "lfs".chdir(arg[1])]])
   r = shell(AT .. "rm -f trace.json && $S --profile goes.lua two")
   check(r.err:find(scratch .. "/trace.json has", 1, true) and events_of "trace.json"
      and not lfs.attributes(scratch .. "/two/trace.json"), "a script that goes to another folder", r.all)
   write("fails.lua", [[local scute = require "scute"; local _ = scute.zeros(2) + 1; error "mine"]])
   r = shell(AT .. "$S --profile fails.lua")
   check(r.code == 1 and r.err:find "^scute: .*mine" and r.err:find "\nadd +1 ", "a script that fails", r.all)
   write("ends.lua", [[local scute = require "scute"; local _ = scute.zeros(2) + 1; os.exit(3)]])
   r = shell(AT .. "$S --profile ends.lua")
   check(r.code == 3 and r.err:find "\nadd +1 ", "a script that calls os.exit", r.all)
end

-- The profile of a script ends with it, and what is typed then is none of it.
local function profiles_a_script_of_a_session()
   write("flags.lua", [[local scute = require "scute"
      scute.cli.parse(arg, "x", scute.cli.pick(scute.cli.common, "profile")); scute.zeros(2):neg()]])
   local r = shell(AT ..
      [[printf '.run flags.lua --profile\nscute.zeros(3):exp();\n.run flags.lua --profile=2.json\nprint "end"' |
      $S -i]])
   local _, tables = r.err:gsub("profile of ", "")
   check(r.code == 0 and tables == 2 and not r.err:find "exp" and r.err:find "2.json has" and r.out:find "end",
      ".run with --profile, twice", r.all)
   r = shell(AT .. [[printf 'io.stderr:write "typed\\n"\nscute.zeros(3):exp();\n.run flags.lua --profile\n' |
      $S -i flags.lua --profile=3.json]])
   _, tables = r.err:gsub("profile of ", "")
   check(r.code == 0 and tables == 2 and r.err:find "^profile of .*3.json has.*typed" and not r.err:find "exp",
      "-i with --profile", r.all)
   r = shell(AT .. [[printf 'scute.zeros(3):exp();\n.run flags.lua\n' | $S --profile -i]])
   check(r.code == 0 and r.err:find "exp " and r.err:find "neg ", "--profile of a session is of all of it", r.all)
end

local function is_stopped()
   local r = cli.interrupt(LEARN .. " --epochs 500 --output_dir $T/stopped --profile", "INT", "epoch   2")
   check(r.code == 130 and r.err:find "\nconv2d " and r.err:find "\nall of it ", "Ctrl-C: the table", r.all)
   check(events_of "stopped/small/trace.json", "Ctrl-C: the trace", r.all)
   r = cli.interrupt(LEARN .. " --epochs 500 --output_dir $T/killed --profile", "KILL", "epoch  20")
   check(r.code == 137 and events_of "killed/small/trace.json", "killed: the trace is JSON", r.all)
end

local function runs_with_other_scripts()
   local model = "--model $T/out/small/best.safetensors"
   local r = shell("$S -l tests/lua/small.lua scripts/predict.lua --json --profile=$T/p.json " .. model
      .. " $T/two/red/001.bmp")
   check(r.code == 0 and pcall(cjson.decode, r.out) and r.err:find "\nconv2d" and events_of "p.json",
      "predict: what it prints is JSON", r.all)
   r = shell(AT .. "$S -l $L scripts/predict.lua " .. model
      .. " --profile two/red/001.bmp && head -c 2 two/red/001.bmp")
   check(r.code == 0 and r.out:find "\nBM$", "--profile takes no photo for its file", r.all)
   r = shell(AT .. "$S -l $L scripts/evaluate.lua " .. model .. " --data_dir two --profile")
   check(r.code == 0 and r.err:find "\nconv2d", "evaluate", r.all)
end

local function is_in_each_run_of_an_experiment()
   dofile("tests/experiment/script.lua").write(scratch .. "/ex.lua", {})
   local r = shell "$S $T/ex.lua --data_dir $T/two --output_dir $T/ex --jobs 2 --profile --seeds 1 --threads 1"
   check(r.code == 0 and r.err:find "\nwaiting for processes "
      and r.err:find "each run of the experiment was a process of its own: its profile.txt", "an experiment", r.all)
   for _, name in ipairs { "fast", "slow" } do
      local folder = ("ex/runs/%s/seed0/"):format(name)
      check(events_of(folder .. "trace.json") and (read_file(scratch .. "/" .. folder .. "profile.txt") or ""):find "\nconv2d ",
         "its run " .. name, r.all)
   end
end

local function refuses_what_it_cannot_do()
   local run = LEARN .. " --output_dir $T/no "
   refuses("a folder that is not there", 1, "--profile: cannot write '/nowhere/t.json': No such file or directory",
      run .. "--profile /nowhere/t.json")
   refuses("no JSON", 2, "expected auto, or a file that ends in .json, found 'x.txt'", run .. "--profile x.txt")
   refuses("of the program: no JSON", 1, "--profile: expected auto, or a file that ends in .json, found 'x.txt'",
      "$S --profile=x.txt -e 'print(1)'")
   refuses("twice before the script", 2, "--profile is given twice", "$S --profile --profile=x.json -e 'print(1)'")
   local r = shell("$S --profile" .. run:match "^%$S(.*)" .. "--profile")
   check(r.code == 2 and r.err:find("--profile is given twice: before the script and among its flags", 1, true),
      "twice, at both places", r.all)
   refuses("with --check", 2, "--check needs files", "$S --profile --check x.lua")
   refuses("a typo", 2, "did you mean '--profile'", "$S --profil")
   check(not lfs.attributes(scratch .. "/no"), "nothing was written or trained")
end

photos.set(scratch .. "/two", { blue = 14, red = 13 })
cli.run { profiles_an_exercise, says_where_the_trace_goes, goes_where_an_earlier_run_was,
   profiles_a_script_of_ones_own, profiles_a_script_of_a_session, is_stopped, runs_with_other_scripts,
   is_in_each_run_of_an_experiment, refuses_what_it_cannot_do }
