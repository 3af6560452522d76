-- What run.json and the report say of how a run trained.
local cjson = require "cjson"
local scute = require "scute"
local part_text = require "scute.base.part_text"
local photos = dofile "tests/cli/photos.lua"
local Small = dofile "tests/lua/small.lua"

local HERE = "tests/lua/settings_spec.lua"
local root

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

setup(function()
   require("scute.base.console").quiet = true
   root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/two", { blue = 6, red = 6 })
end)

teardown(function()
   require("scute.base.console").quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

-- The settings that run.json and report.html have of a run of one epoch. prepare(model): before the optimizer is made.
local function settings_of(given, prepare)
   local set = scute.data.open(root .. "/two", { seed = 0 })
   local model = Small(set.classes)
   if prepare then prepare(model) end
   local groups = model:groups { lr = { stem = 0.001, default = 0.01 }, weight_decay = { stem = 0.5, default = 0.01 } }
   local options = { optimizer = scute.optim.adamw(groups), epochs = 1, batch_size = 4, output_dir = root .. "/out",
      overwrite = true }
   for name, value in pairs(given) do options[name] = value end
   local folder = scute.train.fit(model, set, options).folder
   return cjson.decode(read(folder .. "/run.json")).settings, read(folder .. "/report.html")
end

describe("the settings of a run", function()
   it("name every part of a script of one's own", function()
      local function flat(step, epoch) return epoch / step end
      local function loss(logits, y) return scute.cross_entropy(logits, y) end
      local found, html = settings_of { schedule = flat, loss = loss, augment = "light", ema = 0.9, clip_norm = 2,
         unfreeze = "fc,layer4", hooks = { { name = "watcher", on_step_end = function() end } }, batch_size = 100 }
      assert.matches("^adamw {beta1 = 0.9, .*, groups stem at 0.001, weight_decay = 0.5; .*fc at 0.01$", found.optimizer)
      local line = debug.getinfo(flat, "S").linedefined
      assert.equal(("custom { f = a function (%s:%d) }"):format(HERE, line), found.schedule)
      assert.equal(("a function (%s:%d)"):format(HERE, line + 1), found.loss)
      assert.equal("light: {horizontal_flip = 0.5, random_resized_crop = {scale = {0.5, 1}}}", found.augment)
      assert.equal("fc@1,layer4@1, batch norm eval, warmup 0", found.unfreeze)
      assert.equal("{watcher}", found.hooks)
      assert.same({ 0.9, 2, 1, 10 }, { found.ema, found.clip_norm, found.epochs, found.batch_size }) -- no more than train
      for _, text in pairs { found.optimizer, found.schedule, found.loss, found.augment, found.unfreeze } do
         assert.is_truthy(html:find(require("scute.base.page").escape(text), 1, true), text)
      end
      assert.is_nil(html:find("<h2>Arguments", 1, true)) -- the script says none
   end)

   it("say what is taken where nothing is said, and what is frozen without a plan", function()
      local found, html = settings_of({ arguments = { mine = "a text" } }, function(model) model:freeze "backbone" end)
      assert.same({ "constant", "the cross entropy", "none", "none", "none", "none", "none", 0 }, { found.schedule, found.loss,
         found.augment, found.hooks, found.ema, found.class_weights, found.metrics, found.label_smoothing })
      assert.equal("fc from the start; frozen: stem, layer1, layer2, layer3, layer4", found.unfreeze)
      assert.matches("<h2>Arguments.*a text", html)
      assert.equal("everything trains from the start", settings_of({}).unfreeze)
   end)

   it("name the classes that weigh more, and the metrics", function()
      local found = settings_of { class_weights = "balanced", save_steps = 1, metrics = { "f1", cost = { lower = true,
         f = function() return 1 end } } }
      assert.same({ "balanced: blue 1, red 1", "cost (less is better), f1" }, { found.class_weights, found.metrics })
      assert.error_matches(function() settings_of { class_weights = { red = 1 / 3 }, resume = "auto", overwrite = false } end,
         "class_weights is blue 1, red 0.33333333333333331 here and blue 1, red 1 there")
      assert.equal("blue 1, red 0.333333", settings_of({ class_weights = { red = 1 / 3 } }).class_weights)
   end)

   it("are told once: what a script was told of them and set otherwise is no argument", function()
      local told = { epochs = 1, batch_size = 4, best_by = "accuracy", metrics = {}, patience = 0, device = "cpu", mine = 3 }
      local _, html = settings_of { arguments = told, best_by = "f1", metrics = { "f1" }, early_stop = 3, device = told.device }
      local run = cjson.decode(read(root .. "/out/small/run.json"))
      assert.same({ epochs = 1, batch_size = 4, device = "cpu", mine = 3 }, run.arguments)
      assert.same({ "f1", 3 }, { run.settings.best_by, run.settings.early_stop })
      assert.is_nil(html:match "<h2>Arguments.*":find("best_by", 1, true))
      assert.same(run.arguments, cjson.decode(read(root .. "/out/small/events.jsonl"):match "^[^\n]*").arguments)
   end)

   it("have all options that change a number, in the order of their declaration", function()
      local found = {}
      for name in pairs((settings_of {})) do found[name] = true end
      for _, entry in ipairs(require("scute.train.options").entries) do
         if entry.resume ~= "free" then assert.is_true(found[entry[1]], entry[1]) end
      end
      assert.is_nil(found.output_dir or found.workers)
      assert.matches('"settings": {\n    "optimizer".*"schedule".*"epochs"', read(root .. "/out/small/run.json"))
   end)

   it("are what a part says of itself", function()
      local function call(_, logits, y) return scute.cross_entropy(logits, y) end
      local focal = setmetatable({ name = "focal" }, { __call = call })
      assert.matches("^focal %(" .. HERE:gsub("%p", "%%%0") .. ":%d+%)$", settings_of({ loss = focal }).loss)
      focal.describe = function() return "focal, gamma 2\nover two lines" end
      assert.equal("focal, gamma 2 over two lines", settings_of({ loss = focal }).loss)
   end)

   it("are asked for before anything is written", function()
      os.execute(("rm -rf '%s/out'"):format(root))
      local mute = setmetatable({ describe = function() return 3 end }, { __call = function(_, logits, y)
         return scute.cross_entropy(logits, y)
      end })
      assert.error_matches(function() settings_of { loss = mute } end,
         "train.fit: loss: describe%(%): expected a text, found 3 %(" .. HERE:gsub("%p", "%%%0"))
      assert.is_nil(io.open(root .. "/out"))
   end)
end)

describe("part_text", function()
   it("tells any value in one line", function()
      local loop = {}
      loop.loop = loop
      for text, value in pairs { ["0.1"] = 0.1, ["3"] = 3, ["true"] = true, ["word"] = "word", ["{1, 2, a = {b = 1}}"] = { 1, 2,
         a = { b = 1 } }, ["a function (in C)"] = print, ["{}"] = {}, ["tensor f32 cpu (3)"] = scute.zeros(3) } do
         assert.equal(text, part_text.of(value))
      end
      assert.matches("^{loop = {.*{%.%.%.}.*}$", part_text.of(loop))
      assert.matches("24, %.%.%. 1000 in all}$", part_text.of((function()
         local list = {}
         for i = 1, 1000 do list[i] = i end
         return list
      end)()))
   end)
end)
