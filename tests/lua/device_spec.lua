local scute = require "scute"

describe("devices", function()
   it("are named as they are, and told apart from what is none", function()
      assert.equal("cpu", scute.device "cpu")
      assert.equal("ref", scute.device "ref")
      assert.truthy(scute.device():find "^c") -- "auto": cpu, or cuda:0 where there is one
      assert.error_matches(function() scute.device "moon" end, "device 'moon' is not known")
      assert.error_matches(function() scute.device "cuda:x" end, "device 'cuda:x' is not known")
      assert.error_matches(function() scute.zeros(1):to "cuda:x" end, "device 'cuda:x' is not known")
      local place = "to: expected a dtype %(.*%) or a device %(.*%), found 'gpu'"
      assert.error_matches(function() scute.zeros(1):to "gpu" end, place)
   end)

   it("say what is missing where there is no GPU", function()
      local found, name = pcall(scute.device, "cuda")
      if found then return assert.equal("cuda:0", name) end
      assert.truthy(name:find "^device 'cuda': ")
      local _, told = pcall(function() return scute.zeros(1):to "cuda" end) -- as for what is done with it
      assert.truthy(told:find(name, 1, true))
      assert.truthy(name:find "use %-%-device cpu")
   end)

   it("are waited for, and the waits counted", function()
      scute.syncs "reset"
      scute.synchronize()
      scute.synchronize "cpu"
      local x <close> = scute.ones(2)
      x:values()
      assert.equal(0, (scute.syncs())) -- the CPU is never waited for
   end)

   it("compute as they are told", function()
      assert.is_false(scute.tf32())
      assert.is_true(scute.tf32(true))
      assert.is_true(scute.tf32())
      scute.tf32(false)
      assert.is_false(scute.deterministic(false))
      assert.error_matches(function() scute.tf32(1) end, "boolean expected")
   end)
end)

describe("values read later", function()
   it("are those of the moment at which they were asked for", function()
      local x <close> = scute.tensor { { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } } } }
      local later <close> = x:later()
      x:fill_(0)
      local values <close> = later:get()
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, values:values())
      assert.same({ 1, 2, 2, 2 }, values.shape)
      assert.equal("cpu", values.device)
   end)

   it("may be given up, and then are no more", function()
      local later = scute.ones(3):later()
      later:free()
      later:free()
      assert.error_matches(function() later:get() end, "given up")
   end)

   it("cannot be those of a tensor that was freed", function()
      local x = scute.ones(3)
      x:free()
      assert.error_matches(function() x:later() end, "freed")
   end)
end)
