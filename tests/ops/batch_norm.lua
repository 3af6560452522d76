-- Cases of batch_norm: every activation, with and without residual, training and evaluating.
local activations = require("scute.nn.fused").choices
local cases = {}

local function add(name, shape, options)
   local channels = { shape[2] }
   local inputs = { x = { shape = shape, scale = options.scale or 2, shift = options.shift or 0.5 } }
   if not options.plain then
      inputs.weight = { shape = channels, shift = 1, scale = 0.5 }
      inputs.bias = { shape = channels }
   end
   if options.residual then inputs.residual = { shape = shape } end
   if not options.no_running then
      inputs.running_mean = { shape = channels }
      inputs.running_var = { shape = channels, scale = 0.5, shift = 1 }
   end
   local grad = options.grad
   if not grad then
      grad = { "x" }
      for _, key in ipairs { "weight", "bias", "residual" } do
         if inputs[key] then grad[#grad + 1] = key end
      end
   end
   cases[#cases + 1] = {
      op = "batch_norm", name = name, inputs = inputs, grad = grad,
      attrs = { training = options.training, act = options.act, eps = options.eps, momentum = options.momentum },
      golden = options.golden,
      tolerance = options.tolerance or 1e-5, reason = options.reason or "the gradient of x is a difference of near equal sums",
   }
end

for _, training in ipairs { true, false } do
   local mode = training and "training" or "evaluating"
   for _, act in ipairs(activations) do
      for _, residual in ipairs { false, true } do
         add(("%s, %s%s"):format(mode, act, residual and ", residual" or ""), { 3, 6, 5, 4 },
            { training = training, act = act, residual = residual })
      end
   end
   add(mode .. ", rank 2", { 8, 5 }, { training = training, act = "relu" })
   add(mode .. ", no weight and bias", { 4, 3, 3, 3 }, { training = training, plain = true })
   add(mode .. ", only the residual learns", { 2, 16, 3, 3 },
      { training = training, act = "relu", residual = true, grad = { "residual" } })
   add(mode .. ", only weight and bias learn", { 2, 16, 3, 3 },
      { training = training, act = "relu6", grad = { "weight", "bias" } })
   add(mode .. ", only x learns", { 2, 33, 3, 3 }, { training = training, act = "none", grad = { "x" } })
   add(mode .. ", many rows", { 4, 16, 24, 24 }, { training = training, act = "relu" })
end
for _, residual in ipairs { false, true } do -- golden: what is new here is checked by differences
   add(("evaluating, relu6 at both ends%s"):format(residual and ", residual" or ""), { 2, 5, 4, 4 },
      { training = false, act = "relu6", scale = 16, residual = residual, golden = false })
end
add("training, no running statistics", { 2, 4, 3, 3 }, { training = true, no_running = true })
add("training, a mean far from zero", { 4, 3, 8, 8 }, { training = true, shift = 100,
   tolerance = 1e-4, reason = "float32 holds x to 4e-6 of its deviation here" })
add("training, momentum 1 and a large eps", { 2, 4, 3, 3 }, { training = true, momentum = 1, eps = 0.1 })

local x, three = { shape = { 2, 3, 4, 4 } }, { shape = { 3 } }
cases.bad = {
   { op = "batch_norm", inputs = { x = { shape = { 2, 3, 4 } } }, attrs = { training = true },
      message = "'x': expected 2 or 4 dimensions" },
   { op = "batch_norm", inputs = { x = x }, message = "'running_mean' is missing" },
   { op = "batch_norm", inputs = { x = x, running_mean = three },
      message = "expected both of 'running_mean' and 'running_var'" },
   { op = "batch_norm", inputs = { x = x, weight = { shape = { 4 } } }, attrs = { training = true },
      message = "'weight': expected shape %(3%), one per channel of x, found %(4%)" },
   { op = "batch_norm", inputs = { x = x, residual = { shape = { 2, 3, 4, 5 } } }, attrs = { training = true },
      message = "'residual': expected x's shape" },
   { op = "batch_norm", inputs = { x = { shape = { 1, 3, 1, 1 } } }, attrs = { training = true },
      message = "expected more than one value per channel when training, found shape %(1, 3, 1, 1%)" },
}

return cases
