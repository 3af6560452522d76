-- What layers make on the way through a network and nobody needs any more is freed; the tape, where it records, has references
-- of its own. A layer may pass on what it was given, as nn.Identity does: that is not freed while somebody has it.
local passing = {}

--- Frees a tensor, unless it is one of those that follow.
function passing.free(tensor, ...)
   for i = 1, select("#", ...) do
      if rawequal(tensor, (select(i, ...))) then return end
   end
   tensor:free()
end

--- What layers[first] to layers[last] (default: all) make of x one after the other. x stays.
function passing.through(x, layers, first, last)
   local y = x
   for place = first or 1, last or #layers do
      local before = y
      y = layers[place](before)
      passing.free(before, x, y)
   end
   return y
end

--- The same of layers of which the last pools: what it gives as (N, F). x stays.
function passing.pooled(x, layers)
   local maps = passing.through(x, layers)
   local features = maps:flatten(2)
   passing.free(maps, x)
   return features
end

return passing
