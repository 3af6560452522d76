-- What is trained is saved, and loaded again by fresh processes: a head of one's own, and a network of one's own in a file that
-- `scute -l` loads first. Each of a few photos of 32 pixels.
local lfs = require "lfs"
local cli = dofile "tests/cli/shell.lua"
local photos = dofile "tests/cli/photos.lua"

local check, refuses, shell, scratch = cli.check, cli.refuses, cli.shell, cli.scratch

photos.set(scratch .. "/two", { blue = 10, red = 9 })

local TRAIN = " tests/saved/train.lua --data_dir $T/two --weights none --workers 0 --batch_size 8 --output_dir $T/out"
   .. " --image_size 32 "
local NET = "$S -l tests/saved/net.lua "

local function works(name, line, text)
   local r = shell(line)
   check(r.code == 0 and r.err == "", name .. ": works", r.all)
   if text then check(r.out:find(text), name .. ": says " .. text, r.all) end
end

-- What one does with a model once it is trained. first: the program and its options.
local function serves(name, first)
   local model = ("$T/out/%s/best.safetensors"):format(name)
   works(name .. " predicts", first .. " scripts/predict.lua --model " .. model .. " $T/two/red/001.bmp", "red/001.bmp: %a+ %d")
   works(name .. " is evaluated", first .. " scripts/evaluate.lua --model " .. model .. " --data_dir $T/two",
      name .. " on 4 photos")
   works(name .. " trains on", first .. " scripts/fine_tuning.lua --from " .. model .. " --data_dir $T/two --epochs 1 "
      .. "--unfreeze head --output_dir $T/on", "with its head for 2 classes")
end

local function a_head_of_ones_own()
   works("a head", "$S" .. TRAIN .. "--model baseline_cnn --epochs 1", "best epoch")
   serves("baseline_cnn", "$S")
   works("a head that goes on", "$S" .. TRAIN .. "--model baseline_cnn --epochs 2 --resume auto", "going on from")
   refuses("another head", 1, "the model's fc.2 is SiLU here and ReLU there",
      "$S" .. TRAIN .. "--model baseline_cnn --epochs 3 --resume auto --act SiLU >/dev/null")
   refuses("a head that does not fit", 1, "train.fit: in fc.1 (Linear): linear: argument 'x': expected shape (..., 9)",
      "$S" .. TRAIN:gsub("%$T/out", "$T/none") .. "--model baseline_cnn --epochs 1 --inputs 9")
   check(not lfs.attributes(scratch .. "/none"), "nothing is written before it is refused")
end

local function a_network_of_ones_own()
   refuses("a network that is not loaded", 2, "expected one of baseline_cnn", "$S" .. TRAIN .. "--model striped")
   works("a network", NET .. TRAIN .. "--model striped --epochs 8",
      "scute %-l [^ ]+/tests/saved/net.lua scripts/predict.lua")
   serves("striped", NET)
   refuses("a network that predict does not know", 1, "its architecture 'striped' is not one of scute's: it was registered in ",
      "$S scripts/predict.lua --model $T/out/striped/best.safetensors $T/two/red/001.bmp")
   shell "mkdir $T/nets; cp tests/saved/net.lua tests/saved/width.lua $T/nets; echo '-- edited' >>$T/nets/net.lua"
   local r = shell "$S -l $T/nets/net.lua scripts/predict.lua --model $T/out/striped/best.safetensors $T/two/red/001.bmp"
   check(r.code == 0 and r.err:find "what registers 'striped' is not what it was when this model was saved: /",
      "a network whose file has changed since is told", r.all)
   refuses("a network whose file has changed", 1, "the file that registers the architecture is another, or has changed",
      "$S -l $T/nets/net.lua" .. TRAIN .. "--model striped --epochs 9 --resume auto >/dev/null")
   shell "cp tests/saved/net.lua $T/nets; echo '-- edited' >>$T/nets/width.lua"
   refuses("a network of which a module has changed", 1, "'width', which the file that registers the architecture loads, is "
      .. "another, or has changed", "$S -l $T/nets/net.lua" .. TRAIN .. "--model striped --epochs 9 --resume auto >/dev/null")
   works("a comparison", NET .. "scripts/compare_architectures.lua --models striped,baseline_cnn --weights none --data_dir "
      .. "$T/two --seeds 1 --budget epochs=1 --image_size 32 --workers 0 --output_dir $T/compared", "can.* be told apart")
end

local function files_come_first()
   local r = shell [[S=$(readlink -f $S); cd $T; echo 'print("a", ...)' >a.lua; mkdir sub; echo 'return "c"' >sub/c.lua
      echo 'print(require "c")' >sub/b.lua; echo 'print("script", ..., (require "c"))' >script.lua
      $S -l a.lua -l sub/b.lua -e 'print "code"' script.lua x]]
   check(r.code == 0 and r.out:find "^a\nc[^\n]*\ncode\nscript\tx\tc", "-l: files, then code, then the script", r.all)
   refuses("-l without a file", 2, "-l needs the name of a file", "$S -l")
   refuses("-l of a file that is not there", 1, "-l: cannot open '/nowhere.lua'", "$S -l /nowhere.lua $T/script.lua x")
   r = shell "echo 'error \"no\"' >$T/bad.lua; $S -l $T/bad.lua $T/script.lua x"
   check(r.code == 1 and r.out == "" and r.err:find "bad.lua:1: no", "-l of a file that fails ends it", r.all)
end

cli.run { a_head_of_ones_own, a_network_of_ones_own, files_come_first }
