-- An optimizer of one's own from an update of one parameter: see docs/parts/optimizer.md.
--
--    local sgd = optim.define { name = "my_sgd", defaults = { lr = 0.1 }, update = function(parameter, gradient, state, group)
--       return parameter - gradient * group.lr
--    end }
--    local optimizer = sgd(model:groups { lr = 0.01 })
local scute = require "scute.core"
local Optimizer = require "scute.optim.optimizer"
local is_tensor = require("scute.nn.module").is_tensor
local kept_random = require "scute.base.kept_random"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"

local BUILT_IN = { sgd = true, adam = true, adamw = true, rmsprop = true }

-- What groups and the state have already, which no setting and no tensor of the state may be called.
local OF_GROUPS, OF_STATE = {}, { step = true }
for name in ("name parameters paths count trainable decayed batch_norm base_lr options buffers decay_norms"):gmatch "%S+" do
   OF_GROUPS[name] = true
end

local function is_name(text)
   return type(text) == "string" and text:find "^%a[%w_]*$" ~= nil
end

local function are_names(list)
   for key, name in pairs(type(list) == "table" and list or { false }) do
      if math.type(key) ~= "integer" or not is_name(name) then return false end
   end
   return true
end

local DEFINE = options.declare("optim.define", {
   { "name", required = true, is = is_name, expected = "a text of letters, digits and _",
     help = "under which it prints and a checkpoint knows it" },
   { "update", required = true, is = options.of_type "function", expected = "a function",
     help = "function(parameter, gradient, state, group) -> the parameter's new value; tensors that it puts into state stay" },
   { "defaults", {}, is = options.of_type "table", expected = "a table {setting = default}",
     help = "{ lr = 1e-3, momentum = 0.9 }: what group has in update. A default is a number, a text, true or false, or a table "
        .. "with more about it: { 0.9, min = 0, below = 1 }" },
   { "state", {}, is = are_names, expected = "a list of names",
     help = "names of tensors that are kept for each parameter, of its shape; zeros at first" },
})

-- ---- what is declared ----

local KINDS = { number = "number", boolean = "flag", string = "text" }
local FIELDS = { "min", "max", "above", "below", "whole", "choices", "help" }
local IS_FIELD = { [1] = true }
for _, name in ipairs(FIELDS) do IS_FIELD[name] = true end

-- The entry of scute.base.options for a setting.
local function entry_of(where, name, default)
   local entry = { name }
   for key, value in pairs(type(default) == "table" and default or { default }) do
      if not IS_FIELD[key] then
         error(("%s: defaults: %s: there is no '%s'%s"):format(where, tostring(name), tostring(key),
            options.hint(key, FIELDS)), 4)
      end
      entry[key == 1 and "default" or key] = value
   end
   local kind = KINDS[type(entry.default)]
   if not kind or not is_name(name) then
      error(("%s: defaults: %s: expected a number, a text, true or false, found %s"):format(where, tostring(name),
         tostring(entry.default)), 4)
   end
   if OF_GROUPS[name] then
      error(("%s: defaults: groups have a '%s' already; call it something else"):format(where, name), 4)
   end
   entry[kind], entry.help = true, entry.help or "a setting of its own"
   return entry
end

-- Those that all kinds have say their default only.
local function declaration_of(where, o)
   local entries, shared = {}, {}
   for _, name in ipairs(sorted_keys(o.defaults)) do
      local entry = entry_of(where, name, o.defaults[name])
      if name == "lr" or name == "weight_decay" then shared[name] = entry.default else entries[#entries + 1] = entry end
   end
   return Optimizer.declare(o.name, shared.weight_decay or 0, entries, shared.lr)
end

local function check_state(where, names)
   local seen = {}
   for _, name in ipairs(names) do
      if OF_STATE[name] then error(("%s: state has a '%s' already, the number of the update"):format(where, name), 3) end
      if seen[name] then error(("%s: state: '%s' is named twice"):format(where, name), 3) end
      seen[name] = true
   end
end

-- ---- updates ----

-- A table in which only these fields can be read and written.
local function strict(what, names)
   local function unknown(_, key)
      error(("%s: there is no '%s'%s"):format(what, tostring(key), options.hint(key, names)), 2)
   end
   return { __index = unknown, __newindex = unknown }
end

local function shape_text(tensor)
   return "(" .. table.concat(tensor.shape, ", ") .. ")"
end

local function check_value(where, what, value, like)
   if is_tensor(value) and shape_text(value) == shape_text(like) then return end
   error(("%s: update: expected %s of shape %s, found %s"):format(where, what, shape_text(like), is_tensor(value)
      and "shape " .. shape_text(value) or tostring(value)), 0)
end

-- Gives a tensor its new value, where `kept`, a tensor of one number, is 1.
local function put(target, value, kept)
   if kept then
      local chosen <close> = scute.where(kept, value, target)
      target:copy_(chosen)
   else
      target:copy_(value)
   end
end

local IN_PLACE = ": update changes a tensor in place; return the parameter's new value, and put new tensors into state, so "
   .. "that an update which overflows can be left out"

-- One update of one parameter: nothing of it is changed before update has returned.
local function update_one(class, group, batch, i, kept)
   local parameter, state = batch.params[i], { step = batch.step }
   for _, name in ipairs(class.state) do state[name] = batch.state[name][i] end
   local value = class.own_update(parameter, batch.grads[i], setmetatable(state, class.of_state), group)
   check_value(class.where, "the parameter's new value", value, parameter)
   if value == parameter then error(class.where .. IN_PLACE, 0) end
   for _, name in ipairs(class.state) do
      check_value(class.where, ("state.%s"):format(name), rawget(state, name), parameter)
      local own = batch.state[name][i]
      if state[name] ~= own then put(own, state[name], kept) end
   end
   put(parameter, value, kept)
end

local function updater(class)
   return function(settings, lr, batch)
      local group = { lr = lr, weight_decay = batch.weight_decay }
      for name, value in pairs(settings) do
         if group[name] == nil then group[name] = value end
      end
      setmetatable(group, class.of_group)
      scute.no_grad(function()
         local kept <close> = batch.found_inf and batch.found_inf:eq(0)
         for i in ipairs(batch.params) do update_one(class, group, batch, i, kept) end
      end)
   end
end

-- One update of a made-up parameter, which is to change nothing, so that what is missing is told where the optimizer is made.
local function try(self)
   local random <close> = kept_random() -- luacheck: ignore
   local class, parameter, gradient = self.class, scute.ones(2, 2), scute.ones(2, 2)
   local batch = { params = { parameter }, grads = { gradient }, step = 1, weight_decay = 0, state = {},
      found_inf = scute.ones {} }
   for _, name in ipairs(class.state) do batch.state[name] = { scute.zeros(2, 2) } end
   class.update(self.groups[1].options, self.groups[1].lr, batch)
   local changed = (parameter - 1):abs() + (gradient - 1):abs()
   for _, name in ipairs(class.state) do changed = changed + batch.state[name][1]:abs() end
   if changed:sum():item() ~= 0 then error(class.where .. IN_PLACE, 0) end
end

--- A kind of optimizer of one's own: returns a function that makes one, which is called as optim.sgd is. It has groups, rates,
-- weight decay by group, clipping, loss scaling, state by parameter name and a resume as those of the library have.
-- update is called without the tape for each parameter that has a gradient, with state.step = the number of its update, from
-- 1, and group = the settings as they hold for the parameter: lr as the schedule has it, weight_decay (0 for norms, biases
-- and vectors unless decay_norms = true), and those of defaults. docs/parts/optimizer.md has an example.
local function define(given)
   local o = DEFINE:read(given)
   local where = "optim." .. o.name
   if BUILT_IN[o.name] then error(("optim.define: there is an %s already; call yours something else"):format(where), 2) end
   check_state(where, o.state)
   local class = { kind = o.name, where = where, state = o.state, own_update = o.update, declaration = declaration_of(where, o),
      buffers = function() return o.state end }
   class.of_state = strict(where .. ": state", table.move(o.state, 1, #o.state, 2, { "step" }))
   class.of_group = strict(where .. ": group", class.declaration.names)
   class.update = updater(class)
   local function make(parameters, settings)
      local optimizer = Optimizer.new(class, parameters, settings)
      try(optimizer)
      return optimizer
   end
   return class.declaration:describes(make)
end
DEFINE:describes(define)

return { define = define }
