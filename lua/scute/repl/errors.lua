-- How the session tells of an error: its message, and the frames between it and the prompt.
local script = require "scute.repl.script"
local scute = require "scute"
local show = require "scute.repl.show"
local traceback = require "scute.base.traceback"

local errors = { at_terminal = false } -- where Ctrl-C leaves a half line

--- The text of an error; a message handler of xpcall.
function errors.describe(problem)
   script.keep_result(problem)
   if scute.interrupted() then return errors.at_terminal and "\ninterrupted" or "interrupted" end
   if type(problem) == "table" and problem.exit and problem.message then return tostring(problem.message) end
   local message = type(problem) == "string" and problem or show.text(problem)
   local text = traceback.describe(message, 2, true)
   return text -- no tail call: levels of the stack are counted
end

return errors
