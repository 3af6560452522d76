-- Options that are declared once: what is checked, what is said, and which tables know their fields.
local scute = require "scute"
local cli, data, models, optim, schedule, train = scute.cli, scute.data, scute.models, scute.optim, scute.schedule, scute.train
local options = require "scute.base.options"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local bake = options.declare("bake", {
   { "minutes", whole = true, min = 1, max = 90, default = 30, synonyms = { "time" }, help = "how long" },
   { "heat", number = true, above = 0, below = 1, help = "how hot" },
   { "kind", choices = { "bread", "cake" }, default = "bread" },
   { "fan", flag = true, default = false },
   { "shape", read = function(text) return { text } end, is = options.of_type "table", expected = "a shape" },
   { "name", text = true, excludes = { "shape" }, why = "a shape has its own" },
   { "sold", default = function(values) return values.minutes * 2 end },
}, "minutes")

local function refuses(text, given)
   local values, why = bake:values(given)
   assert.is_nil(values)
   assert.equal(text, why)
end

describe("declared options", function()
   it("have defaults, also such that follow from others, and a plain value for the first", function()
      assert.same({ minutes = 30, kind = "bread", fan = false, sold = 60 }, bake:read())
      assert.same({ minutes = 40, kind = "bread", fan = false, sold = 80 }, bake:read(40))
      assert.equal("integer", math.type(bake:read(40.0).minutes))
   end)

   it("are taken by synonyms, and texts as a command line has them", function()
      assert.equal(5, bake:read { time = 5 }.minutes)
      assert.same({ "round" }, bake:read { shape = "round" }.shape)
      assert.same({ 1 }, bake:read { shape = { 1 } }.shape)
      refuses("option 'minutes' is given twice", { time = 5, minutes = 5 })
   end)

   it("are refused in words where they are none", function()
      refuses("unknown option 'minuts'; did you mean 'minutes'?", { minuts = 3 })
      refuses("unknown option '1'; expected one of minutes, heat, kind, fan, shape, name, sold", { 3 })
      refuses("option 'minutes': expected a whole number of at least 1 and of at most 90, found 0", 0)
      refuses("option 'minutes': expected a whole number of at least 1 and of at most 90, found 1.5", 1.5)
      refuses("option 'minutes': expected a whole number of at least 1 and of at most 90, found '3'", { minutes = "3" })
      for _, value in ipairs { 0, 1, 0 / 0, math.huge, -math.huge } do
         local _, why = bake:values { heat = value }
         assert.matches("^option 'heat': expected a number above 0 and below 1, found ", why)
      end
      refuses("option 'kind': expected one of bread, cake, found 'cakes'; did you mean 'cake'?", { kind = "cakes" })
      refuses("option 'fan': expected true or false, found 1", { fan = 1 })
      refuses("option 'shape': expected a shape, found 3", { shape = 3 })
      refuses("option 'name': expected a text, found ''", { name = "" })
      refuses("options 'name' and 'shape' exclude each other: a shape has its own", { name = "x", shape = "y" })
      refuses("option 'minutes': expected a whole number of at least 1 and of at most 90, found true", true)
      assert.same({ nil, "expected a table of options, found 3" }, { options.declare("x", {}):values(3) })
   end)

   it("are not given where they are false, but for a flag", function()
      assert.same(bake:read(), bake:read { heat = false, shape = false, fan = false })
      assert.is_true(bake:read { fan = true }.fan)
   end)

   it("raise where the function was called", function()
      local function f(given)
         local values = bake:read(given)
         return values
      end
      local ok, why = pcall(function() f { minuts = 3 } end)
      assert.is_false(ok)
      assert.matches("^tests/lua/options_spec.lua:%d+: bake: unknown option 'minuts'", why)
   end)

   it("make tables that know their fields, read and written", function()
      local values = bake:strict(bake:read { heat = 0.5 })
      assert.is_nil(values.name)
      values.time = 7
      assert.equal(7, values.minutes)
      assert.error_matches(function() return values.heet end, "bake: there is no option 'heet'; did you mean 'heat'?")
      local ok, why = pcall(function() values.heet = 1 end)
      assert.is_false(ok)
      assert.matches("^tests/lua/options_spec.lua:%d+: bake: there is no option 'heet'", why)
      assert.equal(bake, options.declaration_of(values))
      assert.is_nil(options.declaration_of {})
   end)
end)

describe("names", function()
   it("belong to the option that has them, before any synonym", function()
      local mix = options.declare("mix", { { "lr", number = true }, { "monitor", text = true },
         { "learning_rate", number = true, synonyms = { "lr", "eta" } }, { "best_by", text = true, synonyms = { "monitor" } } })
      assert.same({ lr = 0.5, monitor = "x" }, mix:read { lr = 0.5, monitor = "x" })
      assert.same({ learning_rate = 0.5 }, mix:read { eta = 0.5 })
   end)

   it("are there once", function()
      assert.error_matches(function() options.declare("bake", { { "salt" }, { "salt" } }) end,
         "bake: the option 'salt' is declared twice")
   end)

   it("are near what is no name, synonyms too", function()
      assert.error_matches(function() return train.options({}).monitr end, "did you mean 'monitor'")
   end)

   it("are what help() shows of a table of options", function()
      local text = require("scute.repl.help").text(train.options {})
      assert.matches("^options of train.fit:\n   optimizer ", text)
   end)
end)

describe("what takes options", function()
   local root
   setup(function() root = scratch.make() end)
   teardown(function() scratch.remove(root) end)

   it("refuses a name that it does not know, everywhere", function()
      local net = scute.nn.Linear { 2, 2 }
      -- check: ignore
      local calls = {
         ["data.open: unknown option 'sed'; did you mean 'seed'?"] = function() data.open(root .. "/photos", { sed = 1 }) end,
         ["train.fit: unknown option 'epoch'; did you mean 'epochs'?"] = function()
            train.fit(net, { train = {}, val = {} }, { epoch = 1 })
         end,
         ["train.lr_find: unknown option 'stepz'; did you mean 'steps'?"] = function()
            train.lr_find(net, { train = {}, val = {} }, { stepz = 1 })
         end,
         ["models: unknown option 'clases'; did you mean 'classes'?"] = function()
            models.create("resnet18", { clases = 2 })
         end,
         ["nn.Linear: unknown option 'bais'; did you mean 'bias'?"] = function() scute.nn.Linear { 2, 2, bais = false } end,
         ["freeze: unknown option 'patern'; did you mean 'pattern'?"] = function() net:freeze(nil, { patern = true }) end,
         ["groups: unknown option 'weigth_decay'; did you mean 'weight_decay'?"] = function()
            net:groups { weigth_decay = 1 }
         end,
         ["optim.adamw: unknown option 'beta3'; did you mean 'beta1'?"] = function()
            optim.adamw(net, { lr = 1, beta3 = 0.5 })
         end,
         ["schedule.step: unknown option 'evrey'; did you mean 'every'?"] = function() schedule.step { evrey = 1 } end,
         ["func: unknown option 'bakward'; did you mean 'backward'?"] = function() scute.func { bakward = print } end,
         ["augment.preset: unknown option 'rotaton'; did you mean 'rotation'?"] = function()
            scute.augment.preset("light", { rotaton = 1 })
         end,
         ["score: unknown option 'wont'; did you mean 'want'?"] = function()
            scute.score(net, { paths = {} }, { wont = {} })
         end,
         ["evaluate.photos: unknown option 'worker'; did you mean 'workers'?"] = function()
            scute.evaluate.photos(net, {}, {}, { worker = 1 })
         end,
         ["predict.photos: unknown option 'tip'; did you mean 'top'?"] = function()
            scute.predict.photos(net, {}, { tip = 1 })
         end,
         ["evaluate.bootstrap: unknown option 'levl'; did you mean 'level'?"] = function()
            scute.evaluate.bootstrap({}, 2, { levl = 1 })
         end,
         ["unfreeze.plan: unknown option 'epoch'; did you mean 'epochs'?"] = function()
            train.unfreeze.plan(net, "all", { epoch = 1 })
         end,
         ["early_stop: unknown option 'patince'; did you mean 'patience'?"] = function()
            require("scute.train.stopping").hook { patince = 1 }
         end,
         ["load_state_dict: unknown option 'strikt'; did you mean 'strict'?"] = function()
            net:load_state_dict({}, { strikt = false })
         end,
      }
      for text, call in pairs(calls) do
         local ok, why = pcall(call)
         assert.is_false(ok, text)
         assert.is_truthy(tostring(why):find(text, 1, true), tostring(why))
      end
   end)

   it("tells a script of a field that is no flag, and takes the rest of the command line over", function()
      local words = { "--data_dir", "x", "--patience", "4", "--augment", "light,flip=0", "--lr", "0.5", "--cache_features", "3",
         [0] = "mine.lua" }
      local own = { { "sauce", default = "red", help = "my own" } }
      local opt = cli.parse(words, "Mine", cli.flags(own, { "freeze_backbone" }))
      require("scute.base.console").quiet = true
      assert.error_matches(function() return opt.wieght_decay end,
         "command line: there is no option 'wieght_decay'; did you mean 'weight_decay'?")
      assert.error_matches(function() opt.learning_rat = 1 end, "did you mean 'learning_rate'?")
      assert.is_nil(opt.resume)
      assert.equal(0.5, opt.learning_rate)
      assert.equal("red", opt.sauce)
      assert.equal("light,flip=0", opt.augment) -- as it is written, for run.json
      local run = train.options(opt)
      assert.same({ 4, 3, 32, "light,flip=0" }, { run.early_stop, run.cache_features, run.batch_size, run.augment })
      assert.equal(opt, run.arguments)
      assert.error_matches(function() run.optimzer = 3 end,
         "train.fit: there is no option 'optimzer'; did you mean 'optimizer'?")
      assert.error_matches(function() return run.sauce end, "train.fit: there is no option 'sauce'")
   end)

   it("is told by help, and completed in the braces of a call", function()
      local help, complete = require "scute.repl.help", require "scute.repl.complete"
      local function completed(before) return (complete.candidates(before)) end
      assert.matches("\n   label_smoothing +share of the target", help.text "train.fit")
      assert.matches("\n   minimum +the factor of the last step; a number of at least 0 and of at most 1; default 0",
         help.text "schedule.cosine")
      assert.matches("\n   out_channels +channels of the output; a whole number of at least 1; required", help.text "nn.Conv2d")
      _G.scute = scute
      assert.same({ "epochs" }, completed "scute.train.fit(model, set, { ep")
      assert.same({ "batch_size" }, completed "scute.train.fit(model, set, { epochs = f(3, { 2 }), ba")
      assert.same({ "kernel_size" }, completed "scute.nn.Conv2d { 3, 8, ker")
      assert.same({ "epochs", "minimum" }, completed "scute.schedule.cosine { ")
      assert.same({}, completed "scute.train.fit(model, set, { hooks = { on_step")
      _G.scute = nil
   end)

   it("is every family of the library, and nothing else is a field of it", function()
      for _, name in ipairs { "sorted_keys", "page", "thumbnail", "console", "base", "report", "json", "csv", "columns" } do
         assert.error_matches(function() return scute[name] end, "scute." .. name .. ": there is no such function")
      end
      for _, name in ipairs { "say", "warn", "fail", "guard", "line", "count" } do assert.is_function(cli[name]) end
   end)
end)

describe("train.fit takes what the command line takes", function()
   local root
   setup(function() root = scratch.make() end)
   teardown(function() scratch.remove(root) end)

   local function fit(more)
      scute.manual_seed(1)
      local set = data.open(root .. "/photos", { seed = 0 })
      local model = Small(set.classes)
      local seen
      local given = { optimizer = optim.sgd(model:groups { lr = 0.05 }), workers = 1, batch_size = 8, epochs = 2,
         hooks = { { on_fit_begin = function(run) seen = run end } } }
      for name, value in pairs(more(model)) do given[name] = value end
      local result = train.fit(model, set, given)
      return seen, result.history
   end

   local pairs_of = {
      augment = { function() return { augment = "light,flip=0" } end,
         function() return { augment = scute.augment.parse "light,flip=0" } end },
      schedule = { function() return { schedule = "step,every=1" } end,
         function() return { schedule = schedule.step { every = 1 } } end },
      unfreeze = { function() return { unfreeze = "gradual" } end,
         function(model) return { unfreeze = train.unfreeze.plan(model, "gradual", { epochs = 2 }) } end },
      ["unfreeze as a table"] = { function() return { unfreeze = { head = 1, layer4 = 2 } } end,
         function(model) return { unfreeze = train.unfreeze.plan(model, "head,layer4@2", { epochs = 2 }) } end },
   }
   for name, pair in pairs(pairs_of) do
      it(name, function()
         local _, a = fit(pair[1])
         local _, b = fit(pair[2])
         for epoch = 1, 2 do
            assert.equal(b[epoch].train_loss, a[epoch].train_loss)
            assert.same(b[epoch].rates, a[epoch].rates)
         end
      end)
   end

   it("and has the same default precision", function()
      local run = fit(function() return { epochs = 1 } end)
      assert.equal("fp32", run.precision) -- what auto comes to for batches of 8 photos of 32 pixels
      assert.equal("auto", options.of(train.fit).by_name.precision.default)
   end)
end)
