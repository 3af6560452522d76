-- make reid-demo: the third week on SYNTHETIC animals, which a program draws. Who is it, and how much is that a matter of the
-- split? Asked of a network that sees the background alone, of a frozen one, and of one that has learned to tell the animals
-- apart; then new animals come. Ends with status 1 where it does not show what it has to. --help lists what can be changed.
local lfs = require "lfs"
local scute = require "scute"
local cli = scute.cli

local flags = {
   { "seeds", whole = true, min = 1, max = 20, default = 1, help = "runs of the closed set, of which the mean is told" },
   { "individuals", whole = true, min = 20, max = 999, default = 165, help = "how many animals are drawn" },
   { "animals_seed", whole = true, min = 0, default = 0, help = "other animals for each number" },
}
-- What each run is told as it stands here.
local passed_on = cli.pick(cli.common, "workers", "threads", "device", "precision", "deterministic", "quiet")
table.move(passed_on, 1, #passed_on, #flags + 1, flags)
local opt = cli.parse(arg, "Re-identification of drawn animals, by several protocols", flags)
cli.alone()

if not lfs.attributes "tests/reid/animals.lua" then
   cli.fail("there is no tests/reid/animals.lua, which draws the animals: this demo runs in a clone of scute, from its root")
end
package.path = "tests/reid/?.lua;" .. package.path
local demo = require "demo.steps"
local report = require "demo.report"

local start = scute.clock()
local steps = demo.new("demo/reid", opt, passed_on)
steps:draw()
steps:protocols()
steps:background()
steps:closed_set()
steps:open_set()
steps:identify()
local good = steps:tell()
report.write("demo/reid/report.html", steps.found)
cli.line("\nreid-demo: %s; SYNTHETIC animals; the report is demo/reid/report.html", cli.duration(scute.clock() - start))
if not good then
   cli.warn("the demo does not show what it has to")
   os.exit(1, true)
end
