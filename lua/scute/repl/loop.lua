-- The session at the prompt: reads a chunk, runs it, shows what it gives, and survives whatever goes wrong.
-- host/bind/run.c calls repl.step() until it returns an exit code, and clears interruptions between two steps.
local scute = require "scute"
local console = require "scute.base.console"
local complete = require "scute.repl.complete"
local commands = require "scute.repl.commands"
local evaluate = require "scute.repl.evaluate"
local errors = require "scute.repl.errors"
local help = require "scute.repl.help"
local profiled = require "scute.profile.program"
local read = require "scute.repl.read"
local reload = require "scute.repl.reload"
local session = require "scute.base.session"
local show = require "scute.repl.show"
local startup = require "scute.repl.startup"

local repl = {}

local number = 0 -- of the chunk, where somebody sees it beside the prompt: errors say which
local at_terminal -- nil until the first step
local failed = false

local function start()
   profiled.script_has_ended()
   at_terminal = scute.terminal.open(complete.at)
   errors.at_terminal, show.at_terminal = at_terminal, at_terminal and console.is_terminal(1)
   session.waits = at_terminal
   _G.help, _G.show = help.show, show.all
   if not at_terminal then return end -- no prompt, no habits
   local version = scute.version()
   print(("scute %s (%s, %s, %d threads)\nhelp() helps, Tab completes, Ctrl-C stops a computation, Ctrl-D leaves.")
      :format(version.scute, version.lua, version.cpu, scute.threads()))
   startup.run()
end

-- The name of the chunk that comes, and its prompt. Through a pipe there is no prompt, and no number.
local function next_chunk()
   if not at_terminal then return "=input", "> " end
   return "=input " .. number + 1, number + 1 .. "> "
end

local function leave()
   if at_terminal then print() end
   scute.terminal.close()
   return failed and not at_terminal and 1 or 0
end

-- Runs what was typed: commands, a line each, and the Lua after them. Returns false where something failed, and whether the
-- session ends.
local function run(text, name)
   if not text:find "%S" then return end
   local is_command, done, ends, rest = commands.run(text, name)
   if not is_command then return evaluate.chunk(text, name) end
   if ends then return done, ends end
   local also, over = run(rest, name)
   return done ~= false and also, over
end

--- One turn: reads a chunk and runs it. Returns nil to go on, an exit code at the end of input: 0, or 1 where the input was
-- no terminal and something in it failed.
function repl.step()
   if at_terminal == nil then return start() end -- a step of its own: what interrupted it is over with it
   local name, prompt = next_chunk()
   local text = read.chunk(prompt)
   if not text then return leave() end
   if text:find "%S" then number = number + 1 end
   local done, ends = run(text, name)
   failed = failed or done == false
   reload.note()
   io.stdout:flush()
   if ends then return leave() end
end

return repl
