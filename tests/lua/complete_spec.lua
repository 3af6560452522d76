-- Completion: what may stand behind what was typed, without running any of it.
local scute = require "scute"
local complete = require "scute.repl.complete"
local kinds = require "scute.repl.complete.kinds"
local lfs = require "lfs"
local scratch = require "tests.lua.scratch"

local function ran() error "completion has run this" end

local HOSTILE = { __index = ran, __newindex = ran, __call = ran, __pairs = ran, __len = ran, __tostring = ran, __eq = ran }

local function candidates(before)
   return (complete.candidates(before))
end

local function has(before, ...)
   local list = {}
   for _, name in ipairs(candidates(before)) do list[name] = true end
   for _, name in ipairs { ... } do assert.is_true(list[name], before .. ": " .. name) end
end

local function has_not(before, ...)
   for _, name in ipairs(candidates(before)) do
      for _, unwanted in ipairs { ... } do assert.is_not.equal(unwanted, name, before) end
   end
end

describe("completion", function()
   local set = { "scute", "t", "m", "evil", "user", "help" }

   before_each(function()
      _G.scute = scute
      _G.t, _G.m = scute.zeros(2, 2), scute.models.resnet18 { classes = 2 }
      _G.evil, _G.user = setmetatable({ known = { inner = 1 } }, HOSTILE), ran
      _G.help = function() end
   end)

   after_each(function()
      for _, name in ipairs(set) do rawset(_G, name, nil) end
      complete.lines = ""
   end)

   it("knows what functions and methods give", function()
      for _, before in ipairs { "scute.randn(3, 3)", "t:sum()", "(t + 1)", "(2 * t)", "t[1]", "t:mul(2):add(t)", "m(t)",
         "m:eval()(t)", "t.grad", "scute.nn.Linear { 2, 3 }(t)", 'scute.image.load("x"):tensor()', "x = -t" } do
         has(before .. ":", "matmul", "item", "sum")
         has_not(before .. ":", "print", "shape", "pairs")
      end
      has("scute.randn(3, 3).", "shape", "dtype", "matmul")
      has("scute.models.resnet18 {}:", "freeze", "groups", "features")
      has("m:freeze('backbone'):to('cpu'):", "unfreeze")
      has("scute.nn.Conv2d { 3, 8, 3 }:", "num_parameters")
      has('scute.data.open("x").', "classes", "train", "val")
      has('scute.data.open("x").train.', "paths", "labels")
      has("scute.optim.adamw(m:groups { lr = 1 }, {}):", "step", "zero_grad")
      has('scute.image.load("x"):resize(3):', "crop", "save")
      has('("a"):', "upper", "rep")
      assert.same({}, candidates "{ 1, 2 }:")
      assert.same({}, candidates "t:item():")
      assert.same({}, candidates "user():")
   end)

   it("knows the fields of what it says is given", function()
      local root = scratch.make()
      local opened = scute.data.open(root .. "/photos")
      scratch.remove(root)
      for name in pairs(kinds.of "data set".fields) do assert.is_not_nil(opened[name], name) end
      local some_have = { boxes = true, masks = true } -- of crops
      for name in pairs(kinds.of "part".fields) do
         assert.is_true(some_have[name] or opened.train[name] ~= nil, name)
      end
      for name in pairs(kinds.of "model".fields) do assert.is_not_nil(_G.m[name], name) end
   end)

   it("walks down values that are there", function()
      has("m.layer1[1].", "conv1", "bn2", "freeze")
      has('m["layer1"].', "append")
      assert.same({ "weight" }, candidates "m.layer1[1].conv1.wei")
      assert.same({ "layer1", "layer2", "layer3", "layer4" }, candidates "print(m.layer")
      has("m:", "freeze")
      has_not("m:", "within", "tell", "observed", "_children", "arch", "fields")
      has_not("m.", "_children")
      has("m._", "_children")
      for _, before in ipairs { "m.", "m:", "m.layer1[1].", "m.relu.", "scute.nn.Conv2d { 3, 4, 3 }." } do
         has_not(before, "build", "class_name", "describe", "describe_model", "expansion", "extend", "keeps_nothing", "op",
            "head_path", "declared_groups", "class_names")
      end
      has("scute.nn.Module:", "build", "extend") -- whoever writes a class needs them
      has_not("scute.nn.", "conv_bn_act", "conv_without_bias")
   end)

   it("knows lines that have not run", function()
      has("local y = t:mul(2)\ny:", "matmul")
      has("y = scute.models.resnet18 {}; z = y:eval()\nfor i = 1, 2 do z:", "freeze")
      complete.lines = "function f(x)\nlocal n = scute.nn.Linear { 2, 3 }\n"
      has("   return n:", "forward")
      assert.same({}, candidates "x = x:foo()\nx:")
   end)

   it("proposes named arguments and their choices", function()
      assert.same({ "epochs" }, candidates "scute.train.fit(m, set, { ep")
      assert.same({ "weight_decay" }, candidates "scute.optim.adamw(m:groups { lr = 0.1 }, {\n   weight")
      assert.same({}, candidates "scute.nn.Conv2d { 3, 8, kernel_size = 3, kern")
      assert.same({ "auto", "bf16", "fp16", "fp32", "fp32_strict" }, candidates 'scute.train.fit(m, set, { precision = "')
      assert.same({ '"auto"', '"bf16"', '"fp16"', '"fp32"', '"fp32_strict"' },
         candidates "scute.train.fit(m, set, { precision = ")
      assert.same({ "mean", "none", "sum" }, candidates 'scute.cross_entropy(a, b, { reduction = "')
      assert.same({ "dim", "keepdim" }, candidates "t:sum { ")
      assert.same({ "device", "dtype", "requires_grad" }, candidates "scute.ones(2, 3, { ")
      assert.same({ "filter" }, candidates 'scute.image.load("x"):resize { fil')
      assert.same({ "center", "left", "right" }, candidates 'scute.canvas(3, 4):text(1, 2, "a", { align = "')
      assert.same({ "conv1" }, candidates 'm:get("conv')
      has('m:freeze "', "backbone", "layer4", "stem")
      assert.same({ "layer4.1.conv1", "layer4.1.conv2" }, candidates 'm:freeze "layer4.1.c')
      has('m:unfreeze { "layer4", "l', "layer3", "layer4")
      assert.same({ "resnet101", "resnet152", "resnet18" }, candidates 'scute.models.create("resnet1')
      assert.equal("ochs = ", (complete.at("scute.train.fit(m, set, { ep", 80)))
   end)

   it("shows choices in columns, not without end", function()
      local many = {}
      for i = 1, 250 do many[("name_%03d"):format(i)] = i end
      _G.t = many
      local insert, shown = complete.at("t.", 40)
      assert.same({ "name_", nil }, { insert, shown })
      insert, shown = complete.at("t.name_", 40)
      assert.equal("", insert)
      assert.matches("^name_001  name_%d+  name_%d+  name_%d+\n", shown)
      assert.matches("\n… 50 more$", shown)
   end)

   it("knows what training gives", function()
      assert.same({ "resume" }, candidates "scute.train.fit(m, d):")
      assert.same({ "interrupted" }, candidates "scute.train.fit(m, d):resume().int")
   end)

   it("knows what pictures, schedules and counts are", function()
      local figure = { "image", "png", "save", "show", "svg", "text", "title" }
      assert.same(figure, candidates "scute.plot.curves(x):")
      assert.same(figure, candidates "fig = scute.plot.confusion(c); fig:")
      assert.same({ "height" }, candidates "scute.plot.photos({}):title('x').he")
      has("scute.plot.curves(x):image():", "crop", "tensor")
      _G.t = scute.plot.schedule(scute.schedule.cosine())
      assert.same(figure, candidates "t:")
      has("scute.schedule.cosine(5):", "then_")
      has("scute.schedule.warmup(2):then_(x):", "then_")
      has("scute.metrics.confusion(3):", "accuracy", "add")
      has("scute.train.fit(m, d).confusion:", "accuracy", "per_class")
      has("scute.train.lr_find(m, d):figure():", "save")
   end)

   it("proposes topics of help", function()
      assert.same({ "conv2d", "conv_bn_act" }, candidates 'help "conv')
      assert.same({ "models.create" }, candidates 'help("models.cr')
      assert.same({ ".reload", ".run" }, candidates "? .r")
      assert.same({ "t:matmul" }, candidates "? t:mat")
      assert.same({ "m:freeze", "m:freeze_to" }, candidates "? m:free")
      assert.same({ "layer1", "layer2", "layer3", "layer4" }, candidates "? m.la")
      has("? m.layer1[1].", "conv1", "freeze")
      assert.same({}, candidates "?? m.la")
      has("?? ", "conv2d", "models")
   end)

   it("proposes files", function()
      local folder = os.tmpname()
      os.remove(folder)
      assert(lfs.mkdir(folder) and lfs.mkdir(folder .. "/with blank"))
      for _, name in ipairs { "with blank/a'b", "with blank/.hidden", "one" } do io.open(folder .. "/" .. name, "w"):close() end
      assert.same({ "one", "with blank/" }, candidates(('io.open("%s/'):format(folder)))
      assert.same({ "a'b" }, candidates(('io.open("%s/with blank/'):format(folder)))
      assert.same({ "a\\'b" }, candidates(("io.open('%s/with blank/a"):format(folder)))
      assert.same({ ".hidden" }, candidates(('"%s/with blank/.'):format(folder)))
      assert.same({ "with\\ blank/" }, candidates((".run %s/w"):format(folder)))
      assert.same({ "a\\'b" }, candidates(("!ls %s/with\\ blank/a"):format(folder)))
      assert.same({}, candidates(('io.open("%s/nothing/here'):format(folder)))
      local insert, _, remove = complete.at('io.open("~/nothing_of_this_name', 80)
      assert.same({ "", 0 }, { insert, remove })
      os.execute(("rm -rf '%s'"):format(folder))
   end)

   it("runs nothing of the user's, and never fails", function()
      assert.same({ "known" }, candidates "evil.k")
      assert.same({ "inner" }, candidates "evil.known.")
      for _, before in ipairs { "evil.foo.", "evil:", "evil[1].", "evil():", "#evil", "user(1):", "user { ", 'user "',
         "evil .. ", "evil { a = ", "(evil + 1):", "", ")", "}", "a.b.c.", ":", "..", "[[ x", "-- x", "'\\", "x = {", "? x:",
         ".", "!", "\255.", "scute.no_such_thing.", "scute.models.no_such_model:" } do
         assert.is_table(candidates(before), before)
      end
   end)
end)
