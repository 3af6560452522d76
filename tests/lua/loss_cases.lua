-- The losses of scute.losses against pytorch-metric-learning's numbers (tests/golden/make_reid_losses.py), on a device:
-- loss_cases(device, dtype, check), where check(ok, name, why) hears of each.
local scute = require "scute"
local json_file = require "scute.base.json_file"

local losses, nn = scute.losses, scute.nn

local TOLERANCE = { f32 = 1e-5, f64 = 1e-9 } -- of the largest number that is compared, 1 at least

local function flat(rows)
   local list = {}
   for _, row in ipairs(rows) do table.move(row, 1, #row, #list + 1, list) end
   return list
end

-- How far two lists of numbers are apart, relative to the largest; NaN where one is.
local function difference(found, expected)
   local most, largest = 0, 1
   assert(#found == #expected and #found > 0, "as many numbers")
   for i, value in ipairs(expected) do
      local apart = math.abs(found[i] - value)
      if apart > most or apart ~= apart then most = apart end
      largest = math.max(largest, math.abs(value))
      if most ~= most then return most end
   end
   return most / largest
end

return function(device, dtype, check)
   local golden = json_file.read "tests/golden/reid_losses.json"
   local where = { dtype = dtype, device = device }

   local function compare(name, loss, expected, leaves)
      local function is_near(what, found, wanted)
         local apart = difference(found, wanted)
         check(apart <= TOLERANCE[dtype], ("%s, %s, %s: %s"):format(name, device, dtype, what), ("off by %g"):format(apart))
      end
      loss:backward()
      is_near("loss", { loss:item() }, { expected.loss })
      for key, leaf in pairs(leaves) do
         is_near("gradient of " .. key, leaf.grad:to("cpu"):values(), flat(expected.gradients[key]))
      end
   end

   local function tensor(rows)
      return scute.tensor(rows, where)
   end

   local function classes(list)
      return scute.tensor(list, { dtype = "i64", device = device })
   end

   for _, case in ipairs(golden.margins) do
      local o, x = case.options, tensor(case.x):requires_grad_()
      local k = o.sub_centers
      local layer = nn.CosineLinear { #case.x[1], #case.weight // k, sub_centers = k, dtype = dtype, device = device }
      scute.no_grad(function() layer.weight:copy_(tensor(case.weight):reshape(layer.weight.shape)) end)
      local loss = losses.arcface { margin = o.margin, margins = o.margins, scale = o.scale, easy = o.easy }
      compare("arcface, " .. case.name, loss(layer(x), classes(case.y)), case, { x = x, weight = layer.weight })
   end

   local pairs_of = golden.pairs
   for _, case in ipairs(pairs_of.cases) do
      local x, parts = tensor(pairs_of.x):requires_grad_(), {}
      for key, value in pairs(case.options) do parts[#parts + 1] = key .. " " .. tostring(value) end
      table.sort(parts)
      local loss = losses[case.loss_of](case.options)
      compare(case.loss_of .. ", " .. table.concat(parts, ", "), loss(x, classes(pairs_of.y)), case, { x = x })
   end
end
