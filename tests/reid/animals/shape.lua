-- Convex polygons as flat lists { x1, y1, x2, y2, ... }.
local shape = {}

--- The part of a polygon where a * x + b * y <= c (Sutherland and Hodgman).
function shape.clip(polygon, a, b, c)
   local out, n = {}, #polygon
   local x, y = polygon[n - 1], polygon[n]
   if not x then return out end
   local beyond = a * x + b * y - c
   for i = 1, n, 2 do
      local to_x, to_y = polygon[i], polygon[i + 1]
      local next_beyond = a * to_x + b * to_y - c
      if (beyond <= 0) ~= (next_beyond <= 0) then
         local t = beyond / (beyond - next_beyond)
         out[#out + 1], out[#out + 2] = x + t * (to_x - x), y + t * (to_y - y)
      end
      if next_beyond <= 0 then out[#out + 1], out[#out + 2] = to_x, to_y end
      x, y, beyond = to_x, to_y, next_beyond
   end
   return out
end

local function area(polygon)
   local sum, n = 0, #polygon
   local x, y = polygon[n - 1], polygon[n]
   for i = 1, n, 2 do
      sum = sum + x * polygon[i + 1] - polygon[i] * y
      x, y = polygon[i], polygon[i + 1]
   end
   return sum / 2
end

--- What two convex polygons have in common.
function shape.common(polygon, other)
   local turn, n = area(other) > 0 and 1 or -1, #other
   local x, y = other[n - 1], other[n]
   for i = 1, n, 2 do
      local a, b = turn * (other[i + 1] - y), -turn * (other[i] - x)
      polygon = shape.clip(polygon, a, b, a * x + b * y)
      if #polygon < 6 then return {} end
      x, y = other[i], other[i + 1]
   end
   return polygon
end

--- The points of `outline` that are nearer to site i than to any other: a cell of Voronoi's. sites: list of {x, y}.
function shape.cell(outline, sites, i)
   local x, y = sites[i][1], sites[i][2]
   local polygon, square = outline, x * x + y * y
   for j, site in ipairs(sites) do
      if j ~= i then
         local a, b = site[1] - x, site[2] - y
         polygon = shape.clip(polygon, a, b, (site[1] ^ 2 + site[2] ^ 2 - square) / 2)
      end
   end
   return polygon
end

--- An ellipse of n corners, turned by `angle`. upper, lower: its height above and below the centre.
function shape.ellipse(x, y, width, upper, lower, n, angle)
   local out, cos, sin = {}, math.cos(angle or 0), math.sin(angle or 0)
   for i = 0, n - 1 do
      local t = 2 * math.pi * i / n
      local u, v = width * math.cos(t), math.sin(t)
      v = v * (v < 0 and upper or lower)
      out[2 * i + 1], out[2 * i + 2] = x + cos * u - sin * v, y + sin * u + cos * v
   end
   return out
end

--- A roundish thing with n corners at distances of `radius` times each of `factors`.
function shape.blob(x, y, radius, factors, flat)
   local out, n = {}, #factors
   for i, factor in ipairs(factors) do
      local t = 2 * math.pi * i / n
      out[2 * i - 1], out[2 * i] = x + radius * factor * math.cos(t), y + radius * factor * (flat or 1) * math.sin(t)
   end
   return out
end

--- A polygon drawn together around its middle.
function shape.shrink(polygon, factor)
   local x, y, n = 0, 0, #polygon // 2
   for i = 1, 2 * n, 2 do x, y = x + polygon[i] / n, y + polygon[i + 1] / n end
   local out = {}
   for i = 1, 2 * n, 2 do
      out[i], out[i + 1] = x + factor * (polygon[i] - x), y + factor * (polygon[i + 1] - y)
   end
   return out
end

--- A polygon with every point moved by place(x, y).
function shape.map(polygon, place)
   local out = {}
   for i = 1, #polygon, 2 do out[i], out[i + 1] = place(polygon[i], polygon[i + 1]) end
   return out
end

return shape
