-- How fast each of several processes (scute.world) is while an epoch trains, and how long it waits for the others. One that
-- holds up all of them is named, once in a run.
local scute = require "scute.core"
local console = require "scute.base.console"
local host_name = require "scute.base.host_name"

local ranks = {}

local world = scute.world
-- A straggler takes so many times as long as the others do, and so many seconds of an epoch more.
local FACTOR, SECONDS = 1.5, 3

local function median(list)
   table.sort(list)
   local n = #list
   return n % 2 == 1 and list[(n + 1) // 2] or (list[n // 2] + list[n // 2 + 1]) / 2
end

-- The median of f(entry) of all entries with photos but number `i`; nil where there are none.
local function of_others(list, i, f)
   local values = {}
   for k, entry in ipairs(list) do
      if k ~= i and entry.photos > 0 then values[#values + 1] = f(entry) end
   end
   return #values > 0 and median(values) or nil
end

local function seconds(entry) return entry.seconds end
local function per_photo(entry) return entry.seconds / entry.photos end

--- Who holds up the others by a clear margin, or nil. list: { photos, seconds = that it computed for } of each process; returns
-- the place in it, how many times as long a photo takes it as the others (their median), and the seconds of these (the same).
-- Who has more photos than others is no straggler for that.
function ranks.straggler(list)
   local slowest, worst, theirs = nil, FACTOR, nil
   for i, entry in ipairs(list) do
      local usual, usual_photo = of_others(list, i, seconds), of_others(list, i, per_photo)
      if entry.photos > 0 and usual and usual_photo > 0 then
         local factor = per_photo(entry) / usual_photo
         local is_clear = entry.seconds >= FACTOR * usual and entry.seconds - usual >= SECONDS
         if is_clear and (factor > worst or not slowest and factor == worst) then slowest, worst, theirs = i, factor, usual end
      end
   end
   return slowest, slowest and worst, theirs
end

--- An epoch begins to train.
function ranks.begin(run)
   if run.feed.shared then run.pace = { photos = 0, from = scute.clock(), waited = world.waited() } end
end

--- Counts photos that this process has computed in an update, where an epoch trains.
function ranks.count(run, n)
   local pace = run.pace
   if pace then pace.photos = pace.photos + n end
end

--- Seconds that this process has spent on something else than computing, where an epoch trains.
function ranks.leave_out(run, spent)
   local pace = run.pace
   if pace then pace.from = pace.from + spent end
end

-- What each process has in `list`, by their order. Together.
local function gather(list)
   local numbers, all = {}, {}
   for i = 1, world.size * #list do numbers[i] = 0 end
   table.move(list, 1, #list, world.rank * #list + 1, numbers)
   local sums = world.sums(numbers)
   for rank = 0, world.size - 1 do all[rank + 1] = table.move(sums, rank * #list + 1, (rank + 1) * #list, 1, {}) end
   return all
end

-- Together.
local function name_straggler(run, list)
   local place, factor, theirs = ranks.straggler(list)
   if not place or run.has_straggler then return end
   run.has_straggler = true
   local hosts = world.texts(host_name())
   run.meter:clear()
   console.warn("rank %d (on %s) takes %.1f times as long as the others for a photo: %s of computing in epoch %d, where theirs "
      .. "took %s; all of them wait for it", place - 1, hosts[place], factor, console.duration(list[place].seconds), run.epoch,
      console.duration(theirs))
end

--- What trains in an epoch has been through: run.ranks = { images_per_second, waited } are lists over the processes, of photos
-- per second of computing and of seconds that each waited for others. Together.
function ranks.finish(run)
   local pace = run.feed.shared and run.pace
   if not pace then return end
   local waited = world.waited() - pace.waited
   local list, speeds, waits = {}, {}, {}
   for i, entry in ipairs(gather { pace.photos, scute.clock() - pace.from - waited, waited }) do
      list[i] = { photos = entry[1], seconds = entry[2] }
      speeds[i], waits[i] = entry[2] > 0 and entry[1] / entry[2] or 0, entry[3]
   end
   run.ranks, run.pace = { images_per_second = speeds, waited = waits }, nil
   name_straggler(run, list)
end

return ranks
