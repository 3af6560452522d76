-- A file whose locals stay: what its main chunk calls local is a global of the session afterwards, also where an error or
-- Ctrl-C ended it. For `scute -i file`, `.run file` and the file that each session starts with.
--
-- The first line of the file gets a variable in front that is closed as the chunk returns, while its other locals are still
-- there; where it fails the message handler finds them.
local console = require "scute.base.console"
local frames = require "scute.base.frames"
local scute = require "scute"
local source = require "scute.repl.source"
local standard = require "scute.repl.standard"
local unreadable = require "scute.base.unreadable"

local script = {}

local HIDDEN = "_scute_keeper"
local PREFIX = ("local %s <close> = require('scute.repl.script').keeper "):format(HIDDEN)
local DEEP = 50 -- frames below the main chunk: the session and the program around it

local running -- the main chunk
local not_kept
local awaited -- the variable that the main chunk, as it ended, was going to give what training returns; or nil

-- ---- reading ----

local function read(path)
   local file, why = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   if not text then return nil, ("cannot open '%s': %s"):format(path, (why or "it is no file"):gsub("^.*: ", "")) end
   return (text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "")) -- as Lua does
end

-- `local N <const> = 5` -> `local N         = 5`: what is constant as it is compiled is no variable that could be found.
local function with_variables(text)
   local parts, from, before, last_but_one, at_bracket = {}, 1, nil, nil, nil
   source.scan(text, function(token, first, last)
      if token == ">" and before == "const" and last_but_one == "<" then
         parts[#parts + 1] = text:sub(from, at_bracket - 1)
         parts[#parts + 1] = text:sub(at_bracket, last):gsub("%S", " ")
         from = last + 1
      end
      if token == "<" then at_bracket = first end
      last_but_one, before = before, token
   end)
   return table.concat(parts) .. text:sub(from)
end

--- Reads a file. Returns its main chunk, or nil and a message.
function script.load(path)
   local text, why = read(path)
   if not text then return nil, why end
   local chunk, message = load(text, "@" .. path, "t")
   if not chunk then return nil, message end
   running = load(PREFIX .. with_variables(text), "@" .. path, "t") or chunk -- 200 locals, all there may be, leave no room
   not_kept, awaited = {}, nil
   return running
end

-- ---- keeping ----

-- A global of Lua's own that was changed would break what is written in Lua.
local function publish(name, value)
   if not standard[name] then return rawset(_G, name, value) end
   if rawget(_G, name) ~= value then not_kept[#not_kept + 1] = name end
end

local function tell()
   if #not_kept == 0 then return end
   table.sort(not_kept)
   console.line("note: %s of the script stays out of the session, where Lua has something of that name",
      table.concat(not_kept, ", "))
   not_kept = {}
end

-- How many functions are active.
local function depth()
   local low, high = 1, 2
   while debug.getinfo(high, "l") do low, high = high, 2 * high end
   while high - low > 1 do
      local middle = (low + high) // 2
      if debug.getinfo(middle, "l") then low = middle else high = middle end
   end
   return low - 1
end

-- The variable in `local result = scute.train.fit(...)`, where that is the line that the frame at a level is in.
local function awaited_at(level)
   local called = level > 1 and debug.getinfo(level, "S") -- by the frame; levels count from the caller here
   if not called or not frames.is_library(called, "train") then return nil end
   local line = frames.source_line(debug.getinfo(level + 1, "Sl")) or ""
   local name = line:match "^%s*local%s+([%a_][%w_]*)%s*=[^=]" or line:match "^%s*([%a_][%w_]*)%s*=[^=]"
   return not standard[name] and name or nil
end

local function keep_locals()
   if not running then return end
   local deepest = depth()
   for level = deepest, math.max(1, deepest - DEEP), -1 do
      if debug.getinfo(level, "f").func == running then
         awaited = awaited_at(level)
         local i, name, value = 1, debug.getlocal(level, 1)
         while name do
            if name ~= HIDDEN and name:find "^[%a_]" and value ~= nil then publish(name, value) end
            i = i + 1
            name, value = debug.getlocal(level, i)
         end
         break
      end
   end
   running = nil
   tell()
end

--- What the first line of a file closes.
script.keeper = setmetatable({}, { __close = keep_locals })

--- Keeps what an interrupted training has so far, which comes with its error: as `_`, and as the variable of the script that
-- was to have it.
function script.keep_result(problem)
   if type(problem) ~= "table" or rawget(problem, "result") == nil then return end
   rawset(_G, "_", problem.result)
   if awaited then rawset(_G, awaited, problem.result) end
   console.line("note: the result so far is in %s; %s:resume() goes on", awaited or "_ (result = _ keeps it)", awaited or "_")
   awaited = nil
end

--- For the message handler of who calls the chunk.
function script.failed(problem)
   keep_locals()
   script.keep_result(problem)
end

-- ---- running ----

-- Until the value goes out of scope, os.exit ends the script and not the session.
local function without_exit()
   local before = os.exit
   os.exit = function(code) -- luacheck: ignore
      error({ exit = code == nil and 0 or code == true and 0 or code or 1 }, 0)
   end
   return setmetatable({}, { __close = function() os.exit = before end }) -- luacheck: ignore
end

-- What `describe` makes of an error; nothing of an end that was asked for.
local function handler(describe)
   return function(problem)
      keep_locals()
      local code = type(problem) == "table" and rawget(problem, "exit")
      if code and rawget(problem, "message") == nil then
         return { silent = code == 0, text = ("exit status %s"):format(code) }
      end
      local cli = package.loaded["scute.cli"]
      local explained = cli and not scute.interrupted() and cli.explain(problem)
      return { text = explained and explained.message or describe(problem) }
   end
end

--- Runs a file with arguments inside the session. describe: error -> text. Returns nil where all went well, else what to tell.
function script.run(path, arguments, describe)
   local chunk, message = script.load(path)
   if not chunk then return unreadable(message) end
   local exit <close> = without_exit() -- luacheck: ignore
   local ok, ended = xpcall(chunk, handler(describe), table.unpack(arguments))
   return not ok and not ended.silent and ended.text or nil
end

return script
