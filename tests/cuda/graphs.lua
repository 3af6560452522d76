-- Steps whose forward and backward are recorded once and done again (scute.train.graph) give what steps without give, to the
-- bit: weights, statistics, losses, under warmup, dropout, an average and float16; and nothing is recorded where something
-- looks on.
-- Usage: SCUTE_PLUGINS=build/softgpu scute tests/cuda/graphs.lua [DEVICE]
local scute = require "scute"
local here = arg[0]:match "^(.*)/" or "."
package.cpath = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder") .. "/?.so;"
   .. package.cpath
local softgpu = require "softgpu"
local photos = dofile(here .. "/../cli/photos.lua")
local optim, train, schedule = scute.optim, scute.train, scute.schedule

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local check = tally.check
require("scute.base.console").quiet = true
scute.deterministic(true)

local folder = os.tmpname()
os.remove(folder)
photos.set(folder .. "/photos", { blue = 34, red = 34 }) -- 54 train, 14 validate
photos.set(folder .. "/few", { blue = 6, red = 6 })      -- 10 train
local sets = {}
for _, name in ipairs { "photos", "few" } do sets[name] = scute.data.open(folder .. "/" .. name, { seed = 0 }) end

local function launches()
   return softgpu.calls "cudaGraphLaunch"
end

local function tensors_of(model)
   local saved, list = model:state_dict(), {}
   for i, name in ipairs(saved.names) do list[i] = saved.tensors[name] end
   return list
end

-- All that a run ends with, as text, and how many updates it did by graphs.
local function outcome_of(name, which, options)
   local set, parts, state, before = sets[which], {}, nil, launches()
   scute.manual_seed(5)
   local model = scute.models.create(name, { classes = set.classes, pretrained = "none", image_size = 32 }):to(device)
   local given = { device = device, workers = 1, batch_size = 2, seed = 3, epochs = 1,
      optimizer = optim.adamw(model:groups { lr = 0.01 }), hooks = {} }
   for key, value in pairs(options) do given[key] = value end
   given.hooks = table.move(given.hooks, 1, #given.hooks, 2, { { on_epoch_end = function(run) state = run end } })
   local result = train.fit(model, set, given)
   for _, row in ipairs(result.history) do
      for _, key in ipairs { "step", "train_loss", "train_accuracy", "val_loss", "val_accuracy" } do
         parts[#parts + 1] = ("%.17g"):format(row[key])
      end
   end
   parts[#parts + 1] = ("%d %d %.17g %s"):format(state.step, state.skipped, state.last.loss,
      scute.checksum(tensors_of(model)))
   return table.concat(parts, " "), launches() - before, state
end

-- without: what the same comes to without graphs, if that is known. Returns it.
local function compare(what, least, without, ...)
   local found, done, state = outcome_of(...)
   scute.graphs(false)
   local expected, none = without, 0
   if not expected then expected, none = outcome_of(...) end
   scute.graphs(true)
   check(found == expected, what .. ": the same numbers", found .. "\n instead of\n" .. expected)
   check(none == 0, what .. ": none where there shall be none", none)
   check(done >= least, what .. ": graphs were launched", ("%d times, in %d steps"):format(done, state.step))
   return expected
end

-- ---- runs ----

compare("float16, all there is", 40, nil, "baseline_cnn", "photos", { epochs = 2, precision = "fp16", ema = 0.9, clip_norm = 1,
   schedule = schedule.warmup_cosine { warmup = 1, epochs = 2 } })
local plain = compare("float32", 3, nil, "baseline_cnn", "few", {})
compare("weights that a checkpoint is written from", 2, plain, "baseline_cnn", "few", { output_dir = folder .. "/saved",
   overwrite = true, save_steps = 4 })

-- The first call of a kind that fails costs the graph, or the attempt, and no number.
for _, name in ipairs { "cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate", "cudaGraphLaunch" } do
   softgpu.fail(name, 1, 2)
   compare("memory runs out in " .. name, 0, plain, "baseline_cnn", "few", {})
   softgpu.fail_nothing()
end

-- Why nothing is recorded is told once in a run, and nothing where memory is short or a graph is.
do
   local console = require "scute.base.console"
   local warn, told = console.warn, {}
   function console.warn(format, ...)
      told[#told + 1] = format:format(...)
   end
   softgpu.fail("cudaStreamEndCapture", 1, 901)
   softgpu.fail("cudaStreamEndCapture", 2, 901)
   compare("recording fails twice", 0, plain, "baseline_cnn", "few", {})
   softgpu.fail_nothing()
   console.warn = warn
   check(#told == 1 and told[1]:find "could not be recorded.*a graph of the GPU's work" and not told[1]:find "\n",
      "why nothing is recorded is told once", table.concat(told, "\n"))
end

local looking = { ["a hook on steps"] = { hooks = { { on_step_end = function() end } } },
   accumulation = { accumulate = 2 }, mixing = { mixup = 0.2 }, ["a loss"] = { loss = function(logits, y)
      return logits:cross_entropy(y)
   end } }
for what, options in pairs(looking) do
   local _, done = outcome_of("baseline_cnn", "few", options)
   check(done == 0, "no graph with " .. what, done)
end

-- ---- what is recorded ----

local function text(t)
   return table.concat(t:to("cpu"):values(), " ")
end

local x, w = scute.randn(8, 4):to(device), scute.randn(6, 4):to(device):requires_grad_()
local y

-- Forward and backward with two kinds of random numbers.
local function step()
   w:zero_grad()
   local product <close> = scute.autocast("bf16", function() return x:linear(w) end)
   local some <close> = scute.stochastic_depth(product, { p = 0.4 })
   y = some:dropout { p = 0.3 }
   local sum <close> = y:to("f32"):sum()
   sum:backward()
end

local function results()
   return text(y) .. " / " .. text(w.grad)
end

local function steps(f, n)
   local list = {}
   scute.manual_seed(2)
   for i = 1, n do
      w:zero_grad()
      f()
      list[i] = results()
   end
   return list
end

local expected = steps(step, 4)
w:zero_grad()
collectgarbage()
local recorded, why = scute.record(device, { x, w }, step)
check(recorded, "work is recorded", why)
w:zero_grad()
local kept = {}
local found = steps(function()
   check(recorded:launch(), "a graph fits")
   -- Memory of the graph is not handed out, whatever is taken meanwhile.
   for _, n in ipairs { 6, 24, 32, 48 } do
      for _ = 1, 8 do kept[#kept + 1] = scute.full({ n }, 0 / 0, { device = device }) end
   end
end, 4)
check(expected[1] ~= expected[2], "random numbers differ from step to step")
for i in ipairs(expected) do
   check(found[i] == expected[i], "step " .. i .. " of a graph", found[i] .. "\n instead of\n" .. expected[i])
end

local function refused(what, f)
   w:zero_grad()
   f()
   check(not recorded:launch(), "a graph does not fit: " .. what)
end

refused("a gradient that somebody keeps", function()
   recorded:launch()
   kept.grad = w.grad:clone()
   w:zero_grad()
end)
kept.grad:free()
refused("a weight that is frozen", function() w:requires_grad_(false) end)
w:requires_grad_()
refused("a weight that has moved", function() scute.no_grad(function() w:copy_(w * 2) end) end)
recorded:free()

local function random_state()
   local state = scute.rng_state()
   return type(state) == "table" and require("cjson").encode(state) or tostring(state)
end

local function fails(what, message, watched, f)
   w:zero_grad()
   local state = random_state()
   local graph, reason = scute.record(device, watched, f)
   check(not graph and tostring(reason):find(message, 1, true), "nothing is recorded: " .. what, graph or reason)
   check(random_state() == state, "random numbers are as they were: " .. what)
   w:zero_grad()
   step() -- and all goes on
   check(text(y):find "nan" == nil, "all goes on: " .. what, text(y))
end

fails("a tensor that is not watched", "reads a tensor that is not watched", { x }, step)
fails("a tensor that is written", "writes into a tensor that is not watched", { x, w }, function() kept[1]:fill_(1) end)
fails("values that are read", "copies nothing from or to the host", { x, w }, function() step() return y:values() end)
fails("values that come from the host", "copies nothing from or to the host", { x, w }, function()
   return scute.tensor({ 1, 2 }):to(device)
end)
fails("an error", "this one", { x, w }, function() error "this one" end)
local violations, last = softgpu.violations()
check(violations == 0, "nothing is violated", last)

os.execute(("rm -rf '%s'"):format(folder))
tally.finish()
