-- Failures of CUDA, cuBLAS and cuDNN, at every call of a training step with a layer of each kind (every_layer.lua), of one that
-- uses every op (every_op.lua), and of steps of each kind that train.fit takes (every_fit.lua): out of memory, not supported,
-- failed, and sticky errors, after which a program cannot use the device any more.
--
-- Each ends in an error of one line that names an op or a call and says what to do, or in the right numbers; nothing is left
-- on the device; and a step after it gives the numbers of one before it, bit for bit.
-- Usage: SCUTE_CUDA_CACHE= SCUTE_PLUGINS=build/softgpu scute tests/cuda/faults.lua DEVICE ops|fits [STRIDE [START]]: every
--        STRIDE-th failure from the START-th; of ops each function's first call fails in every way whatever the stride. Up to 4
--        it is every STRIDE-th call, which fails in every way. The device is one of the software GPU.
--        ... DEVICE first FUNCTION N KIND: one of them, at the start of a program
--        ... DEVICE layers [STRIDE]: at every call of a step with a layer of each kind (every_layer.lua); 1: in every way
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local plugins = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder")
package.cpath = plugins .. "/?.so;" .. package.cpath

local scute = require "scute"
local every_fit = require "every_fit"
local every_layer = require "every_layer"
local every_op = require "every_op"
local softgpu = require "softgpu"
local sorted_keys = require "scute.base.sorted_keys"

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"
local check = tally.check

-- ---- ways to fail: the statuses that the three libraries have for them ----

local KINDS = {
   { name = "out of memory", cuda = 2, cublas = 3, cudnn = 4004 }, -- cudaErrorMemoryAllocation, ...
   { name = "not supported", cuda = 801, cublas = 15, cudnn = 3000 },
   { name = "failed", cuda = 1, launch = 701, cublas = 14, cudnn = 4000 }, -- invalid value, out of resources, internal
   { name = "sticky", cuda = 719, cublas = 13, cudnn = 5000, sticky = true }, -- cudaErrorLaunchFailure, EXECUTION_FAILED
}

local OUT_OF_MEMORY, NOT_SUPPORTED, FAILED, STICKY = table.unpack(KINDS)
-- What the libraries say at their start where others have taken the memory.
local NOT_INITIALIZED = { name = "not initialized", cublas = 1, cudnn = 1001 }

local function status_of(kind, name)
   if name:find "^cublas" then return kind.cublas end
   if name:find "^cudnn" then return kind.cudnn end
   return name == "cudaLaunchKernel" and kind.launch or kind.cuda
end

-- ---- what an error has to say ----

local CALLS = { "fill", "copying between host and GPU", "pinned memory of the host", "starting cuBLAS", "starting cuDNN",
   "looking for GPUs", "waiting for the GPU", "copy on the GPU", "cuda:%d+", "out of memory on cuda:%d+", "memory for cuBLAS",
   "a graph of the GPU's work" }

-- What happens before there is a tensor, or to many of them.
local function has_no_shape(text)
   return text:find "cuda:%d+: CUDA" or text:find "looking for GPUs" or text:find "out of memory on cuda:%d+: %d+ bytes"
      or text:find "memory for cuBLAS" or text:find "a graph of the GPU's work" or text:find "in a graph on cuda:%d+$"
end

local function names_op_or_call(text)
   for _, op in ipairs(scute.ops()) do
      if text:find("%f[%w_]" .. op .. "%f[^%w_]") then return true end
   end
   for _, call in ipairs(CALLS) do
      if text:find(call) then return true end
   end
   return false
end

-- What is wrong with the text of an error, or nil.
local function unclear(err, kind)
   local text = tostring(err):gsub("\nstack traceback:.*", "") -- below the line of an error in a layer
   if type(err) ~= "string" and not scute.error_kind(err) then return "it is no text" end
   if text:find "\n" then return "more than one line" end
   if not names_op_or_call(text) then return "no op, no call" end
   if not text:find "; " then return "nothing to do about it" end
   if not text:find "; in [^;]* %w+ %([%d, ]*%)" and not has_no_shape(text) then return "no shapes" end
   if not (text:find "CUDA" or text:find "cuBLAS" or text:find "cuDNN" or text:find "out of memory") then
      return "does not say what failed"
   end
   if kind == OUT_OF_MEMORY and not text:find("out of memory", 1, true) then return "does not say out of memory" end
   local fatal = text:find("start it anew", 1, true) ~= nil
   if kind.sticky and not fatal then return "does not say that the program must be started anew" end
   if not kind.sticky and fatal then return "says that the program must be started anew, which is not so" end
end

-- The same, and the kind: what says that it can be tried again.
local function misleading(err, kind)
   local wrong = unclear(err, kind)
   if wrong then return wrong end
   if (kind == OUT_OF_MEMORY) ~= (scute.error_kind(err) == "out of memory") then return "is of another kind" end
end

-- ---- numbers ----

local function same(a, b)
   if #a ~= #b then return false end
   for i, each in ipairs(a) do
      if #each.numbers ~= #b[i].numbers then return false end
      for k, value in ipairs(each.numbers) do
         if value ~= b[i].numbers[k] then return false, each.name end
      end
   end
   return true
end

-- Where an algorithm was refused another has rounded differently: in float16, or in float32 what was float16 before.
local ROOM = 2 ^ -8

local function close(a, b)
   for i, each in ipairs(a) do
      local off, size = 0, 0
      for k, value in ipairs(b[i].numbers) do off, size = off + (each.numbers[k] - value) ^ 2, size + value ^ 2 end
      if off ~= off or off > ROOM ^ 2 * size then return false, each.name end
   end
   return true
end

-- ---- one failure ----

local taken = every_op.step -- or one of every_fit's or every_layer's
local function ready() end -- what comes before it, and does not fail
local chosen -- algorithms of its convolutions, where it times them

-- A step, and all that it holds given back. Garbage is collected at its end alone, so that the calls are the same each time.
local function step()
   local ok, results = pcall(taken, device)
   scute.flush()
   return ok, results
end

local function clean_step(name, expected)
   ready()
   local ok, results = step()
   if not check(ok, name .. ", the step after it", results) then return end
   local equal, where = same(results, expected or results)
   check(equal, name .. ", the step after it has the same numbers", where)
   return results
end

local function check_nothing_violated(name)
   local violations, last = softgpu.violations()
   check(violations == 0, name .. ": nothing is violated", last)
end

-- An error that sticks is told by whatever comes next.
local function check_it_sticks(name, kind)
   local ok, text = pcall(function() return scute.zeros(1, { device = device }):item() end)
   local wrong = ok and "the next op succeeds" or unclear(text, kind)
   check(not wrong, name .. ", the op after it", ("%s: %s"):format(wrong, text))
end

-- The n-th call of a function fails in a step. Returns whether the step succeeded, its results, whether it had that call.
local function disturbed_step(name, kind, fn, n, may_miss)
   local before = softgpu.failures_injected()
   ready()
   softgpu.fail(fn, n, status_of(kind, fn))
   local ok, results = step()
   local reached = softgpu.failures_injected() == before + 1
   check(may_miss or reached, name .. " happens", "it was not reached")
   softgpu.fail_nothing()
   if not ok then
      local wrong = misleading(results, kind)
      check(not wrong, name, ("%s: %s"):format(wrong, results))
   end
   check_nothing_violated(name)
   return ok, results, reached
end

-- Not the n-th in this program, but in a step: whatever the device needs at its start, it has. expected: numbers of a clean
-- step, if they are the same each time; live: objects after one; more: another failure comes before the next clean step;
-- may_miss: the step may have fewer such calls. Returns whether it had as many.
local function trial(kind, fn, n, expected, live, more, may_miss)
   local name = ("%s at call %d of %s"):format(kind.name, n, fn)
   local ok, results, reached = disturbed_step(name, kind, fn, n, may_miss)
   if not reached then return false end
   if kind.cuda == status_of(kind, fn) and kind.sticky then
      check_it_sticks(name, kind)
      softgpu.revive()
      scute.flush()
   end
   expected = expected or clean_step(name)
   if ok and expected then
      local near, where = close(results, expected)
      check(near, name .. ", which is no error, has the right numbers", where)
   end
   check(ok or not (fn == "cudaMalloc" and kind == OUT_OF_MEMORY), name .. " is made up for", results)
   -- What was the fastest and failed has given way for good.
   if chosen and fn:find "^cudnn" then scute.chosen(device, chosen) end
   if more then return true end
   clean_step(name, expected)
   check(softgpu.live() == live, name .. " leaves nothing behind", ("%d objects, %d before"):format(softgpu.live(), live))
   check_nothing_violated(name)
   return true
end

-- ---- what a step does not show ----

-- A list of 150 tensors takes two launches. When memory runs out at the second, the first must not be done again.
local function list_in_two_launches()
   local params, grads = {}, {}
   for i = 1, 150 do
      params[i], grads[i] = scute.ones(1, { device = device }), scute.ones(1, { device = device })
   end
   softgpu.fail("cudaLaunchKernel", 2, OUT_OF_MEMORY.cuda)
   local ok, text = pcall(scute.sgd_step, { params = params, grads = grads, lr = 1 })
   softgpu.fail_nothing()
   local wrong = ok and "it succeeded" or unclear(text, OUT_OF_MEMORY)
      or scute.error_kind(text) and "it says that it can be tried again"
   check(not wrong, "an optimizer's step that fails half way", ("%s: %s"):format(wrong, text))
   check(params[1]:item() == 0, "what it has done, it has done once", params[1]:item())
end

-- A read that cannot be marked by its event still copies into pinned memory, which uploads use next.
local function unmarked_read()
   local x = scute.ones(17000, { device = device })
   x:values() -- nothing else is under way
   softgpu.fail("cudaEventRecord", 1, FAILED.cuda)
   local ok = pcall(x.values, x)
   softgpu.fail_nothing()
   check(not ok, "a read that cannot be marked", "it succeeded")
   local uploads = {}
   for i = 1, 6 do uploads[i] = scute.full({ 17000 }, i + 1):to(device) end
   for i = 1, 6 do
      local values = uploads[i]:values()
      check(values[1] == i + 1 and values[17000] == i + 1, "upload after a read that cannot be marked", values[1])
   end
end

-- Memory runs out again where a call is tried again. Training asks for that kind of error, to take smaller batches.
local function memory_runs_out_twice()
   local x, w = scute.ones(2, 3, 4, 4, { device = device }), scute.ones(2, 3, 3, 3, { device = device })
   for fn, f in pairs {
      cublasGemmEx = function() return x:reshape(8, 12):linear(w:reshape(2, 27):slice(2, 1, 12)) end,
      cudnnConvolutionForward = function() return x:conv2d(w) end, -- which tries what other algorithms there are
   } do
      for n = 1, 40 do softgpu.fail(fn, n, status_of(OUT_OF_MEMORY, fn)) end
      local ok, text = pcall(f)
      softgpu.fail_nothing()
      local wrong = ok and "it succeeded" or misleading(text, OUT_OF_MEMORY)
      check(not wrong, fn .. " without memory, twice", ("%s: %s"):format(wrong, text))
   end
end

-- With less and less memory than a step needs: not one call fails, but all from some point on.
local function short_of_memory(expected)
   scute.flush()
   local needed, errors, kept = scute.memory(device).peak, 0, softgpu.live "device memory"
   for room = 4, 20 do -- with less, the CPU has not enough either
      local name = ("%d of %d bytes of memory"):format(needed * room // 20, needed)
      scute.memory_limit(needed * room // 20)
      local ok, results = step()
      scute.memory_limit(0)
      local wrong = not ok and misleading(results, OUT_OF_MEMORY)
      check(not wrong, name, ("%s: %s"):format(wrong, results))
      if ok then check(same(results, expected), name .. " give the same numbers", "others") end
      if not ok then errors = errors + 1 end
      check(softgpu.live "device memory" == kept, name .. ", nothing is left", softgpu.live "device memory")
   end
   check(errors > 0 and errors < 17, "memory is short, and then it is not", errors)
   clean_step("steps with too little memory", expected)
end

-- ---- all of them ----

local function difference(after, before)
   local counts = {}
   for fn, n in pairs(after) do
      if n > (before[fn] or 0) then counts[fn] = n - (before[fn] or 0) end
   end
   return counts
end

-- Of so few shares each has calls of its own, which fail in every way.
local function is_share(stride)
   return stride <= 4
end

-- f(kind, function, n, more) for every stride-th of the failures at `counts` calls; the kinds take turns. With `firsts` for
-- every one at a function's first call. more: another comes at the same call.
local function each_failure(counts, stride, start, firsts, f)
   local at, whole = 0, is_share(stride)
   for _, fn in ipairs(sorted_keys(counts)) do
      for n = 1, counts[fn] do
         for i, kind in ipairs(KINDS) do
            local position = whole and at or at * #KINDS + (i - 1 + at) % #KINDS
            local due = position % stride == start % stride
            if not whole and firsts and n == 1 or due then f(kind, fn, n, whole and i < #KINDS) end
         end
         at = at + 1
      end
   end
end

local function text_of(results)
   local parts = {}
   for i, each in ipairs(results) do
      local numbers = {}
      for k, value in ipairs(each.numbers) do numbers[k] = ("%a"):format(value) end
      parts[i] = table.concat(numbers, " ")
   end
   return table.concat(parts, "\n")
end

-- At the start of a program, in one of its own, which prints the numbers of the step that follows.
local function first_trial(kind, fn, n, expected)
   local name = ("%s at call %d of %s in a program"):format(kind.name, n, fn)
   local report = os.tmpname()
   local pipe = assert(io.popen(("SOFTGPU_REPORT=%s timeout 120 %s %s/faults.lua %s first %s %d '%s' 2>&1"):format(report,
      arg[-1], here, device, fn, n, kind.name)))
   local text = pipe:read "a"
   local ok, how, code = pipe:close()
   local file = io.open(report)
   local account = file and file:read "a" or ""
   if file then file:close() end
   os.remove(report)
   check(ok, name, ("%s %d: %s"):format(how, code, text:sub(1, 2000)))
   check(text == expected .. "\n", name .. ", the step after it has the same numbers", text:sub(1, 2000))
   check(account:find('"live":{}', 1, true) and account:find('"violations":[]', 1, true), name .. " leaves nothing behind",
      account)
end

local function run_first(fn, n, kind)
   local name = ("%s at call %d of %s"):format(kind.name, n, fn)
   local ok, results = disturbed_step(name, kind, fn, n)
   if kind == NOT_INITIALIZED then check(ok, name .. " is made up for", results) end
   if kind.cuda == status_of(kind, fn) and kind.sticky then softgpu.revive() end
   local clean = clean_step(name)
   if ok and clean then
      local near, where = close(results, clean)
      check(near, name .. ", which is no error, has the right numbers", where)
   end
   if tally.failed > 0 then return end
   print(text_of(clean))
end

local function run_ops(stride, start)
   local before = softgpu.functions()
   local ok, expected = step()
   if not check(ok, "a step", expected) then return end
   local missing = every_op.missing(scute.device(device))
   check(#missing == 0, "the step uses every op", table.concat(missing, ", "))
   local after_first, live = softgpu.functions(), softgpu.live()
   clean_step("an undisturbed step", expected)
   check(softgpu.live() == live, "an undisturbed step leaves nothing behind", softgpu.live() - live)
   local each_time = difference(softgpu.functions(), after_first)
   local at_start = difference(after_first, before)
   for fn in pairs(each_time) do at_start[fn] = nil end
   list_in_two_launches()
   unmarked_read()
   memory_runs_out_twice()
   short_of_memory(expected)
   each_failure(each_time, stride, start, true, function(kind, fn, n, more) trial(kind, fn, n, expected, live, more) end)
   each_failure(at_start, stride, start, true, function(kind, fn, n) first_trial(kind, fn, n, text_of(expected)) end)
   for _, fn in ipairs { "cublasCreate", "cudnnCreate" } do first_trial(NOT_INITIALIZED, fn, 1, text_of(expected)) end
end

-- ---- each layer ----

-- Calls of one step, by function; what the first one of a program needs beside, it has had.
local function calls_of_step()
   ready()
   local before = softgpu.functions()
   local ok, results = step()
   return ok and difference(softgpu.functions(), before), results
end

local function fewest(a, b)
   local counts = {}
   for fn, n in pairs(a) do counts[fn] = b[fn] and math.min(n, b[fn]) end
   return counts
end

-- Out of memory, sticky, and one of the others; or all there are.
local function kinds_at(n, all)
   return all and KINDS or { OUT_OF_MEMORY, n % 2 == 0 and FAILED or NOT_SUPPORTED, STICKY }
end

-- At every call of a step all kinds, and then a step without a failure; with `all` one after each.
local function every_call(counts, expected, all)
   local live = softgpu.live()
   for _, fn in ipairs(sorted_keys(counts)) do
      for n = 1, counts[fn] do
         local kinds = kinds_at(n, all)
         for i, kind in ipairs(kinds) do trial(kind, fn, n, expected, live, not all and i < #kinds) end
      end
   end
end

-- f(may_miss) until it is true; the last time it has to be.
local function one_of_a_few(f)
   for left = 7, 0, -1 do
      if f(left > 0) then return end
   end
end

-- The same where each trial has a shape of its own, which it has first, and then a step without a failure twice. Some shapes
-- have blocks of one size, and so fewer calls for memory: then the next one's turn comes.
local function every_call_anew(counts, another, all)
   local live = softgpu.live()
   for _, fn in ipairs(sorted_keys(counts)) do
      for n = 1, counts[fn] do
         for _, kind in ipairs(kinds_at(n, all)) do
            one_of_a_few(function(may_miss)
               another()
               return trial(kind, fn, n, nil, live, false, may_miss)
            end)
         end
      end
   end
end

-- What copies take turns in is made when it is needed first.
local function fill_rings()
   for i = 1, 40 do scute.full({ i % 2 * 17000 + 1 }, i):to(device):values() end
end

-- A stride of more than 1 takes three kinds of four at each call.
local function run_layers(stride)
   local all = stride == 1
   fill_rings()
   for _, name in ipairs(sorted_keys(every_layer.kinds)) do
      local another
      ready, taken, another = every_layer.kinds[name](device)
      if another then another() end
      ready()
      local _, expected = step()
      local counts, results
      for _ = 1, another and 4 or 1 do -- what takes memory may differ
         if another then another() end
         local more, numbers = calls_of_step()
         if not check(more, name, numbers) then return end
         counts, results = fewest(counts or more, more), numbers
      end
      if another then
         every_call_anew(counts, another, all)
      else
         check(same(results, expected), name .. ": an undisturbed step has the same numbers")
         every_call(counts, expected, all)
      end
   end
end

local function is_of_graphs(fn)
   return fn:find "Graph" or fn:find "Capture"
end

-- The device is under way: what it needs at its start, a step of every op has shown. of(function): whether its calls are tried;
-- all are without. firsts: as each_failure takes it.
local function run_fit(kind, stride, start, firsts, of)
   taken = function(where) return every_fit.step(kind, where) end
   step()
   chosen = scute.chosen(device)
   local before = softgpu.functions()
   local ok, expected = step()
   if not check(ok, kind, expected) then return end
   local each_time = difference(softgpu.functions(), before)
   clean_step(kind, expected)
   local live = softgpu.live()
   for fn in pairs(each_time) do
      if of and not of(fn) then each_time[fn] = nil end
   end
   check(next(each_time), kind .. ": there are calls that may fail")
   each_failure(each_time, stride, start, firsts, function(way, fn, n, more) trial(way, fn, n, expected, live, more) end)
end

-- They have most of their calls in common: each is tried at some of them, where not at all.
local function run_fits(stride, start)
   for i, kind in ipairs(every_fit.kinds) do
      if is_share(stride) then
         run_fit(kind, stride, start)
      else
         run_fit(kind, stride * #every_fit.kinds, start + i * 17)
      end
   end
   if not is_share(stride) then run_fit(every_fit.recorded, #KINDS + 1, start, false, is_of_graphs) end
   every_fit.finish()
end

collectgarbage "stop"
require("scute.base.console").quiet = true
if arg[2] == "first" then
   for _, kind in ipairs { NOT_INITIALIZED, table.unpack(KINDS) } do
      if kind.name == arg[5] then run_first(arg[3], tonumber(arg[4]), kind) end
   end
   os.exit(tally.failed == 0, true) -- what it prints is compared
end
local parts = { ops = run_ops, fits = run_fits, layers = run_layers }
parts[arg[2]](tonumber(arg[3] or 1), tonumber(arg[4] or 0))
tally.finish()
