-- .mem: memory of tensors on each device that is in use, of Lua's own values, and of the process.
local console = require "scute.base.console"
local scute = require "scute"

-- Bytes that Linux tells of this process (VmRSS: what it has now, VmHWM: the most it had), nil where it does not.
local function of_process(name)
   local file = io.open "/proc/self/status"
   local text = file and file:read "a" or ""
   if file then file:close() end
   local kilobytes = text:match(name .. ":%s*(%d+) kB")
   return kilobytes and tonumber(kilobytes) * 1024
end

local function line(what, now, more)
   print(("%-16s %10s%s"):format(what, console.bytes(now), more or ""))
end

return function()
   for _, device in ipairs(scute.devices()) do
      local m = scute.memory(device)
      if m.live + m.peak > 0 or device == "cpu" then
         line("tensors on " .. device, m.live, ("   at most %s; %s kept for reuse"):format(console.bytes(m.peak),
            console.bytes(m.cached)))
      end
   end
   line("Lua's values", math.floor(collectgarbage "count" * 1024))
   local now, most = of_process "VmRSS", of_process "VmHWM"
   if now then line("the process", now, ("   at most %s"):format(console.bytes(most))) end
end
