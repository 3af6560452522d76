-- What parts/networks.lua measured, told: tables, ratios, shares of the machine's peak, and what is reached.
local scute = require "scute"
local markdown = require "bench.markdown"
local number = markdown.number

local TARGETS = { infer = 1.15, train = 1.4, last = 1.4 } -- best of PyTorch's milliseconds over scute's
local ORDER = { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2" }

local told = { MODES = { "eager", "cl", "compile" }, SIDE = 224 }

--- Milliseconds of the best of PyTorch's modes; nil where none was measured.
function told.best_of(row)
   local best
   for _, name in ipairs(told.MODES) do
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
   for _, name in ipairs(told.MODES) do
      local own = row.modes[name]
      if own and own.mb and own.mb < (least or math.huge) then least = own.mb end
   end
   return least
end

local function ratio_of(row)
   local best = told.best_of(row)
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

local function cells(part, ledger, row)
   local function ms(mode) return number(row.modes[mode] and row.modes[mode].ms, 1) end
   local ratio, share = ratio_of(row), share_of_peak(ledger, row)
   local list = { row_title(row), WORDS[row.what], row.width, tostring(row.batch), ms "scute",
      ms "eager", ms "cl", ms "compile", number(row.compiling, 0), number(ratio, 2) }
   list[#list + 1] = markdown.reached(ratio and ratio >= TARGETS[row.what])
   list[#list + 1] = share and number(100 * share) .. " %" or "-"
   if part.memory then
      local of_least = share_of_memory(row)
      list[#list + 1] = number(row.modes.scute.mb)
      list[#list + 1] = number(least_memory(row))
      list[#list + 1] = number(of_least, 2)
      list[#list + 1] = markdown.reached(of_least and of_least <= part.memory)
   end
   return list
end

-- By what is done, then by width, the widest first, then as ORDER has them.
local function sort_key(row)
   local place = #ORDER + 1
   for i, model in ipairs(ORDER) do
      if model == row.model then place = i end
   end
   return ("%s %d %d %s %06d %06d"):format(row.what, row.width == "f32" and 1 or 2, place, row.model, row.side, row.batch)
end

local function rows_measured(part, ledger)
   local rows = {}
   for i, name in ipairs(ledger:names(part.name)) do rows[i] = ledger:row(name) end
   table.sort(rows, function(a, b) return sort_key(a) < sort_key(b) end)
   return rows
end

--- The table of a part.
function told.report(part, ledger)
   local targets = {}
   for i, what in ipairs(part.whats) do targets[i] = ("≥ %g"):format(TARGETS[what]) end
   local heads = { "network", "", "width", "#photos", "#scute", "#eager", "#channels last", "#compile", "#compiling, s",
      "#best / scute", table.concat(targets, ", "), "#of the peak" }
   if part.memory then
      for _, head in ipairs { "#MB: scute", "#PyTorch's least", "#share", ("≤ %g"):format(part.memory) } do
         heads[#heads + 1] = head
      end
   end
   local lines = {}
   for i, row in ipairs(rows_measured(part, ledger)) do lines[i] = cells(part, ledger, row) end
   return markdown.table(heads, lines)
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
   for i, what in ipairs(part.whats) do
      local function own_ratio(row) return row.what == what and ratio_of(row) or nil end
      local value, name = worst(rows, own_ratio, 1)
      list[i] = { what = part.aims[i], value = value, at = name, target = TARGETS[what], at_least = true, unit = "x" }
   end
   if part.memory then
      local value, name = worst(rows, share_of_memory, -1)
      list[#list + 1] = { what = "peak memory of the step, against PyTorch's least", value = value, at = name,
         target = part.memory, at_least = false, unit = "x" }
   end
   return list
end

return told
