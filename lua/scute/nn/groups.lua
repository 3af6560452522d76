-- The table of groups: part of nn.Module.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local options = require "scute.base.options"
local decay = require "scute.nn.decay"
local parts = require "scute.nn.parts"
local columns = require "scute.base.columns"
local sorted_keys = require "scute.base.sorted_keys"
local thousands = columns.thousands

-- The mode that all batch norms in the paths share, "mixed" if they differ, "-" if there are none.
local function batch_norm_mode(self, paths)
   local common
   for _, norm in ipairs(parts.batch_norms(self, paths)) do
      local mode = norm:mode()
      if common and mode ~= common then return "mixed" end
      common = mode
   end
   return common or "-"
end

-- "features.4 to features.6"
local function layers_text(paths)
   if #paths <= 2 then return table.concat(paths, ", ") end
   return paths[1] .. " to " .. paths[#paths]
end

local group_table = { __name = "groups" }

-- What groups may be given beside their rate; a column of the table where one has it.
local SETTINGS = { "lr", "weight_decay", "momentum", "beta1", "beta2" }

local ENTRIES = {}
for i, name in ipairs(SETTINGS) do
   ENTRIES[i] = { name, is = options.of_type("number", "table"), expected = "a number, or a table {group = number}",
      help = "of all groups, or { group or alias = number, default = number }" }
end
local GROUPS = options.declare("groups", ENTRIES)

-- lr, and of the others those that some group has.
local function settings_of(groups)
   local names = {}
   for i, name in ipairs(SETTINGS) do
      local given = i == 1
      for _, group in ipairs(groups) do given = given or group[name] ~= nil end
      if given then names[#names + 1] = name end
   end
   return names
end

local function setting_text(group, name)
   return group[name] and group.trainable > 0 and ("%g"):format(group[name]) or "-"
end

function group_table.__tostring(self)
   local names = settings_of(self)
   local rows = { { "group", "layers", "parameters", "trainable", "decayed" } }
   for _, name in ipairs(names) do table.insert(rows[1], (name:gsub("_", " "))) end
   table.insert(rows[1], "batch norm")
   local total, trainable, decayed = 0, 0, 0
   for _, group in ipairs(self) do
      local row = { group.name, layers_text(group.paths), thousands(group.count), thousands(group.trainable),
         thousands(group.decayed) }
      for _, name in ipairs(names) do row[#row + 1] = setting_text(group, name) end
      row[#row + 1] = group.batch_norm
      rows[#rows + 1] = row
      total, trainable, decayed = total + group.count, trainable + group.trainable, decayed + group.decayed
   end
   rows[#rows + 1] = { "total", "", thousands(total), thousands(trainable), thousands(decayed) }
   return columns.text(rows, { 1, 2, #rows[1] })
end

-- A value of a setting for every group, from a number or from {group or alias = number, default = number}.
local function values(self, setting, lr)
   if type(lr) ~= "table" then return function() return lr end end
   local by_group, known = {}, { "default" }
   local aliases = self:group_aliases()
   for _, group in ipairs(self:group_paths()) do known[#known + 1] = group[1] end
   for _, alias in ipairs(sorted_keys(aliases)) do known[#known + 1] = alias end
   for name, rate in pairs(lr) do
      local found = false
      for _, entry in ipairs(known) do found = found or entry == name end
      if not found then
         local near = scute.nearest(tostring(name), known)
         error(("groups: %s: no group '%s'%s; expected some of %s"):format(setting, tostring(name),
            near and ("; did you mean '%s'?"):format(near) or "", table.concat(known, ", ")), 0)
      end
      for _, group in ipairs(aliases[name] or {}) do by_group[group] = by_group[group] or rate end
   end
   for name, rate in pairs(lr) do
      if not aliases[name] then by_group[name] = rate end
   end
   return function(name) return by_group[name] or lr.default end
end

local function readers(self, given)
   local o, of = GROUPS:read(given, 3), {}
   for _, name in ipairs(SETTINGS) do of[name] = values(self, name, o[name]) end
   return of
end

-- Puts the parameters of a group, out of those of the model, into it and counts them.
local function fill(group, parameters)
   for _, entry in ipairs(parameters) do
      local full, tensor = entry[1], entry[2]
      if parts.matches(group.paths, full) then
         local trains = tensor.requires_grad and tensor:numel() or 0
         group.parameters[#group.parameters + 1] = entry
         group.count = group.count + tensor:numel()
         group.trainable = group.trainable + trains
         group.decayed = group.decayed + (entry.decays and trains or 0)
      end
   end
   return group
end

-- The parameters by group from the input to the head, printable, and what optimizers take: a list of {name, paths,
-- parameters = {{name, tensor, decays =}, ...}, count, trainable, decayed, lr, weight_decay, momentum, beta1, beta2,
-- batch_norm}; batch_norm is a mode of set_batch_norm, "mixed" or "-"; decayed counts what trains but for norms, biases and
-- vectors, as (C) or (C, 1, 1), which take no weight decay unless an optimizer has decay_norms = true. `lr` is one learning
-- rate, or one per group or alias: { lr = { backbone = 1e-4, head = 1e-3 } } (a group's own name wins over an alias; `default`
-- is for the rest). The other settings are given alike; where one is not, that of the optimizer holds.
function Module:groups(given)
   local of, parameters = readers(self, given), {}
   for name, tensor, owner in self:named_parameters() do
      parameters[#parameters + 1] = { name, tensor, decays = decay.takes(name, tensor, owner) }
   end
   local list = setmetatable({}, group_table)
   for _, entry in ipairs(self:group_paths()) do
      local name, paths = entry[1], entry[2]
      local group = { name = name, paths = paths, parameters = {}, count = 0, trainable = 0, decayed = 0,
         batch_norm = batch_norm_mode(self, paths) }
      for _, setting in ipairs(SETTINGS) do group[setting] = of[setting](name) end
      list[#list + 1] = fill(group, parameters)
   end
   return list
end
GROUPS:describes(Module.groups)
