-- Which of the demo's networks run: those whose weights are at hand.
local console = require "scute.base.console"
local stamps_folds = require "scute.data.stamps_folds"
local message_of = dofile "tests/lua/message_of.lua"

describe("the demo's networks", function()
   local warn, told

   before_each(function()
      warn, told = console.warn, {}
      console.warn = function(...) told[#told + 1] = string.format(...) end
   end)
   after_each(function() console.warn = warn end)

   local here = { name = "here", weights = "README.md" }
   local lacks = { name = "lacks", weights = "no/such.pth" }

   it("are those whose weights are at hand, and what lacks is told with what fetches it", function()
      assert.same({ here }, stamps_folds.at_hand { here })
      assert.same({}, told)
      assert.same({ here }, stamps_folds.at_hand { lacks, here })
      assert.same({ "the weights of lacks are not here as no/such.pth: `make weights` fetches them; the demo goes on without "
         .. "that network" }, told)
   end)

   it("are none without any weights, which ends it", function()
      assert.equal("the weights of lacks are not here as no/such.pth: `make weights` fetches them, and the demo is run in "
         .. "scute's folder", message_of(stamps_folds.at_hand, { lacks }))
      assert.same({}, told)
   end)
end)
