-- Runs of a small network in which calls of the system fail (see tests/faults/shim.c), each in a process of its own, and what
-- is looked at after each of them: it ended with status 0, or with 1 and a line that says what was wrong; every file that is
-- there is whole; and what is there leads, resumed, to the same end to the last bit.
local lfs = require "lfs"
local scute = require "scute"
local cjson = require "cjson"
local kills = dofile "tests/resume/kills.lua"

local campaign = {}
campaign.__index = campaign

local LIMIT = 120 -- seconds, of a run that hangs
local CHILD = "tests/faults/child.lua"

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   return text
end

local function remove(path)
   os.execute("rm -rf " .. quote(path))
end

-- ---- processes ----

-- A run that is under way: { kind, folder, fault, pipe }. options: fault (what FAULTS says), resume, events (of the child).
local function start(self, kind, folder, options)
   local variables = { "FAULTS_LOG=" .. quote(folder .. "/log"), "EVENTS=" .. quote(options.events or ""),
      options.fault and "FAULTS=" .. options.fault or "" }
   local line = ("%s exec timeout -s KILL %d env GOMP_SPINCOUNT=1000 LD_PRELOAD=%s %s %s %s %s %s %s 5"):format(
      table.concat(variables, " "), LIMIT, quote(self.shim), quote(self.program), CHILD, kind, quote(self.data),
      quote(folder .. "/out"), options.resume and "auto" or "''")
   lfs.mkdir(folder)
   os.remove(folder .. "/log")
   local script = ("(%s) >%s 2>%s </dev/null; echo $?"):format(line, quote(folder .. "/stdout"), quote(folder .. "/stderr"))
   return { kind = kind, folder = folder, fault = options.fault, pipe = assert(io.popen(script)) }
end

local function finish(run)
   run.code = tonumber(run.pipe:read "a")
   run.pipe:close()
   run.err = read(run.folder .. "/stderr")
   run.log = read(run.folder .. "/log") or ""
   return run
end

-- ---- what is there afterwards ----

local function every_line_parses(text)
   for line in text:gmatch "[^\n]+" do cjson.decode(line) end
end

local READERS = {
   safetensors = function(_, path) scute.weights.load(path) end,
   json = function(text) cjson.decode(text) end,
   jsonl = every_line_parses,
}

-- What is wrong with the files below a folder, or nil.
local function broken_file(folder)
   for name in lfs.dir(folder) do
      local path = folder .. "/" .. name
      local suffix = name:match "%.(%w+)$"
      if name:sub(1, 1) ~= "." and lfs.attributes(path, "mode") == "directory" then
         local fault = broken_file(path)
         if fault then return fault end
      elseif suffix == "tmp" then
         return path .. " was left behind"
      elseif READERS[suffix] then
         local ok, why = pcall(READERS[suffix], read(path), path)
         if not ok then return ("%s: %s"):format(path, why) end
      end
   end
end

-- A photo that could not be read is left out and told, and then the run is another one.
local function lost_a_photo(folder)
   for name in lfs.dir(folder) do
      if lfs.attributes(("%s/%s/bad_images.csv"):format(folder, name)) then return true end
   end
   return false
end

-- ---- judging ----

local function says_why(run)
   local last = run.err:match "([^\n]+)\n*$"
   if not last then return false end
   if last:find "^libgomp: " then return true end -- its compute threads, which it cannot do without
   if not last:find "^scute: " then return false end
   if last:find "out of memory" or last:find "not enough memory" or last:find "Cannot allocate memory" then return true end
   return not run.fault:find "^memory" and (last:find "/" ~= nil or last:find "standard output" ~= nil)
end

local function differs(self, run)
   if lost_a_photo(run.folder .. "/out") then return nil end
   return kills.compare(run.kind, self.wholes[run.kind] .. "/out", run.folder .. "/out")
end

-- How a run ended, in words, or nil and what is wrong.
local function judge(self, run)
   if run.code ~= 0 and run.code ~= 1 then return nil, "status " .. tostring(run.code) end
   if run.err:find("stack traceback", 1, true) then return nil, "a traceback" end
   local broken = lfs.attributes(run.folder .. "/out") and broken_file(run.folder .. "/out")
   if broken then return nil, broken end
   if run.code == 1 and not says_why(run) then return nil, "status 1 without a reason" end
   if run.code == 0 then
      local fault = differs(self, run)
      if fault then return nil, fault end
      if not run.log:find "failed: " then return "not reached" end
      return run.err == "" and "as if nothing had failed" or "told, and went on"
   end
   local again = finish(start(self, run.kind, run.folder, { resume = true }))
   if again.code ~= 0 then return nil, "it cannot be resumed: " .. again.err end
   local fault = differs(self, again)
   if fault then return nil, "resumed, it ends otherwise: " .. fault end
   return run.fault:find "^memory" and "out of memory, status 1" or "the file and the reason, status 1"
end

local function judge_and_count(self, run)
   local ending, fault = judge(self, run)
   self.endings[ending or "WRONG"] = (self.endings[ending or "WRONG"] or 0) + 1
   self.check(ending, ("%s, %s"):format(run.kind, run.fault),
      ("%s\nstatus %s\n%s\n%s"):format(tostring(fault), tostring(run.code), run.err, run.log:sub(1, 2000)))
   if self.tell then self.tell(run, ending or fault) end
   if ending then remove(run.folder) end
end

-- ---- what is done ----

--- options: program, shim (the library), scratch (a folder), data (photos), check(ok, name, detail), jobs (processes at the
--- same time).
function campaign.new(options)
   options.endings, options.wholes, options.halves, options.number = {}, {}, {}, 0
   return setmetatable(options, campaign)
end

-- A run in which nothing fails; how many calls of each kind there were.
local function count_calls(self, kind, folder, resume)
   local run = finish(start(self, kind, folder, { resume = resume }))
   self.check(run.code == 0, kind .. ": the undisturbed run", run.err)
   local calls = {}
   for name, n in run.log:gmatch "([%w_]+) (%d+)\n" do calls[name] = tonumber(n) end
   return calls
end

-- Whether a checkpoint was just being written, which is done beside the training.
local function is_writing(folder)
   if lfs.attributes(folder, "mode") ~= "directory" then return false end
   for name in lfs.dir(folder) do
      if name:find "^checkpoint%.new" then return true end
   end
   return false
end

-- A run that is killed after its third step, and not while it writes a checkpoint: each run that goes on begins with the same.
local function half_of(self, kind)
   local folder, half = self.halves[kind]
   repeat
      remove(folder)
      half = finish(start(self, kind, folder, { events = "3 kill -KILL $PPID" }))
   until half.code ~= 137 or not is_writing(folder .. "/out/tiny")
   return half
end

--- Returns how many calls a whole run of that kind makes, and how many one that goes on with the half of a run.
function campaign:begin(kind)
   self.wholes[kind], self.halves[kind] = self.scratch .. "/whole_" .. kind, self.scratch .. "/half_" .. kind
   local whole = count_calls(self, kind, self.wholes[kind])
   local half = half_of(self, kind)
   self.check(half.code == 137, kind .. ": the half of a run", half.err)
   local copy = self.halves[kind] .. "_copy"
   os.execute(("cp -r %s %s"):format(quote(self.halves[kind]), quote(copy)))
   return whole, count_calls(self, kind, copy, true)
end

-- Starts run after run, `jobs` at the same time.
local function inject_some(self, kind, faults, first, resume)
   local runs = {}
   for i = first, math.min(first + self.jobs - 1, #faults) do
      self.number = self.number + 1
      local folder = ("%s/run_%d"):format(self.scratch, self.number)
      if resume then os.execute(("cp -r %s %s"):format(quote(self.halves[kind]), quote(folder))) end
      runs[#runs + 1] = start(self, kind, folder, { fault = faults[i], resume = resume })
   end
   for _, run in ipairs(runs) do finish(run) end
   for _, run in ipairs(runs) do judge_and_count(self, run) end
end

--- Lets each of `faults` (as FAULTS says them) happen in a run of that kind, or in one that goes on with the half of a run.
function campaign:inject(kind, faults, resume)
   for first = 1, #faults, self.jobs do inject_some(self, kind, faults, first, resume) end
end

--- `n` faults of a kind, spread over the `calls` that there are; all where n is nil. every: as in FAULTS.
function campaign.spread(name, calls, n, every)
   local list = {}
   n = math.min(n or calls, calls)
   for i = 1, n do
      list[i] = ("%s:%d%s"):format(name, 1 + (2 * i - 1) * calls // (2 * n), every and ":" .. every or "")
   end
   return list
end

--- How many runs ended how, in lines.
function campaign:figures()
   local names = {}
   for name in pairs(self.endings) do names[#names + 1] = name end
   table.sort(names)
   local lines = {}
   for _, name in ipairs(names) do lines[#lines + 1] = ("%6d  %s"):format(self.endings[name], name) end
   return table.concat(lines, "\n")
end

return campaign
