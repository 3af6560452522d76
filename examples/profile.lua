-- Where the time of a network goes: by op, by layer, and in a picture of what happened when.
-- Run it:  ./scute examples/profile.lua
--
-- The same of a whole script, yours too:  ./scute --profile script.lua
local scute = require "scute"

scute.manual_seed(1)
local model = scute.models.create("baseline_cnn", { classes = 10 })
local optimizer = scute.optim.sgd(model:groups { lr = 0.01 })
local x, y = scute.randn(8, 3, 32, 32), scute.tensor({ 1, 2, 3, 4, 5, 6, 7, 8 }, { dtype = "i64" })

local function step()
   local loss <close> = model(x):cross_entropy(y)
   loss:backward()
   local mine <close> = scute.range "my optimizer" -- luacheck: ignore
   optimizer:step()
   optimizer:zero_grad()
end

step() -- the first one sets things up
local profile = scute.profile(function()
   for _ = 1, 10 do step() end
end, { trace = "trace.json" })

print(profile)
print "\nThe slowest layers:"
local layers = profile:by "layer"
for i = 1, 3 do print(("%-24s %4.1f %%"):format(layers[i].name, 100 * layers[i].share)) end

-- Rows are data.
for _, row in ipairs(profile) do
   if row.name == "conv2d" then print(("convolutions in a step, million multiply-adds: %.1f"):format(row.flops / 2e6 / 10)) end
end
