-- Freezing by group or by dotted component, and the groups themselves: part of nn.Module.
--
-- A name is a group ("stem", "layer4", "backbone", "head"), a module ("layer4.1.conv2") or a parameter
-- ("layer4.1.conv2.weight"). Components are matched whole: "features.1" is not features.10.
local scute = require "scute.core"
local Module = require "scute.nn.module"

-- Groups of a module that declares none: its children, and its own parameters as "(own)".
local function default_groups(self)
   local groups = {}
   if next(rawget(self, "_parameters")) then groups[1] = { "(own)", rawget(self, "_parameter_names") } end
   for name, child in self:children() do
      if child:named_parameters()() then groups[#groups + 1] = { name, { name } } end
   end
   return groups
end

-- The declared groups: { {name, {paths}}, ... }. Models override it.
function Module:group_paths()
   return default_groups(self)
end

-- Names for several groups at once: {backbone = {group names}}. Models override it.
function Module:group_aliases() -- luacheck: ignore self
   return {}
end

local function covers(path, name)
   return path == "" or name == path or name:sub(1, #path + 1) == path .. "."
end

-- name -> the paths it stands for; and all names, for suggestions.
local function vocabulary(self)
   local paths, names = {}, {}
   local function add(name, list)
      if name ~= "" and not paths[name] then
         paths[name] = list
         names[#names + 1] = name
      end
   end
   local by_group = {}
   for _, group in ipairs(self:group_paths()) do
      by_group[group[1]] = group[2]
      add(group[1], group[2])
   end
   for alias, groups in pairs(self:group_aliases()) do
      local all = {}
      for _, group in ipairs(groups) do table.move(by_group[group], 1, #by_group[group], #all + 1, all) end
      add(alias, all)
   end
   for name in self:named_modules() do add(name, { name }) end
   for name in self:named_parameters() do add(name, { name }) end
   return paths, names
end

local function unknown(self, what, name, names)
   local near = scute.nearest(name, names)
   local groups = {}
   for i, group in ipairs(self:group_paths()) do groups[i] = group[1] end
   for alias in pairs(self:group_aliases()) do groups[#groups + 1] = alias end
   error(("%s: no group, module or parameter '%s'%s; groups: %s"):format(what, name,
      near and ("; did you mean '%s'?"):format(near) or "", table.concat(groups, ", ")), 0)
end

-- Every path that the name or names stand for; nothing given stands for everything.
local function resolve(self, what, wanted)
   if wanted == nil then return { "" } end
   local list = type(wanted) == "table" and wanted or { wanted }
   if #list == 0 then error(what .. ": expected a name or a list of names, found an empty table", 0) end
   local paths, names = vocabulary(self)
   local found = {}
   for _, name in ipairs(list) do
      if type(name) ~= "string" then
         error(("%s: expected a name or a list of names, found a %s"):format(what, type(name)), 0)
      end
      if not paths[name] then unknown(self, what, name, names) end
      table.move(paths[name], 1, #paths[name], #found + 1, found)
   end
   return found
end

local function matches(paths, name)
   for _, path in ipairs(paths) do
      if covers(path, name) then return true end
   end
   return false
end

local function check_options(what, options)
   local mode = options and options.batch_norm
   for key in pairs(options or {}) do
      if key ~= "batch_norm" then error(("%s: unknown option '%s'; expected batch_norm"):format(what, key), 0) end
   end
   if mode ~= nil and mode ~= "train" and mode ~= "eval" then
      error(("%s: batch_norm: expected 'train' or 'eval', found '%s'"):format(what, tostring(mode)), 0)
   end
   return mode
end

local function set(self, what, wanted, options, trainable)
   local mode = check_options(what, options) or (trainable and "train" or "eval")
   local paths = resolve(self, what, wanted)
   for name, tensor in self:named_parameters() do
      if matches(paths, name) then
         tensor:requires_grad_(trainable)
         if not trainable then tensor:zero_grad() end
      end
   end
   for name, module in self:named_modules() do
      if module.mode and matches(paths, name) then module.fixed = mode == "eval" end
   end
   return self
end

-- Parameters of the named parts get no gradient and no step, and their batch norms keep the running statistics bit for
-- bit, in training mode too (batch_norm = "train" lets them go on). `what` is a name or a list of names; nil is
-- everything. An unknown name is an error with the nearest one. Returns the model.
function Module:freeze(what, options)
   return set(self, "freeze", what, options, false)
end

-- The opposite; batch_norm = "eval" keeps the batch norms fixed while their parameters are trained. Returns the model.
function Module:unfreeze(what, options)
   return set(self, "unfreeze", what, options, true)
end

-- ---- the table of groups ----

local function batch_norm_mode(self, paths)
   local modes = {}
   for name, module in self:named_modules() do
      if module.mode and matches(paths, name) then modes[module.fixed and "frozen" or module:mode()] = true end
   end
   local first = next(modes)
   if not first then return "-" end
   return next(modes, first) and "mixed" or first
end

local function thousands(n)
   local text = tostring(math.tointeger(n) or n)
   local more
   repeat text, more = text:gsub("^(%-?%d+)(%d%d%d)", "%1,%2") until more == 0
   return text
end

local group_table = { __name = "groups" }

function group_table.__tostring(self)
   local rows = { { "group", "parameters", "trainable", "lr", "batch norm" } }
   local total, trainable = 0, 0
   for _, group in ipairs(self) do
      rows[#rows + 1] = { group.name, thousands(group.count), thousands(group.trainable),
         group.lr and group.trainable > 0 and ("%g"):format(group.lr) or "-", group.batch_norm }
      total, trainable = total + group.count, trainable + group.trainable
   end
   rows[#rows + 1] = { "total", thousands(total), thousands(trainable), "", "" }
   local widths = {}
   for _, row in ipairs(rows) do
      for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, #cell) end
   end
   local lines = {}
   for _, row in ipairs(rows) do
      local cells = {}
      for i, cell in ipairs(row) do
         local gap = (" "):rep(widths[i] - #cell)
         cells[i] = (i == 1 or i == 5) and cell .. gap or gap .. cell
      end
      lines[#lines + 1] = (table.concat(cells, "  "):gsub("%s+$", ""))
   end
   return table.concat(lines, "\n")
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

-- The parameters by group, printable, and what optimizers take: a list of {name, parameters = {{name, tensor}, ...},
-- count, trainable, lr, batch_norm}. `lr` is one learning rate, or one per group or alias: { lr = { backbone = 1e-4,
-- head = 1e-3 } } (a group's own name wins over an alias; `default` is for the rest).
function Module:groups(options)
   for key in pairs(options or {}) do
      if key ~= "lr" then error(("groups: unknown option '%s'; expected lr"):format(tostring(key)), 2) end
   end
   local lr_of = rates(self, options and options.lr)
   local list = setmetatable({}, group_table)
   for _, entry in ipairs(self:group_paths()) do
      local name, paths = entry[1], entry[2]
      local group = { name = name, parameters = {}, count = 0, trainable = 0, lr = lr_of(name),
         batch_norm = batch_norm_mode(self, paths) }
      for full, tensor in self:named_parameters() do
         if matches(paths, full) then
            group.parameters[#group.parameters + 1] = { full, tensor }
            group.count = group.count + tensor:numel()
            group.trainable = group.trainable + (tensor.requires_grad and tensor:numel() or 0)
         end
      end
      list[#list + 1] = group
   end
   return list
end

