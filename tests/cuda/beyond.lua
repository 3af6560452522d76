-- More than 2^31 numbers: convolutions go in parts, products are the kind of error that halves a batch, and ops take them.
-- Nothing is computed, so that the memory is never touched.
-- Usage: SOFTGPU_COMPUTE=none SOFTGPU_MEMORY=100000000000 SCUTE_PLUGINS=build/softgpu scute tests/cuda/beyond.lua [DEVICE]
local scute = require "scute"
package.cpath = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder") .. "/?.so;"
   .. package.cpath
local softgpu = require "softgpu"

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local check = tally.check
local BEYOND = 1 << 31

local function there(...)
   return scute.zeros({ ... }, { device = device })
end

-- f() fails with a text that has `pattern`, of a kind (nil: none).
local function fails(name, kind, pattern, f)
   local ok, why = pcall(f)
   check(not ok and tostring(why):find(pattern) and scute.error_kind(why) == kind, name, ok and "it succeeded" or why)
end

local function calls(fn, f)
   local before = softgpu.calls(fn)
   f():free()
   return softgpu.calls(fn) - before
end

do
   local rows <close> = there(BEYOND + 8, 1)
   local weight <close> = there(1, 1)
   fails("a product of too many rows", "out of memory", "cuBLAS multiplies matrices of at most 2147483647 rows and columns.*"
      .. "use a smaller %-%-batch%-size; in linear", function() return rows:linear(weight) end)
   check(rows:relu().shape[1] == BEYOND + 8, "an op by elements")
   check(#rows:sum().shape == 0, "a sum")
   rows:argmax(1):free()
end
collectgarbage()

do -- 2.15 * 10^9 numbers in 2,050 photos
   local photos <close> = there(2050, 16, 256, 256)
   local filters <close> = there(1, 16, 1, 1)
   local parts = calls("cudnnConvolutionForward", function() return photos:conv2d(filters) end)
   check(parts == 2, "a convolution goes in two parts", parts)
end
collectgarbage()

do
   local photo <close> = there(1, 2, 32800, 32800)
   local filters <close> = there(1, 2, 1, 1)
   fails("one photo", nil, "one photo of 32800 x 32800 with 2 %-> 1 channels has more numbers than cuDNN counts.*image%-size",
      function() return photo:conv2d(filters) end)
end

local violations, last = softgpu.violations()
check(violations == 0, "nothing is violated", last)
tally.finish()
