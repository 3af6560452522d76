-- RESULTS.md: what bench.json holds, as tables, and which of the aims are reached.
local markdown = require "bench.markdown"

local results = {}

local function sorted_set(set)
   local names = {}
   for name in pairs(set) do names[#names + 1] = name end
   table.sort(names)
   return names
end

-- From when to when the rows of a part were measured, and with what.
local function when(part, ledger)
   local dates, sets = {}, { scute = {}, torch = {}, rounds = {} }
   for _, name in ipairs(ledger:names(part.name)) do
      local row = ledger:row(name)
      dates[#dates + 1] = row.date
      sets.scute[("scute %s (%s)"):format(row.versions.scute, row.versions.commit or "no commit")] = true
      if row.versions.torch then
         sets.torch[("PyTorch %s, torchvision %s, Pillow %s"):format(row.versions.torch, row.versions.torchvision,
            row.versions.pillow)] = true
      end
      if row.rounds then sets.rounds[row.rounds == 1 and "one round" or row.rounds .. " rounds"] = true end
   end
   if #dates == 0 then return "Not measured.\n" end
   table.sort(dates)
   local said = { dates[1] .. (dates[#dates] == dates[1] and "" or " to " .. dates[#dates]) }
   for _, set in ipairs { sets.scute, sets.torch, sets.rounds } do
      local texts = table.concat(sorted_set(set), " and ")
      if texts ~= "" then said[#said + 1] = texts end
   end
   return "Measured " .. table.concat(said, "; ") .. ".\n"
end

local UNITS = { x = "%.2f", s = "%.1f s", MB = "%.0f MB", ms = "%.1f ms" }

-- nil where it was not measured.
local function is_reached(aim)
   if not aim.value then return nil end
   if aim.at_least then return aim.value >= aim.target end
   return aim.value <= aim.target
end

local function to_reach(parts, ledger)
   local lines = {}
   for _, part in ipairs(parts) do
      for _, aim in ipairs(part.reached and part.reached(ledger) or {}) do
         local format = UNITS[aim.unit]
         lines[#lines + 1] = { aim.what, aim.value and format:format(aim.value) or "not measured", aim.at or "",
            ("%s %g%s"):format(aim.at_least and "≥" or "≤", aim.target, format:match " .*$" or ""),
            markdown.reached(is_reached(aim)) }
      end
   end
   return markdown.table({ "", "#the worst row", "which", "#to reach", "reached" }, lines)
end

local function machine_text(machine)
   return ("%s, %d processors, %d threads compute, %d GB, %s"):format(machine.processor, machine.processors, machine.threads,
      machine.memory_gb, machine.system)
end

local HEAD = [[
# Speed and memory, as `make bench` measured them

%s.

Written by `make bench PYTHON=...` from what it leaves in `bench.json` beside it. Times are milliseconds where nothing else
is said, the least of several rounds in which scute and the modes of PyTorch took turns, with as many threads. "best / scute" is
the time of the fastest of PyTorch's modes in the same width over scute's; of more backbones it is channels last that counts, and
nothing is compiled. A row that is measured again takes the place of the one before; each part says when it was measured. A mode
of PyTorch that is far behind in the first round is not measured again.
Compiling is what the process of that mode takes beyond one in channels last, calls not counted, with nothing kept from before.
"Of the peak" is the share of the machine's matrix products in that width, of two operations a multiply-add of convolutions and
linear layers, three times as many in a step of all layers.

## To reach

Against the best of PyTorch's modes in the same width where nothing else is said, in every row of the tables below.

]]

local STOPPED = "\n**The last run did not end: it was in \"%s\". What it did not come to is as old as it says.**\n"

-- What a person wrote about it.
local function reasons(settings)
   local file <close> = io.open(settings.results .. "/REASONS.md")
   return file and "\n" .. file:read "a" or ""
end

--- Writes the page of all parts. What REASONS.md beside it says, why something falls short, becomes a part of it.
function results.write(settings, parts, ledger)
   local under_way = ledger.content.under_way
   local pieces = { HEAD:format(machine_text(ledger.content.machine)), to_reach(parts, ledger),
      under_way and STOPPED:format(under_way) or "", reasons(settings) }
   for _, part in ipairs(parts) do
      local has_rows = #ledger:names(part.name) > 0
      pieces[#pieces + 1] = ("\n## %s\n\n%s"):format(part.title, when(part, ledger))
      if has_rows then pieces[#pieces + 1] = "\n" .. (part.report(ledger) or "") end
   end
   local file = assert(io.open(settings.results .. "/RESULTS.md", "w"))
   assert(file:write(table.concat(pieces)))
   file:close()
end

return results
