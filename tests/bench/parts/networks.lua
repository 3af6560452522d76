-- Networks, against three modes of PyTorch in the same width: forward, a training step, a step of the last group alone, one
-- photo. Each measurement is a process of its own, so that its peak memory is that of this mode; modes come in turns, round by
-- round. A mode of PyTorch that the first round shows to be far behind its best one is not measured again.
local scute = require "scute"
local markdown = require "bench.markdown"
local process = require "bench.process"
local number = markdown.number

local MODES = { "eager", "cl", "compile" }
local BEHIND = 1.2 -- times the best mode's milliseconds
local TARGETS = { infer = 1.15, train = 1.4, last = 1.4 } -- best of PyTorch's milliseconds over scute's
local CALLS = 9 -- that peer_modes.py and peer_more.py make
local SIDE, SIDE_OF = 224, { efficientnet_b3 = { 224, 300 } }

local networks = { ORDER = { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2" } }

-- ---- which rows ----

local function sides_of(settings, model)
   if settings.side then return { settings.side } end
   return SIDE_OF[model] or { SIDE }
end

local function name_of(row)
   return ("%s/%s/%s/%d/%s/%d"):format(row.part, row.what, row.model, row.side, row.width, row.batch)
end

-- Those of the part that were asked for.
local function models_of(part, settings)
   local names = {}
   for _, name in ipairs(settings.models) do
      if not part.leaves_out or not part.leaves_out[name] then names[#names + 1] = name end
   end
   return names
end

local function rows_of(part, settings)
   local rows = {}
   for _, what in ipairs(part.whats) do
      for _, model in ipairs(models_of(part, settings)) do
         for _, side in ipairs(part.at_224 and { settings.side or SIDE } or sides_of(settings, model)) do
            for _, width in ipairs(settings.widths) do
               rows[#rows + 1] = { part = part.name, model = model, side = side, width = width, what = what,
                  batch = part.batch or settings.batch, threads = part.threads or settings.threads, modes = {} }
            end
         end
      end
   end
   return rows
end

-- What torch.compile keeps of a row.
local function cache_of(settings, row)
   return ("%s/compiled/%s"):format(settings.scratch, (name_of(row):gsub("/", "-")))
end

-- ---- measuring ----

local function note(row, mode, text)
   local own = row.modes[mode] or {}
   row.modes[mode] = own
   process.keep_least(own, "ms", tonumber(text:match "([%d.]+) ms"))
   process.keep_least(own, "mb", tonumber(text:match "rss (%d+)MB"))
end

local function measure_scute(settings, row)
   local text = process.run(("%s SIDE=%d %s %s/step.lua %s %d %s %s"):format(process.threads(row.threads), row.side,
      settings.scute, settings.here, row.model, row.batch, row.what, row.width))
   note(row, "scute", text)
end

-- The yardstick knows 224 pixels, forward and whole steps; the rest is peer_more.py's. Returns seconds of the process, less
-- those of its calls.
local function measure_peer(settings, row, mode)
   local arguments = ("%s %s %s %d %s"):format(row.model, mode, row.width, row.batch, row.what)
   local script = row.side == SIDE and row.what ~= "last" and "peer_modes.py " .. arguments
      or ("peer_more.py %s %d"):format(arguments, row.side)
   local seconds, text = process.timed(("%s TORCHINDUCTOR_CACHE_DIR='%s' '%s' %s/%s"):format(process.threads(row.threads),
      cache_of(settings, row), settings.python, settings.here, script))
   note(row, mode, text)
   return seconds - CALLS * row.modes[mode].ms / 1e3
end

-- What torch.compile takes is known from before with the same PyTorch; where it is not, nothing that was kept may help it.
local function forget_compiled(settings, ledger, row)
   local before, cache = ledger:row(name_of(row)), cache_of(settings, row)
   row.was_compiled = before ~= nil and before.versions.torch == ledger.versions.torch and process.exists(cache)
   if row.was_compiled then
      row.compiling = before.compiling
   else
      process.run(("rm -rf '%s' && mkdir -p '%s'"):format(cache, cache))
   end
end

local function measure_modes(settings, ledger, row)
   forget_compiled(settings, ledger, row)
   local beside = {}
   for _, mode in ipairs(MODES) do beside[mode] = measure_peer(settings, row, mode) end
   row.compiling = row.compiling or math.max(0, beside.compile - beside.cl)
end

local function best_of(row)
   local best, mode = math.huge, nil
   for _, name in ipairs(MODES) do
      local own = row.modes[name]
      if own and own.ms < best then best, mode = own.ms, name end
   end
   return mode and best, mode
end

local function measure(settings, ledger, row, round)
   measure_scute(settings, row)
   if settings.python and round == 1 then
      measure_modes(settings, ledger, row)
   elseif settings.python then
      local best = best_of(row)
      for _, mode in ipairs(MODES) do
         local compiled = mode == "compile" and not row.was_compiled -- which takes memory of its own
         if compiled or row.modes[mode].ms <= BEHIND * best then measure_peer(settings, row, mode) end
      end
      row.was_compiled = true
   end
   row.rounds = round
   ledger:keep(name_of(row), row)
end

-- ---- telling ----

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

local function ratio_of(row)
   local best = best_of(row)
   return best and best / row.modes.scute.ms
end

local function share_of_memory(row)
   local least = least_memory(row)
   return least and row.modes.scute.mb / least
end

local function row_title(row)
   return row.model .. (row.side == SIDE and "" or " " .. row.side)
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

-- By what is done, then by width, the widest first, then as networks.ORDER has them.
local function sort_key(row)
   local place = #networks.ORDER + 1
   for i, model in ipairs(networks.ORDER) do
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

local function table_of(part, ledger, rows)
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
   for i, row in ipairs(rows) do lines[i] = cells(part, ledger, row) end
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

-- ---- the parts ----

--- A part: its name, title, whats = a list of "infer", "train" and "last", and aims, what those are called; memory: the share
-- of PyTorch's to reach; once: there are no rounds; batch and threads where they are not the settings'; at_224: no other sizes;
-- leaves_out: a set of networks.
function networks.part(part)
   function part.run(settings, ledger)
      local rows = rows_of(part, settings)
      for round = 1, part.once and 1 or settings.rounds do
         for _, row in ipairs(rows) do
            measure(settings, ledger, row, round)
            print(("%s, round %d: scute %.1f ms, PyTorch %s"):format(name_of(row), round, row.modes.scute.ms,
               number(best_of(row), 1)))
         end
      end
   end
   function part.report(ledger)
      return table_of(part, ledger, rows_measured(part, ledger))
   end
   function part.reached(ledger)
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
   return part
end

return networks
