-- Exercise 3: which architecture for these photos? The same split, seeds, augmentation and budget for each, and a test that
-- says which differences are real.
--
--    ./scute scripts/compare_architectures.lua --data_dir path/to/dataset --output_dir ./comparisons
local scute = require "scute"
local cli, compare = scute.cli, scute.compare

local opt = cli.parse(arg, "Compare architectures fairly", compare.flags)
local found = compare.run(opt)
if found and #found.failures > 0 then os.exit(1, true) end
