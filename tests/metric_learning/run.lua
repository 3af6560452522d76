-- The third week's exercise as a user runs it, on small photos of animals that are drawn here: what it tells, what it leaves
-- behind, going on, and every kind of bad command line. Usage: scute tests/metric_learning/run.lua
local cjson = require "cjson"
local scute = require "scute"

local here = arg[0]:match "^(.*)/" or "."
local cli = dofile(here .. "/../cli/shell.lua")
local scratch, check, shell, refuses = cli.scratch, cli.check, cli.shell, cli.refuses

local LEARN = "$S scripts/metric_learning.lua --data_dir $T/animals/who.csv --batch_size 16 --output_dir $T/out"
local SMALL = LEARN .. " --model baseline_cnn --weights none --image_size 32 --embedding_size 16 --head_learning_rate 0.01"
local OUT = "/out/baseline_cnn"

-- ---- animals ----

local ANIMALS, DAYS, EACH = 6, 5, 3

-- One animal: stripes of its own on a disk; the day gives the water.
local function draw(path, animal, day, number)
   local canvas = scute.canvas(40, 40)
   canvas:rect(0, 0, 40, 40, { color = ("#%02x%02x%02x"):format(day * 23 % 90, 60 + day * 37 % 90, 150 - day * 11 % 60),
      fill = true })
   canvas:circle(20, 20, 15, { color = ("#%02x%02x30"):format(animal * 41 % 200 + 40, 220 - animal * 33 % 200), fill = true })
   for stripe = 0, animal % 3 do
      canvas:rect(10 + 7 * stripe, 8 + number, 3, 12 + animal * 5 % 9, { color = "#101010", fill = true })
   end
   canvas:save(path)
end

-- who.csv and the photos that it lists: ANIMALS animals, DAYS days, EACH photos a day; and one that was seen once.
local function draw_animals()
   scute.files.mkdirs(scratch .. "/animals/photos")
   local lines = { "path,turtle,date,side" }
   for animal = 1, ANIMALS do
      for day = 1, DAYS do
         for number = 1, EACH do
            local name = ("photos/%d_%d_%d.png"):format(animal, day, number)
            draw(scratch .. "/animals/" .. name, animal, day, number)
            lines[#lines + 1] = ("%s,turtle %d,2021-0%d-1%d,%s"):format(name, animal, day, animal,
               number == 1 and "left" or "right")
         end
      end
   end
   draw(scratch .. "/animals/photos/once.png", 9, 2, 1)
   lines[#lines + 1] = "photos/once.png,seen once,2021-02-20,left\n"
   scute.files.write(scratch .. "/animals/who.csv", table.concat(lines, "\n"))
end

local function read_json(path)
   return cjson.decode(cli.read_file(scratch .. path) or "{}")
end

local function says(name, line, ...)
   local r = shell(line)
   check(r.code == 0, name, r.all)
   for _, text in ipairs { ... } do check(r.out:find(text, 1, true), name .. ": says " .. text, r.all) end
   return r
end

-- ---- what it does ----

local function trains_and_measures()
   local r = says("the exercise", SMALL .. " --columns identity=turtle --epochs 2",
      "new head: fc 256 → 16, BN-neck, 7 individuals", "split: time-aware, closed set", "features: ", "x 256 numbers",
      "\nretrieval: 18 photos that test, among ", "by the backbone's features alone: top-1 ",
      "\nnew individuals: below a similarity of ", "scripts/identify.lua --model ",
      OUT .. "/reid.json (figures and calibration), reid.csv")
   check(r.err == "", "without a warning", r.all)
   local at = { r.out:find "note: [^\n]*encounter", r.out:find "\nepoch   1" }
   check(at[1] and at[2] and at[1] < at[2], "the leak is told before anything trains", r.all)
   check(r.out:find "retrieval: [^\n]*top%-1 [^\n]*; split: time%-aware, closed set[^\n]*\n", "figures with their protocol",
      r.all)
   local told = read_json(OUT .. "/reid.json")
   check(told.protocol == "time_closed" and told.leak == 0 and told.crop == "none" and told.threshold
      and told.calibration.kind == "platt" and told.figures.test.top_1 and told.figures.backbone and told.figures.open.root,
      "reid.json", cjson.encode(told))
   local run = read_json(OUT .. "/run.json")
   check(run.split == told.text and run.settings and run.arguments.loss == "arcface", "run.json", cjson.encode(run))
   local who = cli.read_file(scratch .. OUT .. "/reid.csv")
   check(select(2, who:gsub(",test\n", "")) == 18 and who:find "seen once[^\n]*,train\n", "reid.csv", who)
   local model = scute.models.load(scratch .. OUT .. "/best.safetensors")
   check(model.fc.class_name == "EmbeddingHead" and #model.classes == 7, "the model", tostring(model))
end

-- What reid.json says of other weights than the model's is not taken for the model's.
local function knows_whose_calibration(line, told)
   local path = scratch .. OUT .. "/reid.json"
   local text = cli.read_file(path)
   scute.files.write(path, (text:gsub(told.calibrated_on.model, ("0"):rep(64)):gsub('"threshold": [%d.]+', '"threshold": 7')))
   local found = cjson.decode(shell(line .. " --json").out)
   check(math.abs(found.open.threshold - told.threshold) < 1e-6, "a threshold from what validates", cjson.encode(found.open))
   local identify = "$S scripts/identify.lua --model $T" .. OUT .. "/best.safetensors --gallery $T/gallery $T/animals/photos/"
   shell(identify .. "once.png --enroll once")
   local r = shell(identify .. "1_1_1.png")
   check(r.err:find "the calibration in [^\n]* is of other weights than [^\n]*best" and r.out:find "most like once",
      "identify", r.all)
   scute.files.write(path, text)
end

-- scripts/evaluate_reid.lua says of the same photos what the exercise said, and leaves it in the run's report.
local function measures_again()
   local line = "$S scripts/evaluate_reid.lua --model $T" .. OUT .. "/best.safetensors --data_dir $T/animals/who.csv"
   local r = says("evaluate_reid", line .. " --output_dir $T" .. OUT, "18 photos in a gallery of ", "; split: time-aware, ",
      "none of these photos is of an encounter in the gallery", "\nby side\n", "\nleft ", "\nopen set\n", "by encounter",
      OUT .. "/report.html, reid_evaluation.json")
   check(r.err == "", "without a warning", r.all)
   local found, told = read_json(OUT .. "/reid_evaluation.json"), read_json(OUT .. "/reid.json")
   local of_run, open = told.figures.test, told.figures.open
   check(math.abs(found.closed.top_1 - of_run.top_1) < 1e-9 and math.abs(found.closed.map - of_run.map) < 1e-6
      and math.abs(found.open.root - open.root) < 1e-6 and math.abs(found.open.calibration_error - open.error) < 1e-6,
      "the figures of the exercise", cjson.encode { found.closed, found.open, told.figures })
   check(cli.read_file(scratch .. OUT .. "/report.html"):find("Who is it?", 1, true), "a part of the report")
   local flipped = cjson.decode(shell(line .. " --json --flips").out)
   check(flipped.open.threshold ~= told.threshold, "--flips has a threshold of its own")
   knows_whose_calibration(line, told)
   local json = cjson.decode(shell(line .. " --split val --json --output_dir $T/val").out)
   check(json.split == "val" and json.chosen and json.protocol == told.text, "--json", cjson.encode(json))
   shell("mkdir $T/alone; cp $T" .. OUT .. "/best.safetensors $T/alone")
   local alone = "$S scripts/evaluate_reid.lua --data_dir $T/animals/who.csv --model $T/alone/best.safetensors"
   refuses("evaluate_reid of a model alone", 1, "expected the folder of a run of scripts/metric_learning.lua", alone)
   local other = cjson.decode(shell(alone .. " --json --run $T" .. OUT).out)
   check(math.abs(other.closed.map - of_run.map) < 1e-6 and other.open, "--run", cjson.encode(other))
end

-- What is interrupted goes on to the same end, with its own split: a photo that came meanwhile is left out.
local function goes_on()
   local line = SMALL .. " --columns identity=turtle --epochs 3 --threads 1 --unfreeze head,block4@2 --overwrite"
      .. " --test_fraction 0 --val_fraction 0.2"
   check(shell(line).code == 0, "a whole run")
   local history, split = cli.read_file(scratch .. OUT .. "/history.csv"), cli.read_file(scratch .. OUT .. "/split.csv")
   shell "rm -r $T/out"
   local r = cli.interrupt(line, "INT", "epoch   1")
   check(r.code == 130 and not r.out:find "retrieval:", "Ctrl-C", r.all)
   draw(scratch .. "/animals/photos/new.png", 2, 9, 1)
   local text = cli.read_file(scratch .. "/animals/who.csv")
   scute.files.write(scratch .. "/animals/who.csv", text .. "photos/new.png,turtle 2,2022-05-01,left\n")
   r = says("--resume", line .. " --resume auto", "going on from ", "new since the run",
      "\nretrieval: 18 photos that validate, which chose the epoch, among ")
   check(cli.read_file(scratch .. OUT .. "/history.csv") == history, "to the same history", r.all .. history)
   check(cli.read_file(scratch .. OUT .. "/split.csv") == split, "with the same split")
   scute.files.write(scratch .. "/animals/who.csv", text)
end

-- From a model of individuals, every kind of loss, a random split, whose leak is a warning.
local function takes_its_flags()
   local from = " --from $T/first.safetensors"
   shell("cp $T" .. OUT .. "/best.safetensors $T/first.safetensors")
   local line = LEARN .. from .. " --columns identity=turtle --epochs 1 --embedding_size 16 --overwrite"
   check(shell(line .. " --loss triplet --sampler identities=4x4").code == 0, "a sampler instead of --per_individual")
   local r = shell(line .. " --loss triplet --per_individual 1 --unfreeze head,block4@1 --precision fp16")
   check(select(2, r.err:gsub("looked at in fp32", "")) <= 1, "in what it is looked at is told once", r.all)
   check(r.err:find "left to chance whether a batch has several of one", "a triplet loss of photos as they come", r.all)
   r = says("triplet", line
      .. " --loss triplet --mining hard --margin 0.3 --protocol random --unfreeze all --pooling gem",
      "the embedding is kept, its centres are new", "block1  #  from the start", "split: random photos")
   check(r.err:find "^scute: 100.0 %% of the photos that test are of an encounter that trains",
      "the leak of a random split is a warning", r.all)
   says("sub-centres", line .. " --loss supcon --temperature 0.2 --sub_centers 2 --protocol individual --per_individual 8"
      .. " --fit crop",
      "individuals with 2 centres each", "among one another, but for their own encounter")
   says("individuals apart", "$S scripts/evaluate_reid.lua --model $T" .. OUT .. "/best.safetensors --data_dir "
      .. "$T/animals/who.csv", "they look among one another, each but for its own encounter", "\ntop-1 ",
      "\nopen set: the same photos, among those that train\n")
end

-- ---- the command line ----

local function explains_itself()
   local r = says("--help", "$S scripts/metric_learning.lua --help", "Photos and individuals:", "Which photos train, validate "
      .. "and test:", "Network:", "Loss:", "What trains, and how fast:", "Other options:", "--per_individual K")
   check(r.out:find("Photos and individuals:", 1, true) < r.out:find("Other options:", 1, true), "in that order", r.all)
   says("--list_groups", "$S scripts/metric_learning.lua --list_groups --model resnet18 --unfreeze gradual",
      "resnet18, in the first epoch", "layer4", "learning rate 0.003")
   check(shell "$S --check scripts/metric_learning.lua".out == "", "--check finds nothing in the script")
   says("evaluate_reid --help", "$S scripts/evaluate_reid.lua --help", "What the figures mean:", "--split", "--run FOLDER")
   check(shell "$S --check scripts/evaluate_reid.lua".out == "", "--check finds nothing in evaluate_reid")
end

local function refuses_bad_command_lines()
   for flags, text in pairs {
      ["--loss arcfase"] = "did you mean 'arcface'",
      ["--loss softmax --margin 1"] = "--loss: 'margin' means nothing for softmax",
      ["--margin 4"] = "an angle in radians, below pi; found 4",
      ["--loss triplet --margin 0"] = "the margin of triplet is above 0; found 0",
      ["--margin x"] = "expected a number of at least 0, or dynamic", ["--columns identity"] = "expected WHAT=COLUMN",
      ["--loss triplet --batch_size 30"] = "expected a multiple of that for two individuals at least, as 28",
      ["--per_individual 2 --sampler balanced"] = "exclude each other", ["--given a --protocol random"] = "--given: it names",
      ["--val_fraction 0.6 --test_fraction 0.5"] = "expected less than 1 together",
      ["--protocol tim"] = "--protocol: expected one",
      ["--from x --weights none"] = "--from and --weights exclude each other", ["--mixup 1"] = "unknown option '--mixup'",
   } do refuses(flags, 2, text, LEARN .. " " .. flags) end
   refuses("more individuals in a batch than there are", 1, "expected at most --batch_size 28", SMALL
      .. " --columns identity=turtle --loss supcon --batch_size 32")
   refuses("a column that is not there", 1, "has no column 'turtles'", LEARN .. " --columns identity=turtles")
end

draw_animals()
cli.run { trains_and_measures, measures_again, goes_on, takes_its_flags, explains_itself, refuses_bad_command_lines }
