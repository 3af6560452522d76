-- Experiments killed at random moments: the process that the user started, one of its runs, politely or not, at a step or at
-- any time, with seeds, folds, several runs at once and a search. Each ends as one that was never stopped, bit for bit.
-- Usage: scute tests/soak/experiment.lua. From the environment: KILLS=60, SEED of the moments; default: the time
local lfs = require "lfs"
local photos = dofile "tests/cli/photos.lua"
local kills = dofile "tests/experiment/kills.lua"

local wanted, seed = tonumber(os.getenv "KILLS" or 60), tonumber(os.getenv "SEED") or os.time()
local failed = 0
math.randomseed(seed)

local function check(ok, name, detail)
   if not ok then
      failed = failed + 1
      print(("FAILED %s\n   %s"):format(name, (tostring(detail):gsub("\n", "\n   "))))
   end
   return ok
end

local KINDS = {
   { flags = "--seeds 2 --budget epochs=4 --threads 1", runs = { "seed0", "seed1" } },
   { flags = "--folds 2 --budget epochs=4 --threads 1", runs = { "fold1", "fold2" } },
   { flags = "--seeds 2 --budget epochs=4 --threads 2 --jobs 2", runs = { "seed0", "seed1" } },
   { flags = "--seeds 2 --budget epochs=4 --threads 1 --search halving", runs = { "seed0", "seed1" } },
   { flags = "--folds 2 --nested 2 --budget epochs=4 --threads 1", runs = { "fold1.1", "fold1.2", "fold2.1", "fold2.2" } },
}
local VARIANTS, SIGNALS = { "slow", "smooth", "fast" }, { "KILL", "TERM", "INT" }
local AT_ONCE, STEPS, SECONDS = 10, 12, 3

local function one_of(list)
   return list[math.random(#list)]
end

-- The parent gets any signal; a run of its own is killed, or told to stop. place: which run of the experiment it is.
local function random_kill(kind, place)
   if math.random(4) == 1 then return SECONDS * math.random() end
   local target = math.random(3) == 1 and "worker" or "parent"
   local signal = target == "worker" and one_of { "KILL", "TERM" } or one_of(SIGNALS)
   return ("%s %s %d %s %s"):format(VARIANTS[place % #VARIANTS + 1], kind.runs[place // #VARIANTS + 1], math.random(STEPS),
      target, signal)
end

-- One run after the other, as they come, so that each meets a run that is not done yet.
local function random_kills(kind)
   local places, list = {}, {}
   for i = 1, AT_ONCE do places[i] = math.random(#VARIANTS * #kind.runs) - 1 end
   table.sort(places)
   for i, place in ipairs(places) do list[i] = random_kill(kind, place) end
   return list
end

local scratch = os.tmpname()
os.remove(scratch)
assert(lfs.mkdir(scratch))
photos.set(scratch .. "/data", { blue = 14, red = 13 })
local met, round = 0, 0
while met < wanted and failed == 0 do
   local number = round % #KINDS + 1
   local kind = KINDS[number]
   met, round = met + kills.run { program = arg[-1], scratch = scratch, data = scratch .. "/data", flags = kind.flags,
      whole = scratch .. "/whole" .. number, kills = random_kills(kind), check = check }, round + 1
   print(("%d kills, %s"):format(met, kind.flags))
end
os.execute(("rm -rf '%s'"):format(scratch))
print(failed == 0 and ("%d kills, seed %d: all experiments ended as if never stopped"):format(met, seed)
   or ("%d failed, seed %d"):format(failed, seed))
os.exit(failed == 0, true)
