-- What was found by timing convolutions is kept: in a file for other programs, and in the checkpoints of a run, which goes on
-- as it would have. Usage: SCUTE_PLUGINS=build/softgpu scute tests/cuda/choices.lua [DEVICE]
--        ... DEVICE FUNCTION: one of the parts that want a program of their own
local plugins = assert(os.getenv "SCUTE_PLUGINS", "SCUTE_PLUGINS does not name the software GPU's folder")
package.cpath = plugins .. "/?.so;" .. package.cpath

local scute = require "scute"
local softgpu = require "softgpu"
local tally = dofile "tests/tally.lua"
local check = tally.check

local device, part = arg[1] or "cuda", arg[2]
local FORWARD, TIMED = "cudnnConvolutionForward", "cudnnFindConvolutionForwardAlgorithmEx"
local program = dofile "tests/cuda/program.lua"(check, device)
local alone = {} -- by name

-- How often a function is called by f(...).
local function calls(name, f, ...)
   local before = softgpu.calls(name)
   f(...)
   return softgpu.calls(name) - before
end

-- The numbers of a convolution, and how often it was timed.
function alone.kept()
   scute.manual_seed(1)
   local x, w, values = scute.randn(2, 4, 8, 8):to(device), scute.randn(6, 4, 1, 1):to(device), nil
   local before = softgpu.calls(FORWARD)
   local n = calls(TIMED, function()
      for _ = 1, 2 do values = x:conv2d(w):values() end
   end)
   print(("timed %d %s in %d calls"):format(n, scute.checksum { scute.tensor(values) }, softgpu.calls(FORWARD) - before))
   io.write(scute.chosen(device))
   os.exit(true, true)
end

local function fit(folder, settings)
   scute.manual_seed(5)
   local set = scute.data.open(folder .. "/photos", { seed = 0 })
   local model = dofile "tests/cuda/tiny.lua"(set.classes):to(device)
   settings.optimizer, settings.device = scute.optim.sgd(model:groups { lr = 0.02 }), device
   settings.workers, settings.batch_size, settings.seed = 1, tonumber(os.getenv "BATCH" or 4), 3
   scute.train.fit(model, set, settings)
   return model
end

-- A run of $RUN/photos that goes on where one stopped, up to $EPOCHS, with $UNFREEZE, and $AFTER another; how many convolutions
-- were timed, in what it computed, what was told, and what weights it came to.
function alone.trains()
   local folder, epochs, told = os.getenv "RUN", tonumber(os.getenv "EPOCHS"), {}
   local console = require "scute.base.console"
   local function tell(format, ...) told[#told + 1] = format:format(...) end
   console.warn, console.line = tell, function(format, ...)
      if format:find "^precision" or format:find "^deterministic" then tell(format, ...) end
   end
   if os.getenv "AFTER" then fit(folder, { epochs = 2, precision = os.getenv "PRECISION" }) end
   told = {}
   local model
   local n = calls(TIMED, function()
      model = fit(folder, { epochs = epochs, output_dir = folder, resume = "auto", precision = os.getenv "PRECISION",
         unfreeze = os.getenv "UNFREEZE", deterministic = os.getenv "DETERMINISTIC" ~= nil })
   end)
   print(("timed %d in %s: %s"):format(n, model.precision, table.concat(told, "|")))
   print(scute.checksum(model:parameters()))
   os.exit(true, true)
end

-- ---- a file for programs to come ----

local function write(path, text)
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
end

local function read(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return text
end

local function keeps_a_file()
   local path = os.tmpname()
   local settings = "SCUTE_CUDA_CACHE=" .. path
   local function timed(n, name, more)
      local text = program((more or "") .. " " .. settings, "kept")
      check(text:find("^timed " .. n .. " "), name, text)
      return text
   end
   os.remove(path)
   local first = timed(1, "at first it is timed")
   local line = read(path)
   check(timed(0, "then it is known") == first:gsub("timed 1", "timed 0"), "with the same numbers", first)
   timed(1, "another GPU does not know it", "SOFTGPU_ARCH=90")
   for name, broken in pairs { ["a broken line"] = line:gsub(" 1 ", " 2 ", 1), ["half a line"] = line:sub(1, #line // 2),
      ["nothing"] = "", ["no text"] = ("\0\255"):rep(1000), ["a long line"] = ("1 "):rep(4000) } do
      write(path, broken)
      timed(1, name .. " is passed over")
   end
   write(path, "nonsense\n" .. line)
   timed(0, "what follows nonsense is read")
   -- One that fails is known as that once: programs to come begin with what ran in its place.
   write(path, line)
   local function forwards(name, n, more)
      local text = timed(0, name, more)
      check(text:find("in " .. n .. " calls\n"), name, text)
   end
   forwards("what is known and fails gives way", 3, "SOFTGPU_FAIL=cudnnConvolutionForward:2:4000")
   local after = read(path)
   check(after:sub(1, #line) == line and #after > #line, "what ran in its place is written behind it", after)
   local learnt = after:sub(#line + 1)
   check(learnt:find "^%x+ [^\n]*\n$" and learnt ~= line, "once", learnt)
   write(path, learnt)
   local alone_text = timed(0, "and is known")
   write(path, after)
   check(timed(0, "it wins") == alone_text and read(path) == after, "the later line wins", after)
   os.remove(path)
   settings = "SCUTE_CUDA_CACHE=/proc/nowhere/convolutions"
   timed(1, "a file that cannot be written is none")
   settings = "SCUTE_CUDA_CACHE= HOME=/proc"
   timed(1, "nor is an empty name one")
   local home = os.tmpname()
   os.remove(home)
   settings = ("env -u SCUTE_CUDA_CACHE XDG_CACHE_HOME=%s"):format(home)
   timed(1, "without a name it lies in the cache's folder")
   timed(0, "where it is found")
   os.execute(("rm -rf '%s'"):format(home))
end

local function goes_on_with_what_it_chose()
   local folder = os.tmpname()
   os.remove(folder)
   dofile("tests/cli/photos.lua").set(folder .. "/photos", { blue = 6, red = 6 })
   local function trains(epochs, more)
      return program(("SCUTE_CUDA_CACHE= RUN=%s EPOCHS=%d %s"):format(folder, epochs, more or ""), "trains")
   end
   local function says(pattern, name, epochs, more)
      local text = trains(epochs, more)
      check(text:find("^timed " .. pattern), name, text)
      return text:match "^timed (%d+).-\n(.*)$"
   end
   local anew = ("rm -rf '%s/tiny'"):format(folder)
   local timed, two = says("[1-9]%d* in bf16: precision: bf16\n", "a run times its convolutions", 2)
   os.execute(anew)
   check(says("[1-9]%d* in bf16", "so does one of an epoch", 1) == timed,
      "the last, shorter batch of an epoch is not timed when it comes again in the next")
   local _, resumed = says("0 in bf16: precision: bf16\n", "one that goes on times none", 2)
   check(resumed == two, "and comes to the same weights", resumed .. "instead of " .. two)
   os.execute(anew)
   timed, two = says("[1-9]%d* in bf16", "a run of one update each epoch times its convolutions", 2, "BATCH=64")
   os.execute(anew)
   check(says("[1-9]%d* in bf16", "so does one of one update", 1, "BATCH=64") == timed, "all of them for its checkpoint")
   _, resumed = says("0 in bf16", "one that goes on from there times none", 2, "BATCH=64")
   check(resumed == two, "and comes to the same weights, too", resumed .. "instead of " .. two)
   os.execute(anew)
   trains(2)
   says("[1-9]%d* in bf16: precision: bf16|the checkpoint was made on another GPU", "on another GPU they are", 3,
      "SOFTGPU_ARCH=90")
   os.execute(anew)
   says("0 in bf16: precision: bf16|deterministic: algorithms that give the same bits",
      "one that is deterministic times none", 1, "DETERMINISTIC=1")
   os.execute(anew)
   says("[1-9]%d* in fp16: precision: fp16\n", "Turing computes in fp16", 1, "SOFTGPU_ARCH=75")
   os.execute(anew)
   says("[1-9]%d* in fp32: precision: fp32; cuda:0 has no tensor cores, with which half", "Pascal in fp32", 1,
      "SOFTGPU_ARCH=61")
   os.execute(anew)
   says("[1-9]%d* in fp16: precision: fp16: cuda:0 has no tensor cores, so it saves memory", "or in fp16 if told to", 1,
      "SOFTGPU_ARCH=61 PRECISION=fp16")
   os.execute(anew)
   says("[1-9]%d* in fp32: precision: fp32; convolutions round to TF32", "TF32 is told", 1, "PRECISION=fp32")
   os.execute(anew)
   says("[1-9]%d* in fp32_strict: precision: fp32_strict\n", "and that there is none", 1, "PRECISION=fp32_strict")
   os.execute(("rm -rf '%s'"):format(folder))
end

-- Convolutions that come first after a checkpoint: those of the stem in training. A run that goes on from there comes to what
-- the one that was not broken off came to, whatever it would find the fastest itself.
local function agrees_on_what_comes_later()
   local folder, cache = os.tmpname(), os.tmpname()
   os.remove(folder)
   dofile("tests/cli/photos.lua").set(folder .. "/photos", { blue = 6, red = 6 })
   local function trains(epochs, times, file)
      local settings = "RUN=%s EPOCHS=%d PRECISION=fp32 UNFREEZE=fc,stem@2 SOFTGPU_TIMES=%d SCUTE_CUDA_CACHE=%s"
      local text = program(settings:format(folder, epochs, times, file), "trains")
      local timed, weights = text:match "^timed (%d+).-\n(.*)$"
      if not check(timed, "a run that is lengthened", text) then return 0, "" end
      return tonumber(timed), weights
   end
   local function begin() os.execute(("rm -rf '%s/tiny'"):format(folder)) end
   for name, file in pairs { ["with what other programs timed"] = cache, ["without"] = "" } do
      os.remove(cache)
      begin()
      local all, whole = trains(3, 1, file)
      begin()
      local first = trains(1, 1, file)
      local then_timed, resumed = trains(3, 2, file)
      check(resumed == whole, "a run that goes on comes to the same weights, " .. name, resumed .. "instead of " .. whole)
      check(all > 0 and then_timed == 0, "and times none, " .. name, ("%d: %d, %d"):format(all, first, then_timed))
   end
   -- What is timed is known to others, and changes nothing for them.
   os.remove(cache)
   begin()
   local _, whole = trains(3, 1, cache)
   begin()
   local timed, again = trains(3, 2, cache)
   check(timed == 0 and again == whole, "the next run times none and comes to the same weights", again .. "instead of "
      .. whole)
   os.remove(cache)
   os.execute(("rm -rf '%s'"):format(folder))
end

-- What an earlier run of the program has timed is not known to one that begins, nor to one that goes on from a checkpoint.
local function begins_anew()
   local folder = os.tmpname()
   os.remove(folder)
   dofile("tests/cli/photos.lua").set(folder .. "/photos", { blue = 6, red = 6 })
   local function trains(epochs, more)
      local settings = "RUN=%s EPOCHS=%d PRECISION=fp32 UNFREEZE=fc,stem@2 SOFTGPU_TIMES=1 SCUTE_CUDA_CACHE= %s"
      return program(settings:format(folder, epochs, more or ""), "trains")
   end
   local function begin() os.execute(("rm -rf '%s/tiny'"):format(folder)) end
   local whole = trains(3)
   begin()
   local second = trains(3, "AFTER=another")
   check(second == whole, "the second run of a program comes to what the first did", second .. "instead of " .. whole)
   begin()
   trains(1)
   local resumed = trains(3, "AFTER=another")
   check(resumed:match "\n.*" == whole:match "\n.*", "so does one that goes on after another",
      resumed .. "instead of " .. whole)
   os.execute(("rm -rf '%s'"):format(folder))
end

if part then
   alone[part]()
else
   keeps_a_file()
   goes_on_with_what_it_chose()
   agrees_on_what_comes_later()
   begins_anew()
end
tally.finish()
