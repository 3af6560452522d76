-- What parts/networks.lua measured, told: tables, ratios, shares of the machine's peak, and what is reached.
local scute = require "scute"
local markdown = require "bench.markdown"
local number = markdown.number

local TARGETS = { infer = 1.15, train = 1.4, last = 1.4 } -- best of PyTorch's milliseconds over scute's
local ORDER = { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2", "efficientnet_lite0",
   "efficientnet_v2_s", "convnext_tiny", "mobilenet_v3_large" }
local MODES = { "eager", "cl", "compile" }
local TITLES = { eager = "eager", cl = "channels last", compile = "compile" }

local told = { SIDE = 224 }

--- The modes of PyTorch that a part measures.
function told.modes_of(part)
   return part.modes or MODES
end

--- Whether torch.compile is one of them.
function told.compiles(part)
   for _, mode in ipairs(told.modes_of(part)) do
      if mode == "compile" then return true end
   end
   return false
end

--- Milliseconds of the best of PyTorch's modes, of those that count in this part; nil where none was measured.
function told.best_of(part, row)
   local best
   for _, name in ipairs(part.against or told.modes_of(part)) do
      local own = row.modes[name]
      if own and own.ms < (best or math.huge) then best = own.ms end
   end
   return best
end

-- Multiply-adds of a photo.
local multiply_adds = {}
local function macs(row)
   local key = row.model .. row.side
   if not multiply_adds[key] then
      local model = scute.nn.init.on("shape", scute.models.create, row.model, { classes = 10, pretrained = "none" })
      multiply_adds[key] = scute.nn.summary(model, { 1, 3, row.side, row.side }).macs
   end
   return multiply_adds[key]
end

-- Of the matrix products that the machine does in this width; a step computes about three times what forward does.
local function share_of_peak(ledger, row)
   local peak = ledger:row("peak/" .. row.width)
   local times = ({ infer = 1, train = 3, last = 1 })[row.what]
   if not peak or row.threads ~= ledger.content.machine.threads then return nil end
   return 2 * macs(row) * row.batch * times / (row.modes.scute.ms / 1e3) / (peak.most * 1e9)
end

local function least_memory(row)
   local least
   for _, name in ipairs(MODES) do
      local own = row.modes[name]
      if own and own.mb and own.mb < (least or math.huge) then least = own.mb end
   end
   return least
end

local function ratio_of(part, row)
   local best = told.best_of(part, row)
   return best and best / row.modes.scute.ms
end

local function share_of_memory(row)
   local least = least_memory(row)
   return least and row.modes.scute.mb / least
end

local function row_title(row)
   return row.model .. (row.side == told.SIDE and "" or " " .. row.side)
end

local WORDS = { infer = "forward", train = "step", last = "step" }

local function memory_cells(part, row)
   local of_least = share_of_memory(row)
   return { number(row.modes.scute.mb), number(least_memory(row)), number(of_least, 2),
      markdown.reached(of_least and of_least <= part.memory) }
end

-- nil where nothing is to be reached, or nothing is known.
local function is_reached(part, row, ratio)
   if not ratio or not part.aims[row.what] then return nil end
   return ratio >= TARGETS[row.what]
end

local function add_all(list, more)
   return table.move(more, 1, #more, #list + 1, list)
end

local function cells(part, ledger, row)
   local list = { row_title(row), WORDS[row.what], row.width, tostring(row.batch), number(row.modes.scute.ms, 1) }
   for _, mode in ipairs(told.modes_of(part)) do list[#list + 1] = number(row.modes[mode] and row.modes[mode].ms, 1) end
   if told.compiles(part) then list[#list + 1] = number(row.compiling, 0) end
   local ratio, share = ratio_of(part, row), share_of_peak(ledger, row)
   add_all(list, { number(ratio, 2), markdown.reached(is_reached(part, row, ratio)),
      share and number(100 * share) .. " %" or "-" })
   return part.memory and add_all(list, memory_cells(part, row)) or list
end

-- By what is done, then by width, the widest first, then as ORDER has them.
local function sort_key(row)
   local place = #ORDER + 1
   for i, model in ipairs(ORDER) do
      if model == row.model then place = i end
   end
   return ("%s %d %02d %s %06d %06d"):format(row.what, row.width == "f32" and 1 or 2, place, row.model, row.side, row.batch)
end

local function rows_measured(part, ledger)
   local rows = {}
   for i, name in ipairs(ledger:names(part.name)) do rows[i] = ledger:row(name) end
   table.sort(rows, function(a, b) return sort_key(a) < sort_key(b) end)
   return rows
end

-- What a part measures that is to reach something.
local function aims_of(part)
   local list = {}
   for _, what in ipairs(part.whats) do
      if part.aims[what] then list[#list + 1] = what end
   end
   return list
end

local function heads_of(part)
   local heads, against, targets = { "network", "", "width", "#photos", "#scute" }, part.against, {}
   for _, mode in ipairs(told.modes_of(part)) do heads[#heads + 1] = "#" .. TITLES[mode] end
   if told.compiles(part) then heads[#heads + 1] = "#compiling, s" end
   for _, what in ipairs(aims_of(part)) do targets[#targets + 1] = ("≥ %g"):format(TARGETS[what]) end
   add_all(heads, { ("#%s / scute"):format(against and #against == 1 and TITLES[against[1]] or "best"),
      table.concat(targets, ", "), "#of the peak" })
   if not part.memory then return heads end
   return add_all(heads, { "#MB: scute", "#PyTorch's least", "#share", ("≤ %g"):format(part.memory) })
end

--- The table of a part.
function told.report(part, ledger)
   local lines = {}
   for i, row in ipairs(rows_measured(part, ledger)) do lines[i] = cells(part, ledger, row) end
   return markdown.table(heads_of(part), lines)
end

-- The worst row by a measure: its value, and what it is called. sign: -1 where less is better.
local function worst(rows, measure_of, sign)
   local value, name
   for _, row in ipairs(rows) do
      local own = measure_of(row)
      if own and (not value or sign * own < sign * value) then
         value, name = own, ("%s, %s"):format(row_title(row), row.width)
      end
   end
   return value, name
end

--- The aims of a part: its ratios, and the share of memory where it has one.
function told.reached(part, ledger)
   local rows, list = rows_measured(part, ledger), {}
   for i, what in ipairs(aims_of(part)) do
      local function own_ratio(row) return row.what == what and ratio_of(part, row) or nil end
      local value, name = worst(rows, own_ratio, 1)
      list[i] = { what = part.aims[what], value = value, at = name, target = TARGETS[what], at_least = true, unit = "x" }
   end
   if part.memory then
      local value, name = worst(rows, share_of_memory, -1)
      list[#list + 1] = { what = "peak memory of the step, against PyTorch's least", value = value, at = name,
         target = part.memory, at_least = false, unit = "x" }
   end
   return list
end

return told
