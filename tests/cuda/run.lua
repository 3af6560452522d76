-- The software GPU (see README.md): the programs that test it, and, through the plugin built for it, tensors on "cuda" with
-- nothing but a CPU. Where there was no CUDA toolkit to build them with, this says so and checks the sources alone.
-- Usage: scute tests/cuda/run.lua [part ...]: parts are listed at the end; a program is one, too
--        scute tests/cuda/run.lua 2/4: of all parts the second of four shares (see tests/share.lua)
-- TIMES=1 in the environment: the seconds of each part are printed.
local cjson = require "cjson"
local lfs = require "lfs"

local clock = require("scute").clock
local scute = arg[-1]
local here = arg[0]:match "^(.*)/" or "."
local soft = (scute:match "^(.*)/" or ".") .. "/softgpu"
local tally = dofile "tests/tally.lua"
local share = dofile "tests/share.lua"
local check = tally.check
local ALL = "1/1" -- a share
local FAULTS = 151 -- every so many of those of ops and of train.fit are tried here, all of them in tests/soak
local ONE_THREAD = "OMP_NUM_THREADS=1" -- of a tiny network's layers: more take turns

local function run(command)
   local pipe = assert(io.popen(command .. " 2>&1"))
   local text = pipe:read "a"
   local ok = pipe:close()
   return ok, text
end

-- ---- sources ----

local function each_file(folder, f)
   if lfs.attributes(folder, "mode") ~= "directory" then return end
   for name in lfs.dir(folder) do
      local path = folder .. "/" .. name
      if not name:find "^%." then
         if lfs.attributes(path, "mode") == "directory" then each_file(path, f) else f(path) end
      end
   end
end

local function read_file(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read "a"
   file:close()
   return text
end

local function check_source(path)
   local text = read_file(path)
   local _, lines = text:gsub("\n", "")
   check(lines <= 600, path .. " is short", lines .. " lines")
   if path:find "%.cuh?$" then
      -- CUDA's launch syntax calls functions that have no documentation, so no library could stand in for them.
      check(not text:gsub("//[^\n]*", ""):find("<<<", 1, true), path .. " launches through cudaLaunchKernel", "<<<")
   end
end

local function sources(mine)
   local paths = {}
   for _, folder in ipairs { here, here .. "/../../kernels/cuda" } do
      each_file(folder, function(path) paths[#paths + 1] = path end)
   end
   table.sort(paths)
   for _, path in ipairs(share(paths, mine)) do check_source(path) end
end

-- ---- programs: each prints "N passed, N failed" last ----

local function program(name, command)
   local _, text = run(command or soft .. "/programs/" .. name)
   tally.add(name, text)
end

local function programs()
   local names = {}
   for name in lfs.dir(here .. "/programs") do
      local is_left_out = name == "nccl.cu" and not lfs.attributes(soft .. "/lib/libnccl.so.2")
      if name:find "%.cu$" and not is_left_out then names[#names + 1] = name:gsub("%.cu$", "") end
   end
   table.sort(names)
   for _, name in ipairs(names) do program(name) end
end

-- ---- scute on the software GPU ----

-- Runs a script in a scute of its own and returns whether it ended well, its output, and the software GPU's report.
local function on_gpu(script, settings)
   local report = os.tmpname()
   local ok, text = run(("SCUTE_CUDA_CACHE= %s SCUTE_PLUGINS=%s SOFTGPU_REPORT=%s %s %s"):format(settings or "", soft, report,
      scute, script))
   local said = read_file(report)
   os.remove(report)
   local read, account = pcall(cjson.decode, said)
   return ok, text, read and account or { live = { "no report" }, violations = { said } }
end

local function is_clean(account, name)
   check(next(account.live) == nil, name .. ": nothing is left on the device", cjson.encode(account.live))
   check(account.spins == 0, name .. ": the host sleeps while it waits", account.spins)
   check(#account.violations == 0, name .. ": nothing is violated", account.violations[1])
end

local function copies()
   local script = os.tmpname()
   local file = assert(io.open(script, "w"))
   file:write [[
      local scute = require "scute"
      local x = scute.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
      local there = x:to "cuda"
      assert(there.device == "cuda:0", there.device)
      local back = there:to "cpu"
      print(back[1][1], back[2][3])
      -- A file has what was there when it was begun, in the order of the shape.
      local path, weight = os.tmpname(), scute.randn(5, 3, 2, 4)
      local own = weight:to "cuda"
      local saving = scute.weights.save_later(path, { names = { "w" }, tensors = { w = own } })
      own:fill_(0)
      saving:finish()
      assert(scute.checksum { scute.weights.load(path).tensors.w } == scute.checksum { weight }, "another content in the file")
      os.remove(path)
   ]]
   file:close()
   local ok, text, account = on_gpu(script)
   os.remove(script)
   check(ok and text:find "^1.*\t6" ~= nil, "a tensor goes to the software GPU and comes back", text)
   is_clean(account, "copies")
end

-- A GPU that the plugin was not built for is found out when it is looked for: whoever left the choice gets the CPU and the
-- reason, whoever asked for it one line; and so when it is used, where only the driver knows.
local function other_gpus()
   local ADVICE = "; this scute was built for other GPUs: build it with CUDA_ARCHS of this one"
   local NO_IMAGE = "no kernel image is available for execution on the device (cudaErrorNoKernelImageForDevice)"
   for arch, serves in pairs { [52] = false, [60] = false, [61] = true, [62] = true, [72] = true, [75] = true, [120] = true } do
      local settings, why = ("SOFTGPU_ARCH=%d"):format(arch), "cuda:0: CUDA: " .. NO_IMAGE .. ADVICE
      local ok, text = on_gpu("-e 'print(scute.device \"auto\")'", settings)
      check(ok and text == (serves and "cuda:0\n" or "cpu\t" .. why .. "\n"), settings .. ": auto has what serves it", text)
      ok, text = on_gpu("-e 'print(scute.device \"cuda\")'", settings)
      check(ok == (serves or nil) and (serves or text:find("device 'cuda': " .. why .. ", or use --device cpu", 1, true)),
         settings .. ": and who asks for it is told", text)
   end
   for status, says in pairs { [209] = NO_IMAGE, [98] = "invalid device function (cudaErrorInvalidDeviceFunction)" } do
      local ok, text = on_gpu("-e 'scute.randn(2, { device = \"cuda\" })'",
         ("SOFTGPU_FAIL=cudaFuncGetAttributes:1:%d"):format(status))
      check(not ok and text:find("cuda:0: CUDA: " .. says .. ADVICE .. ", or use --device cpu", 1, true),
         "what the driver does not find is told at the first use", text)
   end
end

-- Whoever only names a GPU takes nothing of it: the runs of an experiment need it.
local function looks()
   local script = os.tmpname()
   local file = assert(io.open(script, "w"))
   file:write [[
      local scute = require "scute"
      for _, name in ipairs { "auto", "cuda", "cuda:1" } do
         local words = { [0] = "looks", "--data_dir", ".", "--device", name }
         local opt = scute.cli.parse(words, "Looks for a GPU", scute.cli.common)
         print(opt.device, scute.computes(opt.device, "tf32"), scute.memory(opt.device).live)
      end
      scute.synchronize()
      scute.flush()
      if os.getenv "USES" then
         scute.randn(2, { device = "cuda:1" })
         scute.synchronize()
      end
   ]]
   file:close()
   local ok, text, account = on_gpu(script, "SOFTGPU_DEVICES=2")
   check(ok and text == "cuda:0\ttrue\t0\ncuda:0\ttrue\t0\ncuda:1\ttrue\t0\n", "GPUs are found", text)
   for _, name in ipairs { "cudaSetDevice", "cudaStreamCreateWithFlags", "cudaFuncGetAttributes", "cudaMalloc" } do
      check(account.calls and not account.calls[name], name .. " is not called by who only looks", cjson.encode(account))
   end
   ok, text, account = on_gpu(script, "SOFTGPU_DEVICES=2 USES=1")
   check(ok and account.calls and account.calls.cudaSetDeviceFlags == 1, "only the one that is used is started",
      text .. cjson.encode(account))
   os.remove(script)
end

-- The case tables, in two orders of streams, blocks and threads: results must not depend on them. That they do not is a
-- matter of an op's kernels, so a part of the cases of each op will do.
local function ops()
   for _, order in ipairs { "SOFTGPU_ORDER=lazy", "EVERY=3 SOFTGPU_ORDER=eager SOFTGPU_THREADS=shuffle:1" } do
      local _, text, account = on_gpu(here .. "/ops.lua cuda", order)
      tally.add(order, text)
      for op in (text:match "no kernel: ([^\n]*)" or ""):gmatch "[%w_]+" do
         check(false, op .. " has no kernel on cuda", text)
      end
      is_clean(account, "ops, " .. order)
   end
end

-- A script of this folder that counts its checks, on "cuda" unless arguments say more.
local function script(name, order, arguments)
   local _, text, account = on_gpu(("%s/%s.lua %s"):format(here, name, arguments or "cuda"), order)
   tally.add(name, text)
   is_clean(account, name)
end

-- With a file in which what is timed is found again, so that it is timed after checkpoints, too.
local function convolutions()
   local file = os.tmpname()
   script("convolutions", "SCUTE_CUDA_CACHE=" .. file)
   os.remove(file)
end

-- What an owner of a card runs, and the page that comes of it.
local function device()
   local page = soft .. "/gpu_report.txt"
   os.execute(("rm -rf '%s/gpu_report' '%s'"):format(soft, page))
   local ok, text = run(("SCUTE_PLUGINS=%s %s %s/device.lua cuda photos"):format(soft, scute, here))
   local said = ok and read_file(page) or ""
   check(ok and said:find "libcudnn" and said:find "test\n%d+%-%d+%-%d+ "
      and said:find "\nphotos +%d+ passed, 0 failed  %(%d+ s%)\n%d+ passed, 0 failed\n$",
      "make test DEVICE=cuda writes a page", text .. said)
   ok, text = run(("LIMIT=0 SCUTE_PLUGINS=%s %s %s/device.lua cuda nothing photos"):format(soft, scute, here))
   check(not ok and read_file(page):find "nothing +not tried: no time left\n.*photos +not tried", "within its time", text)
   local bench = "SCUTE_PLUGINS=%s SIDE=32 MODELS=baseline_cnn ROUNDS=1 BATCH=2 EPOCHS=0 %s %s/../bench/run.lua '' cuda"
   ok, text = run(bench:format(soft, scute, here))
   check(ok and read_file(page):find "---- test\n.*---- bench\n.*baseline_cnn +train +%d",
      "make bench DEVICE=cuda adds to it", text)
end

-- What a profiler sees: phases, the ops in them, all of them ended.
local function ranges()
   local log, path = os.tmpname(), os.tmpname()
   local file = assert(io.open(path, "w"))
   file:write [[
      local scute = require "scute"
      local photos = dofile "tests/cli/photos.lua"
      local Tiny = dofile "tests/cuda/tiny.lua"
      local folder = os.tmpname()
      os.remove(folder)
      photos.set(folder, { blue = 6, red = 6 })
      local set = scute.data.open(folder)
      local model = Tiny(set.classes):to "cuda"
      pcall(function()
         local mine <close> = scute.range "mine"
         error "a range ends with an error, too"
      end)
      scute.train.fit(model, set, { optimizer = scute.optim.sgd(model:groups { lr = 0.1 }), device = "cuda", epochs = 1,
         batch_size = 4 })
      os.execute("rm -r " .. folder)
   ]]
   file:close()
   local profiler = ("NVTX_INJECTION64_PATH='%s/nvtx.so' NVTX_LOG='%s'"):format(soft, log)
   local ok, text = on_gpu(path, profiler)
   local said = ok and read_file(log) or ""
   for name, pattern in pairs { ["one of a script"] = "^mine\n", upload = "\nupload\n[^\n]*  normalize_photos\n",
      forward = "\nforward\n  list_convert\n  conv2d\n",
      backward = "\nbackward\n  cross_entropy backward\n.*  conv2d backward\n",
      ["the optimizer"] = "\noptimizer\n  sgd_step\n", validation = "\nvalidation\n  upload\n.*\n  conv2d\n",
      ["all are ended"] = "\n0 left\n$" } do
      check(said:find(pattern), "ranges: " .. name, text .. said)
   end
   os.remove(log)
   ok, text = on_gpu(path)
   check(ok and not lfs.attributes(log), "ranges: none without a profiler", text)
   os.remove(path)
end

-- They start processes of their own, each with an account.
local function exercises()
   local _, text = run(("SCUTE_PLUGINS=%s %s %s/exercises.lua cuda"):format(soft, scute, here))
   tally.add("exercises", text)
end

-- It starts processes of its own, too.
local function world()
   if not lfs.attributes(soft .. "/lib/libnccl.so.2") then
      return print "no nccl.h was found at build time: sums between GPUs are not tested"
   end
   program("world", ("%s %s/world.lua"):format(scute, here))
end

-- The examples of kernels of one's own say there what they say on the CPU.
local function examples_of_kernels()
   local folder = os.tmpname()
   os.remove(folder)
   for name, text in pairs { custom_kernel = "step 60: loss 0.0", custom_kernel_whole = "an edge:\t0.0 0.0 1.0 3.0 4.0 4.0" } do
      local ok, out, account = on_gpu(("%s/../../examples/%s.lua cuda"):format(here, name), "SCUTE_CACHE=" .. folder)
      check(ok and out:find(text, 1, true) and out:find("gradients are right:\ttrue", 1, true), name .. " on a GPU", out)
      is_clean(account, name)
   end
   os.execute(("rm -rf '%s'"):format(folder))
end

-- With a folder of its own for what is compiled.
local function kernels()
   local folder = os.tmpname()
   os.remove(folder)
   script("kernels", "SCUTE_CACHE=" .. folder)
   os.execute(("rm -rf '%s'"):format(folder))
end

-- ---- all of them, in this order ----

-- But those that take half a minute each here and have the layers of others; tests/soak/cuda_models.lua has all of them, and
-- so has make test DEVICE=cuda on a card.
local function models()
   script("models", nil, "cuda resnet18 efficientnet_b0 mobilenet_v2 efficientnet_lite0 mobilenet_v3_large")
end

local function orders_of_photos()
   for _, order in ipairs { "lazy", "eager", "random:3" } do script("photos", "SOFTGPU_ORDER=" .. order) end
end

local parts = {
   { "programs", programs },
   { "copies", copies },
   { "other_gpus", other_gpus },
   { "looks", looks },
   { "ranges", ranges },
   { "ops", ops },
   { "special" }, -- numbers at which backends part
   { "convolutions", convolutions },
   { "padding" }, -- photos that are padded differently on both sides
   { "choices" },
   { "beyond", function() script("beyond", "SOFTGPU_COMPUTE=none SOFTGPU_MEMORY=100000000000") end },
   { "halves" },
   { "losses" }, -- those that learn embeddings
   { "photos", orders_of_photos },
   { "memory", function() script("memory", "SOFTGPU_MEMORY=6000000") end },
   { "steady", function() script("steady", "SOFTGPU_COMPUTE=none") end },
   { "faults_ops", function() script("faults", ONE_THREAD, "cuda ops " .. FAULTS) end },
   { "faults_fits", function() script("faults", ONE_THREAD, "cuda fits " .. FAULTS) end },
   { "faults_layers", function() script("faults", ONE_THREAD, "cuda layers 2") end }, -- at every call
   { "symbols", function() program("symbols", ("%s %s/symbols.lua"):format(scute, here)) end },
   { "world", world }, -- several processes with a GPU each
   { "models", models },
   { "examples" }, -- networks of examples/ against PyTorch's numbers
   { "late" },
   { "device", device },
   { "launches" },
   { "recorded" },
   { "recordings" },
   { "graphs" },
   { "profile" },
   { "export" },
   { "kernels", kernels },
   { "examples_of_kernels", examples_of_kernels },
   { "exercises", exercises },
}

local function go(part)
   local began = clock()
   if part[2] then part[2]() else script(part[1]) end
   if os.getenv "TIMES" then print(("%6.1f s  %s"):format(clock() - began, part[1])) end
end

local function some(names)
   local known = { sources = function() sources(ALL) end }
   for _, part in ipairs(parts) do known[part[1]] = function() go(part) end end
   for _, name in ipairs(names) do (known[name] or function() program(name) end)() end
end

local function all(mine)
   sources(mine)
   if lfs.attributes(soft .. "/reason") then
      check(false, "the software GPU is built", read_file(soft .. "/reason"))
   elseif lfs.attributes(soft .. "/lib/libcudart.so.13") then
      local built = lfs.attributes(soft .. "/scute_cuda.so") and parts or { parts[1] }
      for _, part in ipairs(share(built, mine)) do go(part) end
   else
      print "no CUDA toolkit was found at build time: the software GPU is not built, only the sources are checked"
   end
end

if #arg == 0 then all(ALL) elseif arg[1]:find "^%d+/%d+$" then all(arg[1]) else some(arg) end
tally.finish()
