-- --profile: a profile of all that the program does from here on, told at its end on standard error, and its trace.
local lfs = require "lfs"
local scute = require "scute.core"
local console = require "scute.base.console"
local made = require "scute.profile.made"
local measure = require "scute.profile.measure"
local tracing = require "scute.profile.tracing"

local program = {}

local NAME = "trace.json"
local HEAD = '{"displayTimeUnit":"ms","traceEvents":[' -- how a trace begins

-- The profile that is being taken: {measured, trace, began_in = the current folder of then, path = where its trace is to lie,
-- nil: that is chosen, text = file that the table goes to, nil: standard error, runs = folder of a run elsewhere,
-- of_a_script = it ends with one}
local taken

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

-- A path as it was said when the profile began, whatever the current folder is now.
local function meant(path, began_in)
   local stays = path:find "^/" or not began_in or lfs.currentdir() == began_in
   return stays and path or began_in .. "/" .. path
end

-- Beside what is no trace.
local function free_name(began_in)
   local path, number = meant(NAME, began_in), 0
   while is_no_trace(path) do
      number = number + 1
      path = meant(("trace.%d.json"):format(number), began_in)
   end
   return path
end

-- The folder of a run is emptied or moved aside before another run is in it: a trace in there is not begun before that.
local function is_in_a_run(path)
   return lfs.attributes((path:match "^(.*)/" or ".") .. "/run.json") ~= nil
end

-- Fails where a file cannot be written, and leaves it as it was.
local function try(path)
   local was_there = lfs.attributes(path) ~= nil
   local file, why = io.open(path, "ab")
   if not file then console.fail("--profile: cannot write '%s': %s", path, (why:gsub("^.*: ", ""))) end
   file:close()
   if not was_there then os.remove(path) end
end

--- A run has a folder: the trace goes there, unless it has a file already, or was said to go elsewhere.
function program.place(folder)
   if not taken or not folder or taken.trace:has_place() then return end
   taken.trace:place(taken.path and meant(taken.path, taken.began_in) or folder .. "/" .. NAME)
end

--- A run of an experiment is a process of its own, with a profile of its own in its folder.
function program.runs_in(folder)
   if taken then taken.runs = taken.runs or folder end
end

-- ---- the end ----

local function put(text, path)
   local file = path and io.open(path, "w") or io.stderr
   io.stdout:flush()
   file:write(text, "\n")
   if file ~= io.stderr then file:close() end
end

-- Of a trace that has no file yet; returns what is wrong, if something is.
local function find_place(profile)
   local trace, began_in = profile.trace, profile.began_in
   if trace:has_place() then return nil end
   local placed, why = pcall(trace.place, trace, profile.path and meant(profile.path, began_in) or free_name(began_in))
   return not placed and "\nthere is no trace: " .. console.message(why) or nil
end

local function finish(profile)
   local found = profile.measured:finish()
   local problem = (profile.path or #found.costs > 0) and find_place(profile)
   local text = tostring(made.of(found, "op", profile.trace:finish())) .. (problem or "")
   if profile.runs then
      text = ("%s\neach run of the experiment was a process of its own: its profile.txt and %s are in its folder, as in %s")
         :format(text, NAME, profile.runs)
   end
   put(text, profile.text and meant(profile.text, profile.began_in))
end

-- Once. As the state closes nobody else hears of an error.
local function tell(profile)
   if profile.told then return end
   profile.told = true
   if taken == profile then taken = nil end
   local done, why = pcall(finish, profile)
   if not done then io.stderr:write("scute: --profile: ", tostring(why), "\n") end
end

--- A session goes on when a script has ended: the profile that is among the flags of the script does not.
function program.script_has_ended()
   if taken and taken.of_a_script then tell(taken) end
end

-- ---- the beginning ----

local function begin_trace(path)
   if not path or not is_in_a_run(path) then return tracing.begin("--profile", path or "") end
   try(path)
   return tracing.begin("--profile", "")
end

-- Lua closes it last of what came after it, whichever way the program ends.
local function begin(path, of_a_script)
   if scute.world.rank > 0 then return end -- of several processes the first one has a profile
   if taken then console.stop(2, "--profile is given twice: before the script and among its flags") end
   local job = scute.process.job()
   local folder = job and job:match "^(.*)/" or nil
   path = folder and folder .. "/" .. NAME or path ~= "auto" and path or nil
   taken = setmetatable({ trace = begin_trace(path), path = path, text = folder and folder .. "/profile.txt",
      began_in = lfs.currentdir(), of_a_script = of_a_script, measured = measure.begin() }, { __gc = tell })
end

--- Begins the one that is among the flags of a script. path: as program.read has it.
function program.begin(path)
   begin(path, true)
end

-- For host/main.c. text: what stands behind --profile=, "" where nothing does.
return setmetatable(program, { __call = function(_, text)
   begin(console.guard("--profile", program.read, text == "" and "auto" or text), false)
end })
