-- What a result hangs on: the text of a function and what it reaches. Scripts are written, loaded and edited; what has changed
-- is named, and what makes no number another is passed over.
local scute = require "scute"
local content = require "scute.experiment.content"
local reached = require "scute.experiment.reached"

local folder, path

-- Runs a script of that text; it returns its run, and its data set where it has one.
local function script(text)
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   return assert(loadfile(path))()
end

local function parts(text)
   return (reached.by(script(text)))
end

-- What differs between two scripts, as a message says it.
local function changes(before, after)
   local there = parts(before)
   local here, places = reached.by(script(after))
   return content.changes(there, here, places)
end

local function same(before, after)
   assert.same({}, changes(before, after))
end

setup(function()
   folder = os.tmpname()
   os.remove(folder)
   scute.files.mkdirs(folder)
   path = folder .. "/script.lua"
end)

teardown(function() os.execute(("rm -rf '%s'"):format(folder)) end)

describe("the text of run", function()
   it("is the same whatever its layout, its comments and its place", function()
      same("local function run(v) return v.a + 1 end return run",
         "-- more above\nlocal other = 3\n\nlocal function run(v) -- here\n   return v.a\n      + 1\nend\nreturn run")
   end)

   it("tells where it stands when it has changed", function()
      assert.same({ "run (line 2 of script.lua) has changed" }, changes("return function(v) return v.a + 1 end",
         "\nreturn function(v) return v.a + 2 end"))
   end)

   it("is that of the right one of several functions in a line", function()
      local text = "local t = { run = function(v, c) return v end, rank = function(v) return %s end } return t.run"
      same(text:format "1", text:format "2")
   end)

   it("counts a text's blanks and words in it that look like comments", function()
      assert.equal(1, #changes("return function() return 'a  b' end", "return function() return 'a b' end"))
      assert.equal(1, #changes("return function() return '--a' end", "return function() return '--b' end"))
   end)

   it("is told by what it was compiled to where there is no text", function()
      local a = assert(load("return function(v) return v end", "=typed"))()
      local b = assert(load("return function(v) return v end", "=typed"))()
      local c = assert(load("return function(v) return 1 end", "=typed"))()
      assert.equal(reached.by(a).run, reached.by(b).run)
      assert.is_true(reached.by(a).run ~= reached.by(c).run)
   end)
end)

describe("what run reaches", function()
   it("is told by name and value", function()
      assert.same({ "learning_rate was 0.001 there, is 0.01 now" },
         changes("local learning_rate = 0.001 return function() return learning_rate end",
            "local learning_rate = 0.01 return function() return learning_rate end"))
   end)

   it("is a helper, and what that reaches", function()
      local text = "local width = %d\nlocal function make_head() return width %s 1 end\nreturn function() make_head() end"
      assert.same({ "function 'make_head' (line 2 of script.lua) has changed" },
         changes(text:format(3, "+"), text:format(3, "-")))
      assert.same({ "width was 3 there, is 4 now" }, changes(text:format(3, "+"), text:format(4, "+")))
   end)

   it("is a global of the script, not one of Lua", function()
      local text = "RATE_OF_TEST = %d return function() print(math.floor(1)) return RATE_OF_TEST end"
      assert.same({ "RATE_OF_TEST was 1 there, is 2 now" }, changes(text:format(1), text:format(2)))
      rawset(_G, "RATE_OF_TEST", nil)
   end)

   it("is a field of a table where only that is used", function()
      local text = "local opt = { epochs = %d, title = '%s' } return function() return opt.epochs end"
      same(text:format(3, "a"), text:format(3, "b"))
      assert.same({ "opt.epochs was 3 there, is 4 now" }, changes(text:format(3, "a"), text:format(4, "a")))
   end)

   it("is all of a table that is passed on", function()
      local text = "local opt = { epochs = 3, title = '%s' } return function(f) return f(opt) end"
      assert.same({ "opt.title was a there, is b now" }, changes(text:format "a", text:format "b"))
   end)

   it("is an argument of the script, without what the experiment's own flags say", function()
      local function arguments(...)
         local before = _G.arg
         rawset(_G, "arg", { [-1] = "scute", [0] = "script.lua", ... })
         local found = parts "return function() return arg[1] end"
         local whole = parts "return function(f) return f(arg) end"
         rawset(_G, "arg", before)
         return found, whole
      end
      local one, all = arguments("7")
      local resumed, all_resumed = arguments("7", "--resume", "--jobs", "2", "--output_dir=x", "--tensorboard")
      assert.same(one, resumed)
      assert.same(all, all_resumed)
      local other, all_other = arguments("8", "--resume")
      assert.same({ 'arg[1] was "7" there, is "8" now' }, content.changes(one, other, {}))
      assert.equal(1, #content.changes(all, all_other, {}))
   end)

   it("is no flag that changes no number", function()
      local text = [[local scute = require "scute"
         local opt = scute.cli.parse({ %s }, "x", scute.cli.flags(scute.experiment.flags))
         return function(f) return f(scute.train.options(opt)) end]]
      same(text:format "'--data_dir=a'", text:format "'--data_dir=b', '--jobs=2', '--resume', '--workers=1', '--seeds=5'")
      assert.same({ "opt.label_smoothing was 0 there, is 0.1 now" }, changes(text:format "'--data_dir=a'",
         text:format "'--data_dir=a', '--label_smoothing=0.1'"))
      require("scute.base.console").quiet = false
   end)

   it("is a tensor and a model by what is in them", function()
      local text = "local x = require('scute').tensor { 1, %d } return function() return x end"
      assert.equal(1, #changes(text:format(2), text:format(3)))
      same(text:format(2), text:format(2))
      text = [[local scute = require "scute" scute.manual_seed(%d)
         local net = scute.nn.Linear { 2, 2 } return function() return net end]]
      assert.same({ "net has changed" }, changes(text:format(1), text:format(2)))
      same(text:format(1), text:format(1))
   end)

   it("is a layer and what it was built with, whether it has parameters or not", function()
      local text = [[local nn = require("scute").nn
         local net = %s return function() return net end]]
      local function differ(a, b) assert.same({ "net has changed" }, changes(text:format(a), text:format(b))) end
      differ("nn.Dropout(.2)", "nn.Dropout(.5)")
      differ("nn.MaxPool2d { 2 }", "nn.MaxPool2d { 3 }")
      differ("nn.ReLU()", "nn.SiLU()")
      differ("nn.Sequential(nn.ReLU(), nn.Sequential(nn.SiLU()))", "nn.Sequential(nn.ReLU(), nn.SiLU())")
      local seeded = "(function() require('scute').manual_seed(1) return %s end)()"
      differ(seeded:format "nn.Conv2d { 3, 4, 3 }", seeded:format "nn.Conv2d { 3, 4, 3, stride = 2 }")
      differ(seeded:format "nn.Linear { 2, 2 }", seeded:format "nn.Linear { 2, 2 }:eval()")
      differ(seeded:format "nn.Sequential(nn.Linear { 2, 2 })", seeded:format "nn.Sequential(nn.Linear { 2, 2 }):freeze()")
      same(text:format(seeded:format "require('scute').models.create('baseline_cnn', { classes = 2, image_size = 32 })"),
         text:format(seeded:format "require('scute').models.create('baseline_cnn', { classes = 2, image_size = 32 })"))
   end)

   it("is a module of one's own by its code, and by that of the class it is made of", function()
      local text = [[local nn = require("scute").nn
         local Base = nn.Module:extend "Base"
         function Base:forward(x) return x:%s() end
         local Own = Base:extend "Own"
         function Own:build() self.factor = %d end
         local net = Own() return function() return net end]]
      same(text:format("relu", 2), text:format("relu", 2))
      assert.is_true(#changes(text:format("relu", 2), text:format("silu", 2)) > 0)
      assert.is_true(#changes(text:format("relu", 2), text:format("relu", 3)) > 0)
   end)

   it("is what a part of the library was made with, and what that was made of", function()
      local text = [[local schedule = require("scute").schedule
         local s = %s return function() return s end]]
      local function differ(a, b) assert.same({ "s has changed" }, changes(text:format(a), text:format(b))) end
      local joined = text:format "schedule.warmup(2):then_(schedule.cosine(9))"
      same(joined, joined)
      differ("schedule.warmup(2):then_(schedule.cosine(9))", "schedule.warmup(3):then_(schedule.cosine(9))")
      differ("schedule.warmup(2):then_(schedule.cosine(9))", "schedule.warmup(2):then_(schedule.linear(9))")
      differ("schedule.warmup(2):then_(schedule.cosine(9)):then_(schedule.step(2))",
         "schedule.warmup(2):then_(schedule.cosine(9)):then_(schedule.step(3))")
      differ("schedule.multistep { at = { 2, 3 } }", "schedule.multistep { at = { 2, 4 } }")
   end)

   it("is what a part of the library was made with", function()
      local text = "local s = require('scute').schedule.warmup_cosine { warmup = %d } return function() return s end"
      same(text:format(2), text:format(2))
      assert.same({ "s has changed" }, changes(text:format(2), text:format(3)))
      text = "local act = require('scute').%s return function() return act end"
      assert.equal(1, #changes(text:format "relu", text:format "silu"))
   end)

   it("is a module of one's own, by the functions that are used", function()
      local function module(body)
         local file = assert(io.open(folder .. "/parts_of_test.lua", "w"))
         file:write(body)
         file:close()
         package.loaded.parts_of_test = nil
      end
      local text = ("package.path = %q .. package.path local p = require 'parts_of_test' return function() p.head() end")
         :format(folder .. "/?.lua;")
      local before = package.path
      module "local n = 1 return { head = function() return n end, other = function() return 1 end }"
      local there = parts(text)
      module "local n = 1 return { head = function() return n end, other = function() return 2 end } -- and a comment"
      local here, places = reached.by(script(text))
      assert.same({}, content.changes(there, here, places))
      module "local n = 1\nreturn { head = function() return n + 1 end, other = function() return 1 end }"
      here, places = reached.by(script(text))
      assert.same({ "function 'p.head' (line 2 of parts_of_test.lua) has changed" }, content.changes(there, here, places))
      module "local n = 2 return { head = function() return n end, other = function() return 1 end }"
      here, places = reached.by(script(text))
      assert.same({ "n was 1 there, is 2 now" }, content.changes(there, here, places))
      package.path, package.loaded.parts_of_test = before, nil
   end)

   it("is a file that run itself requires", function()
      local function file(body)
         local out = assert(io.open(folder .. "/late_of_test.lua", "w"))
         out:write(body)
         out:close()
      end
      local text = "return function() return require 'late_of_test' end"
      file "return 1"
      local there = parts(text)
      file "return 1 -- the same"
      assert.same({}, content.changes(there, parts(text), {}))
      file "return 2"
      assert.same({ "module 'late_of_test' has changed" }, content.changes(there, parts(text), {}))
   end)

   it("is a file whose path is a value, or a text in long brackets", function()
      local function write(name, body)
         local out <close> = assert(io.open(folder .. "/" .. name, "w"))
         out:write(body)
      end
      local called = folder .. "/called_of_test.lua"
      for _, text in ipairs { "local opt = { network = %q } return function() return dofile(opt.network) end",
         "return function() return dofile [[%s]] end" } do
         text = text:format(called)
         write("called_of_test.lua", "return require 'inner_of_test'")
         write("inner_of_test.lua", "return 1")
         local there = parts(text)
         write("inner_of_test.lua", "return 1 -- the same")
         assert.same({}, content.changes(there, parts(text), {}))
         write("inner_of_test.lua", "return 2")
         assert.same({ "module 'inner_of_test' has changed" }, content.changes(there, parts(text), {}))
         write("called_of_test.lua", "return require 'inner_of_test' + 1")
         assert.matches("module '" .. called .. "' has changed", table.concat(content.changes(there, parts(text), {})), 1, true)
      end
   end)
end)

describe("values of any shape", function()
   local function text_of(value)
      local function run() return value end
      return reached.by(run)
   end

   it("may hold themselves", function()
      local a, b = { n = { 1 } }, { n = { 1 } }
      a.n.me, b.n.me = a, b
      assert.same(text_of(a), text_of(b))
      b.n[1] = 2
      assert.is_false(pcall(assert.same, text_of(a), text_of(b)))
   end)

   it("may be large, deep and have keys of any kind", function()
      local big, deep = {}, {}
      for i = 1, 20000 do big[i], big["k" .. i] = i, tostring(i) end
      local at = deep
      for _ = 1, 5000 do
         at.inner = {}
         at = at.inner
      end
      local odd = { [true] = 1, [{}] = 2, [print] = 3, [1.5] = 4, big = big, deep = deep, co = coroutine.create(print) }
      local start = scute.clock()
      assert.same(text_of(odd), text_of(odd))
      assert.is_true(scute.clock() - start < 20)
   end)

   it("count with metatables of one's own", function()
      local function of(n) return setmetatable({ 1 }, { __index = function() return n end, factor = n }) end
      assert.same(text_of(of(1)), text_of(of(1)))
      assert.is_false(pcall(assert.same, text_of(of(1)), text_of(of(2))))
   end)

   it("count with metatables of one's own in which functions of others stand", function()
      local function of(n) return setmetatable({ 1 }, { __index = { factor = n }, __tostring = tostring }) end
      assert.same(text_of(of(1)), text_of(of(1)))
      assert.is_false(pcall(assert.same, text_of(of(1)), text_of(of(2))))
   end)

   it("are texts or numbers", function()
      local text = "local n = %s return function() return n end"
      assert.same({ 'n was 1 there, is "1" now' }, changes(text:format "1", text:format "'1'"))
      assert.same({ 'n was true there, is "true" now' }, changes(text:format "true", text:format "'true'"))
      assert.same({ "n was a there, is b now" }, changes(text:format "'a'", text:format "'b'"))
   end)

   it("may be another data set of samples, by what is in them", function()
      local function of(n)
         local x = scute.ones(4, 3, 2, 2) * n
         return text_of(scute.data.tensors { x = x, y = scute.tensor { 1, 2, 1, 2 }, classes = 2, val = 0.5 })
      end
      assert.same(of(1), of(1))
      assert.is_false(pcall(assert.same, of(1), of(2)))
   end)

   it("call nothing of the user's", function()
      local function fail() error "called" end
      local t = setmetatable({}, { __index = fail, __pairs = fail, __len = fail, __tostring = fail, __eq = fail,
         __call = fail })
      assert.is_truthy((text_of(t)).run)
   end)
end)

describe("a network of one's own", function()
   it("counts where its name is used", function()
      local text = [[local scute = require "scute"
         local Net = scute.nn.Classifier:extend "NetOfTest"
         function Net:features(x) return x:%s() end
         if not pcall(require("scute.nn.architectures").find, "net_of_test") then scute.models.register("net_of_test", Net) end
         return function() return scute.models.create("%s") end]]
      local before = parts(text:format("relu", "net_of_test"))
      assert.is_truthy(before["function net_of_test.features"])
      assert.is_nil(parts(text:format("relu", "resnet18"))["function net_of_test.features"])
   end)
end)

describe("a chain of fields", function()
   it("counts by what it leads to", function()
      local text = "local first = { best = { options = { lr = %s }, seconds = %d } } return function() return "
         .. "first.best.options.lr end"
      same(text:format("0.1", 1), text:format("0.1", 2))
      assert.same({ "first.best.options.lr was 0.1 there, is 0.2 now" }, changes(text:format("0.1", 1), text:format("0.2", 1)))
      text = "local opt = { %s } return function() return opt.size end"
      assert.same({ "opt.size was nil there, is 64 now" }, changes(text:format "", text:format "size = 64"))
      text = "local function f(t) return t.o end local o = { a = 1, b = %d } return function() return f { o = o.a } end"
      same(text:format(1), text:format(2))
   end)

   it("leads through methods of one's own to the whole", function()
      local text = "local m = setmetatable({ n = %d }, { __index = { get = 1 } }) return function() return m.get end"
      assert.same({ "m has changed" }, changes(text:format(1), text:format(2)))
   end)
end)

describe("the content of a run", function()
   local set = { classes = { "a", "b" }, train = { paths = { "x" }, labels = { 1 } },
      val = { paths = { "y" }, labels = { 2 } } }
   local run = { variant = "v", options = {}, run = "seed0", seed = 0 }

   it("of another version of scute is told as such, and not as a change of the script", function()
      local here = content.run(content.of { run = function() end, set = set }, run)
      local there = {}
      for name, text in pairs(here) do there[name] = text end
      assert.same({}, content.changes(there, here, {}))
      there.form, there.run = nil, "other"
      local changes_told = content.changes(there, here, {})
      assert.equal(1, #changes_told)
      assert.matches("another version of scute wrote down what its results hang on", changes_told[1])
   end)
end)

describe("a constant that the compiler folds in", function()
   local text = "local RATE <const> = %s\nlocal function rate() return RATE end\nreturn function() return { lr = rate() } end"

   it("counts in a script, for what its value is", function()
      assert.same({ "RATE was 0.25 there, is 0.5 now" }, changes(text:format "0.25", text:format "0.5"))
      assert.same({ "RATE was - 2 ^ 2 there, is - 2 ^ 3 now" }, changes(text:format "-2^2", text:format "-2^3 (print)()"))
      same(text:format "0.25", text:format "0.25 local OTHER <const> = 3")
      local several = "local A <const>, B <const>, c = 1, %d, f() return function() return B end"
      assert.same({ "B was 2 there, is 3 now" }, changes("local function f() end " .. several:format(2),
         "local function f() end " .. several:format(3)))
   end)

   it("counts with those that it is made of", function()
      local made = "local A <const> = %d local B <const> = (A + 1) * 2 return function() return B end"
      assert.same({ "A was 1 there, is 2 now" }, changes(made:format(1), made:format(2)))
   end)

   it("is no more than a variable where it calls or makes something", function()
      local made = "local t <const> = { a = 1, b = %d } return function() return t.a end"
      same(made:format(1), made:format(2))
   end)

   it("counts in the file of a network and in a module", function()
      local net = [[local scute, WIDTH <const> = require "scute", %d
         local Net = scute.nn.Classifier:extend "ConstNet"
         function Net:features(x) return x * WIDTH end
         if not pcall(require("scute.nn.architectures").find, "const_net") then scute.models.register("const_net", Net) end
         return function() return scute.models.create "const_net" end]]
      local there = parts(net:format(8))
      assert.equal("8", there["value WIDTH"])
      assert.equal("64", parts(net:format(64))["value WIDTH"])
   end)
end)

describe("what was put into tables of Lua and of the library", function()
   local scratch = { { table, "map_of_test" }, { math, "rate_of_test" }, { string, "shout_of_test" },
      { scute.models, "rates_of_test" }, { scute.models, "rate_of_test" }, { scute, "rate_of_test" },
      { scute.nn.Linear, "twice_of_test" },
      { getmetatable(scute.zeros { 1 }).methods, "twice_of_test" } }

   after_each(function()
      for _, entry in ipairs(scratch) do rawset(entry[1], entry[2], nil) end
   end)

   it("is the user's, wherever it hangs", function()
      local text = "function table.map_of_test() return %d end\nreturn function() return table.map_of_test() end"
      assert.same({ "function 'table.map_of_test' (line 1 of script.lua) has changed" },
         changes(text:format(1), text:format(2)))
      text = "math.rate_of_test = %s return function() return math.rate_of_test + math.pi end"
      assert.same({ "math.rate_of_test was 0.25 there, is 0.5 now" }, changes(text:format "0.25", text:format "0.5"))
      text = "function string.shout_of_test() return %d end\nreturn function() return ('a'):shout_of_test() end"
      assert.equal(1, #changes(text:format(1), text:format(2)))
      text = "local scute = require 'scute' local models = scute.models function models.rate_of_test() return %d end\n"
         .. "return function() return scute.models.rate_of_test() end"
      assert.equal(1, #changes(text:format(1), text:format(2)))
      text = "local scute = require 'scute' scute.models.rates_of_test = { %d } "
         .. "return function() return scute.models.rates_of_test[1] end"
      assert.equal(1, #changes(text:format(1), text:format(2)))
      text = "local scute = require 'scute' scute.rate_of_test = %d return function() return scute.rate_of_test end"
      assert.same({ "scute.rate_of_test was 1 there, is 2 now" }, changes(text:format(1), text:format(2)))
      text = "local methods = getmetatable(require('scute').zeros { 1 }).methods\n"
         .. "function methods:twice_of_test() return %d end\nreturn function(x) return x:twice_of_test() end"
      assert.equal(1, #changes(text:format(1), text:format(2)))
      text = "local Linear = require('scute').nn.Linear function Linear:twice_of_test() return %d end\n"
         .. "return function() return Linear { 1, 1 }:twice_of_test() end"
      assert.equal(1, #changes(text:format(1), text:format(2)))
   end)

   it("counts where it is used alone", function()
      local text = "math.rate_of_test = %s return function() return math.pi end"
      same(text:format "0.25", text:format "0.5")
   end)

   it("is nothing as long as nobody did", function()
      local known = require "scute.experiment.known"
      assert.same({}, require("scute.experiment.strays").of(known.map()))
   end)
end)

describe("a global that is called a field", function()
   after_each(function() rawset(_G, "CFG_OF_TEST", nil) end)

   it("counts as the global", function()
      local text = "rawset(_G, 'CFG_OF_TEST', { rate = %s, title = '%s' }) return function() return %s end"
      for _, name in ipairs { "_G.CFG_OF_TEST.rate", "_ENV.CFG_OF_TEST.rate" } do
         assert.same({ "CFG_OF_TEST.rate was 0.25 there, is 0.5 now" },
            changes(text:format("0.25", "a", name), text:format("0.5", "a", name)))
         same(text:format("0.25", "a", name), text:format("0.25", "b", name))
      end
      text = "local G = _G rawset(G, 'CFG_OF_TEST', { rate = %s }) return function() return G.CFG_OF_TEST.rate end"
      assert.same({ "CFG_OF_TEST.rate was 0.25 there, is 0.5 now" }, changes(text:format "0.25", text:format "0.5"))
      text = "rawset(_G, 'CFG_OF_TEST', { rate = %s, title = '%s' }) return function() return %s end"
      for _, name in ipairs { "_G['CFG_OF_TEST'].rate", "rawget(_G, 'CFG_OF_TEST').rate" } do
         assert.same({ "CFG_OF_TEST.rate was 0.25 there, is 0.5 now" },
            changes(text:format("0.25", "a", name), text:format("0.5", "a", name)))
      end
   end)
end)

describe("a name that only a run knows", function()
   local function module(body)
      local file = assert(io.open(folder .. "/head_of_test.lua", "w"))
      file:write(body)
      file:close()
      package.loaded.head_of_test = nil
   end

   it("may be any module of one's own that is loaded", function()
      local before = package.path
      package.path = folder .. "/?.lua;" .. before
      local calls = { "require('head_' .. v.of).rate()", "pcall(require, v.a .. v.b)", "load_it(v[1])" }
      for _, call in ipairs(calls) do
         local text = ("require 'head_of_test' local load_it = require\nreturn function(v) return %s end"):format(call)
            .. " -- load_it"
         if not call:find "load_it" then text = text:gsub("local load_it = require", "") end
         module "return { rate = function() return 1 end }"
         local there = parts(text)
         module "return { rate = function() return 2 end }"
         assert.same({ "module 'head_of_test' has changed" }, content.changes(there, parts(text), {}))
      end
      module "return 1"
      assert.is_nil(parts("require 'head_of_test' return function() return require('lfs') end")["module head_of_test"])
      package.path, package.loaded.head_of_test = before, nil
   end)

   local network = [[local scute = require "scute"
      local models = scute.models
      local Net = scute.nn.Classifier:extend "ComputedNet"
      function Net:features(x) return x:relu() end
      if not pcall(require("scute.nn.architectures").find, "computed_net") then models.register("computed_net", Net) end
      local which, opt = "%s", { model = "resnet18" }
      return function(variant, context) return %s, opt, which end]]

   local function has_net(call, which)
      return parts(network:format(which or "resnet18", call))["function computed_net.features"] ~= nil
   end

   it("may be any network of one's own", function()
      for _, call in ipairs { "models.create(which .. '_net')", "models.create(context.name)", "models.create('comp' .. which)",
         "models[variant.kind .. 'net'] {}", "pcall(models.create, variant.a .. 'b')", "models.computed_net {}" } do
         assert.is_true(has_net(call))
      end
   end)

   it("is known where it is a value from outside or an option of the variant", function()
      for _, call in ipairs { "models.create(which, {})", "models.create(opt.model)", "models.create(variant.model, {})",
         "models[opt.model] {}", "coroutine.create(context)", "models.create 'resnet18'" } do
         assert.is_false(has_net(call))
      end
      assert.is_true(has_net("models.create(which, {})", "computed_net"))
   end)
end)

describe("what a network is registered with", function()
   it("counts", function()
      local text = [[local scute = require "scute"
         local function build(classes) return scute.nn.Sequential { scute.nn.Linear { 2, #classes } } end
         local list = require "scute.nn.architectures"
         if pcall(list.find, "sized_net") then list.get("sized_net").family.preprocessing.crop = %d
         else scute.models.register("sized_net", build, { image_size = %d }) end
         return function() return scute.models.create "sized_net" end]]
      assert.same({ "sized_net.preprocessing.crop was 32 there, is 16 now" },
         changes(text:format(32, 32), text:format(16, 16)))
   end)
end)

describe("a file that the code names", function()
   local function write(name, text)
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write(text)
      file:close()
   end

   -- What differs once the file is another one.
   local function replaced(name, text)
      write(name, "first")
      local there, places = parts(text:format(folder .. "/" .. name))
      write(name, "other")
      local here = parts(text:format(folder .. "/" .. name))
      os.remove(folder .. "/" .. name)
      return content.changes(there, here, places or {}), there
   end

   it("counts by its bytes", function()
      local text = "return function() return load_weights(%q) end"
      local list, there = replaced("w.safetensors", text)
      assert.same({ ("file '%s/w.safetensors' has changed"):format(folder) }, list)
      assert.is_truthy(there[("file %s/w.safetensors"):format(folder)]:find("^sha256 %x+, 5 bytes$"))
      assert.equal(1, #replaced("w.bin", text))
      assert.equal(1, #replaced("w.pth", "local from = %q return function() return load_weights(from) end"))
      assert.equal(1, #replaced("w.csv", "local opt = { from = %q } return function() return load_weights(opt) end"))
      assert.equal(1, #replaced("w.lua", "local from = %q return function() return dofile(from) end"))
   end)

   it("counts where an option of a variant names it", function()
      write("v.pt", "first")
      local options = { weights = folder .. "/v.pt" }
      local there = reached.options(options)
      write("v.pt", "other")
      reached.by(function() end) -- another experiment looks
      assert.same({ ("file '%s/v.pt' has changed"):format(folder) }, content.changes(there, reached.options(options), {}))
   end)

   it("does not where it is written, is not there, is a folder or a text that only looks like one", function()
      assert.same({}, (replaced("w.csv", "return function() return io.open(%q, 'a') end")))
      assert.same({}, (replaced("w.csv", "local out = %q return function() return io.open(out, 'w') end")))
      assert.same({}, (replaced("w.json", "return function(m) return m:save_all(m, { path = %q }) end")))
      assert.same({}, (replaced("w.txt", "local title = %q return function() return title end")))
      local text = ("return function() return %q, %q end"):format(folder, folder .. "/none.pth")
      assert.is_nil(parts(text)["file " .. folder])
      assert.is_nil(parts(text)["file " .. folder .. "/none.pth"])
   end)

   it("does not where it was not there before", function()
      local text = ("return function() return make(%q) end"):format(folder .. "/made.csv")
      local there = parts(text)
      write("made.csv", "a")
      assert.same({}, content.changes(there, parts(text), {}))
   end)
end)
