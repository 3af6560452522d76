-- Cases of squeeze_excitation: x (n, c, h, w), squeezed to s channels.
local function case(name, n, c, h, w, s, more)
   local entry = { op = "squeeze_excitation", name = name, inputs = { x = { shape = { n, c, h, w } },
      weight1 = { shape = { s, c, 1, 1 }, scale = 0.5 }, bias1 = { shape = { s } },
      weight2 = { shape = { c, s, 1, 1 } }, bias2 = { shape = { c } } } }
   for key, value in pairs(more or {}) do entry[key] = value end
   return entry
end

local large = { numeric = false }
local list = {
   case("small", 2, 6, 3, 4, 2),
   case("one sample", 1, 5, 4, 4, 3),
   case("one pixel, one squeezed channel", 3, 4, 1, 1, 1),
   case("channels over two widths", 3, 150, 5, 3, 6, large),
   case("many pixels", 4, 32, 23, 25, 8, large),
   case("frozen layers", 2, 6, 3, 4, 2, { grad = { "x" } }),
   case("frozen maps", 2, 6, 3, 4, 2, { grad = { "weight1", "bias1", "weight2", "bias2" } }),
   case("one sample of many pixels", 1, 16, 37, 29, 4, large),
   case("as in a MobileNetV3", 3, 12, 5, 4, 5, { attrs = { act = "relu", scale_act = "hardsigmoid" } }),
}
for _, act in ipairs(require("scute.nn.fused").choices) do
   list[#list + 1] = case(act .. " twice", 2, 6, 3, 4, 3, { attrs = { act = act, scale_act = act } })
end

local function bad(change, message)
   local entry = case("", 2, 6, 3, 4, 2, { message = message })
   for key, shape in pairs(change) do entry.inputs[key] = { shape = shape } end
   return entry
end
list.bad = {
   bad({ x = { 2, 6 } }, "'x': expected 4 dimensions"),
   bad({ weight1 = { 2, 5, 1, 1 } }, "'weight1': expected shape %(2, 6, 1, 1%), found %(2, 5, 1, 1%)"),
   bad({ bias1 = { 3 } }, "'bias1': expected shape %(2%), found %(3%)"),
   bad({ weight2 = { 6, 2, 3, 3 } }, "'weight2': expected shape %(6, 2, 1, 1%)"),
   bad({ bias2 = { 2 } }, "'bias2': expected shape %(6%), found %(2%)"),
}
return list
