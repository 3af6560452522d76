-- Fields of an optimizer and of its groups that a script assigns: a setting takes effect, and a name that is none is refused,
-- for nothing would ever look at it.
local core = require "scute.core"
local frames = require "scute.base.frames"
local options = require "scute.base.options"

local settings = {}

-- Whether the code that assigns, two levels above this function, is the user's.
local function is_users()
   local info = debug.getinfo(3, "S")
   return info.what ~= "C" and not frames.is_library(info)
end

-- ---- groups ----

local OF_GROUP = { "name", "lr", "base_lr", "parameters" }
local OF_TABLE = { "paths", "count", "trainable", "decayed", "batch_norm" } -- of model:groups, beside those

local function known_of(class)
   local known = table.move(OF_GROUP, 1, #OF_GROUP, 1, {})
   for _, name in ipairs(class.declaration.names) do
      if name ~= "lr" then known[#known + 1] = name end
   end
   return known
end

local function where_of(class, group)
   return ("optim.%s: group '%s'"):format(class.kind, tostring(group.name))
end

local function unknown(class, group, name)
   return ("%s: there is no '%s'%s"):format(where_of(class, group), tostring(name), options.hint(name, known_of(class)))
end

--- Fails where a group that an optimizer is made of has a field that is none; own: names of settings, those that this kind has
-- no use for among them. level: as error counts from the caller.
function settings.check_group(class, group, own, level)
   local known = {}
   for _, list in ipairs { OF_GROUP, OF_TABLE, own, class.declaration.names } do
      for _, name in ipairs(list) do known[name] = true end
   end
   for name in next, group do
      if type(name) == "string" and not known[name] then error(unknown(class, group, name), level + 1) end
   end
end

local function same_names(a, b)
   return table.concat(a, " ") == table.concat(b, " ")
end

local function assign_setting(class, group, entry, value)
   local where, name = where_of(class, group), entry[1]
   local checked, why = options.check(entry, value)
   if checked == nil then error(("%s: '%s': %s"):format(where, name, why), 3) end
   local own = {}
   for key, held in next, group.options do own[key] = held end
   own[name] = checked
   if not same_names(class.buffers(own), group.buffers) then
      error(("%s: '%s' = %s changes what is kept for each parameter; make a new optimizer with it"):format(where, name,
         tostring(checked)), 3)
   end
   group.options = own
end

--- The metatable of groups: what stands among their options is read and assigned as a field.
function settings.of_groups(class)
   class.group_fields = class.group_fields or {
      __index = function(group, name) return rawget(group, "options")[name] end,
      __newindex = function(group, name, value)
         local entry = class.declaration.by_name[name]
         if not entry then error(unknown(class, group, name), 2) end
         assign_setting(class, group, entry, value)
      end,
   }
   return class.group_fields
end

-- ---- the optimizer ----

--- The options that an optimizer was made with, to read: what a script assigns there would change no group.
function settings.to_read(class, given)
   return setmetatable({}, { __index = given, __pairs = function() return next, given end, __newindex = function(_, name)
      error(("optim.%s: options say what it was made with; optimizer.groups[i].%s = ... changes a group"):format(class.kind,
         tostring(name)), 2)
   end })
end

local OWN = { found_inf = true, stepped = true }

--- What an optimizer's __newindex does.
function settings.assign(optimizer, name, value)
   local class = rawget(optimizer, "class")
   if OWN[name] or type(name) ~= "string" or optimizer[name] ~= nil or not is_users() then
      return rawset(optimizer, name, value)
   end
   local entry = class.declaration.by_name[name]
   local near = entry and entry[1] or core.nearest(name, class.declaration:known())
   if near then
      error(("optim.%s: there is no field '%s' of all groups; %s"):format(class.kind, name, near == "lr"
         and "optimizer:set_lr(lr) sets the rate of all, optimizer.groups[i].lr that of one"
         or ("optimizer.groups[i].%s is that of one"):format(near)), 2)
   end
   rawset(optimizer, name, value)
end

return settings
