-- What the machine does at most, as far as scute gets there: products of large matrices, GFLOP/s by width, and GB/s of a sum of
-- tensors that no cache holds. Usage: scute tests/bench/peak.lua [SIDE [NUMBERS]]
local scute = require "scute"
local side, numbers = tonumber(arg[1] or 3072), tonumber(arg[2] or 64 << 20)

local function least(step)
   local best = math.huge
   for i = 1, 6 do
      local start = scute.clock()
      step():free()
      if i > 1 then best = math.min(best, scute.clock() - start) end
   end
   return best
end

for _, width in ipairs { "f32", "bf16" } do
   if scute.computes("cpu", width) then
      local a <close> = scute.randn(side, side):to(width)
      local b <close> = scute.randn(side, side):to(width)
      print(("%s %.1f GFLOP/s"):format(width, 2 * side ^ 3 / least(function() return a:matmul(b) end) / 1e9))
   end
end
local a <close> = scute.zeros(numbers)
local b <close> = scute.ones(numbers)
print(("memory %.2f GB/s"):format(3 * 4 * numbers / least(function() return a + b end) / 1e9))
