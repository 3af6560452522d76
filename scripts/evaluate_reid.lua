-- How well a model knows individuals again, on photos of other encounters than those that it learned from: who is found, who is
-- said to be new, by individual, by side and by encounter, and what goes wrong.
--
--    ./scute scripts/evaluate_reid.lua --model reid/resnet50/best.safetensors --data_dir turtles --output_dir reid/resnet50
local scute = require "scute"
local cli, evaluate_reid = scute.cli, scute.evaluate_reid

local opt = cli.parse(arg, "Measure a model of individual animals", evaluate_reid.flags, evaluate_reid.MEANING)
cli.alone()
local found = evaluate_reid.open(opt)
local result = evaluate_reid.measure(found, opt)
for _, entry in ipairs(result.bad) do cli.warn("left out: %s", entry.message) end
if opt.json then evaluate_reid.print_json(result, opt) else evaluate_reid.print(result, opt) end
if opt.output_dir then evaluate_reid.save(opt.output_dir, result, opt) end
