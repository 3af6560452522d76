-- Scales from a number in 0..1 to a colour, each growing steadily darker or lighter, so that they also read in gray.
local color = {}

local scales = {
   blues = { { 255, 255, 255 }, { 222, 235, 247 }, { 158, 202, 225 }, { 66, 146, 198 }, { 8, 81, 156 }, { 8, 48, 107 } },
   inferno = { { 0, 0, 4 }, { 66, 10, 104 }, { 147, 38, 103 }, { 221, 81, 58 }, { 252, 165, 10 }, { 252, 255, 164 } },
}

--- Red, green and blue, 0 to 255, of `value` (0..1) on the scale "blues" (ColorBrewer) or "inferno" (matplotlib's).
function color.rgb(scale, value)
   local list = scales[scale]
   local at = math.max(0, math.min(1, value == value and value or 0)) * (#list - 1)
   local i = math.min(math.floor(at), #list - 2)
   local a, b, t = list[i + 1], list[i + 2], at - i
   local rgb = {}
   for k = 1, 3 do rgb[k] = math.floor(a[k] + (b[k] - a[k]) * t + 0.5) end
   return rgb[1], rgb[2], rgb[3]
end

--- The same as "#RRGGBB".
function color.hex(scale, value)
   return ("#%02X%02X%02X"):format(color.rgb(scale, value))
end

return color
