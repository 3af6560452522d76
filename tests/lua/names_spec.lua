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
   return assert(load(code, "=line", "t", setmetatable(environment or {}, { __index = { scute = scute } })))
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
   for _, op in ipairs(scute.ops()) do
      for _, param in ipairs(scute.op_info(op).params) do known[param] = true end
   end
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

describe("words of PyTorch on a tensor", function()
   it("lead to what does the same, or a part of it", function()
      local x = scute.ones(2, 2)
      says("did you mean 'pow'?", function() return x.square end)
      says("did you mean 'correction'?", function() return x:std { unbiased = false } end)
      says("did you mean 'topk'?", function() return x.kthvalue end)
      for code, meant in pairs { ["x:pad { padding = { 1, 1 } }"] = "pads", ["x:tile { repeats = 2 }"] = "times",
         ["x:reshape { size = { 4 } }"] = "shape", ["x:permute { dims = { 2, 1 } }"] = "order",
         ["x:permute { axes = 1 }"] = "order",
         ["x:flip { axis = 1 }"] = "dims", ["x:squeeze { axes = 1 }"] = "dims", ["x:sum { axis = 1 }"] = "dim",
         ["x:flatten { start_dim = 1 }"] = "from", ["x:quantile(0.5)"] = "sort", ["x:outer(x)"] = "mul",
         ["x:lerp(x, 0.5)"] = "add", ["x:trace()"] = "sum" } do
         says(("did you mean '%s'?"):format(meant), running(code, { x = x }))
      end
      says("t:requires_grad_(), or t:requires_grad_(false), sets it", function() x.requires_grad = true end)
      says("t.grad:copy_(...) puts other values into it, and t:zero_grad() lets go of it", function() x.grad = nil end)
      says("entries cannot be assigned", function() x[1] = 2 end)
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
         load = "scute.models.load", adam = "scute.optim.adam", backward = "t:backward", state_dict = "model:state_dict",
         set_lr = "optimizer:set_lr" } do
         says(("did you mean '%s'?"):format(meant), function() return scute[name] end)
      end
      says("did you mean 'scute.softmax'?", function() return scute.nn.Softmax end)
      says("did you mean 'model:register_parameter'?", function() return scute.nn.ParameterList end)
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

describe("a module's names", function()
   local nn = scute.nn
   local Net = nn.Module:extend "Net"

   function Net:build()
      self.conv = nn.Conv2d { 3, 4, 3 }
      self.layers = nn.Sequential(nn.Linear { 2, 2 }, nn.Dropout(0.5))
      self.scale = 2
   end

   function Net:forward(x)
      if self.downsample then error "there is none" end
      scute.no_grad(function() assert.is_nil(self.shortcut) end)
      return x * self.scale
   end

   local net = Net()

   it("are known: the nearest is said", function()
      for name, meant in pairs { freez = "freeze", cnv = "conv", layer = "layers", sclae = "scale", ["forwrad"] = "forward",
         state_dit = "state_dict", named_children = "children", evaluate = "eval", cuda = "to", requires_grad_ = "unfreeze",
         save = "scute.models.save", fit = "scute.train.fit" } do
         says(("Net: there is no field, method or child '%s', did you mean '%s'?"):format(name, meant), function()
            return net[name]
         end)
      end
      says("Linear: there is no field, method or child 'wieght', did you mean 'weight'?", function()
         return net.layers[1].wieght
      end)
      says("'zzzzzz'; its children are conv, layers", function() return net.zzzzzz end)
   end)

   it("may be asked for by the module's own methods", function()
      assert.equal(6, net(scute.full({ 1 }, 3))[1])
   end)

   it("that are settings of other layers, or begin with _, are nil in all", function()
      local found
      net:apply(function(module) found = module.p or found end)
      assert.equal(0.5, found)
      assert.is_nil(net._anything)
      assert.is_nil(rawget(net, "layer9"))
      assert.is_nil(net:child "layer9")
   end)

   it("and positions of children are counted from 1", function()
      local sequential = net.layers
      says("Sequential: there is no child 0; it has 2, counted from 1", running("return s[0]", { s = sequential }))
      says("Sequential: there is no child 9; it has 2, counted from 1", running("return s[9]", { s = sequential }))
      says("there is no child -3;", running("return s[-3]", { s = sequential }))
      says("there is no child 1.5;", running("return s[1.5]", { s = sequential }))
      says("Linear: there is no child 1; it has none", running("return s[1][1]", { s = sequential }))
      says("Net: there is no child 7;", function() return net[7] end)
      assert.equal(sequential[1], sequential[1.0])
      assert.equal(sequential[2], sequential[-1])
      local seen = 0
      for i in ipairs(sequential) do seen = i end -- ends
      assert.equal(2, seen)
      assert.equal(2, select("#", table.unpack(sequential)))
   end)

   it("put the blame on the line that reads them", function()
      local _, err = pcall(running("local m = net\n\nm:freez()", { net = net }))
      assert.matches("^line:3: Net: ", err)
   end)
end)

describe("a tensor's names", function()
   local t = scute.tensor { 1, 2 }

   it("are known: the nearest is said, also of another word for it", function()
      for name, meant in pairs { viw = "reshape", view = "reshape", repeat_ = "tile", cuda = "to", numpy = "totable",
         sahpe = "shape", mm = "matmul", T = "transpose", zeroGrad = "zero_grad", ndim = "rank", soft = "softmax" } do
         local message = ("a tensor has no method or property '%s'; did you mean '%s'?"):format(name, meant)
         says(message, function() return t[name] end)
      end
   end)

   it("tell of a function where there is no such method", function()
      for _, name in ipairs { "cat", "vstack", "hstack", "append", "concat", "concatenate" } do
         says(("property '%s'; did you mean the function 'scute.concat'?"):format(name), function() return t[name] end)
      end
      says("did you mean 'device'?", function() return t.to_device end) -- which only the library calls
   end)

   it("are those of images too", function()
      local image = scute.image.load "docs/confusion.png"
      says("an image has no method or property 'resiz'; did you mean 'resize'?", function() image:resiz(3) end)
      says("an image has no method or property 'widht'; did you mean 'width'?", function() return image.widht end)
   end)

   it("are said where <, > or .. cannot be meant", function()
      for _, code in ipairs { "t < 0", "0 < t", "t <= t", "t > 1", "1 >= t" } do
         says("x:lt(0), x:le(0), x:gt(0) and x:ge(0) compare each element", running("return " .. code, { t = t }))
      end
      says("t:item() is the number", running("return 'loss ' .. t", { t = t }))
      says("t:item() is the number", running("return t .. 'x'", { t = t }))
   end)
end)

describe("names of options, dtypes and devices", function()
   local x = scute.zeros(1)

   it("are known: the nearest is said, also of another word for it", function()
      for code, meant in pairs {
         ["scute.nn.Conv2d { 3, 4, kernel = 3 }"] = "nn.Conv2d: unknown option 'kernel'; did you mean 'kernel_size'?",
         ["scute.optim.adam({ x }, { learning_rate = 1 })"] = "unknown option 'learning_rate'; did you mean 'lr'?",
         ["scute.train.options { lr = 1 }"] = "unknown option 'lr'; did you mean 'optimizer'?",
         ["scute.train.options { callbacks = {} }"] = "unknown option 'callbacks'; did you mean 'hooks'?",
         ["scute.models.resnet18 { num_classes = 3 }"] = "unknown option 'num_classes'; did you mean 'classes'?",
         ["scute.nn.ReLU { inplace = true }"] = "nn.ReLU: unknown option 'inplace'; nn.ReLU takes no options",
         ["scute.softmax(x, { dims = 1 })"] = "softmax: unknown argument 'dims'; did you mean 'dim'?",
         ["scute.conv2d(x, x, { kernel = 3 })"] = "conv2d: unknown argument 'kernel'; expected one of x, weight, bias, stride, "
            .. "padding, dilation, groups",
         ["scute.canvas(9, 9):text(1, 2, 'a', { zzz = 1 })"] = "unknown option 'zzz'; expected one of ",
         ["scute.zeros(1, { dtpe = 'f32' })"] = "expected dtype, device or requires_grad; did you mean 'dtype'?",
         ["scute.zeros(1, { dtype = 'flt32' })"] = "found 'flt32'; did you mean 'f32'?",
         ["scute.zeros(1, { device = 'gpu' })"] = "expected cpu, cuda, ref or auto; did you mean 'cuda'?",
         ["x:to 'float31'"] = "found 'float31'; did you mean 'float32'?",
         ["x:to 'gpu'"] = "found 'gpu'; did you mean 'cuda'?",
      } do
         says(meant, running(code, { x = x }))
      end
   end)
end)
