-- Vectors (N, D) brought to length 1, in float32 at least, for what compares embeddings. One shorter than SHORTEST counts as
-- that long, so that the gradient of a vector of zeros stays a number in half width.
local scute = require "scute.core"

local SHORTEST = 1e-6

return function(t)
   if t.dtype ~= "f16" and t.dtype ~= "bf16" then return scute.normalize(t, 2, 2, SHORTEST) end
   local wide <close> = t:to "f32"
   return scute.normalize(wide, 2, 2, SHORTEST)
end
