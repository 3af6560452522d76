-- scute.profile: rows whose shares make up the whole, arithmetic as the ops declare it, layers, ranges, and the trace.
local cjson = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local nn = scute.nn
local train_small = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local function row(profile, name)
   for _, entry in ipairs(profile) do
      if entry.name == name then return entry end
   end
end

local function read(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

local function nothing() end

describe("scute.profile", function()
   it("counts multiply-adds of products as they are declared: two flops each, backward those that are asked for", function()
      local x, w = scute.randn(2, 6, 8, 8), scute.randn(4, 3, 3, 3):requires_grad_()
      local p = scute.profile(function() scute.conv2d(x, w, { padding = 1, groups = 2 }):sum():backward() end)
      local conv, macs = row(p, "conv2d"), 2 * 4 * 8 * 8 * 3 * 3 * 3
      assert.same({ 1, 1, 2 * macs, 2 * macs }, { conv.forward_calls, conv.backward_calls, conv.forward_flops,
         conv.backward_flops })
      x:requires_grad_()
      p = scute.profile(function() scute.conv2d(x, w, { padding = 1, groups = 2 }):sum():backward() end)
      assert.equal(4 * macs, row(p, "conv2d").backward_flops)
      w:requires_grad_(false)
      local a, b = scute.randn(3, 5, 7):requires_grad_(), scute.randn(7, 2)
      p = scute.profile(function() a:matmul(b):sum():backward() end)
      assert.same({ 2 * 3 * 5 * 7 * 2, 2 * 3 * 5 * 7 * 2 }, { row(p, "matmul").forward_flops, row(p, "matmul").backward_flops })
      local weight, bias = scute.randn(2, 7), scute.randn(2):requires_grad_()
      p = scute.profile(function() scute.linear(b:transpose(1, 2), weight, bias):sum():backward() end)
      assert.same({ 2 * 2 * 7 * 2, 0 }, { row(p, "linear").forward_flops, row(p, "linear").backward_flops })
   end)

   it("counts the bytes of what is read and written", function()
      local x, y = scute.randn(10, 10), scute.randn(10, 10)
      local p = scute.profile(function() return x + y, x:slice(1, 1, 2) end)
      assert.equal(3 * 400, row(p, "add").bytes)
      assert.equal(2 * 80, row(p, "slice").bytes)
      local half = x:to "bf16"
      assert.equal(400 + 200, row(scute.profile(function() x:to "bf16" end), "to").bytes)
      local each = scute.computes("cpu", "bf16") and 200 or 400 -- else it is widened around the op
      assert.equal(2 * each, row(scute.profile(function() return half:neg() end), "neg").bytes)
   end)

   it("agrees with nn.summary about networks", function()
      for _, name in ipairs { "resnet18", "mobilenet_v2" } do
         local model = scute.models.create(name, { classes = 3, pretrained = "none" }):eval()
         local x = scute.randn(1, 3, 32, 32)
         local flops = 0
         local p = scute.profile(function() scute.no_grad(model, x) end)
         for _, entry in ipairs(p) do flops = flops + entry.forward_flops end
         assert.equal(2 * nn.summary(model, { 1, 3, 32, 32 }).macs, flops)
      end
   end)

   it("makes up the whole of the time, slowest first, and gives back what was returned", function()
      local p, a, b = scute.profile(function()
         local x = scute.randn(64, 64)
         for _ = 1, 20 do x = x:matmul(x):tanh() end
         return "a", nil
      end)
      assert.same({ "a", nil }, { a, b })
      local sum, seconds = 0, 0
      for i, entry in ipairs(p) do
         sum, seconds = sum + entry.share, seconds + entry.seconds
         assert.is_true(i == 1 or i == #p or entry.seconds <= p[i - 1].seconds)
      end
      assert.is_true(math.abs(sum - 1) < 1e-9 and math.abs(seconds - p.seconds) < 1e-9)
      assert.equal("rest", p[#p].kind)
      assert.is_true(row(p, "matmul").gflops_per_second > 0 and row(p, "tanh").gflops_per_second == nil)
      local text = tostring(p)
      for _, words in ipairs { "^profile of ", "\nop +calls", "\nmatmul +20 ", "\nLua, and what is not listed ",
         "\nall of it .*100.0 %%", "\nmatmul f32 %(64, 64%), %(64, 64%) %-> %(64, 64%) +20 " } do
         assert.matches(words, text)
      end
   end)

   it("has rows by layer, in backward too, and by shapes", function()
      local model = Small(3)
      local x = scute.randn(2, 3, 16, 16)
      local p = scute.profile(function() model(x):sum():backward() end, { by = "layer" })
      assert.equal(1, row(p, "layer1.0").backward_calls)
      assert.is_true(row(p, "layer1.0").flops > 0)
      assert.equal(2 * 3 * 2 * 8, row(p, "fc").forward_flops)
      assert.is_true(row(p, "(the model itself)").forward_calls >= 2)
      assert.is_truthy(row(p, "(no layer)"))
      assert.is_truthy(row(p:by "op", "conv2d"))
      assert.is_truthy(row(p:by "shapes", "linear f32 (2, 8), (3, 8) -> (2, 3)"))
      assert.matches("\nlayer ", "\n" .. tostring(p))
   end)

   it("names layers of fused blocks by the path of their convolution", function()
      local model = scute.models.create("resnet18", { classes = 2, pretrained = "none" }):eval()
      local p = scute.profile(function() scute.no_grad(model, scute.randn(1, 3, 32, 32)) end, { by = "layer" })
      assert.equal(1, row(p, "layer3.0.conv2").forward_calls)
   end)

   it("leaves no layer behind where a network raises", function()
      local model = Small(3)
      assert.has_error(function() scute.profile(function() model(scute.randn(2, 4, 16, 16)) end) end)
      local p = scute.profile(function() return scute.zeros(2) + 1 end, { by = "layer" })
      assert.equal(1, row(p, "(no layer)").forward_calls)
   end)

   it("leaves no layer behind in a coroutine that is never gone on with", function()
      local Waits = nn.Module:extend "Waits"
      function Waits.forward(_, x) return coroutine.yield(x) end
      local waits = Waits()
      scute.profile(function() coroutine.wrap(function() waits(scute.zeros(2)) end)() end)
      local p = scute.profile(function() return scute.zeros(2) + 1 end, { by = "layer" })
      assert.equal(1, row(p, "(no layer)").forward_calls)
   end)

   it("counts no layer as another one where there are more than it can tell apart", function()
      local profiler = require("scute.core").profiler
      local number_of = profiler.layer
      profiler.layer = function(path) return path:find "^surplus" and 0 or number_of(path) end
      local Net = nn.Module:extend "Net"
      function Net:build()
         self.surplus, self.last = nn.Sequential {}, nn.Linear { 2, 2 }
         self.surplus:add("last", nn.Linear { 2, 2 })
      end
      function Net:forward(x) return self.last(self.surplus(x)) end
      local net, x = Net(), scute.zeros(1, 2)
      local p = scute.profile(function() net(x) end, { by = "layer" })
      profiler.layer = number_of
      assert.equal(1, row(p, "last").forward_calls)
      assert.equal(1, row(p, "(no layer)").forward_calls)
   end)

   it("has what is done within a range beside ops under its name, and no op twice", function()
      local p = scute.profile(function()
         local outer <close> = scute.range "outer" -- luacheck: ignore
         local inner <close> = scute.range "inner" -- luacheck: ignore
         local x = scute.zeros(200, 200)
         for _ = 1, 10 do x = x:matmul(x) end
      end)
      assert.same({ "range", "range" }, { row(p, "outer, beside ops").kind, row(p, "inner, beside ops").kind })
      local sum = 0
      for _, entry in ipairs(p) do sum = sum + entry.seconds end
      assert.is_true(p[#p].seconds >= 0 and math.abs(sum - p.seconds) < 1e-9)
   end)

   it("may lie within another one, and errors of the function pass through", function()
      local inner
      local outer = scute.profile(function()
         local _ = scute.zeros(2) + 1
         inner = scute.profile(function() return scute.zeros(2) + 1 end)
      end)
      assert.same({ 2, 1 }, { row(outer, "add").forward_calls, row(inner, "add").forward_calls })
      assert.has_error(function() scute.profile(function() error("mine", 0) end) end, "mine")
      assert.equal(1, row(scute.profile(function() return scute.zeros(2) + 1 end), "add").forward_calls)
   end)

   it("counts nothing beyond scute.profile() while none is taken", function()
      scute.profile "reset"
      local _ = scute.zeros(2) + 1
      assert.equal(1, scute.profile()[1].forward_calls)
      assert.equal(1, #scute.profile(nothing)) -- the rest
   end)

   it("refuses what it cannot do, and says so", function()
      assert.error_matches(function() scute.profile(1) end, "profile: expected a function, .* found 1")
      assert.error_matches(function() scute.profile(nothing, { bye = "op" }) end, "unknown option 'bye'; did you mean 'by'")
      assert.error_matches(function() scute.profile(nothing, { by = "ops" }) end,
         "expected one of op, shapes, layer, found 'ops'")
      assert.error_matches(function() scute.profile(nothing, { trace = "/nowhere/t.json" }) end,
         "cannot write '/nowhere/t.json': No such file or directory")
      assert.error_matches(function() scute.profile(nothing):by "time" end, "profile: by: .*found 'time'")
   end)
end)

describe("a trace", function()
   local path

   before_each(function() path = os.tmpname() end)
   after_each(function() os.remove(path) end)

   it("is what Perfetto reads: events with their times, threads by name, shapes and layers", function()
      local model = Small(3)
      local p = scute.profile(function()
         local r <close> = scute.range 'mine "\n\xff' -- luacheck: ignore
         model(scute.randn(2, 3, 16, 16)):sum():backward()
      end, { trace = path })
      local trace = cjson.decode(read(path))
      local names, spans = {}, 0
      for _, event in ipairs(trace.traceEvents) do
         if event.ph == "X" then spans = spans + 1 end
         assert.is_true(event.ph == "M" or event.ph == "X" and event.ts >= 0 and event.dur >= 0 and event.tid == 1)
         names[event.name] = names[event.name] or event -- the first of each
      end
      assert.same({ path, spans, spans }, { p.trace.path, p.trace.seen, p.trace.written })
      assert.equal("main", names.thread_name.args.name)
      assert.equal("layer4.0", names["conv2d backward"].args.layer)
      assert.equal("(2, 8), (3, 8) -> (2, 3)", names.linear.args.shapes)
      assert.is_truthy(names['mine "??'])
      assert.matches("trace: %S+ has %d+ events; open it", tostring(p))
   end)

   it("has the threads that decode", function()
      local root = train_small.make()
      local set = scute.data.open(root .. "/photos", { seed = 0 })
      local model = scute.models.create("small", { classes = set.classes })
      local p = scute.profile(function()
         return scute.train.fit(model, set, { optimizer = scute.optim.sgd(model:groups { lr = 0.01 }), epochs = 1, workers = 2,
            batch_size = 8 })
      end, { trace = path })
      train_small.remove(root)
      local threads = {}
      for _, event in ipairs(cjson.decode(read(path)).traceEvents) do
         if event.name == "thread_name" then threads[event.args.name] = event.tid end
      end
      assert.is_truthy(threads["decoding 1"] or threads["decoding 2"])
      assert.equal(27, p.beside[1].calls)
      assert.is_truthy(row(p, "waiting for photos"))
      assert.is_truthy(row(p, "optimizer, beside ops"))
      assert.matches("beside that, in other threads: decoding photos 27 times", tostring(p))
   end)

   it("is there once at a time", function()
      scute.profile(function()
         assert.error_matches(function() scute.profile(nothing, { trace = path .. ".2" }) end,
            "a trace is being written already")
      end, { trace = path })
      assert.is_nil(lfs.attributes(path .. ".2"))
      scute.profile(nothing, { trace = path })
      assert.is_truthy(cjson.decode(read(path)))
   end)

   it("tells of a disk that is full, and profiles all the same", function()
      if not lfs.attributes "/dev/full" then pending "there is no /dev/full here" end
      assert.error_matches(function() scute.profile(nothing, { trace = "/dev/full" }) end,
         "cannot write '/dev/full': No space left")
      local p = scute.profile(nothing)
      assert.equal(1, #p)
   end)

   it("keeps its first events where there are too many", function()
      local x = scute.zeros(1)
      local p = scute.profile(function()
         for _ = 1, 100010 do (-x):free() end
      end, { trace = path })
      assert.same({ 100010, 100000 }, { p.trace.seen, p.trace.written })
      assert.matches("has the first 100,000 of 100,010 events", tostring(p))
      assert.is_true(lfs.attributes(path, "size") < 25e6)
   end)
end)
