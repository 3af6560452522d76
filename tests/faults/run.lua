-- Calls of the system that fail, one in each of many runs (see tests/faults/campaign.lua).
-- Usage: scute tests/faults/run.lua [MEMORY [OTHERS [KINDS]]]: how many failures of memory, and of each other kind of call, in
-- each kind of run (tests/resume/child.lua, "all,cached") and in one that goes on.
local lfs = require "lfs"
local scute = require "scute"
local campaign = dofile "tests/faults/campaign.lua"
local photos = dofile "tests/cli/photos.lua"
local tally = dofile "tests/tally.lua"

local memory, others, kinds = tonumber(arg[1] or 10), tonumber(arg[2] or 2), arg[3] or "all,cached"
local CALLS = { "open", "read", "short_read", "write", "short_write", "truncate", "sync", "rename", "link", "thread" }

local scratch = os.tmpname()
os.remove(scratch)
assert(lfs.mkdir(scratch))
photos.set(scratch .. "/data", { blue = 6, red = 6 })

local start = scute.clock()
local runs = campaign.new { program = arg[-1], shim = arg[-1]:match "^(.*)/[^/]*$" .. "/tests/faults.so", scratch = scratch,
   data = scratch .. "/data", check = tally.check, jobs = 2 }

local function inject(kind, calls, resume)
   runs:inject(kind, campaign.spread("memory", calls.memory, memory), resume)
   for _, name in ipairs(CALLS) do runs:inject(kind, campaign.spread(name, calls[name] or 0, others), resume) end
   -- From there on all of them.
   runs:inject(kind, campaign.spread("memory", calls.memory, others, 1), resume)
   runs:inject(kind, campaign.spread("write", calls.write, others, 1), resume)
end

-- A folder that cannot be read to its end, as on a network drive that goes away.
local function cannot_list()
   local script = ("print(pcall(require 'scute'.files.list, '%s/data/red'))"):format(scratch)
   local line = ("FAULTS=list:1:1 LD_PRELOAD='%s' '%s' -e \"%s\" 2>&1"):format(runs.shim, runs.program, script)
   local pipe = assert(io.popen(line))
   local said = pipe:read "a"
   pipe:close()
   tally.check(said == ("false\t%s/data/red: Input/output error\n"):format(scratch), "a folder that breaks off", said)
end

-- The gradient of mlp's x lies where the one that came in did, and is made in chunks: where memory runs out between them, it is
-- right or there is none.
local BACKWARD = [[
local scute = require "scute"
scute.manual_seed(1)
local t = { scute.randn(2300, 8), scute.randn(512, 8), scute.randn(512), scute.randn(8, 512), scute.randn(8) }
for _, each in ipairs(t) do each:requires_grad_() end
local y, seed = scute.mlp(t[1], t[2], t[3], t[4], t[5]) * 2, scute.randn(2300, 8)
local ok, why = pcall(y.backward, y, seed)
print(ok and scute.checksum { t[1].grad, t[2].grad, t[3].grad, t[4].grad, t[5].grad } or why)
]]

local function half_a_gradient()
   local script, log = scratch .. "/backward.lua", scratch .. "/backward.log"
   scute.files.write(script, BACKWARD)
   local function said(call)
      os.remove(log)
      local pipe = assert(io.popen(("SCUTE_THREADS=1 FAULTS=memory:%d FAULTS_LOG='%s' LD_PRELOAD='%s' '%s' '%s' 2>&1"):format(
         call, log, runs.shim, runs.program, script)))
      local text = pipe:read "a"
      pipe:close()
      return text
   end
   local whole, stopped = said(1 << 40), 0
   local calls = tonumber(io.open(log):read "a":match "memory (%d+)")
   for call = calls - 59, calls - 25, 2 do -- the last ones are those of the end
      local text = said(call)
      if text:find "half%-way through a gradient" then stopped = stopped + 1 end
      tally.check(text == whole or text:find "out of memory", "a gradient without memory for all of it", text)
   end
   tally.check(stopped > 0, "memory runs out in the middle of a gradient", stopped)
end

cannot_list()
half_a_gradient()
for kind in kinds:gmatch "[^,]+" do
   local whole, half = runs:begin(kind)
   inject(kind, whole, false)
   inject(kind, half, true)
end
print(("%d calls failed, in %.0f s:\n%s"):format(runs.number, scute.clock() - start, runs:figures()))
os.execute(("rm -rf '%s'"):format(scratch))
tally.finish()
