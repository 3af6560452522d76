-- The session at the prompt: reads a chunk, runs it, shows what it gives, and survives whatever goes wrong.
-- host/bind/run.c calls repl.step() until it returns an exit code, and clears interruptions between two steps.
local scute = require "scute"
local complete = require "scute.repl.complete"
local console = require "scute.base.console"
local help = require "scute.repl.help"
local show = require "scute.repl.show"
local source = require "scute.repl.source"

local repl = {}

local NAME = "=input"
local MOST_FRAMES = 8
local at_terminal -- nil until the first step
local failed = false

local function start()
   at_terminal = scute.terminal.open(complete.at)
   _G.help = help.show
   if not at_terminal then return end
   local version = scute.version()
   print(("scute %s (%s, %s, %d threads). help() helps, Tab completes, Ctrl-C stops a computation, Ctrl-D leaves.")
      :format(version.scute, version.lua, version.cpu, scute.threads()))
end

local function leave()
   if at_terminal then print() end
   scute.terminal.close()
   return failed and not at_terminal and 1 or 0
end

-- The frames between the error and the prompt; those of the session itself say nothing to the user.
local function frames_of(traceback)
   local frames, useful = {}, false
   for line in traceback:gmatch "\n(\t[^\n]*)" do
      if line:find "^\tinput:%d+: in main chunk" or line:find "in function 'xpcall'" or line:find "/scute/repl" then break end
      if not line:find "%[C%]: in function 'error'" then frames[#frames + 1] = line end
      useful = useful or not line:find "^\t%[C%]"
   end
   return useful and frames or {}
end

local function short_traceback(message)
   local text, own = message:match "^(.-)(\nstack traceback:.*)$" -- an error inside a model brings its own
   message = text or message
   local frames = frames_of(own or debug.traceback("", 3))
   if #frames == 0 then return message end
   if #frames > MOST_FRAMES then
      frames[MOST_FRAMES] = ("\t... %d more"):format(#frames - MOST_FRAMES + 1)
      for i = #frames, MOST_FRAMES + 1, -1 do frames[i] = nil end
   end
   return message .. "\nstack traceback:\n" .. table.concat(frames, "\n")
end

local function describe_error(problem)
   if scute.interrupted() then return at_terminal and "\ninterrupted" or "interrupted" end
   if type(problem) == "table" and problem.exit and problem.message then return tostring(problem.message) end
   return short_traceback(show.text(problem))
end

local function tell(message)
   failed = true
   io.stdout:flush()
   io.stderr:write(console.visible(message), "\n")
end

-- Lines up to a complete chunk. Returns nil at the end of input, "" where the lines were dropped.
local function read_chunk()
   local text = ""
   while true do
      local line, signal = scute.terminal.read(text == "" and "> " or ">> ")
      if signal then return "" end
      if not line then return text ~= "" and text or nil end
      text = text == "" and line or text .. "\n" .. line
      local chunk, _, incomplete = source.compile(text, NAME)
      if chunk or not incomplete or text:find "^%s*$" then return text end
   end
end

-- What globals of these names are now, and puts them back: what a chunk that failed called local goes with it.
local function remember(names)
   local values = {}
   for _, name in ipairs(names) do values[name] = rawget(_G, name) end
   return function()
      for _, name in ipairs(names) do rawset(_G, name, values[name]) end
   end
end

local function evaluate(text)
   local chunk, names = source.compile(text, NAME)
   if not chunk then return tell(names) end -- here a message
   local forget_locals = remember(names)
   local results = table.pack(xpcall(chunk, describe_error))
   if not results[1] then
      forget_locals()
      return tell(tostring(results[2]))
   end
   if results.n == 1 then return end
   _G._ = results[2]
   local ok, shown = xpcall(show.results, describe_error, { n = results.n - 1, table.unpack(results, 2, results.n) })
   if not ok then return tell(tostring(shown)) end
   console.print(shown)
end

--- One turn: reads a chunk and runs it. Returns nil to go on, an exit code at the end of input: 0, or 1 where the input was
--- no terminal and something in it failed.
function repl.step()
   if at_terminal == nil then start() end
   local text = read_chunk()
   if not text then return leave() end
   if text:find "%S" then evaluate(text) end
   io.stdout:flush()
   return nil
end

return repl
