-- A profile from its beginning to its end: what C counted between two looks.
local scute = require "scute.core"
local layers = require "scute.profile.layers"
local profiler = scute.profiler

local measure = {}

-- What came to a list of rows since an earlier look: their numbers are differences, and rows without calls are left out.
local function since(rows, before, count_of)
   local list = {}
   for i, row in ipairs(rows) do
      for key, value in pairs(before[i] or {}) do
         if type(value) == "number" then row[key] = row[key] - value end
      end
      if count_of(row) > 0 then list[#list + 1] = row end
   end
   return list
end

local function calls_of(row) return row.forward_calls + row.backward_calls end
local function count_of(row) return row.count end

--- Begins one. Graphs of steps (scute.graphs) are off meanwhile: nothing can look into them.
function measure.begin()
   profiler.begin()
   layers.begin()
   local before = { costs = profiler.costs(), spans = profiler.spans(), graphs = scute.graphs() }
   scute.graphs(false)
   before.clock = scute.clock()
   return before
end

--- Ends it: { seconds, threads, costs = rows of C per op, device, dtype, layer and shapes, spans = rows of C }.
function measure.finish(before)
   local found = { seconds = scute.clock() - before.clock, threads = scute.threads() }
   found.costs = since(profiler.costs(), before.costs, calls_of)
   found.spans = since(profiler.spans(), before.spans, count_of)
   scute.graphs(before.graphs)
   layers.finish()
   profiler.finish()
   return found
end

return measure
