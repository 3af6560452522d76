-- Where and how an encounter is photographed: the place, its light and water, and the camera. All photos of an encounter share
-- them; no two encounters do.
local random = require "animals.random"
local scute = require "scute"
local shape = require "animals.shape"

local scene = {}

scene.WIDTH, scene.HEIGHT = 320, 240 -- of what a photo shows, in units of the drawing
scene.PIXELS_WIDE, scene.PIXELS_HIGH = 256, 192 -- of the photo itself: small, so that many are drawn soon
scene.SCALE = scene.PIXELS_WIDE / scene.WIDTH -- pixels in a unit
local WIDE, HIGH = 1.5 * scene.WIDTH, 1.5 * scene.HEIGHT -- of what a camera may look at

-- Kinds of places: the ground's colour, and how much of what lies or grows there.
local KINDS = {
   { name = "sand", ground = { 198, 182, 136 }, stones = 4, blades = 6, corals = 0, ripples = 14 },
   { name = "rock", ground = { 104, 100, 96 }, stones = 26, blades = 4, corals = 2, ripples = 0 },
   { name = "grass", ground = { 84, 106, 62 }, stones = 3, blades = 90, corals = 0, ripples = 0 },
   { name = "reef", ground = { 128, 92, 98 }, stones = 10, blades = 5, corals = 16, ripples = 0 },
   { name = "open water", ground = { 52, 110, 148 }, stones = 0, blades = 0, corals = 0, ripples = 4 },
}
scene.SITES = 8 -- places that animals are faithful to; the kinds take turns

-- ---- pictures made of numbers ----

-- A small picture of random tones of `color`, to be stretched. hues: how far they leave its hue.
local function patches(source, color, tones, hues, width, height)
   local list, n = {}, width * height
   for i = 1, n do
      local tone = source:normal(tones)
      for k = 1, 3 do
         list[(k - 1) * n + i] = math.floor(math.max(0, math.min(255, color[k] + tone + source:normal(hues))))
      end
   end
   return scute.tensor(list, { dtype = "u8" }):reshape { 1, 3, height, width }
end

local grain -- of all cameras, made once

local function draw_grain(canvas, source, strength)
   grain = grain or patches(random "grain", { 128, 128, 128 }, 55, 30, (scene.WIDTH + 64) // 2, (scene.HEIGHT + 64) // 2)
   canvas:image(grain, -source:whole(0, 64), -source:whole(0, 64), scene.WIDTH + 64, scene.HEIGHT + 64,
      { alpha = strength, smooth = false })
end

-- ---- what there is ----

local function varied(source, color, deviation)
   return { color[1] + source:normal(deviation), color[2] + source:normal(deviation), color[3] + source:normal(deviation) }
end

local MAKE = {}

function MAKE.stones(source, ground)
   return { color = varied(source, ground, 34), x = source:uniform(0, WIDE), y = source:uniform(0.2, 1.05) * HIGH,
      radius = source:uniform(8, 46), corners = source:list(9, 0.7, 1.2), flat = source:uniform(0.4, 0.9) }
end

function MAKE.blades(source)
   local x, y, long = source:uniform(0, WIDE), source:uniform(0.5, 1.1) * HIGH, source:uniform(40, 130)
   local bend = source:normal(25)
   return { color = varied(source, { 72, 122, 54 }, 22), width = source:uniform(2, 6),
      line = { x, y, x + 0.3 * bend, y - 0.4 * long, x + 0.7 * bend, y - 0.75 * long, x + 1.3 * bend, y - long } }
end

function MAKE.corals(source)
   local vivid = source:pick { { 196, 84, 92 }, { 204, 148, 64 }, { 132, 88, 168 }, { 214, 190, 170 }, { 90, 150, 140 } }
   local coral = { color = varied(source, vivid, 20), balls = {} }
   local x, y, size = source:uniform(0, WIDE), source:uniform(0.35, 1) * HIGH, source:uniform(10, 34)
   for i = 1, source:whole(4, 9) do
      coral.balls[i] = { x + source:normal(size), y + source:normal(0.6 * size), size * source:uniform(0.25, 0.6) }
   end
   return coral
end

function MAKE.ripples(source, ground)
   local y, line = source:uniform(0, HIGH), {}
   local slope, wave, phase = source:normal(0.1), source:uniform(20, 50), source:uniform(0, 6)
   for x = 0, WIDE, 24 do
      line[#line + 1], line[#line + 2] = x, y + slope * x + 5 * math.sin(x / wave + phase)
   end
   return { color = varied(source, ground, 30), line = line, width = source:uniform(2, 5) }
end

local function things_of(source, kind, ground)
   local things = {}
   for _, name in ipairs { "ripples", "stones", "corals", "blades" } do
      local n = math.floor(kind[name] * source:uniform(0.6, 1.4) + 0.5)
      for _ = 1, n do things[#things + 1] = MAKE[name](source, ground) end
   end
   return things
end

local function light_of(source)
   local water = source:pick { { 30, 104, 132 }, { 26, 84, 140 }, { 48, 112, 92 }, { 74, 128, 128 } }
   local bright = source:uniform(0.75, 1.12)
   return { water = varied(source, water, 14), haze = source:uniform(0.04, 0.26), caustics = source:chance(0.4),
      gain = { bright * source:uniform(0.72, 1), bright * source:uniform(0.86, 1), bright * source:uniform(0.86, 1.05) } }
end

local function camera_of(source)
   return { sharp = source:whole(48, 80) / 80, grain = source:uniform(0.02, 0.06), contrast = source:uniform(0.9, 1.1),
      saturation = source:uniform(0.85, 1.15) }
end

local function algae_of(source)
   local algae = {}
   for i = 1, source:whole(0, 3) do
      algae[i] = { x = source:uniform(-0.8, 0.8), y = source:uniform(-0.6, 0.1), radius = source:uniform(0.05, 0.2),
         corners = source:list(8, 0.5, 1.3), alpha = source:uniform(0.3, 0.7) }
   end
   return algae
end

--- The surroundings of an encounter. seed, number: which one; site: 1 to scene.SITES, which lends it the kind of place.
function scene.of(seed, number, site)
   local source = random(seed, "encounter", number)
   local kind = KINDS[(site - 1) % #KINDS + 1]
   local ground = varied(random(seed, "site", site), kind.ground, 12)
   ground = varied(source, ground, 16)
   return { light = light_of(source), camera = camera_of(source), algae = algae_of(source),
      far = patches(source, ground, 20, 9, 6, 5), near = patches(source, ground, 34, 10, 30, 24),
      things = things_of(source, kind, ground) }
end

-- ---- a photo of it ----

--- A function that says how a color looks there: { r, g, b } -> "#RRGGBB". depth: 1 for what is near, more for what is far.
function scene.shade(light, depth)
   local haze = math.min(0.85, light.haze * (depth or 1))
   return function(color)
      local seen = {}
      for k = 1, 3 do
         local v = color[k] * light.gain[k]
         v = v + (light.water[k] - v) * haze
         seen[k] = math.floor(math.max(0, math.min(255, v)))
      end
      return ("#%02X%02X%02X"):format(seen[1], seen[2], seen[3])
   end
end

local function draw_thing(canvas, thing, shade)
   local color = shade(thing.color)
   if thing.line then
      canvas:polyline(thing.line, { color = color, width = thing.width })
   elseif thing.balls then
      for _, ball in ipairs(thing.balls) do canvas:circle(ball[1], ball[2], ball[3], { fill = true, color = color }) end
   else
      local blob = shape.blob(thing.x, thing.y, thing.radius, thing.corners, thing.flat)
      canvas:polyline(blob, { fill = true, closed = true, color = color })
      canvas:polyline(shape.shrink(blob, 0.65), { fill = true, closed = true, color = "#FFFFFF", alpha = 0.1 })
      canvas:polyline(blob, { closed = true, color = "#000000", alpha = 0.3, width = 2 })
   end
end

--- The place behind the animal. view: { x, y = pixels that the camera has moved, zoom }.
function scene.draw_behind(canvas, place, view)
   local shade = scene.shade(place.light, 1.4)
   canvas:push()
   canvas:scale(view.zoom)
   canvas:translate(-view.x, -view.y)
   canvas:image(place.far, 0, 0, WIDE, HIGH)
   canvas:image(place.near, 0, 0, WIDE, HIGH, { alpha = 0.45 })
   for _, thing in ipairs(place.things) do draw_thing(canvas, thing, shade) end
   canvas:pop()
   canvas:rect(0, 0, scene.WIDTH, scene.HEIGHT, { fill = true, color = shade(place.light.water), alpha = place.light.haze })
end

local function draw_caustics(canvas, source)
   for _ = 1, 9 do
      local line, x, y = {}, source:uniform(-40, scene.WIDTH), source:uniform(0, scene.HEIGHT)
      for i = 1, 6 do
         line[2 * i - 1], line[2 * i] = x, y
         x, y = x + source:uniform(10, 40), y + source:normal(18)
      end
      canvas:polyline(line, { color = "#FFFFFF", alpha = 0.16, width = source:uniform(2, 7) })
   end
end

--- What lies between the camera and the animal: light, specks and grain. source: random numbers of the photo.
function scene.draw_before(canvas, place, source)
   if place.light.caustics then draw_caustics(canvas, source) end
   for _ = 1, source:whole(0, 25) do
      canvas:circle(source:uniform(0, scene.WIDTH), source:uniform(0, scene.HEIGHT), source:uniform(0.5, 2.2),
         { fill = true, color = "#FFFFFF", alpha = 0.5 })
   end
   draw_grain(canvas, source, place.camera.grain)
end

--- What the camera makes of the drawing: a scute.image of scene.PIXELS_WIDE x scene.PIXELS_HIGH pixels.
function scene.develop(canvas, place)
   local camera = place.camera
   local small <close> = canvas:render { scale = camera.sharp * scene.SCALE }
   local full <close> = small:resize { width = scene.PIXELS_WIDE, height = scene.PIXELS_HIGH }
   return full:jitter { contrast = camera.contrast, saturation = camera.saturation }
end

return scene
