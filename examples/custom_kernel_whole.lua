-- A whole function of one's own in C, on the memory of tensors as it is: each photo blurred along its rows. What a pixel
-- becomes depends on its neighbours, so that it is no kernel of single elements.
-- Run it:  ./scute examples/custom_kernel_whole.lua
local scute = require "scute"
local device = arg[1] or "cpu"

-- Pixels of a row lie C floats apart, with all channels of a pixel side by side.
local blur = scute.kernel {
   name = "blur", inputs = "x", output = "y", numbers = { share = 0.25 },
   doc = "Each pixel with a share of its neighbours to the left and to the right; none beyond the edge.",
   c = [[
      const int64_t C = x_shape[1], H = x_shape[2], W = x_shape[3];
      #pragma omp parallel for
      for (int64_t row = 0; row < x_shape[0] * H; row++)
         for (int64_t i = row * W * C; i < (row + 1) * W * C; i++) {
            const float left = i - C >= row * W * C ? x[i - C] : x[i];
            const float right = i + C < (row + 1) * W * C ? x[i + C] : x[i];
            y[i] = (1 - 2 * share) * x[i] + share * (left + right);
         }
   ]],
   c_backward = [[
      const int64_t C = x_shape[1], H = x_shape[2], W = x_shape[3];
      #pragma omp parallel for
      for (int64_t row = 0; row < x_shape[0] * H; row++)
         for (int64_t i = row * W * C; i < (row + 1) * W * C; i++) { // gx begins as zeros
            gx[i] += (1 - 2 * share) * gy[i];
            gx[i - C >= row * W * C ? i - C : i] += share * gy[i];
            gx[i + C < (row + 1) * W * C ? i + C : i] += share * gy[i];
         }
   ]],
}

local edge = scute.tensor({ 0, 0, 0, 4, 4, 4 }):reshape { 1, 1, 1, 6 }:to(device)
print("an edge:", table.concat(blur(edge):values(), " "))
print("twice as soft:", table.concat(blur(blur(edge)):values(), " "))
print("gradients are right:", scute.gradcheck(blur, scute.randn(2, 3, 2, 4):to(device):detach():requires_grad_()))
