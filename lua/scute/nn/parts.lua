-- Names of parts of a module: groups, modules, parameters; for nn/freeze.lua and nn/groups.lua.
--
-- A name is a group ("stem", "layer4", "backbone", "head"), a module ("layer4.1.conv2") or a parameter
-- ("layer4.1.conv2.weight"). Components are matched whole: "features.1" is not features.10.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local sorted_keys = require "scute.base.sorted_keys"

local BatchNorm2d = require("scute.nn.norm").BatchNorm2d

local parts = {}

local SUGGESTED = 3 -- names in a message about an unknown one

-- Groups of a module that declares none: its children, and its own parameters as "(own)".
local function default_groups(self)
   local groups, own = {}, {}
   for name, _, owner in self:parameter_names() do
      if owner == self then own[#own + 1] = name end
   end
   if #own > 0 then groups[1] = { "(own)", own } end
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

-- Whether one of the paths is `name` or contains it.
function parts.matches(paths, name)
   for _, path in ipairs(paths) do
      if covers(path, name) then return true end
   end
   return false
end

-- The batch norms in the paths, as a list.
function parts.batch_norms(self, paths)
   local found = {}
   for name, module in self:named_modules() do
      if Module.is(module, BatchNorm2d) and parts.matches(paths, name) then found[#found + 1] = module end
   end
   return found
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
   local aliases = self:group_aliases()
   for _, alias in ipairs(sorted_keys(aliases)) do
      local all = {}
      for _, group in ipairs(aliases[alias]) do table.move(by_group[group], 1, #by_group[group], #all + 1, all) end
      add(alias, all)
   end
   for name in self:named_modules() do add(name, { name }) end
   for name in self:parameter_names() do add(name, { name }) end
   return paths, names
end

-- "'a', 'b' or 'c'": the names most like `name`; nil if none is.
local function nearest_names(name, names)
   local found, left = {}, table.move(names, 1, #names, 1, {})
   while #found < SUGGESTED do
      local near = scute.nearest(name, left)
      if not near then break end
      found[#found + 1] = "'" .. near .. "'"
      for i = #left, 1, -1 do
         if left[i] == near then table.remove(left, i) end
      end
   end
   if #found < 2 then return found[1] end
   return table.concat(found, ", ", 1, #found - 1) .. " or " .. found[#found]
end

-- The names of all groups and of what stands for several of them, from the input to the head.
function parts.group_names(self)
   local names, aliases = {}, {}
   for i, group in ipairs(self:group_paths()) do names[i] = group[1] end
   for alias in pairs(self:group_aliases()) do aliases[#aliases + 1] = alias end
   table.sort(aliases)
   return table.move(aliases, 1, #aliases, #names + 1, names)
end

local function unknown(self, what, name, names)
   local near = nearest_names(name, names)
   error(("%s: no group, module or parameter '%s'%s; groups: %s"):format(what, name,
      near and ("; did you mean %s?"):format(near) or "", table.concat(parts.group_names(self), ", ")), 0)
end

-- Paths of everything whose name a Lua pattern finds.
local function find_pattern(what, pattern, paths, names)
   local found = {}
   for _, name in ipairs(names) do
      local ok, at = pcall(string.find, name, pattern)
      if not ok then error(("%s: bad pattern '%s': %s"):format(what, pattern, at), 0) end
      if at then table.move(paths[name], 1, #paths[name], #found + 1, found) end
   end
   if #found == 0 then
      error(("%s: the pattern '%s' matches no group, module or parameter"):format(what, pattern), 0)
   end
   return found
end

local function holds_parameters(self, paths)
   for name in self:parameter_names() do
      if parts.matches(paths, name) then return true end
   end
   return false
end

-- Every path that the name or names stand for; nothing given stands for everything. With `pattern` they are Lua patterns,
-- for the names of groups, modules and parameters. What matches nothing, or no parameter, is an error; `what` begins it.
function parts.resolve(self, what, wanted, pattern)
   if wanted == nil then return { "" } end
   local list = type(wanted) == "table" and wanted or { wanted }
   if #list == 0 then error(what .. ": expected a name or a list of names, found an empty table", 0) end
   local paths, names = vocabulary(self)
   local found = {}
   for _, name in ipairs(list) do
      if type(name) ~= "string" then
         error(("%s: expected a name or a list of names, found a %s"):format(what, type(name)), 0)
      end
      if not pattern and not paths[name] then unknown(self, what, name, names) end
      local these = pattern and find_pattern(what, name, paths, names) or paths[name]
      if not holds_parameters(self, these) then error(("%s: '%s' holds no parameters"):format(what, name), 0) end
      table.move(these, 1, #these, #found + 1, found)
   end
   return found
end

return parts
