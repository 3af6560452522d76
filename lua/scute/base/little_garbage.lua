-- Keeps Lua's garbage little beside what it holds, until the value is closed. The names of a million photos take 170 MB, and
-- left to itself the collector waits until there is as much garbage beside them.
local GARBAGE = 16 * 1024 -- kilobytes
local USUAL = 200 -- per cent of what was held after a collection, at which the next one begins

--- Until it is closed the collector begins anew after at most 16 MB of garbage; where less than that is held nothing changes.
return function()
   local pause = 100 + math.ceil(100 * GARBAGE / collectgarbage "count")
   if pause >= USUAL then return setmetatable({}, { __close = function() end }) end
   local before = collectgarbage("setpause", pause)
   collectgarbage() -- from here on it counts
   return setmetatable({}, { __close = function() collectgarbage("setpause", before) end })
end
