-- Networks, against modes of PyTorch in the same width: forward, a training step, a step of the last group alone, one photo.
-- Each measurement is a process of its own, so that its peak memory is that of this mode; modes come in turns, round by round.
-- A mode of PyTorch that the first round shows to be far behind its best one is not measured again.
local markdown = require "bench.markdown"
local process = require "bench.process"
local told = require "bench.parts.networks_told"

local BEHIND = 1.2 -- times the best mode's milliseconds
local CALLS = 9 -- that peer_modes.py and peer_more.py make
local SIDE, SIDE_OF = told.SIDE, { efficientnet_b3 = { 224, 300 } }
local NOT_IN_TORCHVISION = { efficientnet_lite0 = true }

local networks = {}

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
   local names, wanted = {}, not settings.names_models and part.models or settings.models
   for _, name in ipairs(wanted) do
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

--- The script that measures a row in a mode of PyTorch, and its arguments. The yardstick knows torchvision's networks at 224
--- pixels, forward and whole steps; the rest is peer_more.py's.
function networks.peer_of(row, mode)
   local arguments = ("%s %s %s %d %s"):format(row.model, mode, row.width, row.batch, row.what)
   local yardstick = row.side == SIDE and row.what ~= "last" and not NOT_IN_TORCHVISION[row.model]
   if yardstick then return "peer_modes.py " .. arguments end
   return ("peer_more.py %s %d"):format(arguments, row.side)
end

-- Returns seconds of the process, less those of its calls.
local function measure_peer(settings, row, mode)
   local seconds, text = process.timed(("%s TORCHINDUCTOR_CACHE_DIR='%s' '%s' %s/%s"):format(process.threads(row.threads),
      cache_of(settings, row), settings.python, settings.here, networks.peer_of(row, mode)))
   note(row, mode, text)
   return seconds - CALLS * row.modes[mode].ms / 1e3
end

-- What torch.compile kept of a row, with the same PyTorch, is used again; the seconds it took are known from then, or not at
-- all. Where there is nothing, nothing that was begun may help it.
local function forget_compiled(settings, ledger, row)
   local before, cache = ledger:row(name_of(row)), cache_of(settings, row)
   row.was_compiled = process.exists(("%s/torch-%s"):format(cache, ledger.versions.torch))
   if row.was_compiled then
      row.compiling = before and before.versions.torch == ledger.versions.torch and before.compiling or nil
   else
      process.run(("rm -rf '%s' && mkdir -p '%s'"):format(cache, cache))
   end
end

local function measure_modes(part, settings, ledger, row)
   local compiles = told.compiles(part)
   if compiles then forget_compiled(settings, ledger, row) end
   local beside = {}
   for _, mode in ipairs(told.modes_of(part)) do beside[mode] = measure_peer(settings, row, mode) end
   if compiles and not row.was_compiled then
      row.compiling = math.max(0, beside.compile - beside.cl)
      process.run(("touch '%s/torch-%s'"):format(cache_of(settings, row), ledger.versions.torch))
   end
end

-- Of a later round.
local function measure_modes_again(part, settings, row)
   local best = told.best_of(part, row)
   for _, mode in ipairs(told.modes_of(part)) do
      local compiled = mode == "compile" and not row.was_compiled -- which takes memory of its own
      if compiled or row.modes[mode].ms <= BEHIND * best then measure_peer(settings, row, mode) end
   end
   if told.compiles(part) then row.was_compiled = true end
end

local function measure(part, settings, ledger, row, round)
   measure_scute(settings, row)
   if settings.python and round == 1 then
      measure_modes(part, settings, ledger, row)
   elseif settings.python then
      measure_modes_again(part, settings, row)
   end
   row.rounds = round
   ledger:keep(name_of(row), row)
end

-- ---- the parts ----

--- A part: its name, title, whats = a list of "infer", "train" and "last", and aims: what is to be reached by those, by name;
--- modes: those of PyTorch that are measured, default all, and against: those of them that count, default all that are measured;
--- models: the networks where MODELS names none; memory: the share of PyTorch's to reach; once: there are no rounds; batch and
--- threads where they are not the settings'; at_224: no other sizes; leaves_out: a set of networks.
function networks.part(part)
   function part.run(settings, ledger)
      local rows = rows_of(part, settings)
      for round = 1, part.once and 1 or settings.rounds do
         for _, row in ipairs(rows) do
            measure(part, settings, ledger, row, round)
            print(("%s, round %d: scute %.1f ms, PyTorch %s"):format(name_of(row), round, row.modes.scute.ms,
               markdown.number(told.best_of(part, row), 1)))
         end
      end
   end
   function part.report(ledger) return told.report(part, ledger) end
   function part.reached(ledger) return told.reached(part, ledger) end
   return part
end

return networks
