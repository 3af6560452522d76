-- What an error says that nobody caught: the user's line, folded frames of the library, and common slips.
local scute = require "scute"
local frames = require "scute.base.frames"
local traceback = require "scute.base.traceback"
local nn = scute.nn

local function handler(err)
   local message = traceback.describe(tostring(err), 2)
   return message -- no tail call, so that the level is right
end

-- What is told of the error of a piece of Lua, which is called "line" and sees these names.
local function told(code, names, ...)
   frames.remember("=line", code)
   local chunk = assert(load(code, "=line", "t", names or { scute = scute, nn = nn, error = error }))
   local ok, text = xpcall(chunk, handler, ...)
   assert.is_false(ok)
   return text
end

-- That the first line is this, or begins with it.
local function says(wanted, code, names)
   local first = told(code, names):match "^[^\n]*"
   assert.equal(wanted, first:sub(1, #wanted), first)
end

-- The lines of the stack down to "line".
local function stack_of(code, names)
   return told(code, names):match "\nstack traceback:\n(.-\tline:[^\n]*main chunk)"
end

describe("an error of the library", function()
   it("is told at the line of who called it", function()
      says("line:2: models: unknown option 'clases'", "\nlocal m = scute.models.create('resnet18', { clases = 3 })")
      says("line:1: models: unknown model 'resnet5'", "scute.models.create 'resnet5' return 1")
      says("line:3: optim.adamw: expected model:groups", "local x\n\nx = scute.optim.adamw(3)")
      says("line:1: matmul: argument 'b'", "local x = scute.zeros(2, 3) x:matmul(x)")
      says("line:1: models.save: expected a model", "scute.models.save(3, 'x') return 1")
   end)

   it("is one line, of the module, where a module cannot be read", function()
      local folder = os.tmpname()
      os.remove(folder)
      os.execute(("mkdir '%s'; echo 'x = = 3' >'%s/broken_module.lua'"):format(folder, folder))
      local path = package.path
      package.path = folder .. "/?.lua"
      local text = told("local x = require 'broken_module' return x", { require = require })
      package.path = path
      os.execute(("rm -r '%s'"):format(folder))
      assert.equal(folder .. "/broken_module.lua:1: unexpected symbol near '='", text:match "^[^\n]*")
      assert.matches("\n\tline:1: in main chunk\n", text)
   end)

   it("is about the argument that was left out, or is of another kind, where only Lua says so", function()
      says("line:1: plot.predictions: argument 'results' is missing", "scute.plot.predictions() return 1")
      says("line:1: plot.predictions: argument 'results' is a number, with which it cannot be called",
         "scute.plot.predictions(3) return 1")
      says("line:1: schedule.lasts_for: argument 'which' is missing", "local x = scute.schedule.lasts_for() return x")
      assert.equal("\t... 1 frame of scute\n\tline:1: in main chunk", stack_of "scute.plot.predictions() return 1")
   end)

   it("tells where counting starts, in a line with [0]", function()
      local text = told "local x = scute.ones(2) return x.shape[0] * 2"
      assert.matches("^line:1: attempt to perform arithmetic on a nil value %(field '[^']*'%); indices start at 1\n", text)
      assert.is_nil(told("local t = {} return t[3] * 2"):find("start at", 1, true))
   end)

   it("tells how elements are compared where == gave a boolean", function()
      says("line:1: attempt to index a boolean value (local 'hits'); == and ~= give one true or false",
         "local x = scute.ones(2) local hits = x == x return hits:sum() + 1")
      says("line:1: attempt to index a boolean value; == and ~= give", "return (scute.ones(2) ~= 1):sum() + 1")
      assert.is_nil(told("local a = true return a.b + 1"):find("==", 1, true))
   end)

   it("tells where what only a session has is to be had", function()
      says("line:1: attempt to call a nil value (global 'help'); help is there in a session: scute, or scute -i file.lua",
         "help 'matmul' return 1")
   end)

   it("has a word on what is no Lua but came of another language", function()
      local unreadable = require "scute.base.unreadable"
      for code, hint in pairs {
         ["gr\u{f6}\u{df}e = 3"] = "names have letters from a to z", ["if a != 3 then end"] = "not equal is a ~= b",
         ["x = 1 # one"] = "a comment begins with %-%-", ["# one"] = "a comment begins with %-%-",
         ["x @ y"] = "the product of matrices is a:matmul%(b%)", ["x += 1"] = "an expression is no statement",
         ["m = f(pretrained=True)"] = "named arguments stand in braces",
      } do
         local _, message = load(code, "=line", "t")
         assert.matches("^line:1: [^\n]*; " .. hint, unreadable(message))
      end
      local _, message = load("x = = 3", "=line", "t")
      assert.equal(message, unreadable(message))
   end)

   it("is told at the line of the hook or layer that made it", function()
      local Net = nn.Module:extend "Net"
      function Net:forward(x) return self.work(x) end
      local code = "local net = ...\nnet.work = function(x)\n   return (x:reshape(7))\nend\nnet(scute.zeros(2))"
      local text = told(code, nil, Net())
      assert.matches("^line:3: in model %(Net%): reshape: ", text)
      assert.matches("\n\tline:3: in [^\n]+\n\t[^\n]+\n.*\n?\tline:5: in main chunk", text)
   end)

   it("has the text of the last chunks, not of all of a long session", function()
      for i = 1, 60 do frames.remember("=chunk " .. i, "x" .. i) end
      local function line(i) return frames.source_line { source = "=chunk " .. i, currentline = 1 } end
      assert.same({ nil, "x11", "x60" }, { line(10), line(11), line(60) })
   end)

   it("has the frames of the library folded", function()
      assert.equal("\t... 3 frames of scute\n\tline:1: in main chunk",
         stack_of "local m = scute.models.create('resnet18', { clases = 3 })")
      assert.equal("\t[C]: in method 'matmul'\n\tline:1: in main chunk", stack_of "local x = scute.zeros(2, 3) x:matmul(x)")
      assert.matches("^\t%.%.%. %d+ frames of scute\n\tline:1: in main chunk$",
         stack_of "local m = nn.Sequential(nn.Linear { 2, 3 }, nn.Linear { 4, 3 }) m(scute.zeros(1, 2))")
   end)

   it("keeps its own place and all frames where it is a fault of the library", function()
      local broken = assert(load("local function inner() local t return t.x end return inner() + 1",
         "@" .. scute.module_file "scute.train"))
      local text = told("local y = broken()", { broken = broken })
      assert.matches("^[^\n]*lua/scute/train%.lua:1: attempt to index a nil value %(local 't'%) %(inside scute, called from "
         .. "line:1%)\n", text)
      assert.matches("train%.lua:1: in local 'inner'\n\t[^\n]*train%.lua:1: in [^\n]+\n\tline:1: in main chunk", text)
   end)
end)

describe("an error of the user's own code", function()
   it("is told as it is", function()
      says("line:1: mine", "error 'mine'")
      assert.equal("mine", told("error('mine', 0)"):match "^[^\n]*")
      says("line:2: attempt to perform arithmetic on a nil value (local 'x')", "local x\nreturn x + 1")
   end)

   it("has a stack of a length that can be read", function()
      local text = told "local function f(n) if n == 0 then error 'deep' end f(n - 1) return n end f(100)"
      local _, lines = text:gsub("\n", "")
      assert.is_true(lines <= 13)
      assert.matches("\t%.%.%. %d+ more\n", text)
      assert.matches("\n\t%.%.%. and so on$", told "local function f() return 1 + f() end f()")
   end)
end)

describe("a common slip", function()
   local m, x = nn.Linear { 2, 3 }, scute.zeros(2, 3)
   local names = { scute = scute, nn = nn, string = string, m = m, x = x, optimizer = scute.optim.adam(m, { lr = 1 }),
      words = { list = { { name = 1 } } } }

   it("is a file without require", function()
      says("line:1: attempt to index a nil value (global 'scute'); a file that uses it begins with: local scute = require",
         "local y = scute.zeros(3)", {})
      says("line:1: attempt to index a nil value (global 'torch'); there is no torch here, but scute.zeros with: local scute = "
         .. "require", "local y = torch.zeros(3)", {})
   end)

   it("is a name of another library: what it is called here is said", function()
      for code, meant in pairs {
         ["torch.randn(3)"] = "torch here, but scute.randn", ["np.zeros(3)"] = "np here, but scute.zeros",
         ["local y = torch.nn.Linear(3, 4)"] = "torch here, but scute.nn.Linear", ["torch.cat(3)"] = "but scute.concat",
         ["torch.optim.Adam(m)"] = "but scute.optim.adam", ["torchvision.models.resnet18()"] = "but scute.models.resnet18",
         ["torch.no_such_thing_at_all()"] = "there is no torch here, but scute" } do
         local line = told(code, names):match "^[^\n]*"
         assert.equal(meant, line:sub(-#meant))
      end
   end)

   it("is a part of a model that is called with a colon", function()
      local net = { net = scute.models.baseline_cnn { classes = 2, image_size = 32 }, x = scute.zeros(1, 3, 32, 32) }
      local part = net.net:children()()
      says(("line:1: '%s' is a module inside another, which is called with a dot: net.%s(...), not net:%s(...)"):format(
         part, part, part), ("local y = net:%s(x)"):format(part), net)
      says("line:2: 'fc' is a module inside another", "local s = { m = m }\nlocal y = s.m:fc()",
         { m = scute.models.resnet18 {} })
   end)

   it("is a method that is called with a dot", function()
      for code, call in pairs { ["m.freeze('x')"] = "m:freeze", ["m.eval()"] = "m:eval", ["m.groups { lr = 1 }"] = "m:groups",
         ["optimizer.step()"] = "optimizer:step", ["x.sum()"] = "x:sum", ["x.reshape(3, 2)"] = "x:reshape",
         ["x.backward()"] = "x:backward", ["nn.Module.extend('Net')"] = "nn.Module:extend" } do
         local name = call:match ":(.*)"
         says(("line:1: '%s' is a method, which is called with a colon: %s(...)"):format(name, call), code, names)
      end
      says("line:1: reshape: argument 'x': expected a tensor, found 3", "scute.reshape(3, 2)", names)
      says("line:1: sum: argument 'dim': expected a dimension", "x.sum(x, 7)", names)
      says("line:1: matmul: argument 'b': expected a tensor", "x:matmul(3)", names)
   end)

   it("is no call of the base class's method", function()
      local Net = nn.Sequential:extend "Net"
      function Net:get(name) return (nn.Sequential.get(self, name)) end
      says("tests/lua/traceback_spec.lua:", "net:get 'zzz'", { net = Net() })
      assert.matches("^[^\n]*: Net: no module 'zzz'", told("net:get 'zzz'", { net = Net() }))
   end)

   it("is no metamethod", function()
      says("line:1: Linear: parameter 'weight': expected a tensor, found a number", "m.weight = 3", names)
   end)

   it("is a function that is called with a colon", function()
      says("line:1: 'create' is a function, which is called with a dot: scute.models.create(...)",
         "scute.models:create('resnet18')", names)
      says("line:1: 'randn' is a function, which is called with a dot: scute.randn(...)", "local y = scute:randn(3)", names)
      says("line:1: zeros: a shape is one table, or the numbers themselves; found 3 behind a table",
         "scute.zeros({ 2 }, 3)", names)
   end)

   it("is a name that is nil: the nearest is said", function()
      for code, meant in pairs { ["zeros(3)"] = "scute.zeros", ["Linear { 2, 3 }"] = "scute.nn.Linear",
         ["string.fromat('x')"] = "format", ["local s = 'x' s:fromat(3)"] = "format", ["words.list[1].nmae.x = 1"] = "name",
         ["optimizer:stp()"] = "step", ["local t = { 1, scute.schedule.warmup(2):thn_(nil, 3) }"] = "then_",
         ["local y = words.lst[1]"] = "list" } do
         assert.matches(("; did you mean '%s'?"):format(meant), told(code, names):match "^[^\n]*", 1, true)
      end
      says("line:1: attempt to call a nil value (global 'len'); in Lua it is #x", "local n = len(words)", names)
   end)

   it("is a property that is called, and a tensor where a number is expected", function()
      says("line:1: attempt to call a table value (method 'shape'); 'shape' is no function", "x:shape()", names)
      says("line:1: bad argument #2 to 'format' (number expected, got scute.tensor); t:item() is the number",
         "string.format('%g', x)", names)
      says("line:1: attempt to call a scute.tensor value (global 'x'); an entry of a tensor is t[i]", "x(1)", names)
   end)
end)
