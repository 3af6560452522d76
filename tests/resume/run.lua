-- Checkpoints: real processes killed and gone on with, damaged files, full disks, Ctrl-C. Usage: scute tests/resume/run.lua
-- [KILLS [SEED]]
local lfs = require "lfs"
local scute = require "scute"
local photos = dofile "tests/cli/photos.lua"
local kills = dofile "tests/resume/kills.lua"

local scratch = os.tmpname()
os.remove(scratch)
assert(lfs.mkdir(scratch))
local tally = dofile "tests/tally.lua"
local check = tally.check

local data = scratch .. "/data"
photos.set(data, { blue = 16, red = 15, green = 14 })
photos.write_file(data .. "/red/005.bmp", "\xff\xd8\xff not a photo")
photos.write_file(data .. "/blue/003.bmp", "\xff\xd8\xff not a photo")

local seed = tonumber(arg[2]) or os.time()
math.randomseed(seed)
local start = scute.clock()
local done = kills.run { program = arg[-1], scratch = scratch, data = data, kills = tonumber(arg[1]) or 50, check = check,
   kinds = { "all", "cached", "frozen", "progressive" }, random = math.random }
print(("%d kills in %.0f s, seed %d"):format(done, scute.clock() - start, seed))

dofile "tests/resume/faults.lua" { program = arg[-1], scratch = scratch, data = data, check = check, same = kills.compare }
os.execute(("rm -rf '%s'"):format(scratch))
tally.finish()
