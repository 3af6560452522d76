-- Exercise 2 as a user runs it, on small photos: every flag, what a run leaves behind, and every kind of bad input with its
-- exit code and its one line. Usage: scute tests/fine_tuning/run.lua
local cjson = require "cjson"
local scute = require "scute"

local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")
local cli = dofile(here .. "/../cli/shell.lua")
local scratch, check, shell, refuses = cli.scratch, cli.check, cli.shell, cli.refuses

local BARE = "$S scripts/fine_tuning.lua --data_dir $T/two --batch_size 8 --output_dir $T/out"
local TUNE = BARE .. " --model resnet18 --weights none --image_size 32 --epochs 2"
local MODEL = "$T/out/resnet18/best.safetensors"

local function run_json(folder)
   return cjson.decode(cli.read_file(scratch .. (folder or "/out/resnet18") .. "/run.json"))
end

-- Runs a line and checks that it ends well and says each of the texts.
local function says(name, line, ...)
   local r = shell(line)
   check(r.code == 0 and r.err == "", name, r.all)
   for _, text in ipairs { ... } do check(r.out:find(text, 1, true), name .. ": says " .. text, r.all) end
   return r
end

-- ---- what it does ----

local function runs_as_printed()
   local script = cli.read_file(here .. "/../../scripts/fine_tuning.lua")
   local shown = script:find("./scute scripts/fine_tuning.lua --data_dir path/to/dataset --model efficientnet_b0 "
      .. "--learning_rate 0.0001", 1, true)
   check(shown and #cli.lines_of(script) <= 40, "the script shows its command, on one page", script)
   says("the command of the exercise", "$S scripts/fine_tuning.lua --data_dir $T/two --model efficientnet_b0"
      .. " --learning_rate 0.0001 --output_dir $T/verbatim --weights none --image_size 32 --epochs 1", "epoch   1",
      "classifier  #  from the start, learning rate 0.003", "verbatim/efficientnet_b0/best.safetensors")
end

local function tells_what_it_does()
   local r = says("a schedule", TUNE .. " --unfreeze head,layer4@2 --layer_decay 0.5 --learning_rate 0.001",
      "fc      ##  from the start, learning rate 0.03", "layer4  .#  from epoch 2, learning rate 0.001",
      "layer3  ..  frozen", "epoch 2: layer4 joins, 8393728 parameters, learning rate 0.001", "split: drawn, 20 %, seed 0",
      "validation (drawn, 20 %, seed 0): loss")
   check(not r.out:find "\r", "no carriage return where there is no terminal", r.all)
   local rows = cli.lines_of(cli.read_file(scratch .. "/out/resnet18/history.csv"))
   check(rows[1]:find "^epoch,step,lr_layer4,lr_fc," and rows[2]:find "^1,%d+,0,0.03," and #rows == 3,
      "the rates of all groups are in the history", table.concat(rows, "\n"))
   local run = run_json()
   check(run.split == "drawn, 20 %, seed 0" and run.result.split == run.split and run.arguments.unfreeze == "head,layer4@2",
      "run.json names the split and the schedule", cli.read_file(scratch .. "/out/resnet18/run.json"))
end

local function takes_every_flag()
   for flags, text in pairs {
      ["--unfreeze all --batch_norm train"] = "stem    ##  from the start",
      ["--unfreeze none --batch_norm eval"] = "layer4  ..  frozen",
      ["--unfreeze gradual:1 --unfreeze_warmup 2"] = "learning rate 0.0001 after 2 steps",
      ["--lr_range 1e-6,1e-4"] = "layer4  .#  from epoch 2, learning rate 3.98e-05",
      ["--head_learning_rate 0.5"] = "from the start, learning rate 0.5",
      ["--augment none --unfreeze none"] = "features: 27 photos x 512 numbers",
      ["--augment light,flip=0 --unfreeze none --cache_features 2"] = "features: 48 photos x 512 numbers",
      ["--accumulate 2 --label_smoothing 0.1 --mixup 0.2 --clip_norm 1"] = "epoch   2",
      ["--cutmix 1 --ema 0.9"] = "schedule.png",
      ["--unfreeze none --cache_features off"] = "epoch   2", ["--augment strong"] = "epoch   2",
   } do says(flags, TUNE .. " " .. flags, text) end
   local r = says("a group beyond the run", TUNE .. " --unfreeze head,layer4@9 2>&1", "layer4@9 lies beyond the 2 epochs")
   check(r.out:find("layer4  ..  frozen", 1, true), "and stays frozen", r.all)
end

local function lists_groups()
   says("--list_groups", "$S scripts/fine_tuning.lua --model resnet18 --list_groups --unfreeze head,layer4@3 --layer_decay 0.5",
      "resnet18, in the first epoch:", "layer4", "513,000", "layer4  ..########  from epoch 3")
   refuses("no data_dir", 2, "--data_dir is missing", "$S scripts/fine_tuning.lua --model resnet18")
end

-- ---- where it starts ----

local function goes_on_from_exercise_1()
   local r = shell("$S scripts/transfer_learning.lua --model resnet18 --weights none --image_size 48 --freeze_backbone"
      .. " --data_dir $T/two --output_dir $T/one --epochs 3 --learning_rate 0.01")
   check(r.code == 0, "Exercise 1", r.all)
   says("--from", BARE .. " --from $T/one/resnet18/best.safetensors --unfreeze none --epochs 1 --learning_rate 1e-9",
      "resnet18 with its head for 2 classes", "learning rate 1e-09")
   local first, second = scute.models.load(scratch .. "/one/resnet18/best.safetensors"),
      scute.models.load(scratch .. "/out/resnet18/best.safetensors")
   check(second.preprocessing.crop == 48 and first.preprocessing.crop == 48, "--from takes over the preprocessing")
   local a, b, furthest = first:get("fc").weight:values(), second:get("fc").weight:values(), 0
   for i = 1, #a do furthest = math.max(furthest, math.abs(a[i] - b[i])) end
   check(#a > 0 and furthest < 1e-6, "--from takes over the head", furthest)
   check(run_json().weights.sha256 == scute.weights.sha256(scratch .. "/one/resnet18/best.safetensors"),
      "run.json says where it started", cli.read_file(scratch .. "/out/resnet18/run.json"))
   check(math.abs(run_json().result.val_accuracy - run_json("/one/resnet18").result.val_accuracy) < 1e-9,
      "and is as good as what it started from")
   first:order_classes { "red", "blue" }
   scute.models.save(first, scratch .. "/turned.safetensors")
   says("--from a model that knows the classes in another order", BARE .. " --from $T/turned.safetensors --unfreeze none"
      .. " --epochs 1 --learning_rate 1e-9", "the rows of its head are put in that of the photos")
   check(math.abs(run_json().result.val_accuracy - run_json("/one/resnet18").result.val_accuracy) < 1e-9,
      "is as good as before")
   says("--list_groups --from", "$S scripts/fine_tuning.lua --list_groups --from " .. MODEL, "resnet18, in the first epoch")
end

local function refuses_other_models()
   refuses("a model of another architecture", 1, "is a resnet18, and --model says resnet50",
      BARE .. " --model resnet50 --from " .. MODEL)
   refuses("a model of other classes", 1, "knows 2 classes and the photos have 3; only in the model: 'blue'; only in the "
      .. "photos: 'azure', 'green'", "$S scripts/fine_tuning.lua --data_dir $T/three --output_dir $T/out --from " .. MODEL)
   refuses("no model there", 1, "from: ", BARE .. " --from $T/nowhere.safetensors")
   refuses("a weight file is no model", 1, "does not say its architecture", BARE .. " --from tests/golden/pth/tiny.safetensors")
   local spoilt = scute.models.load(scratch .. "/one/resnet18/best.safetensors")
   scute.no_grad(spoilt.fc.bias.fill_, spoilt.fc.bias, 0 / 0)
   scute.models.save(spoilt, scratch .. "/spoilt.safetensors")
   refuses("a model that is spoilt", 1, "'fc.bias' holds NaN", BARE .. " --from $T/spoilt.safetensors")
   refuses("weights that are spoilt", 1, "'fc.bias' holds NaN", BARE .. " --model resnet18 --weights $T/spoilt.safetensors")
   says("the backbone of another model", "$S scripts/fine_tuning.lua --data_dir $T/three --output_dir $T/out --epochs 1"
      .. " --model resnet18 --image_size 32 --weights " .. MODEL, "new head: fc 512 → 3")
end

-- ---- the split ----

local function splits_by_a_file()
   local lines = { "file,label,split,group" }
   for i = 1, 13 do
      lines[#lines + 1] = ("blue/%03d.bmp,\"b, l\",%s,g%d"):format(i, i > 9 and "val" or "train", (i + 1) // 2)
      lines[#lines + 1] = ("red/%03d.bmp,red,%s,"):format(i, i > 9 and "val" or "train")
   end
   photos.write_file(scratch .. "/careful.csv", table.concat(lines, "\r\n"))
   local r = shell(TUNE .. " --unfreeze none --split_csv $T/careful.csv")
   check(r.code == 0 and r.err:find("1 group of 7 on both sides of the split (g5", 1, true) and #cli.lines_of(r.err) == 1,
      "a group on both sides is told", r.all)
   for _, text in ipairs { "26 photos in 2 classes; 18 train, 8 validate; split: careful.csv, val",
      "validation (careful.csv, val): loss", "averaged over classes); split: careful.csv, val" } do
      check(r.out:find(text, 1, true), "--split_csv: says " .. text, r.all)
   end
   check(run_json().result.split == "careful.csv, val" and run_json().classes[1] == "b, l", "--split_csv in run.json")
   photos.write_file(scratch .. "/column.csv", "file,label\nblue/001.bmp,blue\n")
   photos.write_file(scratch .. "/file.csv", "file,label,split\nblue/001.bmp,b,train\nred/001.bmp,r,train\nx.bmp,r,val\n")
   refuses("a missing column", 1, "the column 'split' is missing", TUNE .. " --split_csv $T/column.csv")
   refuses("a missing photo", 1, "line 4: there is no file '", TUNE .. " --split_csv $T/file.csv")
   refuses("a missing file", 1, "split_csv: cannot open", TUNE .. " --split_csv $T/nowhere.csv")
end

-- ---- going on, comparing ----

local function goes_on_where_it_stopped()
   local line = TUNE:gsub("%-%-epochs 2", "--epochs 4 --threads 2 --unfreeze head,layer4@2,layer3@4")
   local history = scratch .. "/out/resnet18/history.csv"
   check(shell(line).code == 0, "a whole run")
   local whole = cli.read_file(history)
   os.execute(("rm -rf %s/out"):format(scratch))
   local r = cli.interrupt(line, "INT", "epoch   1")
   check(r.code == 130, "a run that Ctrl-C stopped", r.all)
   r = shell(line .. " --resume auto")
   check(r.code == 0 and cli.read_file(history) == whole, "goes on to the same history", r.all .. whole)
end

local function compares_with_the_baseline()
   local r = says("--baseline", TUNE .. " --baseline --ema 0.9 --label_smoothing 0.3", "baseline: baseline_cnn from scratch",
      "accuracy on 6 photos that did not train, with 95 % interval; split: drawn, 20 %, seed 0")
   check(r.out:find "\n   baseline_cnn +%d%.%d%d%d  %(0%.%d+ to [01]%.%d+%)\n   resnet18 +%d", "--baseline: both accuracies",
      r.all)
   check(run_json().photos.val == run_json("/out/baseline_cnn").photos.val, "--baseline trains on the same split")
   check(cli.read_file(scratch .. "/out/resnet18/history.csv"):find "ema_val_loss"
      and not cli.read_file(scratch .. "/out/baseline_cnn/history.csv"):find "ema_val_loss", "and stays plain", r.all)
end

-- ---- bad command lines ----

local function the_demo_has_flags()
   local r = shell "$S scripts/fine_tuning_demo.lua --help"
   for _, flag in ipairs { "--epochs", "--folds", "--batch_size", "--seed", "--tensorboard", "--threads", "--precision" } do
      check(r.code == 0 and r.out:find(flag, 1, true), "the demo's --help tells of " .. flag, r.all)
   end
   refuses("the demo: a flag", 2, "did you mean '--folds'", "$S scripts/fine_tuning_demo.lua --fold 1")
   refuses("the demo: folds", 2, "--folds: expected a whole number of at least 1 and of at most 5",
      "$S scripts/fine_tuning_demo.lua --folds 6")
end

local function refuses_bad_command_lines()
   for flags, text in pairs {
      ["--unfreeze head,layr4@2"] = "did you mean 'layer4'", ["--unfreeze head,layer4@2,layer3@1"] = "goes backwards",
      ["--unfreeze layer4@2"] = "nothing would train before epoch 2", ["--unfreeze gradual:0"] = "expected a whole number",
      ["--unfreeze_warmup -1"] = "--unfreeze_warmup: expected", ["--layer_decay 0"] = "--layer_decay: expected a number",
      ["--layer_decay 1.5"] = "at most 1, found '1.5'", ["--learning_rate 0"] = "--learning_rate: expected a number above 0",
      ["--head_learning_rate -1"] = "--head_learning_rate: expected", ["--lr_range 0,1e-4"] = "expected rates above 0",
      ["--lr_range 1e-4,1e-6"] = "the range is empty", ["--lr_range 1e-4"] = "expected LOW,HIGH",
      ["--lr_range -1e-4,1"] = "expected rates above 0", ["--lr_range nan,1"] = "expected LOW,HIGH",
      ["--lr_range 1e-6,1e-4 --learning_rate 1e-3"] = "--lr_range and --learning_rate exclude each other",
      ["--lr_range 1e-6,1e-4 --layer_decay 0.5"] = "--lr_range and --layer_decay exclude each other",
      ["--batch_norm trian"] = "did you mean 'train'", ["--augment lihgt"] = "did you mean 'light'",
      ["--augment light,flip=2"] = "flip: expected a number from 0 to 1", ["--cache_features 0"] = "expected auto, off or",
      ["--cache_features yes"] = "expected auto, off or", ["--model resnet51"] = "did you mean 'resnet50'",
      ["--from x.safetensors"] = "--from and --weights exclude each other", ["--epoch 3"] = "did you mean '--epochs'",
      ["--split_csv x.csv --val_fraction 0.3"] = "--split_csv and --val_fraction exclude each other",
      ["--freeze_backbone"] = "unknown option '--freeze_backbone'",
   } do refuses(flags, 2, text, TUNE .. " " .. flags) end
   says("--help", "$S scripts/fine_tuning.lua --help", "--unfreeze SCHEDULE", "--lr_range LOW,HIGH", "Options:")
end

photos.set(scratch .. "/two", { blue = 14, red = 13 })
photos.set(scratch .. "/three", { azure = 3, green = 3, red = 3 })
cli.run {
   runs_as_printed, tells_what_it_does, takes_every_flag, lists_groups, goes_on_from_exercise_1, refuses_other_models,
   splits_by_a_file, goes_on_where_it_stopped, compares_with_the_baseline, the_demo_has_flags,
   refuses_bad_command_lines,
}
