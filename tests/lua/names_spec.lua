-- Names that are not known: what is said of them, and that what is proposed is there.
local scute = require "scute"
local options = require "scute.base.options"
local strict = require "scute.base.strict"
local console = require "scute.base.console"

-- That f's error has this text.
local function says(text, f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok)
   local message = console.message(err)
   assert.is_truthy(message:find(text, 1, true), ("expected '%s' in: %s"):format(text, message))
end

-- A function that runs a line of Lua with these locals.
local function running(code, environment)
   return assert(load(code, "=line", "t", setmetatable(environment or {}, { __index = { scute = scute, pcall = pcall } })))
end

describe("synonyms", function()
   local known = {}

   local function add_all(prefix, t)
      for name, value in pairs(t) do
         if type(name) == "string" then known[name], known[prefix .. name] = true, true end
         local declaration = options.of(value)
         for _, option in ipairs(declaration and declaration.names or {}) do known[option] = true end
      end
   end

   add_all("", scute)
   add_all("", debug.getmetatable(scute.zeros(1)).methods)
   add_all("", scute.nn.Module)
   add_all("", scute.optim.Optimizer)
   for _, family in ipairs(strict.families()) do
      known[family] = true
      if type(scute[family]) == "table" then add_all(family .. ".", scute[family]) end
   end
   for _, entry in ipairs(scute.cli.common) do
      known[entry[1]] = true
      for _, choice in ipairs(entry.choices and options.choices_of(entry) or {}) do known[choice] = true end
   end
   for _, name in ipairs { "shape", "rank", "device", "dtype", "groups", "cuda", "f32", "f64", "f16", "bf16", "i64", "u8" } do
      known[name] = true
   end

   it("stand for what there is", function()
      for _, pair in ipairs(scute.synonyms()) do
         assert.is_true(known[pair[2]], ("'%s' stands for '%s', which is not there"):format(pair[1], pair[2]))
      end
   end)
end)

describe("a family's names", function()
   it("are known: the nearest of another is said", function()
      for code, meant in pairs {
         ["scute.cat()"] = "scute.cat: there is no such function, did you mean 'scute.concat'?",
         ["scute.train.fti()"] = "scute.train.fti: there is no such function, did you mean 'scute.train.fit'?",
         ["scute.nn.Liner {}"] = "did you mean 'scute.nn.Linear'?",
         ["return scute.nn.init.kaimng_normal"] = "did you mean 'scute.nn.init.kaiming_normal'?",
         ["return scute.train.unfreeze.pln"] = "did you mean 'scute.train.unfreeze.plan'?",
         ["scute.optim.Adam()"] = "did you mean 'scute.optim.adam'?",
         ["scute.schedule.CosineAnnealingLR()"] = "did you mean 'scute.schedule.cosine'?",
         ["scute.models.summry()"] = "did you mean 'scute.models.summary'?",
         ["scute.plot.curve()"] = "did you mean 'curves'?",
         ["scute.image.opn 'x'"] = "scute.image.opn: there is no such function; it has load",
      } do
         says(meant, running(code))
      end
   end)

   it("are found in another family, where that has just this name", function()
      for name, meant in pairs { Linear = "scute.nn.Linear", Conv2d = "scute.nn.Conv2d", DataLoader = "scute.data.open",
         fit = "scute.train.fit", CrossEntropyLoss = "scute.cross_entropy", resnet18 = "scute.models.resnet18",
         load = "scute.models.load", adam = "scute.optim.adam" } do
         says(("did you mean '%s'?"):format(meant), function() return scute[name] end)
      end
      says("did you mean 'scute.softmax'?", function() return scute.nn.Softmax end)
   end)

   it("that are not meant for all read as nil where they are not there", function()
      assert.is_nil(scute.train._fit)
      assert.is_nil(scute.train[1])
      assert.is_nil(rawget(scute.train, "fti"))
   end)

   it("are gone through as those of any table", function()
      local found = {}
      for name in pairs(scute.optim) do found[name] = true end
      assert.is_true(found.adamw and found.sgd)
      assert.is_falsy(getmetatable(scute.optim))
   end)

   it("put the blame on the line that reads them", function()
      local _, err = pcall(running "local x = 1\nreturn scute.train.fti")
      assert.matches("^line:2: scute%.train%.fti", err)
   end)
end)
