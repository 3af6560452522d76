-- make bench: speed and memory against PyTorch; the table of contents.
-- Usage: scute tests/bench/run.lua [PYTHON [DEVICE]] -- PYTHON is an interpreter with torch and torchvision; without one
-- scute's own figures are measured. What the environment says is in settings.lua. Run it on an otherwise idle machine.
-- What is measured goes row by row into bench.json, and from there into RESULTS.md: a run that is stopped loses nothing, and
-- PARTS=step,decode measures some of it anew. A REASONS.md beside it becomes a part of the page: why something falls short.
-- On a GPU it is on_gpu.lua that measures, for the page to send back.
package.path = (arg[0]:match "^(.*)/" or ".") .. "/../?.lua;" .. package.path
io.stdout:setvbuf "line" -- into a file too, since it takes long
local console = require "scute.base.console"
local settings = require "bench.settings"
if settings.on_gpu then return require "bench.on_gpu" (settings) end

local ledger = require "bench.ledger"
local networks = require "bench.parts.networks"
local photos = require "bench.parts.photos"
local results = require "bench.results"
local texts = require "bench.parts.texts"

local PARTS = {
   require "bench.parts.peak",
   networks.part { name = "forward", title = "Forward", whats = { "infer" }, aims = { infer = "forward" } },
   networks.part { name = "step", title = "Training step, all layers", whats = { "train" }, aims = { train = "training step" },
      memory = 0.6 },
   networks.part { name = "last", title = "Training step, the last group alone", whats = { "last" },
      aims = { last = "training step, the last group alone" }, once = true },
   networks.part { name = "predict", title = "Forward of one photo", whats = { "infer" }, aims = { infer = "forward of one photo" },
      batch = 1, at_224 = true, once = true },
   networks.part { name = "one_thread", title = "One thread: forward and training step", whats = { "infer", "train" },
      aims = { infer = "forward, one thread", train = "training step, one thread" }, threads = 1, at_224 = true, once = true,
      leaves_out = { resnet50 = true, efficientnet_b0 = true, efficientnet_b3 = true } },
   networks.part { name = "more_backbones", title = "More backbones: forward and training step", whats = { "infer", "train" },
      aims = { train = "training step of more backbones, against channels last" },
      models = { "efficientnet_lite0", "efficientnet_v2_s", "convnext_tiny", "mobilenet_v3_large", "resnet50" },
      modes = { "eager", "cl" }, against = { "cl" }, at_224 = true },
   photos.decode,
   photos.last_group,
   require "bench.parts.exercise",
   require "bench.parts.big_folder",
   require "bench.parts.start",
   require "bench.parts.kernel",
   texts.freezing,
   texts.checkpoint,
}

-- The parts that were asked for.
local function wanted()
   if #settings.parts == 0 then return PARTS end
   local by_name, names, list = {}, {}, {}
   for i, part in ipairs(PARTS) do by_name[part.name], names[i] = part, part.name end
   for i, name in ipairs(settings.parts) do
      list[i] = by_name[name] or console.fail("PARTS: there is no part '%s'; there are %s", name, table.concat(names, ", "))
   end
   return list
end

local parts = wanted()
local book = ledger.open(settings)
function book.kept() results.write(settings, PARTS, book) end
require("scute").files.mkdirs(settings.scratch)
for _, part in ipairs(parts) do
   print(("---- %s, %s"):format(part.title, os.date "%H:%M"))
   book:under_way(part.title)
   part.run(settings, book)
   print(#book:names(part.name) > 0 and part.report(book) or "")
end
book:under_way(nil)
if settings.results then print("---- written: " .. settings.results .. "/RESULTS.md") end
