-- Exercise 3 as a user runs it, on small photos: runs, resumes, reports again, survives failing runs and damaged files, and
-- refuses bad input in one line. Usage: scute tests/compare/run.lua
local lfs = require "lfs"
local cjson = require "cjson"

local program = arg[-1]
local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")
local scratch = os.tmpname()
os.remove(scratch)
assert(lfs.mkdir(scratch))

local tally = dofile(here .. "/../tally.lua")
local check = tally.check

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
   local file = io.open(path, "rb")
   if not file then return nil end
   local text = file:read "a"
   file:close()
   return text
end

-- Runs a line of shell in which $S is the program and $T the scratch folder; official weights are nowhere.
local function shell(line)
   local script = ("S=%s T=%s; export S T SCUTE_WEIGHTS_URL=https://127.0.0.1:9 SCUTE_CACHE=%s/none TORCH_HOME=%s/none; %s")
      :format(quote(program), quote(scratch), quote(scratch), quote(scratch), line)
   local _, how, code = os.execute(("timeout 600 bash -c %s >%s/.out 2>%s/.err </dev/null"):format(quote(script), scratch,
      scratch))
   if how == "signal" then code = 128 + code end
   local r = { out = read_file(scratch .. "/.out"), err = read_file(scratch .. "/.err"), code = code }
   r.all = ("$ %s\nout: %s\nerr: %s\ncode: %d"):format(line, r.out, r.err, r.code)
   return r
end

local COMPARE = "$S scripts/compare_architectures.lua --threads 2 --image_size 32 --batch_size 8 "
local SMALL = COMPARE .. "--data_dir $T/two --output_dir $T/out --models resnet18,mobilenet_v2 --seeds 2 --budget epochs=2 "

local function refuses(name, code, text, line)
   local r = shell(line)
   local _, lines = r.err:gsub("\n", "")
   check(r.code == code and lines == 1 and r.err:sub(1, 7) == "scute: " and r.err:find(text, 1, true), name, r.all)
end

local SHOWN = { resnet18 = "ResNet-18", mobilenet_v2 = "MobileNetV2" }

local function result_of(model, run)
   return ("%s/out/runs/%s/%s/result.json"):format(scratch, SHOWN[model], run)
end

local function comparison()
   return cjson.decode(read_file(scratch .. "/out/comparison.json"))
end

local function compares()
   local r = shell(SMALL .. "--weights none")
   if not check(r.code == 0 and r.err == "", "the comparison runs", r.all) then return end
   for _, text in ipairs { "Model Comparison Results:\n--------------------------\n",
      "\n  - Parameters: 11.7M\n  - Training time: ",
      "ResNet-18:\n", "MobileNetV2:\n  - Parameters: 3.5M\n", "mult-adds", "[4/4] ",
      "paired test over 6 photos and 2 seeds" } do
      check(r.out:find(text, 1, true), "the comparison says " .. text, r.all)
   end
   local found = comparison()
   local one = found.variants["ResNet-18"]
   check(one.parameters == 11177538 and one.parameters_1000 == 11689512 and one.runs == 2 and one.trainable == 1026
      and one.latency > 0 and one.images_per_second > 0 and one.peak_memory > 1e7 and one.multiply_adds == 37012480,
      "comparison.json measures", read_file(scratch .. "/out/comparison.json"))
   check((one.of_runs.seed0 + one.of_runs.seed1) / 2 == one.figures.accuracy and found.photos == 6,
      "comparison.json means", r.all)
   local result = cjson.decode(read_file(result_of("resnet18", "seed1")))
   local run = cjson.decode(read_file(scratch .. "/out/runs/ResNet-18/seed1/resnet18/run.json"))
   check(math.abs(one.of_runs.seed1 - run.result.val_accuracy) < 1e-12 and run.seed == 1 and #result.curve == 2,
      "the accuracy is that of the run", read_file(result_of("resnet18", "seed1")))
   check(read_file(scratch .. "/out/comparison.csv"):find "\n%d,MobileNetV2,mobilenet_v2,scratch,,,2,2,", "comparison.csv")
   check(read_file(scratch .. "/out/comparison.md"):find "| ResNet%-18 | %d+%.%d%% ± %d+%.%d | .* | 11.2M | 1.0k | 37 M |",
      "comparison.md")
   return r
end

local function knows_its_folder()
   refuses("another comparison in the folder", 1, "holds results that do not fit: budget was epochs=2 there, is epochs=3 now",
      SMALL .. "--weights none --resume --budget epochs=3")
   refuses("nothing to resume", 1, "there is nothing to resume", SMALL:gsub("/out", "/empty") .. "--resume")
   refuses("nothing to report", 1, "holds no experiment",
      "$S scripts/compare_architectures.lua --report_only --output_dir $T/two")
   photos.write_file(scratch .. "/file", "in the way")
   refuses("a file for a folder", 1, "is a file, not a folder", SMALL:gsub("/out", "/file") .. "--weights none")
end

local function reports_without_training()
   local before = read_file(scratch .. "/out/comparison.json")
   os.remove(scratch .. "/out/comparison.json")
   local start = lfs.attributes(result_of("resnet18", "seed0"), "modification")
   local r = shell "$S scripts/compare_architectures.lua --report_only --output_dir $T/out"
   check(r.code == 0 and r.err == "" and r.out:find("Model Comparison Results:", 1, true), "--report_only", r.all)
   check(read_file(scratch .. "/out/comparison.json") == before, "the report is rebuilt as it was", r.all)
   check(lfs.attributes(result_of("resnet18", "seed0"), "modification") == start, "nothing is trained for a report")
end

-- Of a disk that fills up while reports are written: what was there is whole, and the same command mends it.
local function reports_on_a_full_disk()
   local names = { "report.html", "comparison.json", "comparison.md", "comparison.csv", "comparison.png", "curves.png" }
   local before = {}
   for _, name in ipairs(names) do before[name] = read_file(scratch .. "/out/" .. name) end
   for _, blocks in ipairs { 1, 4, 40 } do
      local r = shell(("ulimit -f %d; $S scripts/compare_architectures.lua --report_only --output_dir $T/out >/dev/null")
         :format(blocks))
      check(r.code == 1 and r.err:find "^scute: output_dir: cannot write .*: File too large; nothing that was there before is"
         and select(2, r.err:gsub("\n", "")) == 1, "a disk that is full: " .. blocks, r.all)
      for _, name in ipairs(names) do
         check(read_file(scratch .. "/out/" .. name) == before[name], ("%d blocks: %s is whole"):format(blocks, name), r.all)
      end
   end
   check(shell("ls -a $T/out | grep tmp").code == 1, "no temporary file is left")
end

-- A result that was cut in the middle, and one that is gone: named, done again, and the same comes out.
local function resumes()
   local before = comparison()
   local text = read_file(result_of("resnet18", "seed1"))
   photos.write_file(result_of("resnet18", "seed1"), text:sub(1, #text // 2))
   os.remove(result_of("mobilenet_v2", "seed0"))
   shell "mkdir $T/two/green && cp $T/two/*/00[12].bmp $T/two/green" -- a class that came since
   local r = shell "$S scripts/compare_architectures.lua --report_only --output_dir $T/out"
   check(r.code == 0 and r.err:find "ResNet%-18/seed1/result.json is damaged or was cut off" and r.err:find "2 runs are missing"
      and r.out:find "1 of 2 runs", "a report of what is left", r.all)
   r = shell(SMALL .. "--weights none --resume")
   check(r.code == 0 and r.err:find "seed1/result.json is damaged or was cut off.*; it is done again", "a cut result is named",
      r.all)
   check(r.out:find "\nnote: a class is new since the run in .* began and left out of '.*': 'green'", "a class is new", r.all)
   shell "rm -r $T/two/green"
   check(r.out:find("[2/2]", 1, true) and not r.out:find("/3]", 1, true), "only what is missing is done", r.all)
   local after = comparison()
   for _, model in ipairs { "resnet18", "mobilenet_v2" } do
      local name = SHOWN[model]
      check(before.variants[name].figure == after.variants[name].figure, "resumed runs give the same: " .. model, r.all)
   end
   photos.write_file(scratch .. "/out/experiment.json", "{ \"variants\": [")
   refuses("a cut plan", 1, "experiment.json is damaged or was cut off", "$S scripts/compare_architectures.lua --report_only "
      .. "--output_dir $T/out")
   r = shell(SMALL .. "--weights none --resume")
   check(r.code == 0 and r.err:find "experiment.json is damaged .*it is written anew" and not r.out:find("[1/", 1, true),
      "a cut plan is mended, its runs are kept", r.all)
end

local function flipped(bytes)
   return bytes:sub(1, -2) .. string.char(bytes:byte(-1) ~ 1)
end

-- What is compared has seen the same photos: one that was replaced since, though it is as long, and one that can be read only
-- now, end it by name before anything trains.
local function holds_to_its_photos()
   local first, second = scratch .. "/two/red/001.bmp", scratch .. "/two/red/002.bmp"
   local bytes, result = read_file(first), read_file(result_of("mobilenet_v2", "seed1"))
   os.remove(result_of("mobilenet_v2", "seed1"))
   photos.write_file(first, flipped(bytes))
   photos.write_file(second, flipped(read_file(second)))
   refuses("a photo that was replaced", 1, "data_dir: photos have changed since the runs in " .. scratch
      .. "/out began: '" .. first .. "' and 1 more; a comparison is fair with the same photos only: put back what was there",
      SMALL .. "--weights none --resume")
   local r = shell "$S scripts/compare_architectures.lua --report_only --output_dir $T/out"
   check(r.code == 0, "what is there is reported all the same", r.all)
   photos.write_file(result_of("mobilenet_v2", "seed1"), result)
   r = shell(SMALL .. "--weights none --resume")
   check(r.code == 0 and not r.out:find("[1/", 1, true), "and nothing is amiss where all runs have ended", r.all)
   os.remove(result_of("mobilenet_v2", "seed1"))
   photos.write_file(first, bytes)
   photos.write_file(second, flipped(read_file(second)))
   r = shell(SMALL .. "--weights none --resume")
   check(r.code == 0 and r.err == "" and r.out:find("[1/1]", 1, true), "put back, they are the same", r.all)
end

-- Of a photo that nobody could read nobody misses anything; once it can be read, the runs to come would see more.
local function leaves_out_what_was_damaged()
   local bad, line = scratch .. "/some/red/001.bmp", SMALL:gsub("/two", "/some"):gsub("/out", "/some_out") .. "--weights none "
   photos.set(scratch .. "/some", { blue = 14, red = 13 })
   local bytes = read_file(bad)
   photos.write_file(bad, bytes:sub(1, 60))
   local r = shell(line .. "--models resnet18")
   check(r.code == 0, "a damaged photo", r.all)
   os.remove(scratch .. "/some_out/runs/ResNet-18/seed1/result.json")
   photos.write_file(bad, bytes)
   refuses("a photo that was mended", 1, "photos can be read that could not be when the runs in " .. scratch
      .. "/some_out began: '" .. bad .. "'; a comparison is fair with the same photos only: move them away", line
      .. "--models resnet18 --resume")
   os.remove(bad)
   r = shell(line .. "--models resnet18 --resume")
   check(r.code == 0 and r.out:find("[1/1]", 1, true), "it is not missed", r.all)
end

-- Cut after every byte of a text in which it matters: calls f with the number of bytes that are left.
local function each_cut(path, step, f)
   local text = read_file(path)
   check(text and #text > 20, "a file to cut: " .. path, text)
   for n = 0, #text - 2, step do -- without the last newline it is whole
      photos.write_file(path, text:sub(1, n))
      f(n)
   end
   photos.write_file(path, text)
end

-- Plan, results and the files of a run are told to be cut wherever that happened, in one line that names the file.
local function names_files_cut_anywhere()
   local scute = require "scute"
   local plan, out = require "scute.experiment.plan", scratch .. "/out"
   local record, made = require "scute.experiment.record", plan.read(out)
   local function is_told(path, n, why)
      check(why and why:find(path, 1, true) and not why:find "\n", ("cut after %d bytes: %s"):format(n, path), why)
   end
   for _, run in ipairs(plan.runs(made)) do
      local path = plan.folder(out, run) .. "/result.json"
      check(record.read(path), "whole: " .. path)
      each_cut(path, 7, function(n)
         local result, why = record.read(path)
         check(not result, "no result of a cut file", path)
         is_told(path, n, why)
      end)
   end
   each_cut(out .. "/experiment.json", 1, function(n)
      local cut, why = plan.read(out)
      check(not cut, "no plan of a cut file")
      is_told(out .. "/experiment.json", n, why)
   end)
   local folder = out .. "/runs/ResNet-18/seed0/resnet18"
   for _, name in ipairs { "run.json", "confusion.json", "worst.json", "evaluation.json" } do
      if name == "evaluation.json" then
         local r = shell("F=" .. folder .. "; $S scripts/evaluate.lua --model $F/best.safetensors --data_dir $T/two"
            .. " --output_dir $F")
         check(r.code == 0, "an evaluation", r.all)
      end
      each_cut(folder .. "/" .. name, 97, function(n)
         local ok, why = pcall(require("scute.report.html").text, folder)
         check(not ok, "no page of a cut file")
         is_told(folder .. "/" .. name, n, tostring(why))
      end)
   end
   -- A history of which a part is left: a page with the epochs that are whole.
   local rows = {}
   each_cut(folder .. "/history.csv", 1, function(n)
      local ok, found = pcall(scute.plot.read_history, folder .. "/history.csv")
      rows[ok and #found or 0] = true
      if ok then
         for _, row in ipairs(found) do
            check(type(row.val_accuracy) == "number" and row.step == 3 * row.epoch, "a whole row of a cut history", n)
         end
      end
   end)
   check(rows[0] and rows[1] and not rows[2], "rows of a cut history")
   photos.write_file(folder .. "/history.csv", "epoch,st")
   check(pcall(require("scute.report.html").text, folder), "a page without curves")
end

-- One model without weights at hand, one whose file is no use, one with a file: only the last has a rank.
local function goes_on_after_failures()
   photos.write_file(scratch .. "/bad.pth", "no weights")
   local weights = "$T/out/runs/ResNet-18/seed0/resnet18/best.safetensors"
   local r = shell(COMPARE .. "--data_dir $T/two --output_dir $T/mixed --models mobilenet_v2,resnet34,resnet18 --seeds 1"
      .. " --budget epochs=1 --weights resnet18=" .. weights .. ",resnet34=$T/bad.pth")
   check(r.code == 1 and r.err:find "ResNet%-34, seed0 failed: .*bad.pth.*; the others go on", "a failing run is reported",
      r.all)
   check(r.out:find "Failed: ResNet%-34, seed0" and r.out:find "MobileNetV2 %(random weights%)"
      and r.out:find "Only ResNet%-18 has a rank", "what has no rank is said", r.all)
   check(r.out:find("Started from random weights, so not to be compared: MobileNetV2", 1, true), "random weights are marked",
      r.all)
   local found = cjson.decode(read_file(scratch .. "/mixed/comparison.json"))
   check(found.variants["ResNet-18"].rank == 1 and found.variants.MobileNetV2.rank == cjson.null and next(found.pairs) == nil
      and found.failures["ResNet-34 seed0"], "comparison.json says so", read_file(scratch .. "/mixed/comparison.json"))
end

local function finetunes_in_folds()
   local r = shell(COMPARE .. "--data_dir $T/two --output_dir $T/folds --models resnet18 --weights none --folds 2"
      .. " --protocol finetune --budget epochs=1")
   check(r.code == 0 and r.out:find("2 folds", 1, true), "folds, all layers", r.all)
   local found = cjson.decode(read_file(scratch .. "/folds/comparison.json") or "{}")
   check(found.photos == 27, "every photo validates once", r.all)
end

local function refuses_bad_input()
   local line = COMPARE .. "--data_dir $T/two --output_dir $T/x --weights none "
   for flags, text in pairs {
      ["--models resnet18,resnet51"] = "did you mean 'resnet50'", ["--models vgg*"] = "no model matches 'vgg*'",
      ["--budget hours=1"] = "expected epochs=N or minutes=N", ["--protocol froze"] = "did you mean 'frozen'",
      ["--folds 3 --seeds 2"] = "exclude each other", ["--resume --report_only"] = "exclude each other",
      ["--augment lite"] = "light",
   } do
      refuses(flags, 2, text, line .. flags)
   end
   refuses("weights of an unknown model", 2, "did you mean 'resnet18'", COMPARE .. "--data_dir $T/two --weights resnet19=a.pth")
   refuses("no data_dir", 2, "--data_dir is missing", "$S scripts/compare_architectures.lua")
   refuses("a weight file that is not there", 1, "nowhere.pth", COMPARE
      .. "--data_dir $T/two --output_dir $T/x --models resnet18 --weights resnet18=$T/nowhere.pth")
   refuses("more folds than photos", 1, "at most 14 folds make sense", line .. "--folds 15")
   local r = shell(line .. "--models resnet18 --seeds 2 --budget minutes=0.0001")
   check(r.code == 1 and r.err:find "budget: no variant fits: ResNet%-18 did not fit the budget"
      and not r.out:find("Model Com", 1, true) and r.err:find "give it at least minutes=0.1", "no model fits the budget", r.all)
end

local function takes_odd_photos()
   for class = 1, 40 do
      for i = 1, 3 do photos.write(("%s/odd/c%02d/%d.bmp"):format(scratch, class, i), class, 5 * i, 1) end
   end
   local r = shell(COMPARE .. "--data_dir $T/odd --output_dir $T/odd_out --models resnet18 --weights none --seeds 1"
      .. " --budget epochs=1")
   check(r.code == 0 and r.out:find("photos: 120 in 40 classes", 1, true), "photos of one pixel, forty classes", r.all)
end

-- Half of the classes have one photo, half have two, of which one validates.
local function takes_many_classes()
   for class = 1, 500 do
      for i = 1, class % 2 + 1 do photos.write(("%s/many/c%04d/%d.bmp"):format(scratch, class, i), class, i, 8) end
   end
   local r = shell(COMPARE .. "--data_dir $T/many --output_dir $T/many_out --models resnet18 --weights none --seeds 1"
      .. " --budget epochs=1")
   check(r.code == 0 and r.err == "" and r.out:find("photos: 750 in 500 classes", 1, true), "500 classes", r.all)
   check(r.out:find "note: 250 classes have a single photo, which trains, so that none validates: 'c0002', "
      and #r.out < 4000, "little is said of many classes", r.all)
   local folder = "many_out/runs/ResNet-18/seed0/resnet18/"
   for _, path in ipairs { "many_out/report.html", folder .. "report.html" } do
      local page = read_file(scratch .. "/" .. path) or ""
      check(#page > 10000 and #page < 400000 and page:find "</html>", "a small page: " .. path, #page)
   end
   check(read_file(scratch .. "/" .. folder .. "report.html"):find("train, of each class</th><td>1 to 1, half of the classes at"
      .. " most 1", 1, true), "the classes are summarised")
end

-- A line of shell that waits until $log has a text, or until $job has ended.
local function await(text)
   return ("while kill -0 $job 2>/dev/null && ! grep -q '%s' $log 2>/dev/null; do sleep 0.02; done"):format(text)
end

-- Stopped in the middle of a run: it goes on from its checkpoint, and gives what an undisturbed one gives. Then from a
-- checkpoint that was cut.
local function goes_on_from_checkpoints()
   local line = COMPARE .. "--data_dir $T/two --models mobilenet_v2 --weights none --protocol finetune --seeds 1"
      .. " --budget epochs=6"
   local checkpoint = scratch .. "/half/runs/MobileNetV2/seed0/mobilenet_v2/checkpoint.safetensors"
   local function stopped()
      os.execute(("rm -rf %s/half"):format(scratch))
      return shell("set -m; " .. line .. " --output_dir $T/half >$T/log & job=$!;"
         .. " log=$T/half/runs/MobileNetV2/seed0/output.log; " .. await "epoch   2" .. "; kill -TERM $job; wait $job")
   end
   local whole = shell(line .. " --output_dir $T/whole")
   local r = stopped()
   local good = whole.code == 0 and r.code == 143 and lfs.attributes(checkpoint)
   if not check(good, "stopped with a checkpoint", r.all) then return end
   r = shell(line .. " --output_dir $T/half --resume")
   local text = read_file(scratch .. "/half/runs/MobileNetV2/seed0/output.log")
   check(r.code == 0 and r.err == "" and text:find "going on from .*checkpoint", "a run goes on from its checkpoint", r.all)
   local a = cjson.decode(read_file(scratch .. "/whole/runs/MobileNetV2/seed0/result.json"))
   local b = cjson.decode(read_file(scratch .. "/half/runs/MobileNetV2/seed0/result.json"))
   local function curve(found)
      local list = {}
      for i, row in ipairs(found.curve) do list[i] = row.val_loss end
      return table.concat(list, " ")
   end
   check(curve(a) == curve(b) and #a.curve == 6
      and table.concat(a.predicted, " ") == table.concat(b.predicted, " "), "and ends where an undisturbed one ends", r.all)
   check(not lfs.attributes(checkpoint), "a finished run keeps no checkpoint")
   stopped()
   local bytes = read_file(checkpoint) or ""
   photos.write_file(checkpoint, bytes:sub(1, #bytes // 2))
   os.remove(checkpoint:gsub("checkpoint.safe", "checkpoint-1.safe"))
   r = shell(line .. " --output_dir $T/half --resume")
   check(r.code == 0 and r.err:find "resume: .*checkpoint.* the run begins anew",
      "a cut checkpoint is named, and the run begins anew", r.all)
end

local function stops_politely()
   for signal, code in pairs { INT = 130, TERM = 143 } do
      os.execute(("rm -rf %s/stop"):format(scratch))
      local r = shell("set -m; " .. COMPARE .. "--data_dir $T/two --output_dir $T/stop --models mobilenet_v2 --weights none"
         .. " --protocol finetune --seeds 2 --budget epochs=1000 >$T/log & job=$!;"
         .. " log=$T/stop/runs/MobileNetV2/seed0/output.log; " .. await "epoch   1" .. "; kill -" .. signal
         .. " $job; wait $job")
      check(r.code == code and r.err:find "stopped; to finish what is missing: .* %-%-resume\n", "SIG" .. signal, r.all)
      check(not lfs.attributes(scratch .. "/stop/runs/MobileNetV2/seed1/output.log"),
         "SIG" .. signal .. ": nothing more begins")
   end
end

-- Killed, a comparison takes the run with it that it had begun, so that going on at once meets no lock.
local function leaves_nobody_behind()
   local line = COMPARE .. "--data_dir $T/two --output_dir $T/killed --models mobilenet_v2 --weights none --protocol finetune"
      .. " --seeds 1 --budget epochs=1000"
   local r = shell("set -m; " .. line .. " >$T/log & job=$!; log=$T/killed/runs/MobileNetV2/seed0/output.log; "
      .. await "epoch   1" .. "; kill -KILL $job; wait $job 2>/dev/null; >$log; " .. line .. " --resume >$T/log & job=$!; "
      .. await "epoch  *[0-9]" .. "; kill -TERM $job; wait $job")
   check(r.code == 143 and not r.all:find "is in use", "killed, it goes on at once", r.all)
   check(shell("SCUTE_EXPERIMENT=$T/killed/runs/MobileNetV2/seed0/job.json SCUTE_EXPERIMENT_PARENT=1 " .. line).err:find
      "^scute: process 1, which started this one, has ended", "a run whose comparison has ended does not begin")
end

photos.set(scratch .. "/two", { blue = 14, red = 13 })
for _, test in ipairs {
   compares, knows_its_folder, reports_without_training, reports_on_a_full_disk, resumes, holds_to_its_photos,
   leaves_out_what_was_damaged, names_files_cut_anywhere,
   goes_on_after_failures, finetunes_in_folds, refuses_bad_input, takes_odd_photos, takes_many_classes,
   goes_on_from_checkpoints, stops_politely, leaves_nobody_behind,
} do
   local ok, message = xpcall(test, debug.traceback)
   if not ok then check(false, "a test that broke off", message) end
end
local help = shell "$S scripts/compare_architectures.lua --help"
check(help.code == 0 and help.out:find "Options:" and help.out:find "%-%-report_only", "--help", help.all)
os.execute(("rm -rf '%s'"):format(scratch))
tally.finish()
