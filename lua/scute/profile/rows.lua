-- The rows of a profile: what C counted, added up by op, by shapes or by layer, and what is no op, so that the shares are those
-- of the whole time.
local rows = {}

local NO_LAYER, REST = "(no layer)", "Lua, and what is not listed"

local NUMBERS = { "forward_calls", "backward_calls", "fallbacks", "forward_seconds", "backward_seconds", "forward_flops",
   "backward_flops", "forward_bytes", "backward_bytes" }

local name_of = {}
function name_of.op(cost) return cost.op end
function name_of.shapes(cost) return ("%s %s %s"):format(cost.op, cost.dtype, cost.shapes) end
function name_of.layer(cost) return cost.layer ~= "" and cost.layer or NO_LAYER end

--- By what rows can be added up.
rows.BY = { "op", "shapes", "layer" }

local function several_devices(costs)
   for _, cost in ipairs(costs) do
      if cost.device ~= costs[1].device then return true end
   end
   return false
end

local function new_row(name, kind)
   local row = { name = name, kind = kind }
   for _, key in ipairs(NUMBERS) do row[key] = 0 end
   return row
end

local function add_up(costs, by)
   local list, known, tells_device = {}, {}, several_devices(costs)
   for _, cost in ipairs(costs) do
      local name = name_of[by](cost) .. (tells_device and " on " .. cost.device or "")
      local row = known[name]
      if not row then
         row = new_row(name, by)
         known[name], list[#list + 1], row.device = row, row, cost.device
      end
      for _, key in ipairs(NUMBERS) do row[key] = row[key] + cost[key] end
   end
   return list
end

local function rate(amount, seconds)
   return amount > 0 and seconds > 0 and amount / seconds / 1e9 or nil
end

-- What follows from the numbers of a row.
local function complete(row, whole)
   row.seconds = row.forward_seconds + row.backward_seconds
   row.calls = row.forward_calls + row.backward_calls
   row.flops = row.forward_flops + row.backward_flops
   row.bytes = row.forward_bytes + row.backward_bytes
   row.gflops_per_second, row.gb_per_second = rate(row.flops, row.seconds), rate(row.bytes, row.seconds)
   row.share = whole > 0 and row.seconds / whole or 0
   return row
end

-- What a script called a range, in one line that a table can count the letters of.
local function visible(name)
   name = name:gsub("%c", "?")
   return utf8.len(name) and name or (name:gsub("[\x80-\xFF]", "?"))
end

local function of_span(span)
   local row = new_row(span.name, "system")
   if span.is_range then row.name, row.kind = visible(span.name) .. ", beside ops", "range" end
   row.forward_calls, row.forward_seconds = span.count, span.seconds
   return row
end

local function slowest_first(a, b)
   if a.seconds ~= b.seconds then return a.seconds > b.seconds end
   return a.name < b.name
end

--- The rows, slowest first, of all that happened in the thread that took the profile. The last one is the rest of the time.
function rows.of(found, by)
   local list, sum = add_up(found.costs, by), 0
   for _, span in ipairs(found.spans) do
      if not span.beside then list[#list + 1] = of_span(span) end
   end
   for _, row in ipairs(list) do sum = sum + complete(row, found.seconds).seconds end
   table.sort(list, slowest_first)
   local rest = new_row(REST, "rest")
   rest.forward_seconds = found.seconds - sum
   list[#list + 1] = complete(rest, found.seconds)
   return list
end

--- What other threads did meanwhile: a list of {name, calls, seconds}.
function rows.beside(found)
   local list = {}
   for _, span in ipairs(found.spans) do
      if span.beside then list[#list + 1] = { name = span.name, calls = span.count, seconds = span.seconds } end
   end
   table.sort(list, slowest_first)
   return list
end

return rows
