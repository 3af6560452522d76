-- Whole functions of one's own, on the memory of tensors as it is: each photo blurred along its rows. What a pixel becomes
-- depends on its neighbours, so that it is no kernel of single elements. One text about a row serves the CPU, whose threads
-- share the rows, and a GPU, where each row is a thread's.
-- Run it:  ./scute examples/custom_kernel_whole.lua, or with cuda behind it
local scute = require "scute"
local device = arg[1] or "cpu"

-- Pixels of a row lie C floats apart, with all channels of a pixel side by side.
local ROW = [[
   const int64_t C = x_shape[1], from = row * x_shape[3] * C, to = from + x_shape[3] * C;
   for (int64_t i = from; i < to; i++) {
      const int64_t left = i - C >= from ? i - C : i, right = i + C < to ? i + C : i; // an edge is its own neighbour
]]
local FORWARD = ROW .. "y[i] = (1 - 2 * share) * x[i] + share * (x[left] + x[right]); }"
local BACKWARD = ROW .. [[ // gx begins as zeros
      gx[i] += (1 - 2 * share) * gy[i];
      gx[left] += share * gy[i];
      gx[right] += share * gy[i];
   }
]]

local LOOP = "#pragma omp parallel for\nfor (int64_t row = 0; row < x_shape[0] * x_shape[2]; row++) {\n%s }"
local THREAD = "int64_t row = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;\nif (row < x_shape[0] * x_shape[2]) {\n%s }"

local blur = scute.kernel {
   name = "blur", inputs = "x", output = "y", numbers = { share = 0.25 },
   doc = "Each pixel with a share of its neighbours to the left and to the right.",
   c = LOOP:format(FORWARD), c_backward = LOOP:format(BACKWARD),
   cuda = THREAD:format(FORWARD), cuda_backward = THREAD:format(BACKWARD),
   grid = function(x) return (x[1] * x[3] + 63) // 64, 64 end, -- blocks, and the threads in each
}

local edge = scute.tensor({ 0, 0, 0, 4, 4, 4 }):reshape { 1, 1, 1, 6 }:to(device)
print("an edge:", table.concat(blur(edge):values(), " "))
print("twice as soft:", table.concat(blur(blur(edge)):values(), " "))
print("gradients are right:", scute.gradcheck(blur, scute.randn(2, 3, 2, 4):to(device):detach():requires_grad_()))
