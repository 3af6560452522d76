-- Runs what was typed at the prompt, and shows what it gives.
local console = require "scute.base.console"
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

--- Shows results, { n = how many, ... }, and keeps the first as `_`. Returns false where that failed, which was told.
function evaluate.show(results)
   if results.n == 0 then return true end
   _G._ = results[1]
   local ok, shown = xpcall(show.results, errors.describe, results)
   if not ok then return tell(tostring(shown)) end
   console.print(shown)
   return true
end

--- Runs a chunk of that name. Returns false where something failed, which was told.
function evaluate.chunk(text, name)
   local chunk, names = source.compile(text, name)
   if not chunk then return tell(names) end -- here a message
   local forget_locals = remember(names)
   local results = table.pack(xpcall(chunk, errors.describe))
   if not results[1] then
      forget_locals()
      return tell(tostring(results[2]))
   end
   return evaluate.show { n = results.n - 1, table.unpack(results, 2, results.n) }
end

return evaluate
