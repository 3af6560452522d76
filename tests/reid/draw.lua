-- Draws a collection of SYNTHETIC animals; see tests/reid/animals.lua.
--
--    ./scute tests/reid/draw.lua FOLDER --individuals 20
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path

local animals = require "animals"
local scute = require "scute"
local cli = scute.cli

local opt = cli.parse(arg, "Draw synthetic animals, each with a pattern of scutes of its own, met over the years", {
   { "folder", argument = true, required = true, value = "FOLDER", help = "where the photos and metadata.csv go" },
   { "individuals", whole = true, min = 1, max = 999, default = 165, help = "how many animals" },
   { "seed", whole = true, min = 0, default = 0, help = "everything follows from it" },
   { "without_animals", flag = true, help = "the same photos, without the animals" },
   { "share", value = "K/N", show = "all of it", help = "only photos, and of them only this share, such as 1/2" },
})

if opt.share then
   local part, parts = opt.share:match "^(%d+)/(%d+)$"
   if not part then cli.fail("share: expected two numbers, as in 1/2, found '%s'", opt.share) end
   animals.draw_share(animals.plan(opt), opt.folder, opt.without_animals, tonumber(part), tonumber(parts))
else
   local plan = animals.prepare(opt.folder, { seed = opt.seed, individuals = opt.individuals, without = opt.without_animals })
   cli.line("%d synthetic photos in %d encounters of %d animals are in %s", #plan.photos, plan.encounters, opt.individuals,
      opt.folder)
end
