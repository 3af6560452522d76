-- Draws one animal: its scutes, as old as it is, in the pose of a photo, in the light of an encounter.
local pattern = require "animals.pattern"
local shape = require "animals.shape"

local picture = {}

local MARK = { [true] = { 46, 34, 26 }, [false] = { 226, 208, 158 } }
local SEAM = { [true] = { 222, 210, 176 }, [false] = { 38, 30, 24 } } -- pale, dark
local ALGA, EYE = { 74, 112, 58 }, { 16, 14, 14 }

local function between(from, to, share)
   return { from[1] + (to[1] - from[1]) * share, from[2] + (to[2] - from[2]) * share, from[3] + (to[3] - from[3]) * share }
end

-- ---- where things come to lie ----

-- From the animal's own coordinates to pixels. The head is larger in the young, and their shell rounder.
local function placing(pose, grown)
   local cos, sin, squeeze, lean = math.cos(pose.angle), math.sin(pose.angle), math.cos(pose.yaw), 0.3 * math.sin(pose.yaw)
   local mirror, rise = pose.side == "left" and -1 or 1, pose.pitch * (1.14 - 0.14 * grown)
   return function(x, y)
      local depth = 1 + lean * x
      local u, v = x * squeeze * depth * pose.scale, y * rise * depth * pose.scale
      return pose.x + mirror * (u * cos - v * sin), pose.y + u * sin + v * cos
   end
end

local function placing_head(place, grown)
   local factor = 1.25 - 0.25 * grown
   return function(x, y) return place(1 + (x - 1) * factor, -0.1 + (y + 0.1) * factor) end
end

local function placing_limb(place, limb, angle)
   local cos, sin = math.cos(angle), math.sin(angle)
   return function(x, y) return place(limb.x + x * cos - y * sin, limb.y + x * sin + y * cos) end
end

-- The parts in the order in which they are drawn: { plates, outline, place, skin }.
local function parts_of(animal, pose, grown)
   local place = placing(pose, grown)
   local function limb(name)
      return { plates = animal[name].plates, outline = animal[name].outline, skin = true,
         place = placing_limb(place, animal[name], pose[name]) }
   end
   return { limb "rear", { plates = animal.head, outline = pattern.HEAD, skin = true, place = placing_head(place, grown) },
      { plates = animal.shell, outline = pattern.SHELL, place = place }, limb "front" }
end

--- Where the animal is in the photo: { x, y, width, height } in whole pixels, x and y from 0, cut to the photo of width x
-- height pixels. scale: pixels in a unit of the drawing.
function picture.box(animal, pose, grown, scale, width, height)
   local left, top, right, bottom = math.huge, math.huge, -math.huge, -math.huge
   for _, part in ipairs(parts_of(animal, pose, grown)) do
      for i = 1, #part.outline, 2 do
         local x, y = part.place(part.outline[i], part.outline[i + 1])
         x, y = x * scale, y * scale
         left, right, top, bottom = math.min(left, x), math.max(right, x), math.min(top, y), math.max(bottom, y)
      end
   end
   left, top = math.max(0, math.floor(left)), math.max(0, math.floor(top))
   return { left, top, math.min(width, math.ceil(right)) - left, math.min(height, math.ceil(bottom)) - top }
end

-- ---- what they look like ----

local function color_of(plate, style, grown, skin)
   local color = between(style.dark, style.light, plate.tone * (1 - 0.2 * grown))
   return skin and between(color, style.skin, 0.6) or color
end

-- A streak from the middle of a plate, as a triangle that ends at the plate's seam.
local function streak_of(plate, ray)
   local cos, sin, broad = math.cos(ray.angle), math.sin(ray.angle), 0.013
   return shape.common({ plate.x + broad * sin, plate.y - broad * cos, plate.x - broad * sin, plate.y + broad * cos,
      plate.x + ray.length * cos, plate.y + ray.length * sin }, plate.polygon)
end

local function draw_marks(canvas, plate, place, grown, shade)
   for _, mark in ipairs(plate.marks) do
      local radius = mark.radius * (1 + 0.4 * mark.rate * (grown - 0.5))
      local seen = shape.common(shape.blob(mark.x, mark.y, radius, mark.corners, mark.flat), plate.polygon)
      if #seen >= 6 then
         canvas:polyline(shape.map(seen, place), { fill = true, closed = true, alpha = 0.75, color = shade(MARK[mark.dark]) })
      end
   end
   for _, ray in ipairs(plate.rays) do
      local seen = streak_of(plate, ray)
      if #seen >= 6 then
         canvas:polyline(shape.map(seen, place), { fill = true, closed = true, color = shade(MARK[true]), alpha = 0.5 })
      end
   end
end

local function draw_plate(canvas, plate, part, animal, grown, shade)
   local points = shape.map(plate.polygon, part.place)
   local style = animal.style
   canvas:polyline(points, { fill = true, closed = true, color = shade(color_of(plate, style, grown, part.skin)) })
   if style.ring > 0 and not part.skin then
      canvas:polyline(shape.shrink(points, 0.6), { closed = true, color = shade(SEAM[style.pale_seam]), alpha = style.ring,
         width = 2 })
   end
   draw_marks(canvas, plate, part.place, grown, shade)
   canvas:polyline(points, { closed = true, color = shade(SEAM[style.pale_seam]), alpha = 0.7,
      width = part.skin and 0.9 or style.seam * (0.8 + 0.4 * grown) })
end

-- The dome: dark below, light above.
local function draw_dome(canvas, place)
   for k = 1, 4 do
      local low = shape.clip(pattern.SHELL, 0, -1, 0.28 - 0.1 * k) -- y >= 0.1 * k - 0.28
      canvas:polyline(shape.map(low, place), { fill = true, closed = true, color = "#000000", alpha = 0.09 })
      local lit = shape.ellipse(0.1, -0.5, 0.9 - 0.17 * k, 0.22 - 0.04 * k, 0.24 - 0.05 * k, 18)
      canvas:polyline(shape.map(lit, place), { fill = true, closed = true, color = "#FFFFFF", alpha = 0.045 })
   end
end

local NECK = { 0.75, -0.3, 1.2, -0.24, 1.2, 0.06, 0.75, 0.16 }

local function draw_eye(canvas, place, shade)
   local eye = shape.ellipse(1.44, -0.16, 0.055, 0.05, 0.05, 12)
   canvas:polyline(shape.map(eye, place), { fill = true, closed = true, color = shade(EYE) })
   canvas:polyline(shape.map({ 1.48, 0.02, 1.68, -0.03 }, place), { color = shade(EYE), width = 1.5 })
end

-- What grows on the shell for a season: of an encounter, not of the animal.
local function draw_algae(canvas, algae, place, shade)
   for _, alga in ipairs(algae) do
      local seen = shape.common(shape.blob(alga.x, alga.y, alga.radius, alga.corners, 0.7), pattern.SHELL)
      if #seen >= 6 then
         canvas:polyline(shape.map(seen, place), { fill = true, closed = true, color = shade(ALGA), alpha = alga.alpha })
      end
   end
end

--- Draws it. animal: as pattern.of gives it; pose: { side, x, y, scale (pixels of half a shell), angle, yaw, pitch, front,
-- rear = angles of limbs }; grown: from 0 (just hatched) to 1; algae: of the encounter; shade: color { r, g, b } -> "#RRGGBB".
function picture.draw(canvas, animal, pose, grown, algae, shade)
   local skin = shade(animal.style.skin)
   for i, part in ipairs(parts_of(animal, pose, grown)) do
      if i == 2 then canvas:polyline(shape.map(NECK, part.place), { fill = true, closed = true, color = skin }) end
      canvas:polyline(shape.map(part.outline, part.place), { fill = true, closed = true, color = skin })
      for _, plate in ipairs(part.plates) do draw_plate(canvas, plate, part, animal, grown, shade) end
      if i == 2 then draw_eye(canvas, part.place, shade) end
      if i == 3 then
         draw_algae(canvas, algae, part.place, shade)
         draw_dome(canvas, part.place)
      end
   end
end

return picture
