-- !COMMAND: runs a command of the shell, with the terminal as its own; Ctrl-C goes to it alone.
local console = require "scute.base.console"
local scute = require "scute"

return function(command)
   if command == "" then console.fail "!: expected a command of the shell, as in !ls" end
   io.stdout:flush()
   local how, code = scute.shell(command)
   if code == 0 then return true end
   console.fail("%s %d", how == "signal" and "ended by signal" or "exit status", code)
end
