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

local Taken = {}
Taken.__index = Taken

--- Ends it: { seconds, threads, costs = rows of C per op, device, dtype, layer and shapes, spans = rows of C }.
function Taken:finish()
   self.ended = true
   local found = { seconds = scute.clock() - self.clock, threads = scute.threads() }
   found.costs = since(profiler.costs(), self.costs, calls_of)
   found.spans = since(profiler.spans(), self.spans, count_of)
   scute.graphs(self.graphs)
   layers.finish()
   profiler.finish()
   return found
end

function Taken:__close()
   if not self.ended then self:finish() end
end

--- Begins one. Graphs of steps (scute.graphs) are off meanwhile: nothing can look into them.
function measure.begin()
   profiler.begin()
   layers.begin()
   local taken = setmetatable({ costs = profiler.costs(), spans = profiler.spans(), graphs = scute.graphs() }, Taken)
   scute.graphs(false)
   taken.clock = scute.clock()
   return taken
end

return measure
