-- What a run writes for other programs, and about the machine: events.jsonl, TensorBoard's event files read back with
-- TensorBoard's own reader, hardware with a stand-in for NVIDIA's library. Usage: scute tests/logs/run.lua
local cjson = require "cjson"
local here = arg[0]:match "^(.*)/" or "."
local cli = dofile(here .. "/../cli/shell.lua")
local photos = dofile(here .. "/../cli/photos.lua")
local check, shell, read_file = cli.check, cli.shell, cli.read_file
local root = cli.scratch

local TRAIN = "$S scripts/transfer_learning.lua --data_dir $T/photos --model resnet18 --weights none --image_size 32"
   .. " --batch_size 8 --threads 1 --save_every 0.0001 "
local FROZEN = TRAIN .. "--freeze_backbone "

local function lines_of(path)
   local rows = {}
   for line in (read_file(path) or ""):gmatch "([^\n]*)\n" do rows[#rows + 1] = cjson.decode(line) end
   return rows
end

local function of_kind(rows, event)
   local found = {}
   for _, row in ipairs(rows) do
      if row.event == event then found[#found + 1] = row end
   end
   return found
end

-- history.csv as a list of rows {column = number}.
local function history(folder)
   local rows, columns = {}, nil
   for line in (read_file(folder .. "/history.csv") or ""):gmatch "[^\n]+" do
      local cells = {}
      for cell in line:gmatch "[^,]+" do cells[#cells + 1] = cell end
      local row = {}
      for i, name in ipairs(columns or {}) do row[name] = tonumber(cells[i]) end
      if columns then rows[#rows + 1] = row else columns = cells end
   end
   return rows
end

local function read_board(folder)
   local r = shell(("python3 %s/read_events.py '%s'"):format(here, folder))
   if not check(r.code == 0, "TensorBoard reads " .. folder, r.all) then return { scalars = {}, images = {}, page = {} } end
   return cjson.decode(r.out)
end

-- Each epoch once, with the numbers of history.csv.
local function events_hold(name, folder, epochs)
   local rows = lines_of(folder .. "/events.jsonl")
   local found, wanted = of_kind(rows, "epoch"), history(folder)
   check(#found == epochs and #wanted == epochs and rows[1].event == "start" and rows[#rows].event == "end", name .. ": lines",
      read_file(folder .. "/events.jsonl"))
   for i, row in ipairs(found) do
      for _, column in ipairs { "epoch", "step", "train_loss", "train_accuracy", "val_loss", "val_accuracy" } do
         check(math.abs(row[column] - wanted[i][column]) <= 1e-8 * math.abs(row[column]), name .. ": " .. column, row[column])
      end
      check(row.hardware.memory > 1e7 and row.hardware.pool > 0 and row.hardware.throttled == false, name .. ": hardware",
         cjson.encode(row))
   end
   return rows
end

local function board_holds(name, folder, epochs)
   local board, wanted = read_board(folder), history(folder)
   check(board.version == 2, name .. ": version", board.version)
   for tag, column in pairs { ["train/loss"] = "train_loss", ["train/accuracy"] = "train_accuracy", ["val/loss"] = "val_loss",
      ["val/accuracy"] = "val_accuracy", ["learning_rate/fc"] = "lr_fc", epoch = "epoch" } do
      local list = board.scalars[tag] or {}
      check(#list == epochs, name .. ": once an epoch: " .. tag, cjson.encode(list))
      for i, entry in ipairs(list) do
         check(entry[1] == wanted[i].step and math.abs(entry[2] - wanted[i][column]) <= 1e-6 * math.abs(entry[2]),
            name .. ": " .. tag, cjson.encode(entry)) -- float32
         check(i == 1 or entry[3] >= list[i - 1][3], name .. ": times grow", cjson.encode(list))
      end
   end
   check(#(board.scalars["hardware/memory"] or {}) == epochs, name .. ": hardware", "")
   return board
end

local function writes_both()
   local r = shell(FROZEN .. "--epochs 5 --output_dir $T/plain --tensorboard")
   if not check(r.code == 0 and r.err == "", "a run", r.all) then return end
   local folder = root .. "/plain/resnet18"
   local rows = events_hold("a run", folder, 5)
   local start, last = rows[1], rows[#rows]
   check(start.model == "resnet18" and start.photos.train == 21 and start.arguments.epochs == 5, "the start",
      cjson.encode(start))
   check(last.outcome == "finished" and last.epochs == 5 and last.best_epoch >= 1, "the end", cjson.encode(last))
   local board = board_holds("a run", folder, 5)
   local photo = board.images.photos and board.images.photos[1]
   check(photo and photo.png and photo.width > 300, "photos", cjson.encode(board.images))
   local confusion = board.images["confusion of the best epoch"]
   check(confusion and confusion[1].png and confusion[1].height > 100, "confusion", cjson.encode(board.images))
   local p = board.hparams or {}
   check(p.batch_size == 8 and p.model == "resnet18" and p.freeze_backbone == true and p.learning_rate == 0.003
      and p.photos == 21 and board.status == 1, "hyperparameters", cjson.encode(board))
   check(table.concat(board.metrics or {}, " ") == "val/accuracy val/loss" and #board.hparam_names > 20, "metrics",
      cjson.encode(board.metrics))
   -- TensorBoard's HParams page: one row, with the last of each metric.
   local page, ended = board.page[1] or { hparams = {}, metrics = {} }, history(folder)[5]
   check(#board.page == 1 and page.hparams.batch_size == 8 and page.hparams.model == "resnet18", "the HParams page",
      cjson.encode(board.page))
   for tag, column in pairs { ["val/accuracy"] = "val_accuracy", ["val/loss"] = "val_loss" } do
      local shown = page.metrics[tag] or {}
      check(shown[1] == ended.step and math.abs(shown[2] - ended[column]) <= 1e-6 * math.abs(ended[column]),
         "the HParams page: " .. tag, cjson.encode(page)) -- float32
   end
   r = shell(FROZEN .. "--epochs 2 --output_dir $T/plain --tensorboard")
   check(r.code == 0, "a new run in the same folder", r.all)
   events_hold("a new run in the same folder", folder, 2)
   board_holds("a new run in the same folder", folder, 2)
   r = shell(FROZEN .. "--epochs 1 --output_dir $T/without")
   check(r.code == 0 and shell("ls $T/without/resnet18/events.out*").code ~= 0, "only when asked for", r.all)
end

-- Stopped in the middle, with lines after the checkpoint that the rest of the run writes again.
local function resumes_without_doubles()
   local line = TRAIN .. "--epochs 6 --output_dir $T/half --tensorboard"
   local folder = root .. "/half/resnet18"
   local r = cli.interrupt(line, "INT", "epoch   3")
   if not check(r.code == 130, "stopped", r.all) then return end
   check(of_kind(lines_of(folder .. "/events.jsonl"), "end")[1].outcome == "interrupted", "the end is told",
      read_file(folder .. "/events.jsonl"))
   check(read_board(folder).status == 2, "TensorBoard is told too")
   -- As after a crash: the newest checkpoint is lost, and the last line was cut.
   shell "cd $T/half/resnet18 && mv checkpoint-1.safetensors checkpoint.safetensors"
   local events = read_file(folder .. "/events.jsonl")
   photos.write_file(folder .. "/events.jsonl", events .. '{"event":"epoch","epo')
   r = shell(line .. " --resume auto")
   check(r.code == 0, "resumed", r.all)
   local rows = events_hold("resumed", folder, 6)
   check(#of_kind(rows, "resume") == 1, "the resume is told", read_file(folder .. "/events.jsonl"))
   local board = board_holds("resumed", folder, 6)
   check(board.status == 1 and #board.images.photos == 1, "resumed: the end", cjson.encode(board.images))
   local files = shell "ls $T/half/resnet18/events.out*"
   check(#cli.lines_of(files.out) == 1, "one event file", files.all)
end

local function other_scripts()
   local r = shell("$S scripts/fine_tuning.lua --data_dir $T/photos --model resnet18 --weights none --image_size 32 --epochs 2"
      .. " --batch_size 8 --threads 1 --augment light --output_dir $T/tuned --tensorboard")
   check(r.code == 0, "fine_tuning.lua", r.all)
   local board = read_board(root .. "/tuned/resnet18")
   check(#(board.scalars["val/loss"] or {}) == 2 and board.images.photos, "fine_tuning.lua", cjson.encode(board.scalars))
   r = shell("$S scripts/compare_architectures.lua --data_dir $T/photos --models resnet18 --weights none --image_size 32"
      .. " --seeds 1 --budget epochs=2 --threads 1 --output_dir $T/compared --tensorboard")
   check(r.code == 0, "compare_architectures.lua", r.all)
   local page = read_board(root .. "/compared/runs").page
   check(#page == 1 and page[1].metrics["val/accuracy"], "a comparison on the HParams page", cjson.encode(page))
   board = read_board(root .. "/compared/runs/ResNet-18/seed0/resnet18")
   check(#(board.scalars["val/accuracy"] or {}) == 2 and board.hparams.model == "resnet18", "compare_architectures.lua",
      cjson.encode(board.scalars))
end

-- Runs of an experiment, with values of all kinds under one name, and options that only one variant has.
local function experiments()
   local function row(name, options, accuracy)
      local curve = { { epoch = 1, val_accuracy = accuracy / 2, f1 = 0.4 }, { epoch = 2, val_accuracy = accuracy, f1 = 0.5 } }
      return { options = options, results = { { variant = name, run = "seed0", seed = 0, state = "finished", epochs = 2,
         figures = { accuracy = accuracy, f1 = 0.5 }, parameters = 7, seconds = 2, curve = curve } } }
   end
   local rows = { row("a", { lr = 0.5, mixed = 1, deep = true }, 0.75),
      row("b", { lr = 0.25, mixed = true, only = "b" }, 0.5) }
   local variants = {}
   for i, entry in ipairs(rows) do variants[i] = { name = entry.results[1].variant, options = entry.options } end
   require("scute.experiment.board").write(root .. "/trial", { plan = { variants = variants }, rows = rows,
      metric = { name = "accuracy" } })
   local page, by_name = read_board(root .. "/trial/tensorboard").page, {}
   for _, group in ipairs(page) do by_name[group.hparams.variant] = group end
   local a, b = by_name.a or { hparams = {}, metrics = {} }, by_name.b or { hparams = {}, metrics = {} }
   check(#page == 2 and a.hparams.lr == 0.5 and a.hparams.mixed == "1" and a.hparams.deep == true and a.hparams.seed == 0
      and b.hparams.mixed == "true" and b.hparams.only == "b" and b.hparams.deep == nil, "an experiment's HParams",
      cjson.encode(page))
   check(a.metrics["best/accuracy"] and a.metrics["best/accuracy"][2] == 0.75 and b.metrics["val/accuracy"][2] == 0.5,
      "an experiment's figures", cjson.encode(page))
   local board = read_board(root .. "/trial/tensorboard/b/seed0")
   check(#(board.scalars["val/f1"] or {}) == 2 and board.scalars["cost/parameters"][1][2] == 7 and board.status == 1,
      "an experiment's numbers", cjson.encode(board.scalars))
end

-- A file that cannot be written costs the log and not the run.
local function survives_bad_disks()
   shell "mkdir -p $T/bad/resnet18/events.jsonl"
   local r = shell(FROZEN .. "--epochs 1 --output_dir $T/bad")
   check(r.code == 0 and r.err:find "events.jsonl: .*training goes on without it", "events.jsonl is a folder", r.all)
end

local function tells_of_gpus()
   local r = shell("${CC:-cc} -shared -fPIC -o $T/libnvidia-ml.so.1 " .. here .. "/fake_nvml.c")
   if not check(r.code == 0, "the stand-in builds", r.all) then return end
   r = shell("FAKE_NVML=40 LD_LIBRARY_PATH=$T " .. FROZEN .. "--epochs 2 --output_dir $T/gpu --tensorboard")
   check(r.code == 0 and r.err:find "the clock of GPU 1, Fake GPU 1, is throttled by heat %(81 C%)"
      and #cli.lines_of(r.err) == 1, "a throttled GPU is told once", r.all)
   local folder = root .. "/gpu/resnet18"
   local gpus = of_kind(lines_of(folder .. "/events.jsonl"), "epoch")[1].hardware.gpus
   check(#gpus == 2 and gpus[1].name == "Fake GPU 0" and gpus[1].power == 215.5 and gpus[1].use == 0.9
      and gpus[2].memory == 2147483648 and gpus[2].temperature == 81 and gpus[2].throttled and not gpus[2].power,
      "GPUs in events.jsonl", cjson.encode(gpus))
   local run = cjson.decode(read_file(folder .. "/run.json"))
   check(run.hardware.gpus[2].throttled and run.hardware.peak_memory > 1e7, "GPUs in run.json", cjson.encode(run.hardware))
   local page = read_file(folder .. "/report.html")
   check(page:find("GPU 1, Fake GPU 1", 1, true) and page:find("1.1 GB of 25.8 GB, computing 90 % of the time, 216 W on"
      .. " average, up to 61 °C", 1, true), "GPUs in the report", page:match "<h2>Hardware</h2>.-</section>")
   local board = read_board(folder)
   check(board.scalars["hardware/gpu0_power"] and board.scalars["hardware/gpu0_power"][1][2] == 215.5, "GPUs in TensorBoard",
      cjson.encode(board.scalars))
   check(not read_file(folder .. "/history.csv"):find "memory", "history.csv says only what would be the same again")
end

-- ---- the bar ----

-- What a terminal of so many columns shows after a text: its lines, and the longest of those that were drawn in place.
local function screen(text)
   local lines, at, longest = { {} }, 0, 0
   for _, code in utf8.codes(text) do
      local line = lines[#lines]
      if code == 10 then
         lines[#lines + 1], at = {}, 0
      elseif code == 13 then
         at = 0
      else
         at = at + 1
         line[at] = utf8.char(code)
         if at > longest and #line >= 5 and table.concat(line, "", 1, 5) == "epoch" then longest = at end
      end
   end
   for i, line in ipairs(lines) do lines[i] = table.concat(line):gsub(" +$", "") end
   return lines, longest
end

local BAR = [[
local scute = require "scute"
local hot = { memory = 1.5e9, peak_memory = 1.6e9, cores = 1.97, temperature = 97, throttled = true, gpus = {} }
local run = { meter = require "scute.train.progress".new(), device = "cpu" }
local hook = require "scute.train.hardware".hook({ sample = function() return hot end }, 0)
hook.on_fit_begin(run)
for i = 1, 4 do
   run.meter:show { what = ("epoch %d/10"):format(i), done = 1111 * i, total = 12345, photos = 1111 * i, seconds = 10 * i,
      loss = 2.345, accuracy = 0.5, left = 100 / i, hardware = run.hardware.words() }
   os.execute "sleep 0.11"
   if i == 2 then require("scute.base.console").warn "in between" end
end
run.meter:clear()
require("scute.base.console").line "at the end"
]]

-- Metrics stand behind the accuracy.
local function tells_metrics()
   photos.write_file(root .. "/metrics.lua", (BAR:gsub("accuracy = 0.5,", "%0 metrics = { 'cost 3.5', 'f1 0.812' },")))
   local r = shell "SHELL=/bin/sh script -qec \"stty cols 120 rows 20; exec $S $T/metrics.lua\" /dev/null"
   check(r.out:find("acc 0.500 cost 3.5 f1 0.812 0:25 left", 1, true), "metrics in the bar", r.all)
end

-- A terminal of 80 letters has room for all that is told of the hardware; smaller ones for what matters more.
local function fits_its_terminal()
   photos.write_file(root .. "/bar.lua", BAR)
   local rest = " 111 img/s loss 2.345 acc 0.500 0:25 left 1.5 GB CPU 197% 97 C"
   for columns, last in pairs { [120] = "epoch 4/10 [####--------]  36%" .. rest, [90] = "epoch 4/10 [##----]  36%" .. rest,
      [80] = "epoch 4/10  36%" .. rest, [60] = "epoch 4/10  36% 111 img/s loss 2.345 acc 0.500 0:25 left",
      [40] = "epoch 4/10  36% 111 img/s loss 2.345", [9] = "epoch 4/" } do
      local r = shell(("SHELL=/bin/sh script -qec \"stty cols %d rows 20; exec $S $T/bar.lua\" /dev/null"):format(columns))
      local text = r.out:gsub("\r\n", "\n")
      local name = columns .. " columns: "
      check(text:find("\r" .. last, 1, true), name .. "the bar", r.all)
      local lines, longest = screen(text)
      check(longest < columns and longest >= #last, name .. "it does not wrap", longest)
      check(lines[1]:find "^scute: the processor's clock is throttled by heat %(97 C%)" and lines[2] == "scute: in between"
         and lines[3] == "at the end" and lines[4] == "" and #lines == 4, name .. "other lines stand by themselves",
         table.concat(lines, "\n"))
      local _, drawn = text:gsub("\repoch", "")
      local _, blank = text:gsub("\r +\r", "")
      check(drawn == 4 and blank == 2, name .. "it is drawn over itself, not taken away before", r.out)
   end
end

photos.set(root .. "/photos", { blue = 14, red = 13 })
cli.run { writes_both, resumes_without_doubles, other_scripts, experiments, survives_bad_disks, tells_of_gpus, tells_metrics,
   fits_its_terminal }
