local scute = require "scute"

describe("printing a tensor", function()
   it("shows a scalar", function()
      assert.equal("tensor f32 cpu (): 3.5000", tostring(scute.tensor(3.5)))
      assert.equal("tensor i64 cpu (): -7", tostring(scute.tensor(-7, { dtype = "i64" })))
   end)
end)
