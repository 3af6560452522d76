-- What an experiment is asked for: variants and grids, options that fit each other, and what is refused before anything begins.
local lfs = require "lfs"
local scute = require "scute"
local experiment_options = require "scute.experiment.options"
local plan = require "scute.experiment.plan"
local variants = require "scute.experiment.variants"

local function refused(given, text)
   local list, why = variants.of(given)
   assert.is_nil(list)
   assert.is_truthy(why:find(text, 1, true), why)
end

describe("variants", function()
   it("have a name and options", function()
      local list = variants.of { variants = { { "a", lr = 1 }, { "b", lr = 2, other = "x" } } }
      assert.same({ { name = "a", options = { lr = 1 } }, { name = "b", options = { lr = 2, other = "x" } } }, list)
   end)

   it("are refused where they are none, or two of a kind", function()
      refused({}, "option 'variants' is missing, or 'grid'")
      refused({ variants = {} }, "there is none")
      refused({ variants = { { lr = 1 } } }, "variant 1: expected { \"its name\", option = value, ... }")
      refused({ variants = { "a" } }, "variant 1: expected")
      for _, name in ipairs { "a\nb", "a\tb", "a\27[31m", "a\127", "a\xC2\x9Bb" } do
         refused({ variants = { { name, lr = 1 } } }, "variant 1: expected a name of one line without control characters")
      end
      refused({ variants = { { "a", "b" } } }, "expected options by name")
      refused({ variants = { a = { lr = 1 } } }, "found a field 'a'")
      refused({ variants = { { "a", name = "b" } } }, "its name stands first")
      refused({ variants = { { "a", lr = 1 }, { "a", lr = 2 } } }, "two variants are called 'a'")
      refused({ variants = { { "a", lr = { 1 } }, { "b", lr = { 1 } } } }, "'a' and 'b' have the same options")
      refused({ variants = { { "a b", lr = 1 }, { "a_b", lr = 2 } } }, "would lie in one folder")
   end)

   it("may have functions and tables that hold themselves", function()
      local a, b = {}, {}
      a.me, b.me = a, b
      assert.equal(2, #variants.of { variants = { { "a", f = print, t = a }, { "b", f = next, t = b } } })
      refused({ variants = { { "a", f = print }, { "b", f = print } } }, "the same options")
   end)

   it("have folders of their own, whatever they are called", function()
      assert.equal("lr=0.001_augment=light", variants.folder "lr=0.001 augment=light")
      assert.equal("a%2Fb", variants.folder "a/b")
      assert.equal("%2E.", variants.folder "..")
      assert.equal("%C3%A4%0A", variants.folder "ä\n")
      assert.is_true(#variants.folder(("x"):rep(1000)) <= 200)
      assert.is_true(variants.folder(("x"):rep(1000)) ~= variants.folder(("x"):rep(1001)))
   end)

   it("know what run has not read of them, and what no run has", function()
      local unread = require "scute.experiment.unread"
      local list = variants.of { variants = { { "a", lr = 1, drop = 0, mode = "x" }, { "b", lr = 2, drop = 1 } } }
      local a, b = variants.strict(list, "a"), variants.strict(list, "b")
      assert.same({ 1, 2, "x" }, { a.lr, b.lr, a.mode })
      assert.same({ { "drop" }, { "drop" } }, { variants.unread(a), variants.unread(b) })
      local known = unread.new(list)
      known:add { variant = "a", unread = { "drop", "lr" } }
      assert.same({}, known:news()) -- b may read them
      known:add { variant = "b", unread = { "drop" } }
      assert.same({ "drop" }, known:news())
      assert.same({}, known:news())
      local names = {}
      for key in pairs(b) do names[#names + 1] = key end
      assert.equal(3, #names)
      assert.same({}, variants.unread(b))
      assert.same({ name = "a", lr = 1, drop = 0, mode = "x" }, variants.options(a))
   end)

   it("are strict in run", function()
      local list = variants.of { variants = { { "a", lr = 1 }, { "b", lr = 2, smoothing = 3 } } }
      local variant = variants.strict(list, "a")
      assert.same({ "a", 1 }, { variant.name, variant.lr })
      assert.is_nil(variant.smoothing)
      local ok, why = pcall(function() return variant.smothing end)
      assert.is_false(ok)
      assert.is_truthy(why:find("no variant has an option 'smothing'; did you mean 'smoothing'?", 1, true), why)
      assert.is_nil(variants.strict(list, "c"))
   end)
end)

describe("a grid", function()
   it("is every combination, by the options' names in order", function()
      local list, _, axes = variants.of { grid = { lr = { 1e-3, 1e-4 }, augment = { "none", "light" } } }
      local names = {}
      for i, variant in ipairs(list) do names[i] = variant.name end
      assert.same({ "augment=none lr=0.001", "augment=none lr=0.0001", "augment=light lr=0.001", "augment=light lr=0.0001" },
         names)
      assert.same({ augment = "light", lr = 1e-4 }, list[4].options)
      assert.same({ "augment", "lr" }, { axes[1].key, axes[2].key })
   end)

   it("has values of any kind", function()
      local list = variants.of { grid = { head = { { 1 }, { 2 } }, on = { true, false } } }
      assert.equal("head=#1 on=true", list[1].name)
      assert.is_false(list[2].options.on)
   end)

   it("is refused where there is nothing to combine", function()
      refused({ grid = {} }, "there is no option in it")
      refused({ grid = { lr = 1 } }, "expected a list of values for 'lr'")
      refused({ grid = { lr = {} } }, "expected a list of values for 'lr'")
      refused({ grid = { lr = { 1, 1 } } }, "'lr' has the value 1 twice")
      refused({ grid = { ["l\nr"] = { 1, 2 } } }, "expected a name of one line for an option")
      assert.equal("text=#1", variants.of({ grid = { text = { "a\nb", "c" } } })[1].name)
      refused({ grid = { { 1, 2 } } }, "expected lists by the name of an option")
      local many = {}
      for i = 1, 40 do many[i] = i end
      refused({ grid = { a = many, b = many } }, "more than 1000 combinations")
   end)
end)

describe("scute.experiment", function()
   local part = { paths = { "a" }, labels = { 1 } }
   local set = { classes = { "x" }, train = part, val = part, split = "drawn" }

   local function fault(more)
      local given = { name = "refused", set = set, run = function() end, variants = { { "a", lr = 1 } } } -- a name of its own
      for key, value in pairs(more) do
         if value == "nothing" then given[key] = nil else given[key] = value end
      end
      local ok, why = pcall(scute.experiment, given)
      assert.is_false(ok)
      return why
   end

   it("refuses options that make no sense, at the line that gives them", function()
      for text, more in pairs {
         ["unknown option 'seds'; did you mean 'seeds'?"] = { seds = 3 },
         ["option 'run' is missing"] = { run = "nothing" },
         ["option 'set': expected a data set"] = { set = "photos" },
         ["option 'budget': expected epochs=N or minutes=N"] = { budget = "hours=3" },
         ["option 'budget': expected a text, epochs=N or minutes=N as in \"epochs=10\", found 10"] = { budget = 10 },
         ["option 'budget': expected a text, epochs=N or minutes=N as in \"epochs=10\", found a table"] = {
            budget = { epochs = 10 } },
         ["option 'run': expected a function(variant, context) that is written in Lua"] = { run = print },
         ["rank of 'a': expected nil, or a text that says why it gets no rank, found 5"] = {
            rank = function() return 5 end },
         ["options 'variants' and 'grid' exclude each other"] = { grid = { lr = { 1 } } },
         ["options 'seeds' and 'folds' exclude each other"] = { seeds = 2, folds = 2 },
         ["option 'nested': inner folds need outer ones"] = { nested = 2 },
         ["option 'search': halving needs a budget of epochs"] = { search = "halving", budget = "minutes=3" },
         ["option 'lower': of 'balanced' more is better"] = { metric = "balanced", lower = true },
         ["option 'lower': of 'loss' less is better"] = { metric = "loss", lower = false },
         ["option 'timeout': expected a time as 90 s"] = { timeout = "soon" },
         ["option 'memory': expected an amount of memory as 4 GiB"] = { memory = "4 gigs" },
         ["option 'name': expected a name of letters"] = { name = "a/b" },
         ["options 'report_only' and 'resume' exclude each other"] = { report_only = true, resume = true },
         ["option 'variants': there is none"] = { variants = {} },
      } do
         local why = fault(more)
         assert.is_truthy(why:find("scute.experiment: " .. text, 1, true), why)
      end
   end)

   it("reads times and amounts of memory", function()
      local o = experiment_options:read { set = set, run = function() end, timeout = "1.5 min", memory = "4 GiB" }
      assert.same({ 90.0, 4 << 30 }, { o.timeout, o.memory })
      o = experiment_options:read { set = set, run = function() end, timeout = 5, memory = "800 MB" }
      assert.same({ 5, 800000000 }, { o.timeout, o.memory })
   end)

   it("takes what a command line says", function()
      local opt = scute.cli.parse({ "--seeds=2", "--jobs", "3", "--timeout", "2 h", "--resume", "--data_dir=x",
         "--model=resnet18" }, "x", scute.cli.flags(scute.experiment.flags))
      local given = scute.experiment.options(opt)
      assert.same({ 2, 3, 7200, true, nil }, { given.seeds, given.jobs, given.timeout, given.resume, given.set })
      assert.is_false(pcall(function() given.sedes = 1 end))
      assert.is_false(pcall(scute.experiment.options, { sets = 1 }))
      assert.same({ 4 }, { scute.experiment.options({ folds = 4 }).folds })
   end)
end)

describe("a plan", function()
   local list = variants.of { variants = { { "a", lr = 1, f = print }, { "b", lr = 2 } } }
   local part = { paths = { "a" }, labels = { 1 } }
   local set = { classes = { "x" }, train = part, val = part, split = "drawn" }

   it("has a run of each variant, seed by seed", function()
      local made = plan.new({ set = set, seeds = 2, seed = 5, metric = "accuracy", search = "all", jobs = 1, name = "e" }, list)
      local names = {}
      for i, run in ipairs(plan.runs(made)) do names[i] = plan.folder("out", run) end
      assert.same({ "out/runs/a/seed5", "out/runs/b/seed5", "out/runs/a/seed6", "out/runs/b/seed6" }, names)
   end)

   it("has nested folds", function()
      local made = plan.new({ set = set, folds = 2, nested = 2, seed = 0, metric = "loss", search = "all", jobs = 1,
         name = "e" }, list)
      local runs = plan.runs(made)
      assert.equal(8, #runs)
      assert.equal("2 outer folds of 2 inner ones, seed 0", made.split)
      assert.same({ "runs of each variant", "2 outer folds of 2 inner ones" }, made.settings[3])
      assert.same({ "fold1.2", 1, 2, 0 }, { runs[3].run, runs[3].fold, runs[3].inner, runs[3].seed })
      assert.is_true(made.lower)
      made = plan.new({ set = set, seeds = 1, seed = 0, metric = "cost", lower = true, jobs = 1, name = "e" }, list)
      assert.is_true(made.lower)
   end)

   it("is plain data on disk, and refused where it is damaged", function()
      local folder = os.tmpname()
      os.remove(folder)
      local made = plan.new({ set = set, seeds = 2, seed = 5, metric = "accuracy", search = "all", jobs = 1, name = "e" }, list)
      plan.write(folder, made)
      local read = plan.read(folder)
      assert.same({ "a", "b" }, { read.variants[1].name, read.variants[2].name })
      assert.equal("string", type(read.variants[1].options.f))
      assert.same({ 2, 5, "accuracy" }, { read.seeds, read.seed, read.metric })
      local path = folder .. "/" .. plan.NAME
      for _, text in ipairs { "{}", "[]", "nothing", '{"format": 2}', '{"format": 1, "variants": [{}]}',
         '{"format": 1, "variants": [{"name": "a"}]}', '{"format": 1, "variants": [{"name": "a"}], "seeds": 1.5}' } do
         scute.files.write(path, text)
         local found, why = plan.read(folder)
         assert.is_nil(found)
         assert.is_truthy(why:find(path, 1, true), why)
         assert.is_nil(why:find("json_file.lua", 1, true), why)
      end
      os.execute(("rm -rf '%s'"):format(folder))
      assert.same({}, { plan.read(folder) })
   end)
end)

describe("the photos of an experiment", function()
   local digest = require "scute.data.digest"
   local photos = require "scute.experiment.photos"
   local split_file = require "scute.data.split_file"
   local root, set

   setup(function()
      root = os.tmpname()
      os.remove(root)
      scute.files.mkdirs(root .. "/data")
      scute.files.mkdirs(root .. "/run")
      for _, name in ipairs { "a", "b", "c" } do scute.files.write(root .. "/data/" .. name, name) end
   end)
   teardown(function() os.execute(("rm -rf '%s'"):format(root)) end)
   before_each(function()
      local function path(name) return root .. "/data/" .. name end
      set = { dir = root .. "/data", classes = { "x" }, train = { paths = { path "a", path "b" }, labels = { 1, 1 } },
         val = { paths = { path "c" }, labels = { 1 } } }
   end)

   -- A run that has read the first n of them.
   local function run(n, digests)
      local part = { paths = table.move(set.train.paths, 1, n, 1, {}), labels = { 1, 1 } }
      scute.files.write(root .. "/run/split.csv", split_file.text({ dir = set.dir, classes = set.classes, train = part,
         val = { paths = {}, labels = {} } }, digests))
   end

   local function digests_of(part)
      local found = {}
      for _, path in ipairs(part.paths) do found[path] = digest.of(path) end
      return found
   end

   it("are known by what the first run has read, and those of an outer fold by themselves", function()
      run(2, { [set.train.paths[1]] = "1-1" }) -- the second could not be read
      photos.learn(set, root, root .. "/run")
      assert.equal("1-1", set.digests[set.train.paths[1]])
      assert.is_nil(set.digests[set.train.paths[2]])
      assert.is_truthy(set.digests[set.val.paths[1]]:find "%-1$")
   end)

   it("are the same for each run", function()
      set.digests = { [set.train.paths[1]] = "1-1" }
      run(2, { [set.train.paths[1]] = "1-1", [set.train.paths[2]] = "2-1" })
      assert.is_nil(photos.other(set, root .. "/run"))
      run(2, { [set.train.paths[1]] = "3-1" })
      assert.equal(set.train.paths[1], photos.other(set, root .. "/run"))
   end)

   it("are known where they test, in a file of their own kind, and held", function()
      scute.files.write(root .. "/data/t", "test")
      set.test = { paths = { root .. "/data/t" }, labels = { 1 } }
      run(2, digests_of(set.train))
      photos.learn(set, root, root .. "/run")
      assert.is_truthy(set.digests[root .. "/data/t"])
      local function held(change)
         local copy = { dir = set.dir, classes = set.classes, train = set.train, val = set.val, test = set.test, notes = {} }
         for key, value in pairs(change or {}) do copy[key] = value end
         photos.hold(copy, root)
         return copy
      end
      local more = { paths = { root .. "/data/new", root .. "/data/t" }, labels = { 1, 1 } }
      local found = held { test = more }
      assert.same({ set.test.paths, { 1 }, set.digests }, { found.test.paths, found.test.counts, found.digests })
      assert.same({ "1 photo is new since the run began and left out" }, found.notes)
      photos.check(found, root)
      scute.files.write(root .. "/data/t", "TEST")
      assert.error_matches(function() photos.check(found, root) end, "photos have changed .*/data/t'")
      os.remove(root .. "/data/t")
      found = held { test = { paths = {}, labels = {} } }
      assert.error_matches(function() photos.check(found, root) end, "photos have changed .*/data/t'")
      os.remove(root .. "/split.csv")
   end)

   it("are known that came to test later", function()
      run(2, digests_of(set.train))
      photos.learn(set, root, root .. "/run")
      scute.files.write(root .. "/data/t", "test")
      local copy = { dir = set.dir, classes = set.classes, train = set.train, val = set.val, notes = {},
         test = { paths = { root .. "/data/t" }, labels = { 1 } } }
      photos.hold(copy, root)
      assert.same({ { root .. "/data/t" }, {} }, { copy.test.paths, copy.notes })
      photos.learn(copy, root, root .. "/run")
      assert.is_truthy(copy.digests[root .. "/data/t"])
      os.remove(root .. "/split.csv")
   end)

   it("are not looked for on disk where they are samples", function()
      set.digests, set.samples = { [set.train.paths[1]] = "1-1" }, {}
      lfs.touch(set.train.paths[1], os.time() + 60) -- later than any split.csv: it is read again
      photos.check(set, root)
      set.samples = nil
      assert.is_false(pcall(photos.check, set, root))
   end)
end)
