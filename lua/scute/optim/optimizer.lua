-- What all optimizers share: groups of named parameters, learning rates, gradients, state by name. A kind of optimizer
-- brings `update` (one fused step for parameters that share all settings) and its options.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local decay = require "scute.nn.decay"
local options = require "scute.base.options"
local public = require "scute.base.public"
local settings = require "scute.optim.settings"
local thousands = require("scute.base.columns").thousands

local Optimizer = {}
Optimizer.__index = Optimizer
Optimizer.__newindex = settings.assign

local function is_tensor(value)
   return Module.is_tensor(value)
end

-- Anything an optimizer is given -> list of {name, lr, parameters = {{name, tensor, decays = true, false or nil: by name and
-- shape}, ...}}.
local function read_groups(kind, given, lr)
   if Module.is_module(given) then return given:groups { lr = lr } end
   if type(given) ~= "table" or #given == 0 then
      error(("optim.%s: expected model:groups { lr = }, a module or a list of tensors, found %s"):format(kind,
         type(given) == "table" and "an empty table" or "a " .. type(given)), 4)
   end
   if not is_tensor(given[1]) then return given end
   local group = { name = "parameters", lr = lr, parameters = {} }
   for i, tensor in ipairs(given) do group.parameters[i] = { tostring(i), tensor } end
   return { group }
end

local function check_groups(kind, groups, lr)
   local seen, name_of = {}, {}
   for _, group in ipairs(groups) do
      group.lr = group.lr or lr
      if type(group.lr) ~= "number" or not (group.lr >= 0 and group.lr < math.huge) then
         error(("optim.%s: group '%s': expected a learning rate of at least 0, found %s; say model:groups { lr = 0.01 }")
            :format(kind, tostring(group.name), tostring(group.lr or "none")), 4)
      end
      for _, entry in ipairs(group.parameters) do
         local name, tensor = entry[1], entry[2]
         if seen[name] then error(("optim.%s: '%s' is in two groups"):format(kind, name), 4) end
         if name_of[tensor] then
            error(("optim.%s: '%s' and '%s' are one tensor, which would be stepped twice; leave one of them out")
               :format(kind, name, name_of[tensor]), 4)
         end
         seen[name], name_of[tensor] = true, name
      end
   end
end

-- What all kinds have; decay_norms = false leaves norms, biases and vectors undecayed, true is PyTorch's plain behaviour.
local SHARED = {
   { "lr", number = true, min = 0, show = "the groups'", help = "learning rate of what has none of its own" },
   { "decay_norms", flag = true, default = false, help = "whether norms, biases and vectors, as (C) or (C, 1, 1), decay too" },
}

--- The declaration of an optimizer's options. entries: those of its own; weight_decay is the default of that option, and so is
-- lr, where it has one.
function Optimizer.declare(kind, weight_decay, entries, lr)
   local all = table.move(SHARED, 1, #SHARED, 1, {})
   if lr then all[1] = { "lr", number = true, min = 0, default = lr, help = SHARED[1].help } end
   all[#all + 1] = { "weight_decay", number = true, min = 0, default = weight_decay, help = "how fast weights shrink" }
   return options.declare("optim." .. kind, table.move(entries, 1, #entries, #all + 1, all))
end

--- An entry for an option that is a share: at least 0 and below 1.
function Optimizer.share(name, default, help)
   return { name, number = true, min = 0, below = 1, default = default, help = help }
end

-- What a kind of optimizer says of options that do not go together. `level` is of the caller, as error counts.
local function check_together(class, where, o, level)
   local fault = class.fault and class.fault(o)
   if fault then error(("%s: %s"):format(where, fault), level + 1) end
end

-- Settings that a group may have of its own beside its rate: these and all that the kind of optimizer declares. Those that it
-- has no option for are refused.
local OWN = { "weight_decay", "momentum", "beta1", "beta2" }
local OF_ALL = { lr = true, decay_norms = true }

local function own_names(class)
   local names, seen = {}, {}
   for _, list in ipairs { OWN, class.declaration.names } do
      for _, name in ipairs(list) do
         if not seen[name] and not OF_ALL[name] then names[#names + 1] = name end
         seen[name] = true
      end
   end
   return names
end

-- The options as they hold for a group. `level` as for check_value.
local function options_of(self, group, level)
   local where = ("optim.%s: group '%s'"):format(self.kind, tostring(group.name))
   local own = {}
   for name, value in pairs(self.options) do own[name] = value end
   for _, name in ipairs(own_names(self.class)) do
      local value, entry = group[name], self.class.declaration.by_name[name]
      if value ~= nil then
         if not entry then error(("%s: there is no '%s'"):format(where, name), level + 1) end
         local checked, why = options.check(entry, value)
         if checked == nil then error(("%s: '%s': %s"):format(where, name, why), level + 1) end
         own[name] = checked
      end
   end
   check_together(self.class, where, own, level + 1)
   return own
end

local function append(self, groups, level)
   local new = {}
   for i, group in ipairs(groups) do
      settings.check_group(self.class, group, OWN, level + 1)
      local own = options_of(self, group, level + 1)
      new[i] = { name = group.name, lr = group.lr, base_lr = group.lr, options = own, buffers = self.class.buffers(own),
         parameters = group.parameters }
      setmetatable(new[i], settings.of_groups(self.class))
   end
   table.move(new, 1, #new, #self.groups + 1, self.groups)
end

-- A new optimizer of `class` = {kind =, declaration =, buffers = f(options) -> names of state tensors, update =, fault =
-- f(options) -> what is wrong with them together, or nil; may be absent}.
function Optimizer.new(class, given, options_given)
   local read = class.declaration:read(options_given, 3)
   check_together(class, "optim." .. class.kind, read, 3)
   local groups = read_groups(class.kind, given, read.lr)
   check_groups(class.kind, groups, read.lr)
   local self = setmetatable({ kind = class.kind, class = class, options = settings.to_read(class, read), groups = {},
      state = {}, steps = {} }, Optimizer)
   append(self, groups, 3)
   return self
end

-- True if weight decay applies to a parameter of a group: with decay_norms = false not to norms, biases and vectors.
local function decays(group, entry)
   if group.options.weight_decay == 0 then return false end
   if group.options.decay_norms then return true end
   if entry.decays == nil then return decay.takes(entry[1], entry[2]) end
   return entry.decays
end

-- { {name, tensor, gradient, decays =}, ... } of what a step would change now.
local function active(group)
   local list = {}
   for _, entry in ipairs(group.parameters) do
      local tensor = entry[2]
      local gradient = tensor.requires_grad and tensor.grad
      if gradient then list[#list + 1] = { entry[1], tensor, gradient, decays = entry.decays } end
   end
   return list
end

local function new_state(group, tensor)
   local state = {}
   for _, name in ipairs(group.buffers) do
      state[name] = scute.zeros(tensor.shape, { dtype = tensor.dtype, device = tensor.device })
   end
   return state
end

-- Parameters of a group that share decay and step count take one fused step together: {step, weight_decay, names, params,
-- grads, state = {buffer's name = list of tensors}}.
local function batches_of(self, group)
   local batches, order = {}, {}
   for _, entry in ipairs(active(group)) do
      local name, tensor, gradient = entry[1], entry[2], entry[3]
      local step, decayed = (self.steps[name] or 0) + 1, decays(group, entry)
      local key = (decayed and "decay " or "plain ") .. step
      local batch = batches[key]
      if not batch then
         batch = { step = step, weight_decay = decayed and group.options.weight_decay or 0, names = {}, params = {},
            grads = {}, state = {} }
         for _, buffer in ipairs(group.buffers) do batch.state[buffer] = {} end
         batches[key] = batch
         order[#order + 1] = batch
      end
      self.state[name] = self.state[name] or new_state(group, tensor)
      local i = #batch.params + 1
      batch.names[i], batch.params[i], batch.grads[i] = name, tensor, gradient
      for _, buffer in ipairs(group.buffers) do batch.state[buffer][i] = self.state[name][buffer] end
   end
   return order
end

-- One step for every parameter that has a gradient and is not frozen. Where self.found_inf, a tensor of one number, is
-- there and not 0, the step changes nothing but its count, which take_back() puts right.
function Optimizer:step()
   self.stepped = {}
   for _, group in ipairs(self.groups) do
      for _, batch in ipairs(batches_of(self, group)) do
         batch.found_inf = self.found_inf
         self.class.update(group.options, group.lr, batch)
         for _, name in ipairs(batch.names) do
            self.stepped[name] = self.steps[name] or false
            self.steps[name] = batch.step
         end
         for _, gradient in ipairs(batch.grads) do gradient:free() end -- the handle; the parameter keeps its gradient
      end
   end
end

-- After a step that found_inf left out: it does not count.
function Optimizer:take_back()
   for name, count in pairs(self.stepped or {}) do self.steps[name] = count or nil end
   self.stepped = nil
end

-- Drops the gradients of all its parameters.
function Optimizer:zero_grad()
   for _, group in ipairs(self.groups) do
      for _, entry in ipairs(group.parameters) do entry[2]:zero_grad() end
   end
end

-- Gradients of all groups, of one dtype each: f(list) is called for every dtype there is.
local function each_list(self, f)
   local lists, order = {}, {}
   for _, group in ipairs(self.groups) do
      for _, entry in ipairs(active(group)) do
         local gradient = entry[3]
         local kind = gradient.dtype
         if not lists[kind] then
            lists[kind] = {}
            order[#order + 1] = kind
         end
         lists[kind][#lists[kind] + 1] = gradient
      end
   end
   for _, kind in ipairs(order) do
      f(lists[kind])
      for _, gradient in ipairs(lists[kind]) do gradient:free() end -- the handle; the parameter keeps its gradient
   end
end

-- The L2 norm of all gradients as a tensor of one number on their device; nil where there are none.
local function norm_of(self)
   local norms = {}
   each_list(self, function(list) norms[#norms + 1] = scute.list_norm(list) end)
   if #norms < 2 then return norms[1] end
   for i, norm in ipairs(norms) do norms[i] = norm:to "f64" end
   return scute.list_norm(norms)
end

-- The L2 norm of all gradients together; frozen parameters have no share.
function Optimizer:grad_norm()
   local norm <close> = norm_of(self)
   return norm and norm:item() or 0.0
end

-- Multiplies all gradients with a number.
function Optimizer:scale_grad(factor)
   each_list(self, function(list) scute.list_scale(list, factor) end)
end

-- Divides all gradients by `scale` and writes into `found_inf` 1 if one of them is then not finite, else 0; both are tensors
-- of one number.
function Optimizer:unscale_grad(scale, found_inf)
   local lists = 0
   found_inf:fill_(0)
   each_list(self, function(list)
      lists = lists + 1
      if lists > 1 then error("optim: gradients of several dtypes cannot be unscaled together", 0) end
      scute.unscale_ { grads = list, scale = scale, found_inf = found_inf }
   end)
end

local function check_limit(what, limit)
   if type(limit) ~= "number" or limit <= 0 or limit ~= limit then
      error(("optim: %s: expected a number above 0, found %s"):format(what, tostring(limit)), 3)
   end
end

-- Scales all gradients so that their norm is at most `limit` (PyTorch's clip_grad_norm_: limit / (norm + 1e-6)).
-- Returns the norm before, as a tensor that nobody has waited for; nil where there are no gradients.
function Optimizer:clip_grads(limit)
   local norm = norm_of(self)
   each_list(self, function(list)
      local own = norm:to(list[1].dtype)
      scute.list_clip { tensors = list, norm = own, limit = limit }
   end)
   return norm
end

-- The same, and reads the norm.
function Optimizer:clip_grad_norm(limit)
   check_limit("clip_grad_norm", limit)
   local norm <close> = self:clip_grads(limit)
   return norm and norm:item() or 0.0
end

-- Brings every entry of every gradient into -limit to limit (PyTorch's clip_grad_value_).
function Optimizer:clip_grad_value(limit)
   check_limit("clip_grad_value", limit)
   each_list(self, function(list) scute.list_clamp(list, limit) end)
end

-- ---- learning rates ----

local function group_named(self, name)
   local names = {}
   for i, group in ipairs(self.groups) do
      if group.name == name then return group end
      names[i] = group.name
   end
   local near = scute.nearest(tostring(name), names)
   error(("optim: no group '%s'%s; there are %s"):format(tostring(name),
      near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", ")), 3)
end

-- Sets the learning rate of one group, or of all.
function Optimizer:set_lr(lr, group)
   if type(lr) ~= "number" or not (lr >= 0 and lr < math.huge) then
      error("optim: set_lr: expected a learning rate of at least 0, found " .. tostring(lr), 2)
   end
   if group then
      group_named(self, group).lr = lr
   else
      for _, each in ipairs(self.groups) do each.lr = lr end
   end
end

-- The learning rate of a group (default: the first).
function Optimizer:get_lr(group)
   return (group and group_named(self, group) or self.groups[1]).lr
end

-- Every group's learning rate becomes `factor` times the one it started with: what schedules call.
function Optimizer:scale_lr(factor)
   for _, group in ipairs(self.groups) do group.lr = group.base_lr * factor end
end

-- ---- state ----

-- Plain data and tensors: {kind, groups = {{name, lr, base_lr}, ...}, steps = {parameter name = count}, names = list,
-- tensors = {"exp_avg.fc.weight" = tensor, ...}}; names and tensors go into a file as a model's state dict does. The
-- tensors are the optimizer's own.
function Optimizer:state_dict()
   local state = { kind = self.kind, groups = {}, steps = {}, names = {}, tensors = {} }
   for i, group in ipairs(self.groups) do
      state.groups[i] = { name = group.name, lr = group.lr, base_lr = group.base_lr }
      for _, entry in ipairs(group.parameters) do
         local name = entry[1]
         state.steps[name] = self.steps[name]
         for _, buffer in ipairs(self.state[name] and group.buffers or {}) do
            local full = buffer .. "." .. name
            state.names[#state.names + 1] = full
            state.tensors[full] = self.state[name][buffer]
         end
      end
   end
   return state
end

-- name -> {tensor, group}
local function find_parameters(self)
   local found = {}
   for _, group in ipairs(self.groups) do
      for _, entry in ipairs(group.parameters) do found[entry[1]] = { tensor = entry[2], group = group } end
   end
   return found
end

local function read_state(self, saved, parameters)
   local state = {}
   for name in pairs(saved.steps) do
      local parameter = parameters[name]
      if not parameter then error(("optim.%s: the saved state is for '%s', which is not trained here"):format(self.kind,
         name), 3) end
      state[name] = new_state(parameter.group, parameter.tensor)
      for _, buffer in ipairs(parameter.group.buffers) do
         local from = saved.tensors[buffer .. "." .. name]
         if not from then
            error(("optim.%s: the saved state lacks '%s.%s'"):format(self.kind, buffer, name), 3)
         end
         state[name][buffer]:copy_(from)
      end
   end
   return state
end

-- Takes over what state_dict gave; groups are matched by name. Nothing changes when it raises.
function Optimizer:load_state_dict(saved)
   if saved.kind ~= self.kind then
      error(("optim.%s: the saved state is of optim.%s"):format(self.kind, tostring(saved.kind)), 2)
   end
   local groups = {}
   for _, group in ipairs(saved.groups) do groups[group_named(self, group.name)] = group end
   self.state = read_state(self, saved, find_parameters(self))
   self.steps = {}
   for name, count in pairs(saved.steps) do self.steps[name] = math.tointeger(count) end
   for group, old in pairs(groups) do group.lr, group.base_lr = old.lr, old.base_lr end
end

-- ---- printing ----

-- "a = 1, b = 2" of the names given, sorted.
local function settings_text(values, names)
   local parts = {}
   table.sort(names)
   for i, name in ipairs(names) do parts[i] = ("%s = %s"):format(name, tostring(values[name])) end
   return table.concat(parts, ", ")
end

-- What a group has of its own, as it is printed: ", momentum = 0.5", or nothing.
local function own_text(self, group)
   local names = {}
   for _, name in ipairs(own_names(self.class)) do
      if group.options[name] ~= self.options[name] then names[#names + 1] = name end
   end
   return (#names > 0 and ", " or "") .. settings_text(group.options, names)
end

--- What tells two optimizers apart: kind, options, and each group's rate and settings, in one line.
function Optimizer:describe()
   local names, groups = {}, {}
   for name in pairs(self.options) do names[#names + 1] = name end
   for i, group in ipairs(self.groups) do
      groups[i] = ("%s at %.9g%s"):format(group.name, group.base_lr, own_text(self, group))
   end
   return ("%s {%s}, groups %s"):format(self.kind, settings_text(self.options, names), table.concat(groups, "; "))
end

function Optimizer:__tostring()
   local names = {}
   for name in pairs(self.options) do names[#names + 1] = name end
   local lines = { ("optim.%s { %s }"):format(self.kind, settings_text(self.options, names)) }
   for _, group in ipairs(self.groups) do
      local decayed, plain, frozen = 0, 0, 0
      for _, entry in ipairs(group.parameters) do
         local n = entry[2]:numel()
         if not entry[2].requires_grad then frozen = frozen + n
         elseif decays(group, entry) then decayed = decayed + n
         else plain = plain + n end
      end
      lines[#lines + 1] = ("  %-12s lr %g%s: %s with weight decay, %s without, %s frozen"):format(group.name, group.lr,
         own_text(self, group), thousands(decayed), thousands(plain), thousands(frozen))
   end
   return table.concat(lines, "\n")
end

public.hide(Optimizer, "declare", "new", "share", "take_back", "unscale_grad", "clip_grads")
return Optimizer
