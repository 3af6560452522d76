-- The scutes of one animal, as it has them for life: plates of shell, head and flippers, how dark each is, and the marks in it.
-- Left and right resemble each other, as those of real turtles do, and differ.
--
-- Of the side that is seen, with the head at the right: x from -1 (tail) to 1 (neck), y downwards, the rim of the shell near 0.
local random = require "animals.random"
local shape = require "animals.shape"

local pattern = {}

pattern.SHELL = shape.ellipse(0, 0, 1, 0.78, 0.24, 36)
pattern.HEAD = shape.ellipse(1.34, -0.1, 0.36, 0.25, 0.2, 22)
local LIMBS = { -- where each is fixed, how long and how broad it is, and its plates
   front = { x = 0.52, y = 0.12, length = 0.92, width = 0.17, plates = 13 },
   rear = { x = -0.72, y = 0.12, length = 0.42, width = 0.15, plates = 6 },
}

local SHARED = 0.6 -- of what plates deviate from the mean, left and right have in common this part, and each its own rest

-- A row of plates: how many, from where to where, at which height.
local function row(sites, n, from, to, height, curve)
   for i = 1, n do
      local x = from + (to - from) * (i - 0.5) / n
      sites[#sites + 1] = { x, height * (1 - (curve or 0) * x * x) }
   end
end

local function shell_sites(common)
   local sites, costals = {}, common:whole(4, 6)
   row(sites, common:whole(4, 6), -0.8, 0.8, -0.64, 0.5)
   row(sites, costals, -0.9, 0.9, -0.28, 0.25)
   row(sites, 9, -1, 1, 0.1)
   return sites
end

-- Plates of the head: points that keep away from each other.
local function scattered(source, n, outline)
   local sites, x0, y0 = {}, outline.x, outline.y
   for _ = 1, n do
      local best, far
      for _ = 1, 6 do
         local x, y = x0 + source:uniform(-1, 1) * outline.width, y0 + source:uniform(-1, 1) * outline.height
         local near = math.huge
         for _, site in ipairs(sites) do near = math.min(near, (site[1] - x) ^ 2 + (site[2] - y) ^ 2) end
         if not far or near > far then best, far = { x, y }, near end
      end
      sites[#sites + 1] = best
   end
   return sites
end

local function moved(sites, common, own, deviation)
   for _, site in ipairs(sites) do
      for k = 1, 2 do
         site[k] = site[k] + math.sqrt(SHARED) * common:normal(deviation) + math.sqrt(1 - SHARED) * own:normal(deviation)
      end
   end
   return sites
end

-- Marks within a plate. Each is as large as `size` says at most, and grows with the animal by a rate of its own.
local function marks_of(plate, source, style, o)
   local marks, size = {}, o.size
   for _ = 1, math.floor(o.marks * style.marks * source:uniform(0.4, 1.6) + source:unit()) do
      local x, y = plate.x + source:uniform(-0.8, 0.8) * size, plate.y + source:uniform(-0.8, 0.8) * size
      local radius, corners = size * style.size * source:uniform(0.4, 0.8), source:list(7, 0.7, 1.25)
      marks[#marks + 1] = { x = x, y = y, radius = radius, corners = corners, flat = style.flat,
         dark = source:chance(style.share), rate = source:uniform(-0.5, 1) }
   end
   return marks
end

-- Streaks from a point in the plate outwards.
local function rays_of(source, style, size)
   local rays, turn = {}, source:uniform(0, 2 * math.pi)
   local n = math.floor(style.rays * source:uniform(0.7, 1.3) + 0.5)
   for i = 1, n do
      rays[i] = { angle = turn + (i + source:uniform(-0.3, 0.3)) * 2 * math.pi / n, length = size * source:uniform(0.9, 1.6) }
   end
   return rays
end

-- A color by hue, saturation and value, each 0 to 1, as { r, g, b } from 0 to 255.
local function color_of(hue, saturation, value)
   local color = {}
   for k, shift in ipairs { 0, 2 / 3, 1 / 3 } do
      local t = math.abs(((hue + shift) % 1) * 6 - 3) - 1
      color[k] = 255 * value * (1 - saturation + saturation * math.max(0, math.min(1, t)))
   end
   return color
end

-- What an animal is like all over.
local function style_of(source)
   local hue, saturation, value = source:uniform(0.01, 0.24), source:uniform(0.1, 0.7), source:uniform(0.55, 0.95)
   local deep = source:uniform(0.3, 0.75)
   return { light = color_of(hue, saturation, value), dark = color_of(hue, saturation, value * deep),
      skin = color_of(source:uniform(0.04, 0.24), source:uniform(0.1, 0.5), source:uniform(0.45, 0.85)),
      marks = source:uniform(0, 1), size = source:uniform(0.5, 1.2), flat = source:uniform(0.4, 1.4),
      share = source:unit(), rays = source:chance(0.5) and source:uniform(3, 9) or 0,
      ring = source:chance(0.5) and source:uniform(0.25, 0.7) or 0, seam = source:uniform(0.7, 3.4),
      pale_seam = source:chance(0.3), tones = source:uniform(0.2, 1) }
end

-- sources(name) -> what both sides have in common, and what this side has for itself. o: { style, size of marks, most of them,
-- rays }.
local function plates_of(outline, sites, sources, o)
   local plates = {}
   for i, site in ipairs(sites) do
      local common, own = sources("plate" .. i)
      local polygon = shape.cell(outline, sites, i)
      if #polygon >= 6 then
         local plate = { polygon = polygon, x = site[1], y = site[2] }
         plate.tone = 0.5 + o.style.tones * (SHARED * common:unit() + (1 - SHARED) * own:unit() - 0.5)
         local source = own:chance(SHARED) and common or own
         plate.marks, plate.rays = marks_of(plate, source, o.style, o), o.rays and rays_of(source, o.style, o.size) or {}
         plates[#plates + 1] = plate
      end
   end
   return plates
end

local function shell_of(sources, style)
   local common, own = sources "shell"
   local sites = moved(shell_sites(common), common, own, 0.055)
   return plates_of(pattern.SHELL, sites, sources, { style = style, size = 0.17, marks = 4, rays = true })
end

local function head_of(sources, style)
   local common, own = sources "head"
   local sites = scattered(common, 15, { x = 1.34, y = -0.12, width = 0.34, height = 0.2 })
   return plates_of(pattern.HEAD, moved(sites, common, own, 0.03), sources, { style = style, size = 0.07, marks = 2 })
end

local function limb_of(limb, sources, style)
   local half = limb.length / 2
   local outline = shape.ellipse(half, 0, half, limb.width, limb.width, 16)
   local sites = scattered(select(2, sources "sites"), limb.plates, { x = half, y = 0, width = half, height = limb.width })
   return { x = limb.x, y = limb.y, outline = outline,
      plates = plates_of(outline, sites, sources, { style = style, size = 0.08, marks = 2 }) }
end

--- One side of an animal. seed, number: which animal; side: "left" or "right". Returns { shell, head = plates, front, rear = {
-- x, y, outline, plates }, style }: a plate is { polygon, x, y, tone = 0..1, marks, rays }, style what holds all over.
function pattern.of(seed, number, side)
   local function sources_of(part)
      return function(name)
         return random(seed, part, number, name), random(seed, part, number, name, side)
      end
   end
   local style = style_of(random(seed, "style", number))
   local out = { style = style, shell = shell_of(sources_of "shell", style), head = head_of(sources_of "head", style) }
   for name, limb in pairs(LIMBS) do out[name] = limb_of(limb, sources_of(name), style) end
   return out
end

return pattern
