-- make test DEVICE=cuda: on a real GPU, what the software GPU shows without one: the case tables of all ops, steps that are
-- graphs, the numbers at which backends part, photos on their way there, whole networks, training that reads late, several
-- GPUs where there are, and the exercises. A page about it is written, to be sent back (see report.lua).
-- Usage: [LIMIT=SECONDS] scute tests/cuda/device.lua [DEVICE [PART ...]]     PART: one of those below
local scute = require "scute"

local here = arg[0]:match "^(.*)/" or "."
local device = arg[1] or "cuda"
local parts = #arg > 1 and table.move(arg, 2, #arg, 1, {})
   or { "ops", "recorded", "special", "photos", "models", "late", "profile", "world", "exercises" }
local report = dofile(here .. "/report.lua")
local begin, limit = scute.clock(), tonumber(os.getenv "LIMIT")
local TOLD = 6 -- lines about what failed in a part; its whole output is on the screen

local found, why = pcall(scute.device, device)
if not found then
   report.write("test", "nothing can be tested: " .. why .. "\n")
   require("scute.base.console").fail("make test DEVICE=%s: nothing can be tested: %s", device, why)
end

local passed, failed, page = 0, 0, {}

local function add(format, ...)
   page[#page + 1] = format:format(...)
   return report.write("test", table.concat(page, "\n") .. "\n")
end

local function tell(format, ...)
   print(format:format(...))
   return add(format, ...)
end

-- Prints what a part says as it comes; its last line is "N passed, N failed". Returns that, and lines from where it failed.
local function run(part, seconds)
   local last, told, faults = "", 0, {}
   local ends = seconds and ("timeout -k 5 %d "):format(seconds) or ""
   local pipe = assert(io.popen(("%s'%s' %s/%s.lua %s 2>&1"):format(ends, arg[-1], here, part, device)))
   for line in pipe:lines() do
      if last ~= "" then print(last) end
      if line:find "FAILED" or line:find "^scute: " or line:find "^softgpu: " then told = 2 end
      if told > 0 then faults[#faults + 1], told = "   " .. line:sub(1, 200), told - 1 end
      last = line
   end
   local _, _, code = pipe:close()
   if not last:find "^%d+ passed, %d+ failed$" then
      print(last)
      if #faults == 0 then faults[1] = "   " .. last:sub(1, 200) end
      last = code == 124 and "no time left" or ("ended with code %d"):format(code or 0)
   end
   return last, faults, code == 0
end

local function add_part(part)
   local left = limit and math.floor(limit - (scute.clock() - begin))
   if left and left < 10 then return tell("%-12s not tried: no time left", part) end
   local start = scute.clock()
   local said, faults, ok = run(part, left)
   local p, f = said:match "^(%d+) passed, (%d+) failed$"
   p, f = tonumber(p) or 0, tonumber(f) or 1
   if f == 0 and (p == 0 or not ok) then f = 1 end -- it had nothing to say, or crashed then
   passed, failed = passed + p, failed + f
   tell("%-12s %s  (%.0f s)", part, said, scute.clock() - start)
   for i = 1, math.min(#faults, TOLD) do add("%s", faults[i]) end
   if #faults > TOLD then add("   ... and %d lines more", #faults - TOLD) end
end

tell("%s: the plugin is that of %s", scute.device(device), os.getenv "SCUTE_PLUGINS" or arg[-1]:match "^(.*)/" or ".")
for _, part in ipairs(parts) do add_part(part) end
local name = add("%d passed, %d failed", passed, failed)
print("the page to send back is " .. name)
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0, true)
