-- The five backbones as they are used, with 1000 classes and photos of their own size, in onnxruntime.
-- Usage: PYTHONPATH=deps/python scute tests/soak/export.lua
local scute = require "scute"
local runtime = dofile "tests/export/runtime.lua"
local tally = dofile "tests/tally.lua"

if not runtime.available() then os.exit(0) end

for _, name in ipairs { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2" } do
   local model = dofile "tests/export/lived.lua"(scute.models[name] { pretrained = "none" })
   local side, batch = model.preprocessing.crop, runtime.new()
   local x = scute.randn(3, 3, side, side)
   local expected = { logits = scute.no_grad(model:eval(), x) }
   for dtype, tolerance in pairs(runtime.TOLERANCE) do
      batch:add { name = ("%s, %s"):format(name, dtype), inputs = { input = x }, expected = expected, tolerance = tolerance,
         save = function(path) scute.export.onnx(model, path, { dtype = dtype }) end }
   end
   batch:run(tally.check)
end
tally.finish()
