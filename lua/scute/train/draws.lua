-- Random numbers of several processes that train one model (scute.world): while a process computes its photos of a step it
-- draws numbers of its own, and before and after that all of them draw the same. Otherwise dropout would leave out the same
-- units for the first photo of each, and a process without photos would be behind the others from there on.
--
-- A run of one process draws as it comes, and an ordered one by part and photo (see scute.train.ordered).
local scute = require "scute.core"
local draw = require "scute.data.draw"

local draws = {}

local world = scute.world

--- Until the value that it returns goes out of scope, what is drawn is this process's own; what comes then follows from what
-- was there before alone. nil where that is not wanted.
function draws.apart(run)
   if not run.feed.shared or run.ordered then return nil end
   local seed, next_stream = table.unpack(scute.rng_state())
   scute.rng_state(draw.of_rank(seed, next_stream, world.rank))
   return setmetatable({}, { __close = function() scute.rng_state { seed, next_stream + 1 } end })
end

--- From here on all processes draw what the first one does: layers and hooks of the user's may have drawn in some of them
-- alone, and a checkpoint holds what the first one does. Waits for all. Together.
function draws.alike(run)
   if not run.shared then return end
   local halves = { 0, 0, 0, 0 } -- a sum is exact below 2^53
   for i, whole in ipairs(world.rank == 0 and scute.rng_state() or {}) do
      halves[2 * i - 1], halves[2 * i] = whole >> 32, whole & 0xffffffff
   end
   for i, half in ipairs(world.sums(halves)) do halves[i] = math.tointeger(half) end
   scute.rng_state { halves[1] << 32 | halves[2], halves[3] << 32 | halves[4] }
end

--- The hook that sees to that where hooks of the user's, which it comes behind, may have drawn in the middle of an epoch. All
-- draw alike before a checkpoint in any case.
draws.hook = {
   on_step_end = function(run)
      if run.has_step_hooks then draws.alike(run) end
   end,
}

return draws
