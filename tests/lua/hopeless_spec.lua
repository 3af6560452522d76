-- When failures of runs end a trial (see scute.experiment.hopeless).
local hopeless = require "scute.experiment.hopeless"

local function failure(variant, message, how)
   return { variant = variant, run = "seed0", message = message, how = how or "failed",
      folder = "out/runs/" .. variant .. "/seed0" }
end

local function of(...)
   return hopeless.of { ... }
end

describe("a trial is hopeless", function()
   it("where two variants fail alike, whatever they are called", function()
      local text = "x.lua:3: attempt to perform arithmetic on a nil value"
      assert.equal("a and b failed alike: " .. text, of(failure("a", text), failure("b", text)))
      assert.is_truthy(of(failure("slow", "run of 'slow': no"), failure("fast", "run of 'fast': no")))
      assert.is_truthy(of(failure("slow", "cannot write out/runs/slow/seed0/x"),
         failure("fast", "cannot write out/runs/fast/seed0/x")))
      assert.is_truthy(of(failure("a", text), failure("a", text), failure("b", text)))
   end)

   it("where a figure is in no run", function()
      assert.is_truthy(of(failure("a", "x.lua:3: scute.experiment: metric: a run has no figure 'acuracy'")))
      assert.is_truthy(of(failure("a", "x.lua:3: run of 'a': figures: there is no 'cost', by which variants are compared")))
   end)

   it("but not where another variant may do", function()
      assert.is_nil(of(failure("a", "no")))
      assert.is_nil(of(failure("a", "no"), failure("a", "no")))
      assert.is_nil(of(failure("a", "no"), failure("b", "neither")))
      for _, how in ipairs { "timeout", "memory" } do assert.is_nil(of(failure("a", "no", how), failure("b", "no", how))) end
      assert.is_nil(of(failure("a", "a did not fit the budget"), failure("b", "b did not fit the budget")))
      assert.is_nil(of(failure("a", "ended by SIGKILL"), failure("b", "ended by SIGKILL")))
   end)
end)
