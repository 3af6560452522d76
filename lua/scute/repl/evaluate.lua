-- Runs what was typed at the prompt, and shows what it gives.
local console = require "scute.base.console"
local frames = require "scute.base.frames"
local errors = require "scute.repl.errors"
local show = require "scute.repl.show"
local source = require "scute.repl.source"

local evaluate = {}

local function tell(message)
   io.stdout:flush()
   io.stderr:write(console.visible(message), "\n")
   return false
end

-- What globals of these names are now, and puts them back: what a chunk that failed called local goes with it.
local function remember(names)
   local values = {}
   for _, name in ipairs(names) do values[name] = rawget(_G, name) end
   return function()
      for _, name in ipairs(names) do rawset(_G, name, values[name]) end
   end
end

--- Runs a chunk of that name. Returns false where something failed, which was told.
function evaluate.chunk(text, name)
   local chunk, names = source.compile(text, name)
   if not chunk then return tell(names) end -- here a message
   frames.remember(name, text)
   local forget_locals = remember(names)
   local results = table.pack(xpcall(chunk, errors.describe))
   if not results[1] then
      forget_locals()
      return tell(tostring(results[2]))
   end
   if results.n == 1 then return true end
   _G._ = results[2]
   local ok, shown = xpcall(show.results, errors.describe, { n = results.n - 1, table.unpack(results, 2, results.n) })
   if not ok then return tell(tostring(shown)) end
   console.print(shown)
   return true
end

return evaluate
