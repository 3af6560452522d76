-- --profile: a profile of all that the program does from here on, told at its end on standard error, and its trace.
local scute = require "scute.core"
local console = require "scute.base.console"
local made = require "scute.profile.made"
local measure = require "scute.profile.measure"
local tracing = require "scute.profile.tracing"

local program = {}

local NAME = "trace.json"
local HEAD = '{"displayTimeUnit":"ms","traceEvents":[' -- how a trace begins

local taken -- {measured, trace, text = file that the table goes to, nil: standard error, runs = folder of a run elsewhere}

--- What a text says after --profile: "auto" (the file is chosen), or the name of a file that ends in .json, so that nothing
-- else is written over by mistake.
function program.read(text)
   if text ~= "auto" and not text:find "[^/]%.json$" then
      error(("expected auto, or a file that ends in .json, found '%s'"):format(text), 0)
   end
   return text
end

-- ---- where the trace goes ----

local function is_no_trace(path)
   local file <close> = io.open(path, "rb") -- luacheck: ignore
   return file ~= nil and file:read(#HEAD) ~= HEAD
end

-- In the folder where the program was started, beside what is no trace.
local function free_name()
   local path, number = NAME, 0
   while is_no_trace(path) do
      number = number + 1
      path = ("trace.%d.json"):format(number)
   end
   return path
end

--- A run has a folder: the trace goes there, unless it has a file already.
function program.place(folder)
   if taken and folder and not taken.trace:has_place() then taken.trace:place(folder .. "/" .. NAME) end
end

--- A run of an experiment is a process of its own, with a profile of its own in its folder.
function program.runs_in(folder)
   if taken then taken.runs = taken.runs or folder end
end

-- ---- the end ----

local function put(text)
   local file = taken.text and io.open(taken.text, "w") or io.stderr
   io.stdout:flush()
   file:write(text, "\n")
   if file ~= io.stderr then file:close() end
end

-- Of a trace that has no file yet; returns what is wrong, if something is.
local function find_place(trace)
   if trace:has_place() then return nil end
   local placed, why = pcall(trace.place, trace, free_name())
   return not placed and "\nthere is no trace: " .. console.message(why) or nil
end

local function finish()
   local found = taken.measured:finish()
   local problem = #found.costs > 0 and find_place(taken.trace)
   local text = tostring(made.of(found, "op", taken.trace:finish())) .. (problem or "")
   if taken.runs then
      text = ("%s\neach run of the experiment was a process of its own: its profile.txt and %s are in its folder, as in %s")
         :format(text, NAME, taken.runs)
   end
   put(text)
end

-- As the state closes nobody else hears of an error.
local function finish_aloud()
   local done, why = pcall(finish)
   if not done then io.stderr:write("scute: --profile: ", tostring(why), "\n") end
end

-- Lua closes it last of what came after it, whichever way the program ends.
local at_the_end

--- Begins it. path: as program.read has it.
function program.begin(path)
   if taken then console.stop(2, "--profile is given twice: before the script and among its flags") end
   local job = scute.process.job()
   local folder = job and job:match "^(.*)/" or nil
   if folder then path = folder .. "/" .. NAME end
   local trace = tracing.begin("--profile", path == "auto" and "" or path)
   taken = { trace = trace, text = folder and folder .. "/profile.txt", measured = measure.begin() }
   at_the_end = setmetatable({}, { __gc = finish_aloud })
   return at_the_end
end

-- For host/main.c. text: what stands behind --profile=, "" where nothing does.
return setmetatable(program, { __call = function(_, text)
   program.begin(console.guard("--profile", program.read, text == "" and "auto" or text))
end })
