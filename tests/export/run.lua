-- Exported models by other programs' word: ONNX's checker takes them, and onnxruntime computes what scute does.
-- Usage: scute tests/export/run.lua [part...], of PARTS
local tally = dofile "tests/tally.lua"
local runtime = dofile "tests/export/runtime.lua"

local PARTS = { "files", "ops", "models" }

local batch = runtime.new()
for _, part in ipairs(#arg > 0 and arg or PARTS) do dofile(("tests/export/%s.lua"):format(part))(batch, tally.check) end
batch:run(tally.check)
tally.finish()
