-- scute.nn: layers and containers. Constructors take named arguments, or the first ones by position, as in
--    nn.Conv2d { 3, 64, 7, stride = 2, padding = 3, bias = false }
-- Classes of one's own derive from nn.Module (help "nn.Module").
local public = require "scute.base.public"
local strict = require "scute.base.strict"

local nn = {
   Module = require "scute.nn.module",
   Parameter = require("scute.nn.parameter").Parameter,
   init = strict.family("scute.nn.init", require "scute.nn.initialise"),
}
require "scute.nn.fields"
require "scute.nn.freeze"
require "scute.nn.groups"

for _, family in ipairs { "conv", "norm", "layer_norm", "linear", "activation", "permute", "pool", "pad", "resize",
   "similarity", "cosine_linear", "embedding_head", "container", "blocks", "summary", "classifier" } do
   for name, value in pairs(require("scute.nn." .. family)) do nn[name] = value end
end
require("scute.nn.kinds").add(nn)

public.hide(nn, "conv_bn_act", "conv_without_bias", "name_as_one", "run_as_one", "run_apart", "adds_residual")
return nn
