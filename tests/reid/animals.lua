-- Draws a collection of SYNTHETIC animals, on which re-identification can be tried and tested where no photos of individuals
-- can be had. Each animal has a pattern of scutes of its own on either side. It is met over the years, growing, in encounters
-- that each have their own light, camera, water and place; some are met once. Beside the photos lies a metadata.csv in the
-- format of wildlife-datasets.
--
--    ./scute tests/reid/draw.lua FOLDER
local here = debug.getinfo(1, "S").source:match "^@(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path

local pattern = require "animals.pattern"
local picture = require "animals.picture"
local plan_of = require "animals.plan"
local random = require "animals.random"
local scene = require "animals.scene"
local scute = require "scute"
local console = require "scute.base.console"
local csv = require "scute.base.csv"
local quoted = require "scute.base.quoted"
local typed_name = require "scute.base.typed_name"

local animals = {}

--- What there is to draw; see tests/reid/animals/plan.lua. options: seed (0), individuals (165).
function animals.plan(options)
   return plan_of(options.seed or 0, options.individuals or 165)
end

-- Patterns and places are made once for each animal and encounter; the one before is forgotten.
local function kept(make)
   local key, value
   return function(new_key, ...)
      if new_key ~= key then key, value = new_key, make(...) end
      return value
   end
end
local place_of = kept(scene.of)
local patterns = {}

local function animal_of(seed, photo)
   local number, side = photo.encounter.individual, photo.side
   local key = ("%d %d %s"):format(seed, number, side)
   patterns[key] = patterns[key] or pattern.of(seed, number, side)
   return patterns[key]
end

--- Where the animal is in a photo of a plan: { x, y, width, height } in pixels, x and y from 0.
function animals.box(plan, photo)
   return picture.box(animal_of(plan.seed, photo), photo.pose, photo.encounter.grown, scene.SCALE,
      scene.PIXELS_WIDE, scene.PIXELS_HIGH)
end

--- A photo of a plan as a scute.image of 256 x 192 pixels. without: the same photo without the animal.
function animals.draw(plan, photo, without)
   local encounter = photo.encounter
   local place = place_of(plan.seed .. " " .. encounter.number, plan.seed, encounter.number, encounter.site)
   local canvas <close> = scute.canvas(scene.WIDTH, scene.HEIGHT)
   scene.draw_behind(canvas, place, photo.view)
   if not without then
      picture.draw(canvas, animal_of(plan.seed, photo), photo.pose, encounter.grown, place.algae, scene.shade(place.light))
   end
   scene.draw_before(canvas, place, random(plan.seed, photo.key))
   return scene.develop(canvas, place)
end

local COLUMNS = { "image_id", "identity", "path", "date", "orientation", "encounter", "bbox", "species" }

--- The text of metadata.csv, as wildlife-datasets writes one: a row for each photo.
function animals.metadata(plan)
   local lines = { csv.line(COLUMNS, #COLUMNS) }
   for i, photo in ipairs(plan.photos) do
      local encounter, box = photo.encounter, animals.box(plan, photo)
      lines[i + 1] = csv.line({ i - 1, encounter.identity, photo.file, encounter.date .. " " .. photo.time, photo.side,
         ("%s %s"):format(encounter.identity, encounter.date), ("[%d, %d, %d, %d]"):format(table.unpack(box)),
         "synthetic animal" }, #COLUMNS)
   end
   return table.concat(lines, "\n") .. "\n"
end

-- ---- a folder of them ----

--- Draws the photos of the encounters that belong to share `part` of `parts` (1 of 1: all) into a folder.
function animals.draw_share(plan, folder, without, part, parts)
   for _, photo in ipairs(plan.photos) do
      if photo.encounter.number % parts == part % parts then
         scute.files.mkdirs(folder .. "/" .. photo.file:match "^(.*)/")
         local image <close> = animals.draw(plan, photo, without)
         image:save(folder .. "/" .. photo.file)
      end
   end
end

local function read_file(path)
   local file <close> = io.open(path, "rb") -- luacheck: ignore
   return file and file:read "a"
end

local function write_file(path, text)
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(text))
end

-- What a folder says of itself: that nothing in it was alive, and what drew it.
local function about(plan, without)
   local sources = { read_file(here .. "/animals.lua") }
   for _, name in ipairs { "picture", "pattern", "plan", "random", "scene", "shape" } do
      sources[#sources + 1] = read_file(("%s/animals/%s.lua"):format(here, name))
   end
   return ("SYNTHETIC animals, drawn by scute's tests/reid/animals.lua: no photo of an animal is among them.\n"
      .. "%d photos, %d encounters; seed %d; animals: %s; version of the drawing: %s\n"):format(#plan.photos, plan.encounters,
      plan.seed, without and "left out" or "in the photos", scute.checksum(sources))
end

-- One process for each processor; what they say is told where one fails.
local function draw_together(folder, o)
   local n, running = scute.processors(), {}
   local line = ("%s %s %s --seed %d --individuals %d%s"):format(quoted(typed_name()), quoted(here .. "/draw.lua"),
      quoted(folder), o.seed or 0, o.individuals or 165, o.without and " --without_animals" or "")
   for i = 1, n do running[i] = io.popen(("%s --share %d/%d 2>&1"):format(line, i, n)) end
   local failed
   for i = 1, n do
      local said = running[i]:read "a"
      if not running[i]:close() then failed = failed or said end
   end
   if failed then console.fail("drawing animals: %s", (failed:gsub("%s+$", ""))) end
end

--- Draws a collection into a folder, unless it is there already. options: seed (0), individuals (165), without = true: the same
-- photos without the animals. Returns the plan.
function animals.prepare(folder, options)
   local o, stamp = options or {}, folder .. "/ABOUT.txt"
   local plan = animals.plan(o)
   local text = about(plan, o.without)
   if read_file(stamp) == text then return plan end
   scute.files.mkdirs(folder)
   os.remove(stamp)
   draw_together(folder, o)
   write_file(folder .. "/metadata.csv", animals.metadata(plan))
   write_file(stamp, text)
   return plan
end

return animals
