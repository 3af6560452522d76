-- The state of a run: a list of parts, each of which reports and restores its own under its own name. A checkpoint is all of
-- them in a file, a snapshot some of them in memory.
--
-- A part is a table { name, save, load }:
--    save(run)                  -> plain data (tables with text keys or lists, texts, numbers, booleans), and tensors by name
--    load(run, data, tensors)      takes them over
-- Hooks that have a name and these two are parts too (see scute.train.hooks).
local scute = require "scute"

local state = {}

-- ---- parts of every run ----

local function chosen(tensors, wanted)
   if not wanted then return tensors end
   local some = {}
   for name in pairs(wanted) do some[name] = tensors[name] end
   return some
end

local function names_in(set)
   local names = {}
   for name in pairs(set or {}) do names[#names + 1] = name end
   table.sort(names)
   return names
end

-- Tensors are those that can have changed since the run began (run.changing); all where it does not say.
local model = { name = "model" }

function model.save(run)
   local data = run.model:fields()
   data.changing = names_in(run.changing)
   return data, chosen(run.model:state_dict().tensors, run.changing)
end

function model.load(run, data, tensors)
   run.model:set_fields(data)
   if run.changing then
      run.changing = {}
      for _, name in ipairs(data.changing) do run.changing[name] = true end
   end
   local own = run.model:state_dict().tensors
   scute.no_grad(function()
      for name, tensor in pairs(tensors) do own[name]:copy_(tensor) end
   end)
end

local optimizer = { name = "optimizer" }

function optimizer.save(run)
   local saved = run.optimizer:state_dict()
   return { kind = saved.kind, groups = saved.groups, steps = saved.steps }, saved.tensors
end

function optimizer.load(run, data, tensors)
   run.optimizer:load_state_dict { kind = data.kind, groups = data.groups, steps = data.steps, tensors = tensors }
end

local random = { name = "random" }

function random.save()
   return scute.rng_state()
end

function random.load(_, data)
   scute.rng_state(data)
end

state.model, state.optimizer, state.random = model, optimizer, random

-- ---- all of them ----

--- The parts in a list of parts and hooks: those that have something to save.
function state.parts(list)
   local parts = {}
   for _, part in ipairs(list) do
      if part.name and part.save then parts[#parts + 1] = part end
   end
   return parts
end

--- What the parts of a run report: plain data by part, and tensors as {"part.name" = tensor}, which are the parts' own.
function state.take(run, parts)
   local data, tensors = {}, {}
   for _, part in ipairs(parts) do
      local own
      data[part.name], own = part.save(run)
      data[part.name] = data[part.name] or {}
      for name, tensor in pairs(own or {}) do tensors[part.name .. "." .. name] = tensor end
   end
   return data, tensors
end

local function of_part(tensors, prefix)
   local own = {}
   for name, tensor in pairs(tensors) do
      if name:sub(1, #prefix) == prefix then own[name:sub(#prefix + 1)] = tensor end
   end
   return own
end

--- Hands each part what take() gave, in the order of the list.
function state.put(run, parts, data, tensors)
   for _, part in ipairs(parts) do
      if part.load and data[part.name] ~= nil then part.load(run, data[part.name], of_part(tensors, part.name .. ".")) end
   end
end

return state
