-- Help: everything that users may call has a text, and is found under the names that users try.
local scute = require "scute"
local comments = require "scute.help.comments"
local entries = require "scute.help.entries"
local find = require "scute.help.find"
local help = require "scute.repl.help"
local options = require "scute.base.options"
local inventory = require "scute.help.inventory"

local all = entries.list(true)
local listed = entries.list()

local by_name = {}
for _, entry in ipairs(all) do by_name[entry.name] = entry end

describe("everything that users may call", function()
   it("has a text and says how it is called", function()
      local without = {}
      for _, entry in ipairs(all) do
         if entry.text == "" or not entry.signature then without[#without + 1] = entry.kind .. " " .. entry.name end
      end
      assert.same({}, without)
      assert.is_true(#all > 450, #all)
   end)

   it("has a first sentence whose brackets are closed, for lists", function()
      local text, open = require "scute.help.text", {}
      for _, entry in ipairs(listed) do
         local summary = text.summary(entry, 1000)
         local _, opened = summary:gsub("[([]", "")
         local _, closed = summary:gsub("[])]", "")
         if opened ~= closed then open[#open + 1] = entry.name .. ": " .. summary end
      end
      assert.same({}, open)
   end)

   it("has a line about each of its options", function()
      local without = {}
      for _, entry in ipairs(all) do
         for _, option in ipairs(entry.options or {}) do
            if not option.help or option.help == "" then without[#without + 1] = entry.name .. " " .. option[1] end
         end
      end
      assert.same({}, without)
   end)

   it("is all that there is in the families", function()
      local missing = {}
      for _, family in ipairs(inventory.families()) do
         assert.equal("family", by_name[family].kind)
         local value = scute[family]
         for _, name in ipairs(type(value) == "table" and inventory.names(value) or {}) do
            if not by_name[family .. "." .. name] then missing[#missing + 1] = family .. "." .. name end
         end
      end
      assert.same({}, missing)
      for _, name in ipairs(scute.models.list()) do assert.equal("model", by_name["models." .. name].kind) end
   end)

   it("is all that C puts into scute and into the types of its values", function()
      local missing = {}
      for name, value in next, require "scute.core" do
         if type(value) == "function" and not by_name[name] then missing[#missing + 1] = name end
      end
      for method in next, debug.getmetatable(scute.zeros(1)).methods do
         local op = by_name[method]
         if not by_name["t:" .. method] and not (op and op.is_method) then missing[#missing + 1] = "t:" .. method end
      end
      assert.same({}, missing)
      for _, name in ipairs { "image:resize", "canvas:text", "loader:next", "monitor:sample", "t.shape", "image.width" } do
         assert.is_truthy(by_name[name], name)
      end
   end)

   it("is every method of a module and of what is derived from it", function()
      local missing = {}
      for _, class in next, scute.nn do
         if type(class) == "table" and rawget(class, "class_name") then
            for method in next, inventory.own_methods(class) do
               local name = class.class_name:lower() .. ":" .. method
               if not by_name[name] then missing[#missing + 1] = name end
            end
         end
      end
      assert.same({}, missing)
   end)
end)

describe("in a window of 80 columns", function()
   local answer = require "scute.help.answer"

   local function widest(text)
      local most = ""
      for line in text:gmatch "[^\n]+" do
         if utf8.len(line) > utf8.len(most) then most = line end
      end
      return most
   end

   it("the overview, lists and calls have no line that is longer", function()
      for _, topic in ipairs { "", "ops", "data.open", "Conv2d", "conv2d", "t:item" } do
         local line = widest(answer.text(79, topic))
         assert.is_true(utf8.len(line) <= 79, topic .. ": " .. line)
      end
   end)
end)

-- Classes of objects that never leave the library.
local KEPT_INSIDE = {}
for name in ([[Declaration Failure Queue Set Axes Progress Average Worst Board Looks Part Feed Kept
   Augmentation Samples Lines Reached metric Graph Known Trace Taken Work Reader Found Sum Norms]]):gmatch "%S+" do
   KEPT_INSIDE[name] = true
end
local PROGRAMS = { worker = true } -- of scute.compare: run, not required

describe("a network whose file is gone", function()
   it("takes no other help with it", function()
      local register = load('require("scute").models.register("gone_of_test", ...)', "@gone_of_test.lua")
      register(function() return scute.nn.Sequential {} end)
      assert.matches("^scute.train.fit%(model, set, options%)", help.text(scute.train.fit))
   end)
end)

describe("a class of what functions return", function()
   it("is known to help, or never leaves the library", function()
      local known, new = {}, {}
      for _, entry in ipairs(inventory.CLASSES) do known[inventory.classes_in(entry[2])[entry[3]]] = true end
      local function look(folder, prefix)
         for _, name in ipairs(comments.files(folder)) do
            if name ~= "init" and not PROGRAMS[name] then
               for class_name, class in next, inventory.classes_in(prefix .. name) do
                  local is_told = known[class] or KEPT_INSIDE[class_name]
                  if not is_told then new[#new + 1] = prefix .. name .. " " .. class_name end
               end
            end
         end
      end
      look(comments.folder(), "scute.")
      for _, family in ipairs(inventory.families()) do look(comments.folder() .. "/" .. family, "scute." .. family .. ".") end
      assert.same({}, new)
   end)
end)

local function text(...)
   return (help.text(...):gsub("\n$", ""))
end

describe("help", function()
   it("knows methods by every way to name them", function()
      local matmul = text "matmul"
      for _, name in ipairs { "t:matmul", "tensor:matmul", "scute.matmul", "t.matmul", "matmul()", " matmul " } do
         assert.equal(matmul, text(name))
      end
      local index = find.index()
      for _, op in ipairs(listed) do
         if op.is_method then assert.equal(index.by_name[op.name], find.named(index, "t:" .. op.name)[1]) end
      end
      for _, name in ipairs { "m:freeze", "model.freeze", "nn.Module:freeze", "module:freeze", "freeze", "Linear:freeze" } do
         assert.matches("^module:freeze%(what, options%)", text(name))
      end
   end)

   it("takes a member of a family before a namesake", function()
      assert.matches("^scute.nn.Linear {", text "Linear")
      assert.matches("^scute.linear%(", text "linear")
      assert.matches("^'fit' is\n   pca.fit .*\n   train.fit ", text "fit")
      assert.matches("^scute.train.lr_find", text "LR_FIND")
   end)

   it("tells of what the session has: its commands and functions", function()
      assert.matches("^%.run FILE %[ARGUMENTS%]\n", text ".run")
      for _, name in ipairs { ".time", ".who", "!", "?", "??", "exit", "quit" } do
         assert.not_matches("nothing is known", text(name), nil, name)
      end
      assert.matches("^show%(x%)\n", text "show")
      assert.matches("^help%(topic%)\n", text "help")
   end)

   it("tells of the last results, and of Lua's own words", function()
      for _, name in ipairs { "_", "_1", "_2" } do assert.matches("^_, _1, _2\n   the last results ", text(name)) end
      assert.matches("^for\n   for i = 1, 10 do", text "for")
      for _, name in ipairs { "if", "while", "function", "local", "and", "return" } do
         assert.not_matches("nothing is known", text(name), nil, name)
      end
   end)

   it("tells of scripts and examples, of the program's options, and of the environment", function()
      local script = text "scripts/transfer_learning.lua"
      assert.matches("^scripts/transfer_learning.lua\n   Exercise 1: .*%-%-freeze_backbone", script)
      assert.equal(script, text "transfer_learning")
      assert.equal(script, text "transfer_learning.lua")
      assert.matches("^examples/first_tensor.lua\n", text "first_tensor")
      assert.matches("^scute %-%-watch\n   run the file again", text "--watch")
      assert.matches("^scute %-%-init DIR\n", text "--init")
      assert.matches("^SCUTE_THREADS %(in the environment%)\n", text "SCUTE_THREADS")
      assert.matches("nothing is known about 'SCUTE_NOTHING'", text "SCUTE_NOTHING")
   end)

   it("knows a method whatever the value is called, and shows all that have one of that name", function()
      assert.equal(text "matmul", text "x:matmul")
      assert.equal(text "result:resume", text "my_run:resume()")
      assert.matches("^'save' is\n   canvas:save .*\n   figure:save ", text "fig:save")
      assert.not_matches("models.save", text "fig:save", nil, true)
      assert.matches("nothing is known about 'x:unknown'", text "x:unknown")
   end)

   it("shows what scute has under a name of Lua's beside that", function()
      assert.matches("^'load' is\n   image.load .*\n   load  .*\n   models.load ", text "load")
      assert.matches("^pairs%(", text "pairs")
   end)

   it("refers to names that it knows", function()
      local unknown, known = {}, {}
      for _, entry in ipairs(listed) do
         for name in entry.text:gmatch "%f[%w]see ([%w_]+[._:][%w_.:]*%w)" do
            if known[name] == nil then known[name] = not text(name):find "^nothing is known" end
            if not known[name] then unknown[#unknown + 1] = entry.name .. ": " .. name end
         end
         for name in entry.text:gmatch "%f[%w]sc_%w+" do unknown[#unknown + 1] = entry.name .. ": " .. name end
      end
      assert.same({}, unknown)
   end)

   it("tells of options by name, those that say the same together", function()
      assert.matches("^the option 'epochs' of\nschedule.constant, schedule.cosine,", text "epochs")
      assert.matches("\ntrain.fit, train.lr_find:\n   epochs  passes over", text "epochs")
   end)

   it("shows the nearest name for what is not there", function()
      assert.matches("nothing is known about 'ad', did you mean 'add'%?; %?%? ad searches", text "ad")
      assert.matches("did you mean 'label_smoothing'", text "label_smothing")
   end)

   it("leaves out what is internal, but explains it to who holds it", function()
      for _, name in ipairs { "module:within", "module:tell", "module:observed", "terminal.read", "weight_files",
         "process", "process.end_with_parent", "files.keep", "files.recall", "files.stamp", "shell", "synonyms" } do
         assert.is_true(by_name[name].hidden, name)
      end
      for _, entry in ipairs(listed) do assert.is_nil(entry.hidden) end
      assert.is_nil(text("nn.Module"):find("within", 1, true))
      assert.matches("^module:within", text(scute.nn.Module.within))
   end)

   it("explains any value", function()
      local model = scute.nn.Sequential(scute.nn.Linear { 2, 2 })
      local optimizer = scute.optim.sgd(model, { lr = 1 })
      local cases = {
         { 3, "^3: a number %(integer%)" }, { true, "^true: " }, { scute, "^scute: tensors with gradients" },
         { print, "^print%(%.%.%.%)\n" },
         { scute.zeros(2, 3), "^tensor f32 cpu %(2, 3%).*t:item .*these ops, as x:op" },
         { string.format, "^string.format%(" }, { io, "^io\n.*io.lines" },
         { model, "^a module of the class Sequential.*sequential:append.*help \"nn.Module\"" },
         { model[1], "^a module of the class Linear.*\n   in_features " },
         { scute.nn.Linear, "^scute.nn.Linear { in_features" },
         { model.freeze, "^module:freeze%(what, options%)" },
         { optimizer, "^optim.sgd {.*optimizer:step " },
         { optimizer.step, "^optimizer:step%(%)" }, { scute.schedule.cosine(2), "schedule:then_ " },
         { scute.plot, "^scute.plot\n.*plot.curves " }, { scute.train.fit, "^scute.train.fit%(model, set, options%)" },
         { scute.canvas(2, 2), "canvas:circle " }, { scute.plot.curves, "^scute.plot.curves%(" },
         { scute.train.options {}, "^options of train.fit:\n   optimizer" }, { scute.conv2d, "^scute.conv2d%(x, weight" },
         { { classes = {}, train = {}, val = {} }, "^a data set: what data.open returns" },
         { { history = {}, best = {} }, "^the result of training: what train.fit returns" }, { {}, "^an empty table" },
         { { 4, 5, 6 }, "^a list of 3 entries" }, { { 1, b = 2, a = 3 }, "^a table with 3 entries: 1, a, b$" },
         { function(a, b) return a, b end, "help_spec.lua, line %d+$" }, { load "return 1", "typed at the prompt" },
         { coroutine.create(print), "^a coroutine" },
         { model:groups(), "^a table: what module:groups returns" },
      }
      for _, case in ipairs(cases) do assert.matches(case[2], text(case[1])) end
      local Result = inventory.classes_in("scute.train.result").Result
      local result = setmetatable({ history = {}, best = { val_accuracy = 1, epoch = 1 } }, Result)
      assert.matches("\n   result:resume .*\n\nthe result of training: what train.fit returns\n.*confusion = of the best epoch",
         text(result))
      assert.matches("^nil: nothing has that name here", text(nil))
   end)

   it("explains variables of the session where the library has no such name", function()
      _G.a_net, _G.a_run = scute.nn.Sequential(scute.nn.Linear { 2, 2 }), scute.train.options {}
      assert.equal(text "module:freeze", text "a_net:freeze")
      assert.matches("^a module of the class Sequential", text "a_net")
      assert.matches("^a module of the class Linear", text "a_net[1]")
      assert.matches("^t.shape %-> list", text "a_net[1].weight.shape")
      assert.matches("^the option 'epochs' of\ntrain.fit:\n", text "a_run.epochs")
      assert.matches("nothing is known about 'a_net.x'", text "a_net.x")
      _G.a_net, _G.a_run = nil, nil
   end)

   it("has a line for every name of Lua's own libraries", function()
      local known = find.index().by_name
      for _, library in ipairs { "coroutine", "debug", "io", "os", "package", "string", "table", "utf8" } do
         for name in next, _G[library] do assert.is_truthy(known[library .. "." .. name], library .. "." .. name) end
      end
      for _, name in ipairs { "print", "pairs", "math.floor", "math.pi", "require" } do assert.is_truthy(known[name], name) end
   end)
end)

describe("?? words", function()
   local search, index = require "scute.help.search", find.index()

   it("lists names, then options, then texts, where all words stand", function()
      local found = search.text(index, "batch norm", 100)
      assert.matches("^names:\n   batch_norm .*nn.BatchNorm2d.*\n\noptions:\n", found)
      assert.matches("\n   module:freeze { batch_norm }.*\n\ntexts:\n", found)
      assert.matches("^names:\n.*   plot.schedule.*   schedule.cosine ", search.text(index, "schedules", 100))
      assert.equal("nothing speaks of 'xyzzy'", search.text(index, "xyzzy", 100))
   end)

   it("has lines that fit, and tells how many more there are", function()
      local found = search.text(index, "a", 90)
      assert.matches("\n   … %d+ more", found)
      for line in found:gmatch "[^\n]+" do assert.is_true(utf8.len(line) <= 90, line) end
   end)
end)

describe("an entry", function()
   it("has what annotations and pages need", function()
      local fit = by_name["train.fit"]
      assert.same({ "function", "train", "scute.train.fit(model, set, options)" }, { fit.kind, fit.family, fit.signature })
      assert.equal(options.of(scute.train.fit), fit.declaration)
      local freeze = by_name["module:freeze"]
      assert.same({ "nn.Module", "module:freeze(what, options)" }, { freeze.class, freeze.signature })
      local act = by_name.conv_bn_act.options[16]
      assert.same({ "act", "choice", "none" }, { act[1], act.kind, act.default })
      assert.same({ "none", "relu", "relu6", "silu" }, table.move(act.choices, 1, 4, 1, {}))
   end)
end)
