-- A script with all parts of one's own (own.lua): trained, killed, resumed to the bit, and its model used by other scripts in
-- processes of their own. Usage: scute tests/own/run.lua
local here = arg[0]:match "^(.*)/" or "."
local cli = dofile "tests/cli/shell.lua"
local photos = dofile "tests/cli/photos.lua"
local scute = require "scute"
local check, shell = cli.check, cli.shell

local FLAGS = " --data_dir $T/photos --epochs 4 --batch_size 8 --learning_rate 0.0005 --workers 1 --save_steps 1 --output_dir "
local OWN, HEAD = here .. "/own.lua", " -l " .. here .. "/own_head.lua "
local WHOLE, BROKEN = cli.scratch .. "/whole/own/", cli.scratch .. "/broken/own/"

local function history(folder)
   return cli.read_file(folder .. "history.csv")
end

local function is_same_file(name)
   local one, other = scute.weights.load(WHOLE .. name), scute.weights.load(BROKEN .. name)
   for key, tensor in pairs(one.tensors) do
      if scute.checksum { tensor } ~= scute.checksum { other.tensors[key] } then return false end
   end
   return #one.names == #other.names and one.metadata.structure == other.metadata.structure
end

local tests = {}

function tests.lines()
   local lines = 0
   for _, name in ipairs { "/own.lua", "/own_head.lua" } do
      lines = lines + select(2, cli.read_file(here .. name):gsub("\n", ""))
   end
   check(lines <= 60, "all parts of one's own in 60 lines", lines)
end

function tests.trains()
   local r = shell("$S " .. OWN .. FLAGS .. "$T/whole")
   check(r.code == 0 and r.out:find("of 6 answers", 1, true), "it trains", r.all)
end

function tests.goes_on()
   for _, at in ipairs { 6, 11 } do
      shell "rm -rf $T/broken"
      local r = shell(("KILL_AT=%d $S -l %s/killer.lua %s%s$T/broken"):format(at, here, OWN, FLAGS))
      check(r.code == 137, "killed in step " .. at, r.all)
      r = shell("$S " .. OWN .. FLAGS .. "$T/broken --resume auto")
      check(r.code == 0 and r.out:find "going on from", "it goes on from there", r.all)
      check(history(WHOLE) == history(BROKEN), "to the same history", history(WHOLE) .. "\n" .. history(BROKEN))
      check(is_same_file "last.safetensors" and is_same_file "best.safetensors", "to the same weights", "")
   end
end

function tests.other_scripts()
   local r = shell("$S scripts/predict.lua --model " .. WHOLE .. "best.safetensors $T/photos/red/001.bmp")
   check(r.code == 1 and r.err:find("-l", 1, true) and r.err:find("own_head.lua", 1, true), "what to load is told", r.all)
   r = shell("$S" .. HEAD .. "scripts/predict.lua --model " .. WHOLE .. "best.safetensors $T/photos/red/001.bmp")
   check(r.code == 0 and r.out:find "red" and r.out:find "blue", "it predicts", r.all)
   r = shell("$S" .. HEAD .. "scripts/evaluate.lua --model " .. WHOLE .. "best.safetensors --data_dir $T/photos")
   check(r.code == 0 and r.out:find "accuracy", "it is evaluated", r.all)
   r = shell("$S" .. HEAD .. "scripts/compare_architectures.lua --models own,baseline_cnn --data_dir $T/photos "
      .. "--budget epochs=1 --weights none --batch_size 8 --workers 1 --output_dir $T/compared")
   check(r.code == 0 and r.out:find "own" and r.out:find "Baseline CNN", "it is compared", r.all)
end

photos.set(cli.scratch .. "/photos", { blue = 14, red = 13 })
cli.run { tests.lines, tests.trains, tests.goes_on, tests.other_scripts }
