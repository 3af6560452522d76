-- The table of groups: part of nn.Module.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local parts = require "scute.nn.parts"
local columns = require "scute.nn.columns"
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

function group_table.__tostring(self)
   local rows = { { "group", "layers", "parameters", "trainable", "lr", "batch norm" } }
   local total, trainable = 0, 0
   for _, group in ipairs(self) do
      rows[#rows + 1] = { group.name, layers_text(group.paths), thousands(group.count), thousands(group.trainable),
         group.lr and group.trainable > 0 and ("%g"):format(group.lr) or "-", group.batch_norm }
      total, trainable = total + group.count, trainable + group.trainable
   end
   rows[#rows + 1] = { "total", "", thousands(total), thousands(trainable), "", "" }
   return columns.text(rows, { 1, 2, 6 })
end

-- A learning rate for every group, from a number or from {group or alias = number, default = number}.
local function rates(self, lr)
   if type(lr) ~= "table" then return function() return lr end end
   local by_group, known = {}, { "default" }
   local aliases = self:group_aliases()
   for _, group in ipairs(self:group_paths()) do known[#known + 1] = group[1] end
   for alias in pairs(aliases) do known[#known + 1] = alias end
   for name, rate in pairs(lr) do
      local found = false
      for _, entry in ipairs(known) do found = found or entry == name end
      if not found then
         local near = scute.nearest(tostring(name), known)
         error(("groups: lr: no group '%s'%s; expected some of %s"):format(tostring(name),
            near and ("; did you mean '%s'?"):format(near) or "", table.concat(known, ", ")), 0)
      end
      for _, group in ipairs(aliases[name] or {}) do by_group[group] = by_group[group] or rate end
   end
   for name, rate in pairs(lr) do
      if not aliases[name] then by_group[name] = rate end
   end
   return function(name) return by_group[name] or lr.default end
end

-- The parameters by group from the input to the head, printable, and what optimizers take: a list of {name, paths,
-- parameters = {{name, tensor}, ...}, count, trainable, lr, batch_norm}; batch_norm is a mode of set_batch_norm, "mixed"
-- or "-". `lr` is one learning rate, or one per group or alias: { lr = { backbone = 1e-4,
-- head = 1e-3 } } (a group's own name wins over an alias; `default` is for the rest).
function Module:groups(options)
   for key in pairs(options or {}) do
      if key ~= "lr" then error(("groups: unknown option '%s'; expected lr"):format(tostring(key)), 2) end
   end
   local lr_of = rates(self, options and options.lr)
   local list = setmetatable({}, group_table)
   for _, entry in ipairs(self:group_paths()) do
      local name, paths = entry[1], entry[2]
      local group = { name = name, paths = paths, parameters = {}, count = 0, trainable = 0, lr = lr_of(name),
         batch_norm = batch_norm_mode(self, paths) }
      for full, tensor in self:named_parameters() do
         if parts.matches(paths, full) then
            group.parameters[#group.parameters + 1] = { full, tensor }
            group.count = group.count + tensor:numel()
            group.trainable = group.trainable + (tensor.requires_grad and tensor:numel() or 0)
         end
      end
      list[#list + 1] = group
   end
   return list
end

