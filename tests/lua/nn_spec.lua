local scute = require "scute"
local activations = require("scute.nn.fused").choices
local nn = scute.nn

local function values(t)
   return t:detach():values()
end

local function small_net()
   scute.manual_seed(5)
   return nn.Sequential {
      nn.Conv2d { 3, 4, 3, padding = 1, bias = false }, nn.BatchNorm2d { 4 }, nn.ReLU(), nn.AdaptiveAvgPool2d(1),
      nn.Flatten(), nn.Dropout { 0.5 }, nn.Linear { 4, 2 },
   }
end

describe("a layer of the library", function()
   it("refuses a field that is like one of its own, and keeps other notes", function()
      local net = small_net()
      local function assigns(code) return assert(load("local net, nn = ... " .. code, "=line")) end
      for code, why in pairs { ["net[6].prob = 0.9"] = "line:1: nn.Dropout has no 'prob'; did you mean 'p'?",
         ["net[2].momentun = 0.01"] = "line:1: nn.BatchNorm2d has no 'momentun'; did you mean 'momentum'?",
         ["net[7].bais = false"] = "line:1: nn.Linear has no 'bais'; did you mean 'bias'?",
         ["net[6].traning = true"] = "did you mean 'training'?" } do
         local ok, found = pcall(assigns(code), net)
         assert.is_false(ok)
         assert.is_truthy(found:find(why, 1, true), found)
      end
      assigns "net[6].p, net[6].seen_at, net[2].momentum = 0.9, 3, 0.01"(net)
      assert.equal(3, net[6].seen_at)
      local Own = nn.Dropout:extend "Own"
      assigns "net[6] = nn; net[6].prob = 3; net[6].forward = 2"(net, Own())
      assert.equal(3, net[6].prob)
   end)
end)

describe("nn.Sequential", function()
   it("refuses layers that have no place in an order, which it would leave out", function()
      local named, layer = "'act' has no place in it: write the layer without its name", nn.ReLU()
      assert.error_matches(function() nn.Sequential { nn.Linear { 256, 3 }, act = layer } end, named, nil, true)
      assert.error_matches(function() nn.Sequential { act = layer } end, 'add it with seq:add("act", layer)', nil, true)
      assert.error_matches(function() nn.Sequential { layer, nil, nn.ReLU() } end, "'3' has no place in it: a layer before it")
      local _, why = pcall(function() nn.Sequential(layer, nil, nn.ReLU()) end)
      assert.matches("^tests/lua/nn_spec.lua:%d+: nn.Sequential: layers stand in order", why)
   end)

   it("tells which layer is no module, and how one is made of a function or a kernel", function()
      local twice = scute.kernel { name = "twice", inputs = "x", output = "y", forward = "y = 2 * x;" }
      local cases = {
         { "layer 2: expected a module, found scute.kernel 'twice'; make a layer of it: local F =",
            function() nn.Sequential(nn.ReLU(), twice) end },
         { "layer 1: expected a module, found scute.kernel 'twice'", function() nn.Sequential(twice) end },
         { "layer 1: expected a module, found a function; make a layer", function() nn.Sequential { scute.relu } end },
         { "layer 2: expected a module, found the class ReLU; write ReLU() or ReLU { ... }",
            function() nn.Sequential { nn.Identity(), nn.ReLU } end },
         { "layer 1: expected a module, found a number", function() nn.Sequential(3) end },
         { "layer 2: expected a module, found a string", function() nn.Sequential(nn.ReLU()):append "relu" end } }
      for _, case in ipairs(cases) do
         local ok, why = pcall(case[2])
         assert.is_false(ok)
         assert.matches("^tests/lua/nn_spec.lua:%d+: nn.Sequential: ", why)
         assert.is_truthy(why:find(case[1], 1, true), why)
      end
   end)
end)

describe("a child", function()
   it("is replaced at its position, from either end, and nowhere else", function()
      local net = nn.Sequential { nn.ReLU(), nn.Linear { 2, 3 }, nn.Identity() }
      net[2], net[-1] = nn.Linear { 2, 5 }, nn.SiLU()
      assert.same({ 3, 5, "SiLU", "1" }, { #net, net[2].out_features, net[3].class_name, rawget(net[2], "_name") })
      local ok, why = pcall(function() net[4] = nn.ReLU() end)
      assert.is_false(ok)
      assert.matches("^tests/lua/nn_spec.lua:%d+: Sequential: there is no child %[4%] to replace, it has 3$", why)
   end)
end)

describe("constructors", function()
   it("take named and positional arguments", function()
      local a, b = nn.Conv2d { in_channels = 3, out_channels = 8, kernel_size = { 3, 5 } }, nn.Conv2d(3, 8, 5)
      assert.same({ 8, 3, 3, 5 }, a.weight.shape)
      assert.same({ 8, 3, 5, 5 }, b.weight.shape)
      assert.same({ 8 }, b.bias.shape)
   end)

   it("name the line that called them", function()
      for _, given in ipairs { { 3, 8, in_features = 3 }, { 3, 8, foo = 1 } } do
         local _, why = pcall(function()
            local linear = nn.Linear(given)
            return linear
         end)
         assert.matches("nn_spec.lua:%d+: nn.Linear: ", why)
      end
   end)

   it("reject unknown and missing options", function()
      assert.error_matches(function() nn.Conv2d { 3, 8, 3, strid = 2 } end, "unknown option 'strid'; did you mean 'stride'")
      assert.error_matches(function() nn.Conv2d { 3, 8 } end, "'kernel_size' is missing")
      assert.error_matches(function() nn.Linear { 3, 8, in_features = 3 } end, "given twice")
      assert.error_matches(function() nn.Dropout(1.5) end,
         "option 'p': expected a number of at least 0 and of at most 1, found 1.5")
      assert.error_matches(function() nn.Conv2d { 3, 8, 3, groups = 2 } end, "expected a divisor")
      assert.error_matches(function() nn.Conv2d { 3, 8, 3, groups = 0 } end,
         "Conv2d: option 'groups': expected a whole number of at least 1, found 0")
      assert.error_matches(function() nn.Conv2d { 3, 8, { 3, 0 } } end,
         "option 'kernel_size': expected a whole number of at least 1 or {vertical, horizontal}")
      assert.error_matches(function() nn.Conv2d { 3, 8, 3, padding = -1 } end,
         "option 'padding': expected a whole number of at least 0 or {vertical, horizontal} or 'same_tf', found %-1")
      assert.error_matches(function() nn.Conv2d { "3", 8, 3 } end,
         "option 'in_channels': expected a whole number of at least 1, found '3'")
      assert.error_matches(function() nn.Linear(2, 2.5) end,
         "Linear: option 'out_features': expected a whole number of at least 1, found 2.5")
      assert.error_matches(function() nn.BatchNorm2d(0) end,
         "option 'num_features': expected a whole number of at least 1, found 0")
   end)

   it("say how options stand where they are written as in PyTorch", function()
      local function says(text, f)
         local _, why = pcall(f)
         assert.is_truthy(why:find(text, 1, true), why)
      end
      says("nn.Conv2d: named options stand in one table with those before them, as in nn.Conv2d { 3, 4, bias = false, "
         .. "kernel_size = 3 }", function() nn.Conv2d(3, 4, { kernel_size = 3, bias = false }) end)
      says("nn.Conv2d { 3, 4, kernel_size = 3 }; 'kernel' is called 'kernel_size' here", function()
         nn.Conv2d(3, 4, { kernel = 3 })
      end)
      says("nn_spec.lua", function() nn.Conv2d(3, 4, { kernel = 3 }) end)
      says("option 'bias': expected true or false, found a table", function() nn.Linear(3, 2, { foo = 2 }) end)
      assert.equal("Conv2d(3, 4, kernel_size=(3, 5), stride=(1, 1))", tostring(nn.Conv2d(3, 4, { 3, 5 })))
      local Named = nn.Module:extend("Named", { { "name" }, { "more", {} } })
      function Named:build(o) self.more = o.more end
      assert.same({ zzz = 1 }, Named("x", { zzz = 1 }).more) -- a value of the user's own
   end)

   it("start as PyTorch's layers do", function()
      scute.manual_seed(1)
      local linear = nn.Linear { 100, 200 }
      local largest = linear.weight:detach():abs():max():item()
      assert.is_true(largest <= 0.1 and largest > 0.0999) -- U(-1/sqrt(100), ...) of 20000 draws
      assert.is_true(linear.bias:detach():abs():max():item() <= 0.1)
   end)

   it("draw the same from the same seed", function()
      assert.same(values(small_net()[1].weight), values(small_net()[1].weight))
   end)
end)

describe("a module", function()
   it("lists parameters, buffers and state in torchvision's order", function()
      local net = small_net()
      assert.same({ "0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
         "6.weight", "6.bias" }, net:state_dict().names)
      local names = {}
      for name in net:named_parameters() do names[#names + 1] = name end
      assert.same({ "0.weight", "1.weight", "1.bias", "6.weight", "6.bias" }, names)
      assert.equal(4 * 27 + 8 + 10, net:num_parameters())
   end)

   it("is read by name and by position", function()
      local net = small_net()
      assert.equal(net[7], net:get "6")
      assert.equal(net[-1], net:child "6")
      assert.equal(7, #net)
      assert.error_matches(function() net:get "layer" end, "no module 'layer'")
   end)

   it("can be written by the user, children and parameters by assignment", function()
      local Net = nn.Module:extend "Net"
      function Net:build(width)
         self.body = nn.Linear { 3, width }
         self:register_parameter("scale", scute.ones(width))
      end
      function Net:forward(x) return self.body(x) * self.scale end
      local net = Net(4)
      assert.same({ "scale", "body.weight", "body.bias" }, net:state_dict().names)
      net.body = nn.Identity()
      assert.same({ 2, 4 }, net(scute.ones(2, 4)).shape)
      assert.is_true(net.scale.requires_grad)
      assert.error_matches(function() net.body = 3 end, "child module")
      assert.is_true(nn.Module.is(net, Net))
      assert.is_false(nn.Module.is(net, nn.Linear))
   end)

   it("prints as a tree", function()
      local expected = [[
Sequential(
  (0): Sequential(
    (0): ReLU()
  )
  (1): Linear(in_features=2, out_features=3, bias=True)
)]]
      assert.equal(expected, tostring(nn.Sequential { nn.Sequential { nn.ReLU() }, nn.Linear { 2, 3 } }))
   end)

   it("converts and moves, integers excepted", function()
      local net = small_net():to "f64":to "ref"
      assert.equal("f64", net[1].weight.dtype)
      assert.equal("ref", net[1].weight.device)
      assert.is_true(net[1].weight.requires_grad)
      assert.equal("i64", net[2].num_batches_tracked.dtype)
      assert.equal("ref", net[2].num_batches_tracked.device)
      assert.equal("f64", net[2].running_var.dtype)
   end)

   it("loads a state dict whole or not at all", function()
      local net, other = small_net(), nn.Sequential { nn.Linear { 2, 3 } }
      local state = other:state_dict()
      assert.error_matches(function() net:load_state_dict(state) end,
         "missing: 1.weight, 1.bias.*unexpected: 0.bias.*misshapen: 0.weight")
      local before = values(net[7].weight)
      local good = small_net():state_dict()
      good.tensors["1.weight"] = scute.ones(5)
      assert.error_matches(function() net:load_state_dict(good) end, "1.weight: expected %(4%), found %(5%)")
      assert.error_matches(function() net:load_state_dict "x.pth" end, "expected a state dict or {name = tensor}, found x.pth")
      assert.error_matches(function() net:to(3) end, "to: expected a dtype or a device, found 3")
      assert.same(before, values(net[7].weight))
      local missing, unexpected = net:load_state_dict({ ["6.bias"] = scute.full({ 2 }, 9) }, { strict = false })
      assert.equal(7, #missing)
      assert.same({}, unexpected)
      assert.same({ 9.0, 9.0 }, values(net[7].bias))
   end)

   it("names the path of an error and keeps the traceback", function()
      local net = nn.Sequential { nn.Identity(), nn.Sequential { nn.Linear { 3, 4 }, nn.Linear { 5, 2 } } }
      local ok, message = pcall(net, scute.ones(1, 3))
      assert.is_false(ok)
      assert.matches("^in 1%.1 %(Linear%): linear: ", message)
      assert.matches("stack traceback", message)
      assert.same({ 1, 4 }, net[2][1](scute.ones(1, 3)).shape) -- the next call starts afresh
      ok, message = pcall(net[2][2], scute.ones(1, 3))
      assert.is_false(ok)
      assert.matches("^in model %(Linear%)", message)
   end)

   -- A module that calls f(self, x), with a child `inner` for which x has too few columns.
   local function around(f)
      local Outer = nn.Module:extend "Outer"
      function Outer:build() self.inner = nn.Sequential { nn.Linear { 5, 2 } } end
      function Outer:forward(x) return f(self, x) end
      return nn.Sequential { Outer() }
   end

   local function message_of(net)
      local ok, message = pcall(net, scute.ones(1, 3))
      assert.is_false(ok)
      return message
   end

   it("names the path after a pcall in a forward", function()
      local net = around(function(self, x)
         for _ = 1, 3 do assert.is_false(pcall(self.inner, x)) end
         error "afterwards"
      end)
      assert.matches("^in 0 %(Outer%): afterwards\nstack traceback", message_of(net))
      assert.same({ 1, 4 }, nn.Linear { 3, 4 }(scute.ones(1, 3)).shape)
      assert.matches("^in model %(Linear%)", message_of(nn.Linear { 5, 2 }))
   end)

   it("names the path once where a forward raises an error anew", function()
      for _, again in ipairs { error, function(err) error(err, 0) end, function(err) error("with: " .. err, 0) end } do
         local message = message_of(around(function(self, x)
            local ok, err = pcall(self.inner, x)
            assert.is_false(ok)
            again(err)
         end))
         assert.matches("in 0%.inner%.0 %(Linear%): linear: ", message)
         local _, tracebacks = message:gsub("stack traceback", "")
         assert.equal(1, tracebacks)
      end
   end)

   it("names the path before and after a yield in a forward", function()
      local net = around(function(self, x)
         coroutine.yield()
         return self.inner(x)
      end)
      local resume = coroutine.wrap(function() return pcall(net, scute.ones(1, 3)) end)
      resume()
      assert.matches("^in model %(Linear%)", message_of(nn.Linear { 5, 2 })) -- while the other one waits
      local ok, message = resume()
      assert.is_false(ok)
      assert.matches("^in 0%.inner%.0 %(Linear%): linear: ", message)
   end)

   it("names the path through a coroutine in a forward", function()
      local net = around(function(self, x) return coroutine.wrap(self.inner.forward)(self.inner, x) end)
      assert.matches("^in 0%.0 %(Linear%): linear: ", message_of(net)) -- inner's forward was called, not inner
      net = around(function(self, x) return coroutine.wrap(function() return self.inner(x) end)() end)
      assert.matches("^in 0%.inner%.0 %(Linear%): linear: ", message_of(net))
   end)

   it("names a part of a module's work, within a call only", function()
      local function fail() error("no", 0) end
      local layer = nn.Linear { 3, 2 }
      assert.matches("^in 0%.inner %(Sequential%): no\n", message_of(around(function(self) self.inner:within(fail) end)))
      local ok, message = pcall(layer.within, layer, fail)
      assert.same({ false, "no" }, { ok, message })
   end)

   it("keeps an error that is no text, and the kind of one that has one", function()
      local thing = {}
      assert.equal(thing, message_of(around(function() error(thing) end)))
      local function starve()
         scute.memory_limit(1)
         local ok, err = pcall(scute.zeros, 1e6)
         scute.memory_limit(0)
         assert.is_false(ok)
         error(err, 0)
      end
      local err = message_of(around(starve))
      assert.equal("out of memory", scute.error_kind(err))
      assert.matches("^in 0 %(Outer%): out of memory on cpu: %d+ bytes wanted.*\nstack traceback", tostring(err))
      err = message_of(around(function() error("not enough memory", 0) end)) -- Lua's own, for which no handler runs
      assert.equal("out of memory", scute.error_kind(err))
   end)

   it("survives modules that call themselves without end", function()
      local Endless = nn.Module:extend "Endless"
      function Endless:forward(x) return self(x) end
      assert.matches("stack overflow", message_of(Endless()))
      local Deep = nn.Module:extend "Deep"
      local function dig(n) return n == 0 and error("at the bottom", 0) or 1 + dig(n - 1) end
      function Deep:forward() return dig(100000) end -- luacheck: ignore self
      assert.matches("at the bottom", message_of(Deep()))
   end)
end)

describe("memory", function()
   local function live()
      collectgarbage()
      collectgarbage()
      return scute.memory().live
   end

   it("is given back when a forward fails in the middle", function()
      local net = nn.Sequential { nn.Linear { 64, 512 }, nn.ReLU(), nn.Linear { 512, 512 }, nn.Linear { 3, 2 } }
      local x = scute.ones(256, 64)
      assert.is_false(pcall(net, x)) -- whatever is made once is made now
      local before = live()
      for _ = 1, 3 do assert.is_false(pcall(net, x)) end
      assert.equal(before, live())
   end)

   it("is given back after training steps", function()
      local net = small_net():train()
      local x = scute.randn(4, 3, 8, 8)
      local opt = scute.optim.sgd(net, { lr = 0.1, momentum = 0.9 })
      local function step()
         opt:zero_grad()
         net(x):sum():backward()
         opt:step()
      end
      step()
      local before = live()
      for _ = 1, 3 do step() end
      assert.equal(before, live())
   end)
end)

describe("early freeing in a sequence", function()
   it("leaves the input and what a user's module keeps", function()
      local kept
      local Keeper = nn.Module:extend "Keeper"
      function Keeper:forward(x) -- luacheck: ignore self
         kept = x
         return x * 2
      end
      local x = scute.ones(1, 3)
      local net = nn.Sequential { nn.Identity(), nn.ReLU(), nn.Sequential { Keeper() }, nn.ReLU(), nn.Identity() }
      local y = net(x)
      assert.same({ 2.0, 2.0, 2.0 }, y:values())
      assert.same({ 1.0, 1.0, 1.0 }, kept:values())
      assert.same({ 1.0, 1.0, 1.0 }, x:values())
   end)

   it("does not break backward", function()
      local net = small_net()
      scute.manual_seed(3)
      net(scute.randn(4, 3, 5, 5)):sum():backward()
      for _, p in net:named_parameters() do assert.is_true(p.grad ~= nil) end
      net:zero_grad()
      for _, p in net:named_parameters() do assert.is_nil(p.grad) end
   end)
end)

describe("freezing", function()
   it("matches whole components and knows groups", function()
      local net = nn.Sequential()
      for _ = 1, 12 do net:append(nn.Linear { 2, 2 }) end
      net:freeze "1"
      assert.is_false(net[2].weight.requires_grad)
      assert.is_true(net[11].weight.requires_grad) -- "10"
      net:freeze():unfreeze { "10", "3.bias" }
      assert.equal(4 + 2 + 2, net:num_parameters(true))
      assert.error_matches(function() net:freeze "11.wait" end, "'11.wait'; did you mean '11.weight'")
      assert.error_matches(function() net:unfreeze {} end, "empty table")
      assert.error_matches(function() net:freeze("1", { norm = "eval" }) end, "unknown option 'norm'")
   end)

   it("keeps the running statistics of a frozen batch norm bit for bit, in training mode too", function()
      local net = small_net():train()
      scute.manual_seed(11)
      local x = scute.randn(4, 3, 5, 5)
      net(x)
      assert.equal(1, net[2].num_batches_tracked:item())
      net:freeze "1"
      local mean, var = values(net[2].running_mean), values(net[2].running_var)
      net(x)
      assert.same(mean, values(net[2].running_mean))
      assert.same(var, values(net[2].running_var))
      assert.equal(1, net[2].num_batches_tracked:item())
      net:freeze("1", { batch_norm = "train" })
      net(x)
      assert.not_same(mean, values(net[2].running_mean))
      assert.equal(2, net[2].num_batches_tracked:item())
   end)

   it("shows in the table of groups", function()
      local net = small_net():freeze { "0", "1" }
      local groups = net:groups { lr = 0.5 }
      assert.equal("eval", groups[2].batch_norm)
      assert.equal(0, groups[1].trainable)
      assert.equal(10, groups[3].trainable)
      assert.matches("total%s+126%s+10", tostring(groups))
      assert.error_matches(function() net:groups { lr = { ["77777777"] = 1 } } end, "no group '77777777'")
   end)
end)

describe("conv_bn_act", function()
   local function parts()
      scute.manual_seed(2)
      local conv, bn = nn.Conv2d { 3, 4, 3, bias = false }, nn.BatchNorm2d { 4 }
      scute.no_grad(function()
         bn.running_mean:copy_(scute.randn(4))
         bn.running_var:copy_(scute.rand(4) + 0.5)
         bn.weight:copy_(scute.randn(4))
         bn.bias:copy_(scute.randn(4))
      end)
      return conv, bn, scute.randn(2, 3, 6, 6), scute.randn(2, 4, 4, 4)
   end

   local function difference(a, b)
      return (a - b):abs():max():item()
   end

   it("equals its parts called one by one, training and evaluating", function()
      for _, mode in ipairs { true, false } do
         for _, act in ipairs(activations) do
            local conv, bn, x, residual = parts()
            bn:train(mode)
            local fused = scute.no_grad(nn.conv_bn_act, conv, bn, act, x, residual)
            conv, bn, x, residual = parts()
            bn:train(mode)
            local y = bn(conv(x)) + residual
            if act ~= "none" then y = scute[act](y) end
            assert.is_true(difference(fused, y:detach()) < 1e-5, act) -- float32, values of about 1, folded differently
         end
      end
   end)

   it("calls other kinds of modules in the place of conv or norm", function()
      local conv, _, x = parts()
      local y = nn.conv_bn_act(conv, nn.Identity(), "relu", x)
      assert.is_true(difference(y:detach(), conv(x):relu():detach()) == 0)
   end)

   it("records nothing when frozen", function()
      local conv, bn, x = parts()
      conv:freeze()
      bn:freeze()
      local y = nn.conv_bn_act(conv, bn, "relu", x)
      assert.is_false(y.requires_grad)
   end)
end)

describe("starting values", function()
   -- 9216 numbers: their mean and deviation are off by 1 % and 0.7 % of the deviation; bounds are five times that.
   local function spread(t)
      local n, sum, square, most = t:numel(), 0, 0, 0
      for _, value in ipairs(t:values()) do
         sum, square, most = sum + value, square + value * value, math.max(most, math.abs(value))
      end
      return sum / n, math.sqrt(square / n), most
   end

   it("have the deviations and bounds of PyTorch's", function()
      local fan_in, fan_out = 16 * 9, 64 * 9
      local uniform = { kaiming_uniform = 1 / math.sqrt(fan_in), xavier_uniform = math.sqrt(6 / (fan_in + fan_out)) }
      for name, deviation in pairs { kaiming_normal = math.sqrt(2 / fan_out),
         kaiming_uniform = uniform.kaiming_uniform / math.sqrt(3), xavier_uniform = uniform.xavier_uniform / math.sqrt(3) } do
         scute.manual_seed(5)
         local mean, found, most = spread(nn.init[name](scute.zeros(64, 16, 3, 3)))
         assert.is_true(math.abs(mean) < 0.05 * deviation, name)
         assert.is_true(math.abs(found - deviation) < 0.04 * deviation, ("%s: %g, %g"):format(name, found, deviation))
         if uniform[name] then assert.is_true(most <= uniform[name] and most > 0.99 * uniform[name], name) end
      end
   end)
end)
