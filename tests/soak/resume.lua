-- Processes killed at random moments, each run ending as one that was never stopped, to the last bit: a small network, then
-- real backbones. Usage: scute tests/soak/resume.lua. In parts, from the environment:
--    KILLS=1000            of the small network, in all its kinds of runs
--    BACKBONE_KILLS=100    of each backbone
--    BACKBONES=resnet18,mobilenet_v2,efficientnet_b0
--    SEED                  of the moments; default: the time
local lfs = require "lfs"
local scute = require "scute"
local photos = dofile "tests/cli/photos.lua"
local kills = dofile "tests/resume/kills.lua"

local seed = tonumber(os.getenv "SEED") or os.time()
local small, each = tonumber(os.getenv "KILLS" or 1000), tonumber(os.getenv "BACKBONE_KILLS" or 100)
local failed = 0

local function check(ok, name, detail)
   if ok then return end
   failed = failed + 1
   print(("FAILED %s\n   %s"):format(name, tostring(detail):gsub("\n", "\n   ")))
end

local function kill_small_ones()
   local _, _, code = os.execute(("'%s' tests/resume/run.lua %d %d"):format(arg[-1], small, seed))
   check(code == 0, "the small network", "seed " .. seed)
end

local function kill_backbones()
   local scratch = os.tmpname()
   os.remove(scratch)
   assert(lfs.mkdir(scratch))
   photos.set(scratch .. "/data", { blue = 12, red = 11, green = 10 })
   math.randomseed(seed)
   for name in (os.getenv "BACKBONES" or "resnet18,mobilenet_v2,efficientnet_b0"):gmatch "[^,]+" do
      local start = scute.clock()
      local done = kills.run { program = arg[-1], scratch = scratch, data = scratch .. "/data", kinds = { name }, kills = each,
         child = "tests/resume/backbone.lua", check = check, random = math.random }
      print(("%s: %d kills in %.0f s, seed %d"):format(name, done, scute.clock() - start, seed))
   end
   os.execute(("rm -rf '%s'"):format(scratch))
end

if small > 0 then kill_small_ones() end
if each > 0 then kill_backbones() end
print(failed == 0 and "all runs ended as if never stopped" or failed .. " failed")
os.exit(failed == 0, true)
