-- What an evaluation of individuals says: as text, and as JSON.
local as_text = require "scute.reid.evaluate.as_text"
local console = require "scute.base.console"
local to_json = require "scute.base.json"

local tell = {}

local FAILURES = 60 -- that JSON names

--- Prints an evaluation (of evaluate_reid.measure) as text, unless quiet, with what limits its figures. opt: the options of the
-- command line.
function tell.print(result, opt)
   if result.chosen then
      console.warn("these photos chose the epoch, the threshold and the calibration, so the figures are optimistic (--split "
         .. "test: others)")
   end
   if result.leak and result.leak >= 0.01 then console.warn("%s", as_text.leak(result.leak)) end
   console.line("%s on '%s'", opt.model, opt.data_dir)
   console.say(tostring(result))
   if not result.open and not result.among and result.photos > 0 then
      console.say "\nno calibration is known, so that nothing is said of new individuals"
   end
end

-- An answer as JSON has it.
local function failure_of(answer)
   local first = answer.candidates[1]
   return { file = answer.row.file, truth = answer.truth, said = answer.said, similarity = answer.similarity,
      probability = answer.probability, rank = answer.rank, candidate = first and first.row.file or nil }
end

-- Without lists that are for pictures.
local function without(t, ...)
   local copy = {}
   for name, value in pairs(t) do copy[name] = value end
   for _, name in ipairs { ... } do copy[name] = nil end
   return copy
end

local function closed_of(result)
   local c, top = result.closed, {}
   for _, k in ipairs(c.asked) do top["top_" .. k] = c.top[k] end
   top.photos, top.without, top.interval, top.balanced = c.queries, c.without, c.interval, c.balanced
   top.map, top.map_at_r = c.map, c.map_at_r
   return top
end

-- JSON as it is written here has no empty lists.
local function list_or_nothing(list)
   return #list > 0 and list or nil
end

--- An evaluation as a table for JSON; lists that would be empty are not in it. opt: the options of the command line.
function tell.to_table(result, opt)
   local failures = {}
   for i = 1, math.min(FAILURES, #result.failures) do failures[i] = failure_of(result.failures[i]) end
   local open = result.open and without(result.open, "likelier") or nil
   if open then
      local l = result.open.likelier
      open.likelier = { known = l.known, unknown = l.unknown, root = l.root }
   end
   local out = {
      _order = { "model", "data_dir", "split", "protocol", "leak", "among", "chosen", "photos", "left_out", "bad", "gallery",
         "closed", "encounters", "sides", "open", "pairs", "individuals", "failures" },
      model = opt.model, data_dir = opt.data_dir, split = opt.split, protocol = result.text, leak = result.leak,
      among = result.among, chosen = result.chosen, photos = result.photos, left_out = result.left_out,
      bad = result.bad and #result.bad or 0, individuals = list_or_nothing(result.individuals),
      sides = list_or_nothing(result.sides), failures = list_or_nothing(failures),
   }
   if result.photos == 0 then return out end
   out.gallery, out.closed, out.encounters, out.open = result.gallery, closed_of(result), result.encounters, open
   out.pairs = without(result.pairs, "same", "different")
   return out
end

--- Prints an evaluation as one JSON document; see to_table.
function tell.print_json(result, opt)
   io.write(to_json(tell.to_table(result, opt)))
end

return tell
