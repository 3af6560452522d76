-- Kernels for a GPU, without one: which options go together, and what the texts have to mention. What they compute is in
-- tests/cuda/kernels.lua.
local scute = require "scute"

local function declared(more)
   local o = { name = "copy", inputs = "x", output = "y" }
   for key, value in pairs(more) do o[key] = value end
   return scute.kernel(o)
end

local function refused(message, more)
   local ok, text = pcall(declared, more)
   assert.is_false(ok)
   assert.is_truthy(tostring(text):find(message, 1, true), tostring(text))
end

describe("a kernel with a text in CUDA", function()
   local COPY, BACK = "y[0] = x[0];", "gx[0] = gy[0];"

   it("needs none in C, and is for GPUs alone then", function()
      local copy = declared { cuda = COPY }
      assert.is_false(copy.differentiable)
      local ok, text = pcall(copy, scute.ones(1))
      assert.is_false(ok)
      assert.is_truthy(tostring(text):find("copy: it has no text for the CPU", 1, true), tostring(text))
      assert.is_true(declared({ cuda = COPY, cuda_backward = BACK }).differentiable)
   end)

   it("goes with the options of whole functions", function()
      local function grid() return 1, 32 end
      refused("option 'cuda': there is a forward", { forward = "y = x;", cuda = COPY })
      refused("option 'backward': that of a whole function is cuda_backward", { cuda = COPY, backward = "gx = gy;" })
      refused("option 'grid': it goes with cuda", { c = COPY, grid = grid })
      refused("option 'grid': it goes with c or cuda, the body of a whole function", { forward = "y = x;", grid = grid })
      refused("option 'grid_backward': it goes with cuda_backward", { cuda = COPY, grid_backward = grid })
      refused("option 'cuda_backward': there is no c_backward", { c = COPY, cuda = COPY, cuda_backward = BACK })
      refused("option 'c_backward': there is no cuda_backward", { c = COPY, c_backward = BACK, cuda = COPY })
      refused("option 'check': it goes with c", { cuda = COPY, check = true })
      refused("option 'grid': expected a function", { cuda = COPY, grid = 3 })
   end)

   it("writes what it has to", function()
      refused("kernel 'copy', cuda: the output 'y' is never written", { cuda = "(void)x;" })
      refused("kernel 'copy', cuda_backward: 'gx', the gradient of 'x', is never written",
         { cuda = COPY, cuda_backward = "(void)gy;" })
      refused("kernel 'copy', cuda, line 2: '{' is not closed", { cuda = COPY .. "\n{" })
   end)
end)
