-- For parts of a test: dofile "tests/cuda/measured.lua"(check, softgpu) -> how far numbers are off, a check of that, and how
-- often a function of CUDA is called.
return function(check, softgpu)
   -- |found - expected| / |expected|; infinite where there are not as many.
   local function distance(found, expected)
      local off, size = 0, 0
      for i, value in ipairs(expected) do off, size = off + (found[i] - value) ^ 2, size + value ^ 2 end
      return #found == #expected and math.sqrt(off / size) or math.huge
   end

   local function check_near(found, expected, room, name)
      local off = distance(found, expected)
      check(off <= room, name, ("off by %.3g"):format(off))
   end

   -- By f(...).
   local function calls(name, f, ...)
      local before = softgpu.calls(name)
      f(...)
      return softgpu.calls(name) - before
   end

   return distance, check_near, calls
end
