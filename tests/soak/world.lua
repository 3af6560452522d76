-- Several processes of which one is killed at a random moment, of every kind: start-up, training, validation, a checkpoint that
-- is being written, the end. Each run goes on with another number of processes, and ends as one that was never stopped (in
-- ordered mode to the last bit, else but for the order of sums); all others end within ten seconds, and no half file stays.
-- Usage: scute tests/soak/world.lua. From the environment:
--    WORLD_KILLS=40   how many
--    SEED             of the moments; default: the time
local lfs = require "lfs"
local scute = require "scute"
local tally = dofile "tests/tally.lua"
local photos = dofile "tests/cli/photos.lua"
local check = tally.check

local seed = tonumber(os.getenv "SEED") or os.time()
local kills = tonumber(os.getenv "WORLD_KILLS" or 40)
local program, scratch = arg[-1], os.tmpname()
os.remove(scratch)
assert(lfs.mkdir(scratch))

if not lfs.attributes(program:match "^(.*)/" .. "/scute_mpi.so") or not os.execute "command -v mpirun >/dev/null" then
   print "there is no MPI here, so there is nothing to kill"
   os.exit(true, true)
end

-- Small, and with all that a run can have: an average of the weights, augmentation, batches that do not divide.
local NETWORK = [[
local scute = require "scute"
local nn = scute.nn
scute.models.register("plain", function(classes)
   return nn.Sequential { nn.Conv2d { 3, 8, 3, stride = 2 }, nn.ReLU(), nn.Conv2d { 8, 16, 3, stride = 2 }, nn.ReLU(),
      nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 16, #classes } }
end, { image_size = 32 })
]]

local RUN = [[
local scute = require "scute"
local set = scute.data.open(arg[1], { seed = 0 })
scute.manual_seed(1)
local model = scute.models.create("plain", { classes = set.classes })
local options = { optimizer = scute.optim.adamw(model:groups { lr = 0.003 }), epochs = 12, batch_size = 5,
   augment = "light", ema = 0.9, output_dir = arg[2], resume = "auto", save_steps = 1, workers = 0 }
if arg[3] == "ordered" then options.ordered = true end
scute.train.fit(model, set, options)
]]

local has_ordered = require("scute.train.options").by_name.ordered ~= nil
local KINDS = has_ordered and { "fast", "ordered" } or { "fast" }
local MOST = { fast = 1e-3, ordered = 0 } -- by which histories may differ

local function write(name, text)
   local file = assert(io.open(scratch .. "/" .. name, "w"))
   file:write(text)
   file:close()
end

local function read(path)
   local file <close> = io.open(path, "rb") -- luacheck: ignore
   return file and file:read "a" or ""
end

-- By row, its numbers.
local function history(name)
   local rows = {}
   for line in read(("%s/%s/plain/history.csv"):format(scratch, name)):gmatch "[^\n]+" do
      local row = {}
      for cell in line:gmatch "[^,]+" do row[#row + 1] = tonumber(cell) end
      if #row > 2 then rows[#rows + 1] = row end
   end
   return rows
end

-- The largest difference of a number, relative to 1; infinite where they are of other lengths.
local function difference(one, other)
   local a, b, most = history(one), history(other), 0
   if #a ~= #b or #a == 0 then return math.huge end
   for i, row in ipairs(a) do
      for k, x in ipairs(row) do
         local d = math.abs(x - (b[i][k] or math.huge)) / math.max(1, math.abs(x))
         most = d == d and math.max(most, d) or math.huge
      end
   end
   return most
end

-- The numbers of the processes that a launcher has started, in the order in which they were.
local function ranks_below(launcher)
   local list = {}
   for mpirun in read(("/proc/%d/task/%d/children"):format(launcher, launcher)):gmatch "%d+" do
      for id in read(("/proc/%s/task/%s/children"):format(mpirun, mpirun)):gmatch "%d+" do list[#list + 1] = tonumber(id) end
   end
   return list
end

local function command(n, name)
   local words = { program, "-l", scratch .. "/network.lua", scratch .. "/run.lua", scratch .. "/photos",
      ("%s/%s"):format(scratch, name), name:match "^%a+" }
   if n > 1 then
      table.insert(words, 2, "--nproc")
      table.insert(words, 3, tostring(n))
   end
   return words
end

local function start(n, name)
   os.remove(scratch .. "/out")
   os.remove(scratch .. "/err")
   return scute.process.start(command(n, name), { "OMP_NUM_THREADS=1" }, scratch .. "/out", scratch .. "/err", nil)
end

local function wait(id, seconds)
   local _, how, code = scute.process.wait({ id }, seconds)
   return how, how == "signal" and 128 + code or code
end

local ENDED = "\nscute: rank %d+ was ended by signal 9 %(Killed%)"

-- Kills one of the processes `after` seconds from the start, which may be too late; returns whether the run is finished.
local function kill(n, name, after)
   local id = start(n, name)
   local _, code = wait(id, after)
   local ranks = code == nil and ranks_below(id) or {}
   local victim = n == 1 and id or ranks[math.random(math.max(#ranks, 1))]
   if code == nil and victim then os.execute("kill -9 " .. victim .. " 2>/dev/null") end
   if code == nil then
      local began = scute.clock()
      _, code = wait(id, victim and 30 or 300)
      local seconds = scute.clock() - began
      check(not victim or seconds <= 10 or code == 0, ("%s: the others end within ten seconds"):format(name), seconds)
   end
   local text = read(scratch .. "/err")
   if code == nil then scute.process.signal(id, "SIGKILL") end
   check(code == 0 or code == 137, name .. ": exit code", tostring(code) .. "\n" .. text)
   if code == 137 and n > 1 then
      check(select(2, ("\n" .. text):gsub(ENDED, "")) == 1, name .. ": the rank is named, once", text)
   end
   for _, rank in ipairs(ranks) do
      local stat = read(("/proc/%d/stat"):format(rank))
      local state = stat:match "%) (%a)"
      check(state == nil or state == "Z", name .. ": nobody is left", ("code %s, killed %s: %s"):format(code, victim, stat))
   end
   return code == 0
end

local function check_files(name)
   local folder = ("%s/%s/plain"):format(scratch, name)
   for file in lfs.dir(folder) do
      check(not file:find "%.tmp$" and not file:find "%.new$" and file ~= "run.lock", name .. ": no half file", file)
   end
end

-- Kills one run, and goes on with it, until it is finished; returns how many were killed, and how much its history differs.
local function run(name, length)
   local n, done, finished = 1, 0, false
   for _ = 1, 8 do
      local other = math.random(1, 3)
      n = other ~= n and other or other % 3 + 1
      finished = kill(n, name, math.random() * math.max(2, 1.5 * length))
      if finished then break end
      done = done + 1
   end
   if not finished then
      local _, code = wait(start(2, name), 600)
      check(code == 0, name .. ": it ends", read(scratch .. "/err"))
   end
   check_files(name)
   return done, difference(name:match "^%a+" .. "0", name)
end

math.randomseed(seed)
photos.set(scratch .. "/photos", { red = 14, blue = 13 })
write("network.lua", NETWORK)
write("run.lua", RUN)
for _, kind in ipairs(KINDS) do
   local began = scute.clock()
   local _, code = wait(start(1, kind .. "0"), 600)
   check(code == 0, "the run that is not stopped", read(scratch .. "/err"))
   local length, done, runs, worst = scute.clock() - began, 0, 0, 0
   while done < kills / #KINDS do
      runs = runs + 1
      local n, d = run(kind .. runs, length)
      done, worst = done + n, math.max(worst, d)
      check(d <= MOST[kind], kind .. runs .. ": it ends as one that was not stopped", d)
   end
   print(("%s: %d kills in %d runs, %.0f s, seed %d; histories differ by at most %.1g"):format(kind, done, runs,
      scute.clock() - began, seed, worst))
end
os.execute(("rm -rf '%s'"):format(scratch))
tally.finish()
