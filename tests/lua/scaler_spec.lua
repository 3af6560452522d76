-- The ops of dynamic loss scaling where something overflows.
local scute = require "scute"

local function number(value)
   return scute.full({}, value)
end

local function overflowing(n, at, value)
   local list = {}
   for i = 1, n do list[i] = i == at and value or i end
   return scute.tensor(list)
end

describe("unscale_", function()
   for _, value in ipairs { math.huge, -math.huge, 0 / 0 } do
      it("finds " .. value .. " wherever it is", function()
         for _, at in ipairs { 1, 7, 20000, 40000 } do
            local found = number(0)
            scute.unscale_ { grads = { scute.ones(3), overflowing(40000, at, value) }, scale = number(8), found_inf = found }
            assert.equal(1, found:item())
         end
      end)
   end

   it("finds what overflows only when it is divided", function()
      local found = number(0)
      scute.unscale_ { grads = { scute.full({ 3 }, 1e30) }, scale = number(1e-20), found_inf = found }
      assert.equal(1, found:item())
   end)
end)

describe("scale_update_", function()
   it("does not let the scale overflow", function()
      local scale, good, skipped = number(2 ^ 127), number(0), number(0)
      for _ = 1, 3 do
         scute.scale_update_ { scale = scale, good_steps = good, skipped = skipped, found_inf = number(0), interval = 1 }
      end
      assert.same({ 2 ^ 127, 0, 0 }, { scale:item(), good:item(), skipped:item() })
   end)
end)

describe("found_inf", function()
   local function lists(names)
      local given = {}
      for i, name in ipairs(names) do given[name] = { scute.full({ 5 }, i), scute.full({ 2, 3 }, -i) } end
      return given
   end

   local cases = {
      sgd_step = { { "params", "grads", "momenta" }, { lr = 0.1, momentum = 0.9, first = true } },
      adamw_step = { { "params", "grads", "exp_avg", "exp_avg_sq" }, { lr = 0.1, step = 1, weight_decay = 0.1 } },
      rmsprop_step = { { "params", "grads", "square_avg", "momenta" }, { lr = 0.1, momentum = 0.9 } },
      average_step = { { "averages", "values" }, { decay = 0.5 } },
   }
   for op, case in pairs(cases) do
      for _, device in ipairs { "cpu", "ref" } do
         it(("keeps %s from writing anything on %s"):format(op, device), function()
            local given, before = lists(case[1]), {}
            for name, value in pairs(case[2]) do given[name] = value end
            for _, name in ipairs(case[1]) do
               for i, t in ipairs(given[name]) do given[name][i] = t:to(device) end
               before[name] = { given[name][1]:values(), given[name][2]:values() }
            end
            given.found_inf = number(1):to(device)
            scute[op](given)
            for _, name in ipairs(case[1]) do
               assert.same(before[name], { given[name][1]:values(), given[name][2]:values() })
            end
            given.found_inf = number(0):to(device)
            scute[op](given)
            assert.are_not.same(before[case[1][1]], { given[case[1][1]][1]:values(), given[case[1][1]][2]:values() })
         end)
      end
   end
end)
