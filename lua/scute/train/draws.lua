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
-- alone. Waits for all. Together.
function draws.alike(run)
   if not run.shared then return end
   local first = world.texts(("<i8i8"):pack(table.unpack(scute.rng_state())))[1]
   local seed, next_stream = ("<i8i8"):unpack(first)
   scute.rng_state { seed, next_stream }
end

return draws
