-- Runs killed at random moments and gone on with must end as one that was never stopped, to the last bit.
-- The runs are of a child (tests/resume/child.lua, or options.child) in processes of their own.
local lfs = require "lfs"
local scute = require "scute"

local kills = {}

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   return text
end

-- Runs the child; `seconds` until it is killed, or nil. Returns its exit status and what it wrote, once it is gone: without
-- --foreground a KILL ends timeout too, which then waits for nobody.
local function run(options, kind, output, resume, seconds)
   local log = options.scratch .. "/log"
   local line = ("%s%s %s %s %s %s %s 1 >%s 2>&1 </dev/null"):format(
      seconds and ("timeout --foreground -s KILL %.3f "):format(seconds) or "", quote(options.program),
      options.child or "tests/resume/child.lua", kind, quote(options.data), quote(output), resume and "auto" or "''",
      quote(log))
   local _, how, code = os.execute(line)
   local came_late = seconds and code == 124 -- it ended by itself as the KILL came
   return (how == "signal" and 128 + code) or (came_late and 137) or code, read(log)
end

local function differing(a, b)
   local left, right = scute.weights.load(a), scute.weights.load(b)
   if #left.names ~= #right.names then return "other entries" end
   for _, name in ipairs(left.names) do
      if not right.tensors[name] then return name .. " is missing" end
      if scute.checksum { left.tensors[name] } ~= scute.checksum { right.tensors[name] } then return name end
   end
   return nil
end

local function folder_of(output)
   for name in lfs.dir(output) do
      if lfs.attributes(output .. "/" .. name .. "/history.csv") then return output .. "/" .. name end
   end
   error("no run in " .. output)
end

--- What differs between two finished runs, or nil.
function kills.compare(kind, whole, resumed)
   whole, resumed = folder_of(whole), folder_of(resumed)
   for _, name in ipairs { "history.csv", "bad_images.csv" } do
      local a, b = read(whole .. "/" .. name), read(resumed .. "/" .. name)
      if a ~= b then return ("%s:\n%s---- and ----\n%s"):format(name, tostring(a), tostring(b)) end
   end
   local averaged = kind == "all" or lfs.attributes(whole .. "/ema.safetensors")
   for _, name in ipairs(averaged and { "best", "last", "ema", "best_ema" } or { "best", "last" }) do
      local file = "/" .. name .. ".safetensors"
      local where = differing(whole .. file, resumed .. file)
      if where then return ("%s: %s"):format(name, where) end
   end
   for name in lfs.dir(resumed) do
      if name:find "%.new$" then return name .. " was left behind" end
   end
   return nil
end

local function clear(path)
   os.execute("rm -rf " .. quote(path))
end

-- Kills and goes on until the run comes to its end; returns the number of kills, or nil and what went wrong. A kill counts
-- where the process was not at its end yet.
local function interrupted_run(options, kind, output, longest)
   local killed = 0
   clear(output)
   while true do
      local seconds = options.random() * longest
      local code, log = run(options, kind, output, true, killed < options.most and seconds or nil)
      if code == 0 then return killed end
      if code ~= 137 then return nil, ("exit code %d after %d kills: %s"):format(code, killed, log) end
      killed = killed + 1
   end
end

--- Kills until `options.kills` processes were killed. options: program, scratch, data, kinds, kills, random (0 to 1), check,
-- child, most (kills of one run, 40).
function kills.run(options)
   options.most = options.most or 40
   local longest, done = {}, 0
   for _, kind in ipairs(options.kinds) do
      local output = ("%s/whole_%s"):format(options.scratch, kind)
      local start = scute.clock()
      local code, log = run(options, kind, output, false)
      longest[kind] = scute.clock() - start
      options.check(code == 0, kind .. ": the uninterrupted run", log)
   end
   local round = 0
   while done < options.kills do
      round = round + 1
      for _, kind in ipairs(options.kinds) do
         local output = ("%s/killed_%s"):format(options.scratch, kind)
         -- Half of the time it takes as a whole: about a handful of kills to each run.
         local killed, why = interrupted_run(options, kind, output, longest[kind] / 2)
         local fault = killed and kills.compare(kind, ("%s/whole_%s"):format(options.scratch, kind), output) or why
         options.check(not fault, ("%s, round %d: %s kills"):format(kind, round, tostring(killed)), fault)
         done = done + (killed or 1)
      end
   end
   return done
end

return kills
