-- Experiments that are killed, at a step of a run or at any moment, and gone on with, must end as one that was never stopped:
-- all results bit for bit, times excepted.
local lfs = require "lfs"
local json_file = require "scute.base.json_file"
local plain_text = require "scute.base.plain_text"
local scute = require "scute"

local kills = {}

local TIMES = { "seconds", "images_per_second", "peak_memory", "latency" }
local PAIRS = { KILL = 137, TERM = 143, INT = 130 }

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a" or ""
   if file then file:close() end
   return text
end

-- Runs the experiment; kill: as killed.lua takes it, or seconds after which all of its processes are killed, or nil. Returns
-- the exit status, what it said, and whether killed.lua killed.
local function run(o, output, kill, more)
   local log = o.scratch .. "/kills.log"
   local mark = o.scratch .. "/kill.mark"
   os.remove(mark)
   local at = type(kill) == "string" and ("KILL_AT=%s KILL_MARK=%s"):format(quote(kill), quote(mark)) or ""
   local after = type(kill) == "number" and ("timeout -s KILL %.3f "):format(kill) or ""
   local few = o.variants and ("VARIANTS=%d "):format(o.variants) or ""
   local line = ("exec env %s%s %s%s tests/experiment/killed.lua --data_dir %s --output_dir %s %s %s >%s 2>&1 </dev/null")
      :format(few, at, after, quote(o.program), quote(o.data), quote(output), o.flags, more or "", quote(log))
   local _, how, code = os.execute(line)
   return how == "signal" and 128 + code or code, read(log), lfs.attributes(mark) ~= nil
end

-- What is left of an experiment: the text of each record and each history by its path, without times.
local function results(folder, found, below)
   found, below = found or {}, below or ""
   for name in lfs.dir(folder) do
      local path = folder .. "/" .. name
      if name == "result.json" then
         local record = assert(json_file.read(path))
         for _, time in ipairs(TIMES) do record[time] = nil end
         found[below .. name] = plain_text(record)
      elseif name == "history.csv" then
         found[below .. name] = read(path)
      elseif name == "best.safetensors" then
         found[below .. name] = scute.weights.sha256(path)
      elseif name:sub(1, 1) ~= "." and lfs.attributes(path, "mode") == "directory" then
         results(path, found, below .. name .. "/")
      end
   end
   return found
end

-- The first difference between two experiments; nil where there is none.
local function difference(whole, resumed)
   local a, b = results(whole .. "/runs"), results(resumed .. "/runs")
   for path, text in pairs(a) do
      if b[path] ~= text then return ("%s:\n%s\n---- and ----\n%s"):format(path, text, tostring(b[path])) end
   end
   for path in pairs(b) do
      if not a[path] then return path .. " is there and should not be" end
   end
   if next(a) == nil then return "there are no results" end
end

--- Runs an experiment whole and then with kills. o: { program, scratch, data, flags, kills = a list, each as killed.lua takes
-- it or seconds, check, variants = how many (nil: all) }. Returns how many kills met it.
function kills.run(o)
   local whole, output, met, code = o.whole or o.scratch .. "/whole", o.scratch .. "/killed", 0, 0
   local log, was_killed
   os.execute("rm -rf " .. quote(output))
   if not lfs.attributes(whole) then code, log = run(o, whole) end
   if not o.check(code == 0, "the experiment runs whole", log) then return 0 end
   for i, kill in ipairs(o.kills) do
      local signal = type(kill) == "string" and kill:match "%S+$" or "KILL"
      local worker = type(kill) == "string" and kill:find " worker "
      code, log, was_killed = run(o, output, kill, lfs.attributes(output .. "/experiment.json") and "--resume")
      met = met + ((was_killed or code ~= 0) and 1 or 0)
      local expected = code == 0 or not worker and code == PAIRS[signal] -- a run that is killed alone is tried again
      o.check(expected, ("kill %d (%s) ends it as it should"):format(i, tostring(kill)), log)
   end
   code, log = run(o, output, nil, "--resume")
   o.check(code == 0, "it goes on to its end", log)
   local found = difference(whole, output)
   o.check(not found, "and ends as one that was never stopped", found)
   return met
end

return kills
