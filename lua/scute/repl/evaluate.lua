-- Runs what was typed at the prompt, and shows what it gives.
local frames = require "scute.base.frames"
local errors = require "scute.repl.errors"
local paint = require "scute.repl.show.paint"
local show = require "scute.repl.show"
local source = require "scute.repl.source"
local unreadable = require "scute.base.unreadable"

local evaluate = {}

local function tell(message)
   io.stdout:flush()
   local said, stack = message:match "^(.-)(\nstack traceback:.*)$"
   local text = paint.mark("error", said or message) .. paint.mark("note", stack or "")
   io.stderr:write(paint.wanted(2) and paint.colored(text) or paint.plain(text), "\n")
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

-- `_` is the last result that was not nil, `_1` the one before it, `_2` the one before that. More of them would keep the memory
-- of tensors that nobody needs any more.
local function keep_result(value)
   if value == nil then return end
   for _, names in ipairs { { "_2", "_1" }, { "_1", "_" } } do rawset(_G, names[1], rawget(_G, names[2])) end
   rawset(_G, "_", value)
end

-- Whether an object came out of a method of its own, as in m:freeze "backbone", which returns m.
local function is_chained(text, value)
   if type(value) ~= "table" then return false end
   for path in text:gmatch "([%a_][%w_%.%[%]\"']*)%s*:%s*[%a_]" do
      if rawequal(frames.follow(_G, path), value) then return true end
   end
   return false
end

--- Keeps the first of results { n = how many, ... } as `_` and shows them. text: what was typed. Returns false where that
-- failed, which was told.
function evaluate.show(results, text)
   if results.n == 0 then return true end
   keep_result(results[1])
   local ok, shown = xpcall(show.results, errors.describe, results, text and is_chained(text, results[1]))
   if not ok then return tell(tostring(shown)) end
   show.print(shown)
   return true
end

local function outcome(done, ...)
   return done, table.pack(...)
end

--- Runs a chunk of that name. Returns false where something failed, which was told.
function evaluate.chunk(text, name)
   local chunk, names = source.compile(text, name)
   if not chunk then return tell(unreadable(names)) end -- here a message
   frames.remember(name, text)
   local forget_locals = remember(names)
   local done, results = outcome(xpcall(chunk, errors.describe))
   if not done then
      forget_locals()
      return tell(tostring(results[1]))
   end
   if not source.is_silent(text) then return evaluate.show(results, text) end
   keep_result(results[1])
   return true
end

return evaluate
