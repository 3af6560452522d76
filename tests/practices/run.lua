-- Exercise 4 as a user runs it, on small photos: its rows, its files, going on after an interruption, and every kind of bad
-- input with its exit code and its one line. Usage: scute tests/practices/run.lua
local cjson = require "cjson"
local lfs = require "lfs"

local here = arg[0]:match "^(.*)/" or "."
local photos = dofile(here .. "/../cli/photos.lua")
local cli = dofile(here .. "/../cli/shell.lua")
local scratch, check, shell, refuses, read_file = cli.scratch, cli.check, cli.shell, cli.refuses, cli.read_file

local RUN = "$S -l tests/lua/small.lua scripts/best_practices.lua --data_dir $T/two --model small --weights none"
   .. " --image_size 32 --batch_size 8 --threads 1 --epochs 3"
local NAMES = { "all", "constant", "step", "at_once", "no_early_stopping", "no_weight_decay", "no_dropout",
   "no_label_smoothing", "mixed_precision", "plain" }

local function lists_its_rows()
   local r = shell "$S scripts/best_practices.lua --list"
   check(r.code == 0 and #cli.lines_of(r.out) == #NAMES, "--list", r.all)
   for _, name in ipairs(NAMES) do check(r.out:find("%f[%w_]" .. name .. " "), "--list has " .. name, r.all) end
   check(not lfs.attributes(scratch .. "/out"), "--list trains nothing")
end

local function history(row, seed, folder)
   return read_file(("%s/%s/runs/%s/seed%d/small/history.csv"):format(scratch, folder or "out", row, seed))
end

local function tells_what_each_is_worth()
   local r = shell(RUN .. " --output_dir $T/out --only plain,all,no_dropout --seeds 2")
   if not check(r.code == 0 and r.err == "", "runs", r.all) then return end
   for _, text in ipairs { "[6/6] plain, seed1", "against the first", "One photo is 16.7 points",
      "standard deviation over 2 seeds" } do check(r.out:find(text, 1, true), "says " .. text, r.all) end
   check(not r.out:find("-0.0", 1, true), "no difference is none", r.all)
   local lines = cli.lines_of(read_file(scratch .. "/out/results.csv"))
   check(#lines == 7 and lines[1]:find "^variant,dropout,label_smoothing,.*,run,seed,.*,accuracy,balanced,loss,"
      and lines[1]:find ",train_accuracy,last_accuracy,best_epoch," and lines[2]:find ",finished,[^,]+,[^,]+,[^,]+,[01][%d.]*,",
      "results.csv", table.concat(lines, "\n"))
   check(read_file(scratch .. "/out/practices.md"):find "\n| all | %d+%.%d %% ± ", "practices.md")
   for _, name in ipairs { "accuracy", "loss" } do
      check(read_file(("%s/out/%s.png"):format(scratch, name)):sub(2, 4) == "PNG", name .. ".png")
   end
   check(history("all", 0) ~= history("all", 1), "seeds differ")
   check(history("all", 0) ~= history("no_dropout", 0), "dropout makes a difference where the model has none of its own")
   local settings = cjson.decode(read_file(scratch .. "/out/runs/all/seed0/small/run.json"))
   check(settings.arguments.variant == "all", "run.json names the practice")
end

local function trains_in_half_width()
   local r = shell(RUN .. " --output_dir $T/half --only mixed_precision,no_dropout --epochs 1 --tensorboard --ema 0.9"
      .. " --clip_norm 5")
   local files = shell "ls $T/half/runs/mixed_precision/seed0/small $T/half/runs/no_dropout/seed0/small"
   for _, text in ipairs { "\nevents.out.tfevents", "\nema.safetensors", "\nbest_ema.safetensors", "\nschedule.png" } do
      check(select(2, files.out:gsub(text:gsub("%.", "%%."), "")) == 2, "every row has its " .. text:sub(2), files.all)
   end
   check(r.code == 0 and history("mixed_precision", 0, "half"), "the row of mixed precision", r.all)
end

-- What is different from the first row has to be different in the run.
local function does_what_the_rows_say()
   local r = shell(RUN .. " --output_dir $T/rows --only constant,step,at_once,no_weight_decay,no_label_smoothing,all"
      .. " --patience 1 --learning_rate 1e-5")
   check(r.code == 0, "rows", r.all)
   r = shell(RUN .. " --output_dir $T/rows --only all --patience 1 --learning_rate 1e-5 --resume auto")
   check(r.code == 0, "30 x 1e-5 is the same again", r.all)
   local function rates(row, group)
      local list, column = {}, nil
      for i, line in ipairs(cli.lines_of(history(row, 0, "rows"))) do
         local at = 0
         for cell in line:gmatch "[^,]+" do
            at = at + 1
            if i == 1 and cell == "lr_" .. group then column = at end
            if i > 1 and at == column then list[#list + 1] = tonumber(cell) end
         end
      end
      return list
   end
   local constant = rates("constant", "fc")
   for _, rate in ipairs(constant) do check(rate == constant[1], "constant", history("constant", 0, "rows")) end
   local step = rates("step", "fc")
   check(#step < 2 or math.abs(step[1] / step[2] - 10) < 1e-6, "step", history("step", 0, "rows"))
   check(rates("at_once", "layer1")[1] > 0, "all layers from the start", history("at_once", 0, "rows"))
   check(rates("all", "layer1")[1] == nil or rates("all", "layer1")[1] == 0, "from the head down", history("all", 0, "rows"))
   for _, row in ipairs { "no_weight_decay", "no_label_smoothing" } do
      check(history(row, 0, "rows") ~= history("all", 0, "rows"), row .. " makes a difference")
   end
end

local function goes_on()
   local line = RUN .. " --only all,plain --output_dir "
   local whole = shell(line .. "$T/whole")
   check(whole.code == 0, "a whole run", whole.all)
   local r = cli.interrupt(line .. "$T/stopped", "INT", "[2/2]", 1)
   check(r.code == 130 and r.err:find "to finish what is missing: .* %-%-resume auto\n", "stopped in the second row", r.all)
   shell "mkdir $T/two/green && cp $T/two/*/00[12].bmp $T/two/green" -- a class that came since
   r = shell(line .. "$T/stopped --resume auto")
   shell "rm -r $T/two/green"
   check(r.out:find "note: a class is new since the run in .* began and left out of '.*': 'green'", "a class is new", r.all)
   check(r.code == 0 and not r.out:find("] all", 1, true), "goes on, and does nothing twice", r.all)
   for _, row in ipairs { "all", "plain" } do
      check(history(row, 0, "whole") == history(row, 0, "stopped"), row .. ": the same history", history(row, 0, "stopped"))
   end
   r = shell(line .. "$T/stopped --resume auto --seeds 2")
   check(r.code == 0 and #cli.lines_of(read_file(scratch .. "/stopped/results.csv")) == 5, "seeds may be added", r.all)
   local photo = scratch .. "/two/red/001.bmp"
   local bytes = read_file(photo)
   photos.write_file(photo, bytes:sub(1, -2) .. string.char(bytes:byte(-1) ~ 1))
   r = shell(line .. "$T/stopped --resume auto --seeds 2")
   check(r.code == 0, "nothing is missing, so no photo is read", r.all)
   refuses("a photo that was replaced", 1, "data_dir: photos have changed since the runs in " .. scratch
      .. "/stopped began: '" .. photo .. "'; a comparison is fair", line .. "$T/stopped --resume auto --seeds 3")
   photos.write_file(photo, bytes)
   refuses("other settings", 1, "holds results that do not fit: opt.epochs was 3 there, is 4 now",
      line .. "$T/stopped --resume auto --epochs 4")
end

local function refuses_bad_input()
   for flags, text in pairs {
      ["--only al"] = "only: there is no row 'al'; did you mean 'all'?", ["--only all,,plain"] = "there is no row ''",
      ["--dropout 1"] = "--dropout: expected a number of at least 0 and below 1", ["--seeds 0"] = "--seeds: expected",
      ["--label_smoothing -0.1"] = "--label_smoothing: expected", ["--augment lihgt"] = "did you mean 'light'",
      ["--resume yes"] = "--resume: expected one of auto", ["--epoch 3"] = "did you mean '--epochs'",
      ["--precision fp61"] = "did you mean 'fp16'", ["--ema 1"] = "--ema: expected", ["--mixup -1"] = "--mixup: expected",
      ["--split_csv x.csv --val_fraction 0.3"] = "--split_csv and --val_fraction exclude each other",
      ["--unfreeze layr4"] = "no group 'layr4'", ["--head_learning_rate 0"] = "--head_learning_rate: expected",
   } do refuses(flags, 2, text, RUN .. " --output_dir $T/bad " .. flags) end
   refuses("no data", 2, "--data_dir is missing", "$S scripts/best_practices.lua")
   refuses("no such split", 1, "nowhere.csv", RUN .. " --output_dir $T/bad --split_csv $T/nowhere.csv")
   refuses("no such folder", 1, "data_dir", "$S scripts/best_practices.lua --data_dir $T/nowhere")
   photos.write_file(scratch .. "/file", "in the way")
   refuses("a file in the way", 1, "output_dir: ", RUN .. " --output_dir $T/file")
   local r = shell("$S scripts/best_practices.lua --help")
   for _, flag in ipairs { "--only NAMES", "--seeds", "--tensorboard", "--precision", "--split_csv", "--accumulate", "--mixup",
      "--cutmix", "--ema", "--clip_norm", "--threads", "--workers", "--device", "--quiet" } do
      check(r.code == 0 and r.out:find(flag, 1, true), "--help tells of " .. flag, r.all)
   end
end

photos.set(scratch .. "/two", { blue = 14, red = 13 })
cli.run { lists_its_rows, tells_what_each_is_worth, does_what_the_rows_say, trains_in_half_width, goes_on, refuses_bad_input }
