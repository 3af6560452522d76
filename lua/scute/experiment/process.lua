-- The processes of an experiment: how this program is started once more for one run, what such a run finds in its
-- environment, and what a process that has ended says about why.
local lfs = require "lfs"
local scute = require "scute"
local absolute = require "scute.base.absolute"
local profiled = require "scute.profile.program"
local session = require "scute.base.session"

local process = {}

local JOB, PARENT, SLOT = "SCUTE_EXPERIMENT", "SCUTE_EXPERIMENT_PARENT", "SCUTE_EXPERIMENT_SLOT"

-- ---- the command line ----

local HAS_VALUE = { ["-e"] = true, ["-l"] = true }
local OF_THE_FIRST = { ["-i"] = true, ["--watch"] = true } -- nobody types in a run, and who started it watches

-- The words that start this program anew as one process.
local function of_one()
   local words = rawget(_G, "arg")
   if type(words) ~= "table" or session.waits then return nil end
   if type(words[0]) ~= "string" or words[0] == "-" then return nil end
   local first, list = 0, {}
   while words[first - 1] do first = first - 1 end
   if first == 0 then return nil end
   local at = first
   while at <= #words do
      local word = tostring(words[at])
      local passed_over = at > first and at < 0 and OF_THE_FIRST[word]
      if not passed_over then list[#list + 1] = word end
      if at > first and at < 0 and HAS_VALUE[word] then -- what follows belongs to it
         at = at + 1
         list[#list + 1] = tostring(words[at])
      end
      at = at + 1
   end
   return list
end

--- The words that start this program anew with the same script and arguments, in as many processes as there are here (or in
-- one, for what is no training); nil where there is no script to start: in a session, with -e alone, from standard input.
function process.command(alone)
   local list = of_one()
   if list and not alone and scute.world.size > 1 then
      table.insert(list, 2, "--nproc")
      table.insert(list, 3, tostring(scute.world.size))
   end
   return list
end

-- ---- a run ----

--- What a run finds in its environment, as NAME = text. job: the path of its job.json.
function process.environment(job)
   return { [JOB] = absolute(job), [PARENT] = tostring(scute.process.id()) }
end

--- In a run: the path of its job.json; nil in the process that the user started.
function process.job()
   return scute.process.job()
end

--- Bytes that this process has of what `memory` of a run counts (see host/machine/limit.h); 0 where the system does not tell.
function process.memory()
   local file <close> = io.open "/proc/self/status" -- luacheck: ignore
   local kilobytes = file and file:read("a"):match "VmData:%s*(%d+) kB"
   return (math.tointeger(kilobytes) or 0) * 1024
end

--- In a run, before it does anything: it ends with its parent, is the first to go where the system's memory runs out, and has
-- at most `memory` bytes (nil: as it comes), of which each of its processes has a share.
function process.settle(memory)
   local parent = math.tointeger(tonumber(os.getenv(PARENT)))
   if parent and not scute.world.launched then scute.process.end_with_parent(parent) end -- else the launcher does
   scute.process.killed_first()
   if memory then scute.process.limit_memory(memory // scute.world.size) end
end

-- ---- GPUs ----

--- The names by which CUDA_VISIBLE_DEVICES knows the GPUs that there are for this process, as a list. CUDA counts those that it
-- finds from 0 on, whatever numbers a container has left them.
function process.gpus()
   local list, visible = {}, os.getenv "CUDA_VISIBLE_DEVICES"
   for name in (visible or ""):gmatch "[^,%s]+" do list[#list + 1] = name end
   if visible then return list end
   for name in lfs.dir "/dev" do
      if name:find "^nvidia%d+$" then list[#list + 1] = tostring(#list) end
   end
   return list
end

--- Whether a command line says which device its run computes on: the CPU, or one card by its number, which it is to find.
function process.names_device(words)
   for i, word in ipairs(words) do
      local name = word == "--device" and words[i + 1] or tostring(word):match "^%-%-device=(.*)"
      if name then return name == "cpu" or name:find "^cuda:%d+$" ~= nil end
   end
   return false
end

-- ---- starting and ending ----

local function additions(job, slot, gpu)
   local list = { ("%s=%d"):format(SLOT, slot), gpu and "CUDA_VISIBLE_DEVICES=" .. gpu or nil }
   for name, value in pairs(job.env or {}) do list[#list + 1] = ("%s=%s"):format(name, value) end
   return list
end

-- Bytes in a file; 0 where there is none.
local function size(path)
   return lfs.attributes(path, "size") or 0
end

--- Starts a job of scute.experiment.pool, and returns the number of its process. It begins where this one began, as what its
-- command line says counts from there. What it says goes to output.log and errors.log in its folder: behind what is in them
-- where the job goes on with an earlier one. slot: which of those that run at once it is, from 1; gpu: the only one that it
-- sees, nil for all.
function process.start(job, slot, gpu)
   scute.files.mkdirs(job.folder)
   profiled.runs_in(job.folder)
   local output, errors = job.folder .. "/output.log", job.folder .. "/errors.log"
   if not job.goes_on then
      os.remove(output)
      os.remove(errors)
   end
   job.output_from, job.errors_from = size(output), size(errors)
   io.stdout:flush()
   return scute.process.start(job.words, additions(job, slot, gpu), output, errors, scute.process.first_folder())
end

-- The last bytes of a file, of those from a place on.
local function tail(path, from, bytes)
   local file = io.open(path, "rb")
   if not file then return "" end
   file:seek("set", math.max(from or 0, file:seek "end" - bytes))
   local text = file:read "a"
   file:close()
   return text
end

local KILLED = 128 + 9 -- what `scute --nproc` ends with where one of its processes was killed
local TAIL, LONG_TAIL = 1024, 65536 -- bytes: a line is shorter than the one, an error with its traceback than the other

local function last_line(path, from)
   local text = tail(path, from, TAIL):gsub("%s+$", "")
   return text:match "[^%s][^\r\n]*$" or ""
end

--- The last line that a job has written, "" where there is none yet.
function process.latest(job)
   return last_line(job.folder .. "/output.log", job.output_from)
end

--- What a job has written to errors.log.
function process.errors(job)
   return tail(job.folder .. "/errors.log", job.errors_from, math.maxinteger)
end

-- What an error says stands behind "scute: "; a traceback may follow.
local function words_of_error(job)
   local path, found = job.folder .. "/errors.log", nil
   for line in tail(path, job.errors_from, LONG_TAIL):gmatch "[^\n]+" do found = line:match "^scute: (.*)" or found end
   return found or last_line(path, job.errors_from)
end

local function is_about_memory(words)
   return words:find "out of memory" ~= nil or words:find "not enough memory" ~= nil or words:find "bad_alloc" ~= nil
end

local function of_signal(code)
   local name = scute.process.signal_name(code)
   return ("ended by %s%s"):format(name, name == "SIGKILL" and "; the system may have run out of memory" or "")
end

-- A library that finds no memory ends the process, and says so.
local function ended_by_signal(job, code)
   local words = last_line(job.folder .. "/errors.log", job.errors_from)
   if is_about_memory(words) then return "memory", ("%s: %s"):format(of_signal(code), words) end
   return "failed", of_signal(code), scute.process.signal_name(code)
end

--- How the process of a job ended in the pool's words, "done", "failed", "interrupted" or "memory", why in one line, and the
-- signal that ended it, if one did. how, code: as scute.process.wait tells them.
function process.outcome(job, how, code)
   if how == "signal" then return ended_by_signal(job, code) end
   if code == KILLED then return ended_by_signal(job, code - 128) end
   if code == 0 then return "done" end
   if code == 130 or code == 143 then
      return "interrupted", of_signal(code - 128), scute.process.signal_name(code - 128)
   end
   local words = words_of_error(job)
   if is_about_memory(words) then return "memory", words end
   if code <= 2 and words ~= "" then return "failed", words end
   return "failed", ("exit status %d%s"):format(code, words ~= "" and ": " .. words or "")
end

return process
