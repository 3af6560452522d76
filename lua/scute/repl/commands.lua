-- Lines at the prompt that are no Lua: `.time f(x)`, `!ls`, `? name`, `exit`, ... No Lua begins with a dot and a letter, with
-- `!` or with `?`. What a command with a dot does is a file of its name beside this one, in commands/.
local console = require "scute.base.console"
local errors = require "scute.repl.errors"
local help = require "scute.repl.help"
local scute = require "scute"
local session = require "scute.help.session"
local source = require "scute.repl.source"

local commands = {}

local function names()
   local list = {}
   for i, entry in ipairs(session.NAMED) do list[i] = entry[1] end
   return list
end

-- Each file is a function(rest of the line, name of the chunk) that returns false where it failed, and whether the session
-- ends.
local function run_named(name, rest, chunk)
   for _, entry in ipairs(session.NAMED) do
      if entry[1] == name then return require("scute.repl.commands." .. name)(rest, chunk) end
   end
   local near = scute.nearest(name, names())
   console.fail("there is no command '.%s'%s; .help lists them", name, near and (", did you mean '.%s'?"):format(near) or "")
end

local function run_shell(command)
   return require "scute.repl.commands.shell"(command)
end

local function leave() return true, true end

-- Lua patterns of whole lines, and function(captures) -> false where it failed, and whether the session ends.
local COMMANDS = {
   { "^%s*!%s*(.-)%s*$", run_shell },
   { "^%s*%.?exit%s*$", leave },
   { "^%s*exit%s*%(%s*%)%s*$", leave },
   { "^%s*%.?quit%s*$", leave },
   { "^%s*quit%s*%(%s*%)%s*$", leave },
   { "^%s*%.(%a[%w_]*)%s*(.-)%s*$", run_named },
   { "^%s*%?%?%s*(.-)%s*$", help.search },
   { "^%s*%?%s*(.-)%s*$", help.ask },
   { "^%s*([%a_][%w_.:]*)%s*%?+%s*$", help.ask },
}

--- All of them with what they do, a line each.
function commands.text()
   local lines = {}
   local function add(call, text) lines[#lines + 1] = ("   %-22s %s"):format(call, text) end
   for _, entry in ipairs(session.NAMED) do add("." .. entry[1] .. " " .. entry[2], entry[3]) end
   for _, entry in ipairs(session.OTHERS) do add(entry[1], entry[2]) end
   return "Lines that are no Lua:\n" .. table.concat(lines, "\n")
end

--- The Lua in a line that is a command about it, which may go on in further lines; nil of all other lines.
function commands.code_in(text)
   return text:match "^%s*%.time%s+(.*)$" or text:match "^%s*%.profile%s+(.*)$"
end

-- The command that a text begins with, and what was typed after it.
local function first_command(text)
   local line, rest = text:match "^(%s*[^\n]*)(.*)$"
   while rest ~= "" and commands.code_in(line) and source.is_unfinished(commands.code_in(line)) do
      local more, left = rest:match "^(\n[^\n]*)(.*)$"
      line, rest = line .. more, left
   end
   return line, rest
end

local function tell(message)
   io.stdout:flush()
   io.stderr:write(console.visible(tostring(message)), "\n")
   return false
end

--- Runs what was typed where its first line is a command; what it raises is told. chunk: what errors call it. Returns whether
--- it is one, false where it failed, whether the session ends, and what was typed after that line: a block that was pasted may
--- go on.
function commands.run(text, chunk)
   local line, rest = first_command(text)
   for _, entry in ipairs(COMMANDS) do
      local found = table.pack(line:match(entry[1]))
      if found[1] then
         found[found.n + 1] = chunk
         local ok, done, ends = xpcall(entry[2], errors.describe, table.unpack(found, 1, found.n + 1))
         if not ok then done, ends = tell(done), nil end
         return true, done, ends, rest
      end
   end
   return false
end

return commands
