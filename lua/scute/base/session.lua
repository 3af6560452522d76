-- Whether somebody sits at the prompt and waits for what was typed there. What Ctrl-C interrupts then gives what it has so far;
-- in a script it ends the program.
local scute = require "scute.core"

local session = { waits = false }

--- True where Ctrl-C interrupted something that was typed at the prompt.
function session.interrupted()
   return session.waits and scute.interrupted() == "SIGINT"
end

return session
