-- Numbers of channels that hardware likes, as the networks of Google's researchers round them.
local channels = {}

local STEP = 8

--- A number of channels, to the nearest multiple of 8 (at least 8) that is not more than a tenth below.
function channels.rounded(exact)
   local rounded = math.max(STEP, math.floor((exact + STEP // 2) / STEP) * STEP)
   return rounded < 0.9 * exact and rounded + STEP or rounded
end

return channels
