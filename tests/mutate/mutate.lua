-- Puts the faults of faults.lua in, one at a time, and expects the test beside each to fail: one that survives is a test that
-- is missing. The working tree is not touched: all happens in a copy of it. Usage: scute tests/mutate/mutate.lua [PATTERN],
-- a Lua pattern that a fault's file or its words match.
local lfs = require "lfs"
local scute = require "scute"
local list = dofile "tests/mutate/list.lua"

local BUILD = arg[-1]:match "^(.*)/" or "."
local MAKE = "make --no-print-directory -s CUDA=no WERROR= -j" .. scute.threads()
local LIMIT = 600 -- seconds for a test; one that hangs has failed

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

local function write(path, text)
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(text))
end

-- Whether a line of shell ends well. Not os.execute, which would ignore Ctrl-C meanwhile.
local function shell(line)
   return io.popen(line, "w"):close() == true
end

-- ---- the copy ----

-- A copy of the tree with what is built, which goes when the value goes out of scope. Times stay, so that make has nothing to
-- do.
local function copy_tree()
   local folder = os.tmpname()
   os.remove(folder)
   assert(lfs.mkdir(folder))
   assert(shell(("git ls-files -zco --exclude-standard | xargs -0 cp -a --parents -t %s"):format(quote(folder))))
   assert(shell(("cp -a %s %s/build && ln -s \"$(realpath deps)\" %s/deps"):format(quote(BUILD), quote(folder), quote(folder))))
   return setmetatable({ folder = folder, log = folder .. "/mutate.log" }, {
      __close = function() shell("rm -rf " .. quote(folder)) end })
end

-- Whether a command in the copy ends well; what it says goes into the copy's log.
local function run_in(copy, command)
   return shell(("cd %s && { %s; } >mutate.log 2>&1 </dev/null"):format(quote(copy.folder), command))
end

-- ---- a test ----

-- The commands that build and run a test: "test_loader" is a C program, "data_spec" a file of tests/lua, anything else a suite;
-- words behind it are passed on.
local function commands(test)
   local name, rest = test:match "^(%S+)(.*)$"
   local run
   if name:find "^test_" then
      return MAKE .. " build/tests/" .. name, "build/tests/" .. name .. rest
   elseif name:find "_spec$" then
      run = "build/scute tests/lua/run.lua tests/lua/" .. name .. ".lua" .. rest
   else
      run = "build/scute tests/" .. name .. "/run.lua" .. rest
   end
   return MAKE .. " all", run
end

-- "passed", "failed" or "is not built".
local function try(copy, test)
   local build, run = commands(test)
   if not run_in(copy, build) then return "is not built" end
   return run_in(copy, ("PYTHONPATH=$PWD/deps/python timeout -k 10 %d %s"):format(LIMIT, run)) and "passed" or "failed"
end

-- ---- the faults ----

local function chosen(pattern)
   local faults = {}
   for _, fault in ipairs(list.read()) do
      if fault[1]:find(pattern) or fault[2]:find(pattern) then faults[#faults + 1] = fault end
   end
   return faults
end

-- Whether every test passes while there is no fault: one that fails would find anything.
local function tests_pass(copy, faults)
   local known = {}
   for _, fault in ipairs(faults) do
      local test = fault.test
      if test and not known[test] then
         known[test] = try(copy, test)
         if known[test] ~= "passed" then
            print(("without a fault '%s' %s:\n%s"):format(test, known[test], read(copy.log)))
            return false
         end
      end
   end
   return true
end

-- What became of a fault: "killed", "survived", "equivalent", or "stale" and why.
local function judge(copy, fault)
   local text, changed = list.apply(fault, copy.folder)
   if not text then return "stale", changed end
   if fault.equivalent then return "equivalent" end
   write(copy.folder .. "/" .. fault[1], changed)
   local outcome = try(copy, fault.test)
   write(copy.folder .. "/" .. fault[1], text)
   if outcome == "is not built" then return "stale", "with it nothing can be built:\n" .. read(copy.log) end
   return outcome == "failed" and "killed" or "survived"
end

local function run(faults)
   local copy <close> = copy_tree()
   local count, left = { killed = 0, survived = 0, equivalent = 0, stale = 0 }, {}
   if not tests_pass(copy, faults) then return false end
   for _, fault in ipairs(faults) do
      local start = scute.clock()
      local outcome, why = judge(copy, fault)
      count[outcome] = count[outcome] + 1
      print(("%-10s %3.0f s  %s"):format(outcome, scute.clock() - start, list.name(fault)))
      if outcome == "survived" then left[#left + 1] = ("SURVIVED %s (%s)"):format(list.name(fault), fault.test) end
      if outcome == "stale" then left[#left + 1] = ("STALE %s: %s"):format(list.name(fault), why) end
   end
   for _, line in ipairs(left) do print(line) end
   if count.equivalent > 0 then print(("%d that change nothing were left out"):format(count.equivalent)) end
   if count.stale > 0 then print(("%d no longer apply: bring faults.lua up to date"):format(count.stale)) end
   print(("%d killed, %d survived"):format(count.killed, count.survived))
   return count.survived + count.stale == 0 and count.killed > 0
end

io.stdout:setvbuf "line"
os.exit(run(chosen(arg[1] or "")), true)
