-- The models that there are, and what is in them.
--
--    ./scute scripts/models.lua efficientnet
--    ./scute scripts/models.lua resnet50 --verbose
--
-- top-1 is how much of ImageNet the weights know, in percent, as it was published (lua/scute/weights/published.lua).
local scute = require "scute"
local cli, models = scute.cli, scute.models

local opt = cli.parse(arg, "List models: parameters, multiply-adds for a photo, resize and crop in pixels, top-1, weights", {
   { "pattern", argument = true, value = "PATTERN", help = "only models whose name contains this (a Lua pattern)" },
   { "verbose", flag = true, help = "also print the layers of each, with output shapes and parameters" },
})
cli.alone()
if opt.pattern and not pcall(string.find, "", opt.pattern) then cli.usage_error("'%s' is not a Lua pattern", opt.pattern) end
local found = models.table(opt.pattern)
if #found == 0 then
   cli.usage_error("no model's name contains '%s'; there are %s", opt.pattern, table.concat(models.list(), ", "))
end
print(found)
for _, row in ipairs(opt.verbose and found or {}) do print(("\n%s\n%s"):format(row.name, models.summary(row.name))) end
