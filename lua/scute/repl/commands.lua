-- Lines at the prompt that are no Lua: `exit`, `quit`, `? name`, ...
local help = require "scute.repl.help"

local commands = {}

-- Lua patterns of whole lines, and function(captures) -> false where it failed, and whether the session ends.
local COMMANDS = {
   { "^%s*exit%s*$", function() return true, true end },
   { "^%s*quit%s*$", function() return true, true end },
   { "^%s*%?%?%s*(.-)%s*$", help.search },
   { "^%s*%?%s*(.-)%s*$", help.ask },
   { "^%s*([%a_][%w_.:]*)%s*%?+%s*$", help.ask },
}

--- Runs what was typed where it is a command. Returns whether it was one, false where it failed, and whether the session
-- ends.
function commands.run(text)
   for _, entry in ipairs(COMMANDS) do
      local found = table.pack(text:match(entry[1]))
      if found[1] then return true, entry[2](table.unpack(found, 1, found.n)) end
   end
   return false
end

return commands
