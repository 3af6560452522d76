-- The page of an experiment, from a trial made by hand: what it tells, which pictures there are, and what variants said of
-- photos.
local scute = require "scute"
local board = require "scute.experiment.board"
local page = require "scute.base.page"
local photos = dofile "tests/cli/photos.lua"
local pictures = require "scute.experiment.pictures"
local report = require "scute.experiment.report"
local trial = require "scute.experiment.trial"
local voices = require "scute.experiment.voices"

local CLASSES = { "blue", "red <b>" }
local root

setup(function()
   root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/photos", { blue = 2, red = 2 })
end)

teardown(function() os.execute(("rm -rf '%s'"):format(root)) end)

-- Four photos, of which the first two are of the first class.
local function paths(named)
   if named then return { "s1", "s2", "s3", "s4" } end
   local list = {}
   for i, name in ipairs { "blue/001", "blue/002", "red/001", "red/002" } do
      list[i] = ("%s/photos/%s.bmp"):format(root, name)
   end
   return list
end

-- What a run of a variant left that said `predicted`. more: other fields.
local function record(variant, seed, predicted, more)
   local labels, right, share = { 1, 1, 2, 2 }, {}, 0
   for i, class in ipairs(labels) do
      right[i] = class == predicted[i] and 1 or 0
      share = share + right[i] / 4
   end
   local made = { format = 1, state = "finished", variant = variant, run = "seed" .. seed, seed = seed, metric = "accuracy",
      figures = { accuracy = share, loss = 1 - share / 2 }, best_epoch = 2, epochs = 2, seconds = 1 + seed, peak_memory = 5e7,
      parameters = 1000, trainable = 10, jobs = 1, threads = 1, classes = CLASSES, photos = paths(), labels = labels,
      predicted = predicted, values = { accuracy = right },
      curve = { { epoch = 1, val_accuracy = share / 2, val_loss = 1 }, { epoch = 2, val_accuracy = share, val_loss = 0.5 } } }
   for key, value in pairs(more or {}) do made[key] = value end
   return made
end

local function plan_of(variants, more)
   local plan = { format = 1, name = "a <trial>", seeds = 2, seed = 0, metric = "accuracy", photos = 8, classes = 2,
      class_names = CLASSES, split = "drawn", jobs = 1, settings = { { "budget & more", "epochs=2" } }, variants = variants }
   for key, value in pairs(more or {}) do plan[key] = value end
   return plan
end

local ALL_RIGHT, ONE_WRONG, HALF, NONE = { 1, 1, 2, 2 }, { 1, 1, 2, 1 }, { 1, 1, 1, 1 }, { 2, 2, 1, 1 }

-- Variants "a" and "b" with two runs each, of which "a" is better, and "c" with one.
local function small(more)
   local variants = { { name = "a", options = { lr = 0.1, how = "x" } }, { name = "b", options = { lr = 0.2 } },
      { name = "c", options = { deep = true } } }
   local records = { a = { record("a", 0, ALL_RIGHT), record("a", 1, ONE_WRONG) },
      b = { record("b", 0, HALF, { parameters = 500 }), record("b", 1, HALF, { parameters = 500 }) },
      c = { record("c", 0, NONE) } }
   return trial.of(plan_of(variants), records, { { variant = "c", run = "seed1", message = "it <burst>", how = "failed" } },
      more or { folder = root })
end

-- A grid of lr and width, and further settings; figure(options) is the accuracy in quarters.
local function grid(axes, figure)
   local variants, records = {}, {}
   local function add(options, k)
      if k > #axes then
         local name = ("v%d"):format(#variants + 1)
         local copy, predicted = {}, table.move(NONE, 1, 4, 1, {})
         for key, value in pairs(options) do copy[key] = value end
         for i = 1, figure(copy) do predicted[i] = ALL_RIGHT[i] end
         variants[#variants + 1], records[name] = { name = name, options = copy }, { record(name, 0, predicted) }
         return
      end
      for _, value in ipairs(axes[k].values) do
         options[axes[k].key] = value
         add(options, k + 1)
      end
   end
   add({}, 1)
   return trial.of(plan_of(variants, { axes = axes, seeds = 1 }), records, {}, { folder = root })
end

local LR, WIDTH = { key = "lr", values = { 0.1, 0.01, 0.001 } }, { key = "width", values = { 8, 16 } }

describe("what variants said", function()
   it("is by photo: where they disagree, those first that divide them most, and which were most often wrong", function()
      local found = small()
      local list = voices.photos(found)
      assert.equal(4, #list)
      assert.same({ 4, 4 }, { list[1].answers, list[1].right }) -- of "a" and "b", which have a rank
      local disputed, count = voices.disputed(found, list, CLASSES, 10)
      assert.same({ 1, 1 }, { #disputed, count }) -- of the fourth photo "a" said both as often, and then not what is right
      assert.equal(paths()[3], disputed[1].photo.path)
      assert.same({ { class = "red <b>", right = true, variants = { "a" } },
         { class = "blue", right = false, variants = { "b" } } }, disputed[1].groups)
      assert.equal("red <b>", disputed[1].truth)
      local hardest = voices.hardest(list, CLASSES, 10)
      assert.same({ paths()[4], "blue", 1, 4 }, { hardest[1].photo.path, hardest[1].said, hardest[1].photo.right,
         hardest[1].photo.answers })
      assert.equal(2, #hardest)
      assert.same({ {}, 1 }, { voices.disputed(found, list, CLASSES, 0) })
   end)

   it("is of all that ran where fewer than two have a rank, and nothing where no run answered", function()
      local plan = plan_of { { name = "a", options = {} }, { name = "b", options = {} } }
      local found = trial.of(plan, { a = { record("a", 0, HALF) }, b = { record("b", 0, NONE) } }, {}, {})
      assert.equal(8, voices.photos(found)[1].answers * 4)
      found = trial.of(plan, {}, {}, {})
      assert.same({}, voices.photos(found))
      assert.same(CLASSES, voices.classes(found))
   end)
end)

describe("pictures of a trial", function()
   it("name those that no other beats, by cost in which they differ", function()
      assert.same({ parameters = { "b", "a" } }, pictures.fronts(small()))
   end)

   it("leave times out that do not compare", function()
      local function heights(more)
         return pictures.costs(small(more), { columns = 1 }).height
      end
      assert.is_true(heights { folder = root } > heights { folder = root, times = "the runs were in one process" })
   end)

   it("have a map of a grid, the most values across; of several other settings it is the mean, and says so", function()
      local real, said = scute.plot.heat_map, nil
      rawset(scute.plot, "heat_map", function(maps, o) said = { maps = maps, o = o } return real(maps, o) end)
      local of_three = { LR, WIDTH, { key = "tail", values = { true, false } } }
      local ok, why = pcall(function()
         pictures.map(grid({ LR, WIDTH }, function(o) return o.lr == 0.01 and o.width == 16 and 4 or 1 end))
         assert.same({ { "0.1", "0.01", "0.001" }, { "8", "16" }, "lr", "width" },
            { said.o.x, said.o.y, said.o.xlabel, said.o.ylabel })
         assert.same({ { 0.25, 0.25, 0.25 }, { 0.25, 1, 0.25 } }, said.maps[1].values)
         assert.equal("100.0%", said.o.text(1, said.maps[1], 2, 2))
         pictures.map(grid(of_three, function(o) return o.tail and 2 or 1 end))
         assert.same({ 2, "width=8", "width=16" }, { #said.maps, said.maps[1].title, said.maps[2].title })
         assert.same({ { 0.5, 0.5, 0.5 }, { 0.25, 0.25, 0.25 } }, said.maps[2].values)
         assert.same({ "true", "false" }, said.o.y)
         local function four(key) return { key = key, values = { 1, 2, 3, 4 } } end
         pictures.map(grid({ four "a", four "b", four "c", four "d" }, function(o) return o.a == 1 and 4 or 0 end))
         assert.matches("^mean over a, b; ", said.o.subtitle)
         assert.same({ 1, "d", "c", 0.25 }, { #said.maps, said.o.xlabel, said.o.ylabel, said.maps[1].values[1][1] })
      end)
      rawset(scute.plot, "heat_map", real)
      assert(ok, why)
      assert.is_nil(pictures.map(grid({ LR }, function() return 1 end)))
      assert.is_nil(pictures.map(small()))
   end)

   it("are none where nothing is done yet", function()
      local found = trial.of(plan_of({ { name = "a", options = {} } }, { axes = { LR, WIDTH } }), {}, {}, {})
      for _, name in ipairs { "figures", "differences", "costs", "curves", "map" } do
         assert.is_nil(pictures[name](found), name)
      end
   end)
end)

describe("the page of a trial", function()
   local function text(...)
      return report.text(small(...))
   end

   it("tells what the trial tells, without a letter that HTML takes for its own", function()
      local found = text()
      for _, part in ipairs { "<title>a &lt;trial&gt;</title>", "<h2>Variants</h2>", "<h2>What can be said</h2>",
         "<h2>Intervals</h2>", "<h2>Figure and cost</h2>", "No other is at least as good for as few parameters: b, a",
         "<h2>Training</h2>", "<h2>Photos on which the variants disagree</h2>", "red &lt;b&gt; (right): a", "blue: b",
         "<h2>Photos that were most often wrong</h2>", "right in 1 of 4 answers", "<h2>Confusion of a</h2>",
         "<h2>Options</h2>", "<th>a</th><td>how = x, lr = 0.1</td>",
         "<th>budget &amp; more</th><td>epochs=2</td>", "it &lt;burst&gt;",
         "1 run failed; resume tries it again.", "<h2>Versions</h2>" } do
         assert.is_truthy(found:find(part, 1, true), part)
      end
      for _, part in ipairs { "<h2>Grid</h2>", "<h2>Stopped early</h2>", "<h2>Runs</h2>", "cannot be read",
         "is missing", 'http-equiv="refresh"' } do
         assert.is_nil(found:find(part, 1, true), part)
      end
   end)

   it("links to the pages of the runs that are there", function()
      photos.write_file(root .. "/runs/a b%/seed0/small/report.html", "x")
      local variants = { { name = "a b%", options = {} } }
      local records = { ["a b%"] = { record("a b%", 0, HALF, { model = "runs/a b%/seed0/small" }),
         record("a b%", 1, HALF, { model = "runs/a b%/seed1/small" }) } }
      local found = report.text(trial.of(plan_of(variants), records, {}, { folder = root }))
      assert.is_truthy(found:find('<a href="runs/a%20b%25/seed0/small/report.html">a b%, seed0</a>', 1, true))
      assert.is_nil(found:find("seed1/small", 1, true))
      assert.is_nil(found:find("http-equiv", 1, true)) -- none is missing
   end)

   it("says what a search stopped, and shows samples that are no files in words", function()
      local variants = { { name = "a", options = {} }, { name = "b", options = {} } }
      local records = { a = { record("a", 0, ALL_RIGHT, { photos = paths(true) }) },
         b = { record("b", 0, HALF, { photos = paths(true), state = "paused", epochs = 1 }) } }
      local found = report.text(trial.of(plan_of(variants, { seeds = 1 }), records, {},
         { folder = root, stopped = { b = { epoch = 1, why = "stopped after epoch 1: 0.500, 2nd of 2" } } }))
      for _, part in ipairs { "<h2>Stopped early</h2>", "stopped after epoch 1: 0.500, 2nd of 2", "<td>s3</td>" } do
         assert.is_truthy(found:find(part, 1, true), part)
      end
   end)

   it("is there when nothing is, and of figures alone", function()
      local plan = plan_of { { name = "a", options = {} }, { name = "b", options = {} } }
      local empty = report.text(trial.of(plan, {}, {}, { folder = root }))
      assert.is_truthy(empty:find("4 runs are missing; the page is renewed as they end.", 1, true))
      assert.is_truthy(empty:find('http-equiv="refresh"', 1, true))
      local function bare(name, seed, cost)
         return { format = 1, state = "finished", variant = name, run = "seed" .. seed, seed = seed, metric = "cost",
            figures = { cost = cost } }
      end
      plan.metric, plan.lower, plan.class_names = "cost", true, {}
      local records = { a = { bare("a", 0, 3), bare("a", 1, 3.1) }, b = { bare("b", 0, 5), bare("b", 1, 5.2) } }
      local found = trial.of(plan, records, {}, { folder = root })
      assert.is_truthy(report.text(found):find("less is better", 1, true))
   end)

   it("lies in a folder with its pictures, each whole or not at all", function()
      report.write(root, small())
      for _, name in ipairs { "report.html", "comparison.png", "curves.png" } do
         local file <close> = assert(io.open(root .. "/" .. name, "rb"))
         assert.is_true(#file:read "a" > 1000, name)
      end
      assert.error_matches(function() report.write(root .. "/nowhere", small()) end, "^output_dir: .*nowhere")
   end)

   it("has links that a browser reads as the path that they are", function()
      assert.equal("a%20b/%25%3F%23%C3%A4.html", page.link "a b/%?#ä.html")
   end)
end)

describe("TensorBoard's runs of a trial", function()
   local function read(path)
      local file <close> = assert(io.popen(("cat '%s'/events.out.tfevents.*"):format(path)))
      return file:read "a"
   end

   it("have the options of their variant, numbers of each epoch, and are gone with it", function()
      local folder = root .. "/board"
      board.write(folder, small())
      local text = read(folder .. "/tensorboard/a/seed0")
      for _, part in ipairs { "_hparams_/session_start_info", "lr", "how", "val/accuracy", "best/accuracy", "cost/seconds",
         "_hparams_/session_end_info" } do assert.is_truthy(text:find(part, 1, true), part) end
      assert.is_truthy(read(folder .. "/tensorboard/c/seed0"):find("lr", 1, true), "each run tells of all options")
      board.write(folder, trial.of(plan_of { { name = "a", options = {} } }, { a = { record("a", 0, HALF) } }, {}, {}))
      assert.is_nil(require("lfs").attributes(folder .. "/tensorboard/c"))
      assert.is_nil(require("lfs").attributes(folder .. "/tensorboard/a/seed1"))
   end)
end)

describe("base64", function()
   it("is that of RFC 4648, whatever the length", function()
      local expected = { f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=", foobar = "Zm9vYmFy",
         [""] = "", ["\0\xFF\xFB"] = "AP/7" }
      for bytes, text in pairs(expected) do assert.equal(text, page.base64(bytes)) end
   end)
end)
