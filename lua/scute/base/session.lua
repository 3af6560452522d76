-- Whether somebody sits at the prompt and waits for what was typed there. What Ctrl-C interrupts then gives what it has so far;
-- in a script it ends the program.
local scute = require "scute.core"

local session = { waits = false }

--- True where Ctrl-C interrupted a function of the library that was called by what was typed, and by no function between: that
--- could not do with half a result, and ends. To be asked in the file of the function itself.
function session.interrupted()
   if not session.waits or scute.interrupted() ~= "SIGINT" then return false end
   local own, level = debug.getinfo(2, "S").source, 3
   while true do
      local caller = debug.getinfo(level, "S")
      if not caller or caller.source:find("/scute/repl/", 1, true) then return true end
      if caller.what == "Lua" and caller.source ~= own then return false end
      level = level + 1
   end
end

return session
