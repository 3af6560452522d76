-- make bench: what it measures is kept, compared and told. A small network, and a PyTorch that only says how fast it was.
local json_file = require "scute.base.json_file"

local function write(path, text)
   local file <close> = assert(io.open(path, "w"))
   file:write(text)
end

local function read(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

local PEER = [[#!/bin/sh
echo "$*" >>'%s/asked'
case "$*" in
   *-c*) echo "9.8.7 0.1.2 3.4.5" ;;
   *' eager '*) echo "100000.0 ms rss 300MB" ;;
   *' cl '*) echo "%d.0 ms rss 200MB" ;;
   *' compile '*) echo "90000.0 ms rss 400MB" ;;
esac
]]

describe("make bench", function()
   local root

   setup(function()
      root = os.tmpname()
      os.remove(root)
      assert(require("lfs").mkdir(root))
   end)

   teardown(function() os.execute(("rm -rf '%s'"):format(root)) end)

   local function bench(settings, python)
      local pipe = io.popen(("SCRATCH='%s/scratch' SIDE=32 BATCH=2 MODELS=baseline_cnn %s '%s' tests/bench/run.lua '%s' 2>&1")
         :format(root, settings, arg[-1], python or ""))
      local text = pipe:read "a"
      return pipe:close() == true, text
   end

   local function row(name)
      return assert(json_file.read(root .. "/bench.json")).rows[name]
   end

   local function peer(milliseconds)
      local path = root .. "/python"
      write(path, PEER:format(root, milliseconds))
      os.execute(("chmod +x '%s'"):format(path))
      return path
   end

   it("prints scute's own figures without PYTHON, and writes nothing", function()
      local ok, text = bench "PARTS=forward,start ROUNDS=1"
      assert.is_true(ok, text)
      assert.truthy(text:find "| baseline_cnn 32 | forward | f32 | 2 | %d+%.%d | %- | %- |", text)
      assert.truthy(text:find "%d ms, of which", text)
      assert.falsy(text:find "written", 1, true)
   end)

   it("compares with the best of PyTorch's modes, keeps each row, and tells what is reached", function()
      write(root .. "/REASONS.md", "## Why so slow\n")
      local ok, text = bench(("RESULTS='%s' ROUNDS=2 PARTS=step"):format(root), peer(80000))
      assert.is_true(ok, text)
      local step = row "step/train/baseline_cnn/32/f32/2"
      assert.same({ ms = 80000, mb = 200 }, step.modes.cl)
      assert.same({ 90000, 2, "9.8.7" }, { step.modes.compile.ms, step.rounds, step.versions.torch })
      local _, asked = read(root .. "/asked"):gsub("peer_more.py baseline_cnn eager f32 2 train 32", "")
      assert.equal(1, asked) -- in the second round it is known to be far behind
      _, asked = read(root .. "/asked"):gsub("peer_more.py baseline_cnn cl f32 2 train 32", "")
      assert.equal(2, asked)
      local page = read(root .. "/RESULTS.md")
      assert.truthy(page:find(("| %.2f | yes |"):format(80000 / step.modes.scute.ms), 1, true), page)
      assert.truthy(page:find "| training step | %d+%.%d+ | baseline_cnn 32, [bf1632]+ | ≥ 1.4 | yes |", page)
      assert.truthy(page:find("| peak memory of the step, against PyTorch's least | 0.%d+ |"), page)
      assert.truthy(page:find("| forward | not measured |", 1, true), page)
      assert.truthy(page:find("\n\n## Why so slow\n\n## ", 1, true), page)
      assert.truthy(page:find "PyTorch 9.8.7, torchvision 0.1.2, Pillow 3.4.5; 2 rounds", page)
   end)

   it("puts what is measured again in the place of what was there, beside the other parts", function()
      local ok, text = bench(("RESULTS='%s' ROUNDS=1 PARTS=step,big_folder FOLDER_PHOTOS=200 FOLDER_EPOCH=64"):format(root),
         peer(0))
      assert.is_true(ok, text)
      assert.equal(0, row "step/train/baseline_cnn/32/f32/2".modes.cl.ms)
      local big = row "big_folder/200"
      assert.same({ 200, 64 }, { big.photos, big.samples[#big.samples][1] })
      local page = read(root .. "/RESULTS.md")
      assert.truthy(page:find("| 0.00 | **no** |", 1, true), page)
      assert.falsy(page:find("did not end", 1, true), page)
      assert.truthy(page:find("after 64 photos of the epoch", 1, true), page)
      assert.truthy(page:find("a folder of 10^6 photos: memory | not measured", 1, true), page)
   end)

   it("compares more backbones with channels last alone, whatever is faster", function()
      os.remove(root .. "/asked")
      local ok, text = bench(("RESULTS='%s' ROUNDS=2 PARTS=more_backbones"):format(root), peer(150000))
      assert.is_true(ok, text)
      local step = row "more_backbones/train/baseline_cnn/32/f32/2"
      assert.same({ 100000, 150000 }, { step.modes.eager.ms, step.modes.cl.ms })
      assert.is_nil(step.modes.compile)
      assert.is_nil(step.was_compiled)
      local _, asked = read(root .. "/asked"):gsub("peer_more.py baseline_cnn cl f32 2 train 32", "")
      assert.equal(2, asked) -- in both rounds, although it is far behind eager
      local page = read(root .. "/RESULTS.md")
      assert.truthy(page:find(("| %.1f | 100000.0 | 150000.0 | %.2f | yes |"):format(step.modes.scute.ms,
         150000 / step.modes.scute.ms), 1, true), page)
      assert.truthy(page:find("| scute | eager | channels last | channels last / scute | ≥ 1.4 | of the peak |", 1, true))
      assert.truthy(page:find "| training step of more backbones, against channels last | %d+%.%d+ | baseline_cnn 32, ", page)
   end)

   it("measures networks that torchvision does not have by what does", function()
      local path = package.path
      package.path = "tests/?.lua;" .. path
      local networks = require "bench.parts.networks"
      package.path = path
      local function peer_of(model, what, side)
         return networks.peer_of({ model = model, what = what, side = side, width = "f32", batch = 16 }, "cl")
      end
      assert.equal("peer_modes.py convnext_tiny cl f32 16 train", peer_of("convnext_tiny", "train", 224))
      assert.equal("peer_more.py efficientnet_lite0 cl f32 16 train 224", peer_of("efficientnet_lite0", "train", 224))
      assert.equal("peer_more.py resnet50 cl f32 16 infer 32", peer_of("resnet50", "infer", 32))
   end)

   it("measures kernels of one's own", function()
      local ok, text = bench(("RESULTS='%s' ROUNDS=1 PARTS=kernel ELEMENTS=5000"):format(root))
      assert.is_true(ok, text)
      assert.truthy(text:find "The first use of a kernel took %d+%.%d+ s, the same in another process %d+%.%d ms", text)
      assert.is_number(row("kernel/elements").mish_step)
      assert.truthy(read(root .. "/RESULTS.md"):find "| a silu in C against scute's | %d+%.%d+ |")
   end)

   it("tells that a run did not end, and where", function()
      local slow = peer(1)
      write(slow, "#!/bin/sh\ncase \"$*\" in *-c*) echo 9.8.7 0.1.2 3.4.5 ;; *) exit 1 ;; esac\n")
      local ok, text = bench(("RESULTS='%s' PARTS=predict"):format(root), slow)
      assert.is_false(ok, text)
      assert.truthy(read(root .. "/RESULTS.md"):find('The last run did not end: it was in "Forward of one photo"', 1, true))
   end)

   it("does not take a damaged file for none", function()
      write(root .. "/bench.json", "{")
      local ok, text = bench(("RESULTS='%s' PARTS=start"):format(root))
      assert.is_false(ok)
      assert.truthy(text:find("bench.json is damaged or was cut off", 1, true), text)
   end)

   it("names the parts there are, and what a number in the environment has to be", function()
      local ok, text = bench "PARTS=steps"
      assert.is_false(ok)
      assert.truthy(text:find("PARTS: there is no part 'steps'; there are peak, forward, step", 1, true), text)
      ok, text = bench "ROUNDS=many"
      assert.is_false(ok)
      assert.truthy(text:find("ROUNDS: expected a whole number, found 'many'", 1, true), text)
   end)
end)
