-- The losses that learn embeddings, on a GPU, against pytorch-metric-learning's numbers.
-- Usage: scute tests/cuda/losses.lua [DEVICE]
local scute = require "scute"
local tally = dofile "tests/tally.lua"

scute.tf32(false) -- what is compared is float32
for _, dtype in ipairs { "f32", "f64" } do dofile "tests/lua/loss_cases.lua"(arg[1] or "cuda", dtype, tally.check) end
tally.finish()
