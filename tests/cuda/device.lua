-- make test DEVICE=cuda: on a real GPU, what the software GPU shows without one: the case tables of all ops, the numbers at
-- which backends part, photos on their way there, whole networks, training that reads late, and the exercises.
-- Usage: scute tests/cuda/device.lua [DEVICE [PART ...]]     PART: one of those below
local scute = require "scute"

local here = arg[0]:match "^(.*)/" or "."
local device = arg[1] or "cuda"
local parts = #arg > 1 and table.move(arg, 2, #arg, 1, {})
   or { "ops", "special", "photos", "models", "late", "exercises" }

local found, why = pcall(scute.device, device)
if not found then require("scute.base.console").fail("make test DEVICE=%s: nothing can be tested: %s", device, why) end

local passed, failed = 0, 0

-- Prints what a part says as it comes; its last line is "N passed, N failed".
local function run(part)
   local start, last = scute.clock(), ""
   local pipe = assert(io.popen(("'%s' %s/%s.lua %s 2>&1"):format(arg[-1], here, part, device)))
   for line in pipe:lines() do
      if last ~= "" then print(last) end
      last = line
   end
   local ok = pipe:close()
   local p, f = last:match "^(%d+) passed, (%d+) failed$"
   if not p then print(last) end
   p, f = tonumber(p) or 0, tonumber(f) or 1
   if f == 0 and (p == 0 or not ok) then f = 1 end -- it crashed, or had nothing to say
   passed, failed = passed + p, failed + f
   print(("%-24s %5d passed, %d failed  (%.0f s)"):format(part, p, f, scute.clock() - start))
end

print(("%s: the plugin is that of %s"):format(scute.device(device), os.getenv "SCUTE_PLUGINS" or arg[-1]:match "^(.*)/" or "."))
for _, part in ipairs(parts) do run(part) end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0, true)
