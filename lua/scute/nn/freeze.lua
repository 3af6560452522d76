-- Freezing by group or by dotted component (nn/parts.lua says what a name is): part of nn.Module.
local Module = require "scute.nn.module"
local options = require "scute.base.options"
local parts = require "scute.nn.parts"

local BATCH_NORM = { "batch_norm", choices = { "eval", "train_affine", "train" },
   show = "eval where it freezes, train where it unfreezes", help = "what the norms in there do, see set_batch_norm" }
local PATTERN = { "pattern", flag = true, default = false, help = "the names are Lua patterns" }

local FREEZE = {}
for _, name in ipairs { "freeze", "unfreeze", "unfreeze_layers", "freeze_to" } do
   FREEZE[name] = options.declare(name, { BATCH_NORM, PATTERN })
end
local SET_BATCH_NORM = options.declare("set_batch_norm", { PATTERN })

local function train(tensor, trainable)
   tensor:requires_grad_(trainable)
   if not trainable then tensor:zero_grad() end
end

-- Every batch norm in the paths; returns how many there were.
local function apply_mode(self, paths, mode)
   local norms = parts.batch_norms(self, paths)
   for _, norm in ipairs(norms) do
      norm.fixed = mode ~= "train"
      if norm.fixed then
         train(norm.weight, mode == "train_affine")
         train(norm.bias, mode == "train_affine")
      end
   end
   return #norms
end

local function set(self, what, wanted, given, trainable)
   local o = FREEZE[what]:read(given, 0)
   local paths = parts.resolve(self, what, wanted, o.pattern)
   for name, tensor in self:parameter_names() do
      if parts.matches(paths, name) then train(tensor, trainable) end
   end
   apply_mode(self, paths, o.batch_norm or (trainable and "train" or "eval"))
   for name, module in self:named_modules() do
      if module.class_name == "StochasticDepth" and parts.matches(paths, name) then module.fixed = not trainable end
   end
   return self
end

-- Parameters of the named parts get no gradient and no step. `what` is a name or a list of names; nil is everything; an
-- unknown name is an error with the nearest ones. Options: pattern = true: the names are Lua patterns; batch_norm: what
-- the norms in there do, see set_batch_norm (default "eval": they keep their statistics bit for bit, in training mode
-- too). Returns the model.
function Module:freeze(what, given)
   return set(self, "freeze", what, given, false)
end

-- The opposite, with the same options; batch_norm is "train" by default. Returns the model.
function Module:unfreeze(what, given)
   return set(self, "unfreeze", what, given, true)
end

-- Freezes everything and then unfreezes what the names match; with an error nothing has changed. Options as in unfreeze.
-- Returns the model.
function Module:unfreeze_only(what, given)
   if what == nil then error("unfreeze_layers: expected a name or a list of names, found nil", 0) end
   local o = FREEZE.unfreeze_layers:read(given, 0)
   parts.resolve(self, "unfreeze_layers", what, o.pattern)
   return self:freeze():unfreeze(what, o)
end

-- The number of groups that freeze_to(n) freezes.
local function frozen_groups(self, n)
   local groups = self:group_paths()
   if type(n) == "string" then
      for i, group in ipairs(groups) do
         if group[1] == n then return i, groups end
      end
   elseif math.type(n) == "integer" and math.abs(n) <= #groups then
      return n < 0 and #groups + 1 + n or n, groups
   end
   local names = {}
   for i, group in ipairs(groups) do names[i] = group[1] end
   error(("freeze_to: expected a whole number from %d to %d, or one of the groups %s; found '%s'"):format(-#groups, #groups,
      table.concat(names, ", "), tostring(n)), 0)
end

-- Freezes the groups from the input up to number n (or up to the group of that name), that one included, and unfreezes
-- the others. A negative n counts from the head: -1 freezes everything, -2 everything but the head; 0 nothing. Options
-- as in freeze, for the frozen groups. Returns the model.
function Module:freeze_to(n, given)
   local count, groups = frozen_groups(self, n)
   local o = FREEZE.freeze_to:read(given, 0)
   for i, group in ipairs(groups) do
      if i <= count then
         self:freeze(group[1], o)
      else
         self:unfreeze(group[1])
      end
   end
   return self
end

-- What batch norms do in training mode, in the named parts (nil: in all):
--    "eval"          the running statistics are used and stay bit for bit; gamma and beta are not trained
--    "train_affine"  the running statistics are used and stay; gamma and beta are trained
--    "train"         the batch's statistics are used, and move the running ones; gamma and beta stay trained or frozen
-- Options: pattern as in freeze. Returns the model.
function Module:set_batch_norm(mode, what, given)
   local o = SET_BATCH_NORM:read(given, 0)
   local wrong = select(2, options.check(BATCH_NORM, mode))
   if wrong then error("set_batch_norm: " .. wrong, 0) end
   local paths = parts.resolve(self, "set_batch_norm", what, o.pattern)
   if apply_mode(self, paths, mode) == 0 then error("set_batch_norm: there is no batch norm in there", 0) end
   return self
end

for _, name in ipairs { "freeze", "unfreeze", "freeze_to" } do FREEZE[name]:describes(Module[name]) end
FREEZE.unfreeze_layers:describes(Module.unfreeze_only)
SET_BATCH_NORM:describes(Module.set_batch_norm)

return Module
