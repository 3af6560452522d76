-- What scute.record leaves behind: caches, memory and reasons, whether a graph is launched, given up or never comes about.
-- Usage: SCUTE_PLUGINS=build/softgpu scute tests/cuda/recordings.lua [DEVICE]
local scute = require "scute"
package.cpath = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder") .. "/?.so;"
   .. package.cpath
local softgpu = require "softgpu"

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local check = tally.check
scute.manual_seed(1)

local function on_device(...)
   return scute.randn(...):to(device)
end

local function record(watched, f)
   return scute.record(device, watched, function() scute.no_grad(f) end)
end

-- ---- caches ----

-- What is computed between recording and launching, by what both keep, is as it would be without a graph.
local function caches_are_right(what, watched, prepare, compute)
   prepare()
   scute.flush()
   local expected = compute():to("cpu"):sum():item()
   scute.flush()
   local function check_it(when)
      local found = compute():to("cpu"):sum():item()
      check(found == expected, ("%s, %s"):format(what, when), ("%s instead of %s"):format(found, expected))
   end
   prepare()
   local graph, why = record(watched, function() compute():free() end)
   if not check(graph, what .. " is recorded", why) then return end
   check_it "before a graph is launched"
   graph:free()
   check_it "after a graph that never was"
   scute.flush()
   graph = record(watched, function() compute():free() end)
   softgpu.fail("cudaGraphLaunch", 1, 2)
   local launched = pcall(graph.launch, graph)
   softgpu.fail_nothing()
   check(not launched, what .. ": a launch fails")
   check_it "after a launch that failed"
   graph:free()
   check_it "after that graph"
end

local x, w = on_device(8, 16), on_device(16, 16):requires_grad_()

local function moves()
   scute.no_grad(function() w:copy_(w * 2):copy_(w / 2) end)
end

local function narrow()
   return scute.autocast("bf16", function() return x:linear(w):to("f32"):detach() end)
end

caches_are_right("parameters in half width", { x, w }, moves, function() return scute.no_grad(narrow) end)

local photos, one, zero = on_device(4, 8, 5, 5), scute.ones({ 8 }, { device = device }), scute.zeros({ 8 }, { device = device })
local mean, var = on_device(8), scute.ones({ 8 }, { device = device })
caches_are_right("counters of batch norm", { photos, one, zero, mean, var }, function() end, function()
   return scute.batch_norm { x = photos, weight = one, bias = zero, running_mean = mean, running_var = var, training = true }
end)

-- Rows that are merged in the scratch memory of kernels.
local long = on_device(2, 5000)
caches_are_right("the order of long rows", { long }, function() end, function() return (long:topk(3000)) end)

-- A copy that somebody holds is not written by a graph.
do
   local function step()
      w:zero_grad()
      local y <close> = scute.autocast("bf16", function() return x:linear(w) end)
      local s <close> = y:to("f32"):sum()
      s:backward()
   end
   step()
   w:zero_grad()
   local graph = assert(scute.record(device, { x, w }, step))
   w:zero_grad()
   check(graph:launch(), "a graph fits")
   w:zero_grad()
   local held = scute.no_grad(function() return w:to "bf16" end)
   local before = held:to("f32"):sum():item()
   scute.no_grad(function() w:fill_(3) end)
   check(graph:launch(), "it fits again")
   w:zero_grad()
   local after = held:to("f32"):sum():item()
   check(after == before, "a copy in half width is the one's who made it", ("%s instead of %s"):format(after, before))
   graph:free()
end

-- ---- memory ----

-- Memory that the pool keeps is not given back while work is recorded: that would end the recording, and the device refuses it.
collectgarbage()
scute.flush()
local objects = softgpu.live "device memory"
for n = 1, 3 do
   for i = 1, 4 do scute.zeros({ 1000000 + 320000 * i }, { device = device }):free() end
   local graph, why = record({}, function()
      for attempt = n, n + 1 do softgpu.fail("cudaMalloc", attempt, 2) end
      local held = {} -- luacheck: ignore
      for i = 1, n do held[i] = scute.zeros({ 7777777 }, { device = device }) end
      return held
   end)
   softgpu.fail_nothing()
   check(not graph and tostring(why):find "out of memory on cuda:0: %d+ bytes wanted", "memory runs out at block " .. n, why)
   collectgarbage()
   scute.flush()
   local bytes = scute.memory(device)
   check(softgpu.live "device memory" == objects, n .. " blocks: nothing is left behind",
      ("%d blocks, %d before; the pool has %d bytes"):format(softgpu.live "device memory", objects, bytes.live + bytes.cached))
end

-- ---- what is of no use, and what is said of it ----

local function fails(what, message, watched, f)
   local graph, why = scute.record(device, watched, f)
   check(not graph and tostring(why):find(message, 1, true), what, graph or why)
   if graph then graph:free() end
   for _, tensor in ipairs(watched) do tensor:zero_grad() end
end

-- No launch would ever fit.
local a, b = on_device(4, 4):requires_grad_(), on_device(4, 4):requires_grad_()
fails("two gradients in one", "share a gradient", { a, b }, function()
   local y <close> = a + b
   local squares <close> = y * y
   local sum <close> = squares:sum()
   sum:backward()
end)

-- What depends on values that have to be waited for.
local classes = scute.randint(3, { 20 }):to(device)
for name, f in pairs {
   unique = function() classes:unique():free() end, bincount = function() classes:bincount():free() end,
   multinomial = function() long:multinomial(2):free() end,
} do
   fails(name .. " waits", name .. ": it waits for the values of 'x', which a graph of cuda:0 cannot do", { classes, long }, f)
end

-- What the libraries need at their start, and for products, is there before work is recorded: they have run nothing yet.
do
   local script = [[
      local scute = require "scute"
      local x, w = scute.randn(2, 3, 5, 5):to "%s", scute.randn(4, 3, 1, 1):to "%s"
      local a = scute.randn(4, 4):to "%s"
      local graph = assert(scute.record("%s", { x, w, a }, function()
         scute.no_grad(function() x:conv2d(w):free() a:matmul(a):free() end)
      end))
      graph:launch()
      graph:free()
      print "recorded"
   ]]
   local path = os.tmpname()
   local file = assert(io.open(path, "w"))
   file:write((script:gsub("%%s", device)))
   file:close()
   local pipe = io.popen(("SOFTGPU_STRICT=1 %s %s 2>&1"):format(arg[-1], path))
   local text = pipe:read "a"
   pipe:close()
   os.remove(path)
   check(text == "recorded\n", "libraries start before work is recorded", text)
end

-- A question to the device would end the recording, whatever became of the convolution.
do
   local filters, questions = on_device(8, 8, 3, 3), nil
   photos:conv2d(filters)
   fails("a convolution that fails", "in conv2d on cuda:0", { photos, filters }, function()
      questions = softgpu.calls "cudaStreamQuery"
      softgpu.fail("cudnnConvolutionForward", 1, 5000)
      scute.no_grad(function() photos:conv2d(filters) end)
   end)
   softgpu.fail_nothing()
   local asked = softgpu.calls "cudaStreamQuery" - questions
   check(asked == 0, "nothing is asked while work is recorded", asked)
   check(photos:conv2d(filters), "and all goes on")
end

local violations, last = softgpu.violations()
check(violations == 0, "nothing is violated", last)
tally.finish()
