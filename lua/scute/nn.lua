-- scute.nn: layers and containers. Constructors take named arguments, or the first ones by position:
-- nn.Conv2d { 3, 64, 7, stride = 2, padding = 3, bias = false }. See nn/module.lua for classes of one's own.
local nn = {
   Module = require "scute.nn.module",
   init = require "scute.nn.init",
}
require "scute.nn.freeze"

for _, family in ipairs { "conv", "norm", "linear", "activation", "pool", "container", "classifier" } do
   for name, value in pairs(require("scute.nn." .. family)) do nn[name] = value end
end

return nn
