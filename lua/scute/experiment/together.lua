-- An experiment in a script that several processes run (scute --nproc, mpirun): the first one conducts it while the others
-- sleep, and each of its runs is as many processes as there are here, which share its work as training does. Afterwards all
-- have the same trial.
local console = require "scute.base.console"
local alike = require "scute.train.alike"
local parent = require "scute.experiment.parent"
local process = require "scute.experiment.process"
local scute = require "scute.core"
local sorted_keys = require "scute.base.sorted_keys"

local together = {}

local world = scute.world

local function hosts()
   local seen, n = {}, 0
   for _, name in ipairs(world.texts((world.host()))) do
      if not seen[name] then seen[name], n = true, n + 1 end
   end
   return n
end

local IS_PLAIN = { number = true, string = true, boolean = true }

-- Fails where not all were told the same: the first one does what it was told, and the others look for the trial of theirs.
local function agree(o, list)
   local lines = {}
   for _, name in ipairs(sorted_keys(o)) do
      if IS_PLAIN[type(o[name])] then lines[#lines + 1] = name .. " = " .. tostring(o[name]) end
   end
   for _, variant in ipairs(list or {}) do lines[#lines + 1] = "variant = " .. variant.name end
   alike.agree_on(lines)
end

-- Fails where runs could not be several processes. Called by all.
local function check(o, list)
   agree(o, list)
   local n = hosts()
   if n > 1 then
      console.fail("scute.experiment: the processes are on %d hosts, and a run of an experiment has those of one; start it "
         .. "with scute --nproc on one host", n)
   end
   if o.jobs > 1 then
      console.fail("--jobs %d: each run of the experiment has all %d processes; leave --jobs out, or --nproc", o.jobs,
         world.size)
   end
   if not process.command() and not o.report_only then
      console.fail "scute.experiment: several processes run a script of a file, which each run begins anew; put it into one"
   end
end

-- As it goes out of scope, by whatever way, the others go on.
local function held()
   return setmetatable({}, { __close = function() world.wait() end })
end

--- Calls conduct() and returns the trial; of several processes the first one does, and the others read the trial afterwards. o:
-- options of the experiment; list: its variants.
function together.run(o, list, conduct)
   if world.size == 1 then return conduct() end
   check(o, list)
   if world.rank == 0 then
      local others <close> = held() -- luacheck: ignore
      return conduct()
   end
   world.wait()
   return parent.trial(o, list)
end

return together
