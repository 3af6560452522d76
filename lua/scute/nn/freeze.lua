-- Freezing by group or by dotted component (nn/parts.lua says what a name is): part of nn.Module.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local parts = require "scute.nn.parts"

local MODES = { "eval", "train_affine", "train" }

local function check_mode(what, mode)
   for _, known in ipairs(MODES) do
      if mode == known then return mode end
   end
   error(("%s: expected batch norm 'eval', 'train_affine' or 'train', found '%s'"):format(what, tostring(mode)), 0)
end

local function check_options(what, options)
   for key in pairs(options or {}) do
      if key ~= "batch_norm" and key ~= "pattern" then
         local near = scute.nearest(tostring(key), { "batch_norm", "pattern" })
         error(("%s: unknown option '%s'%s; expected batch_norm or pattern"):format(what, tostring(key),
            near and ("; did you mean '%s'?"):format(near) or ""), 0)
      end
   end
   return options or {}
end

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

local function set(self, what, wanted, options, trainable)
   options = check_options(what, options)
   local mode = check_mode(what, options.batch_norm or (trainable and "train" or "eval"))
   local paths = parts.resolve(self, what, wanted, options.pattern)
   for name, tensor in self:named_parameters() do
      if parts.matches(paths, name) then train(tensor, trainable) end
   end
   apply_mode(self, paths, mode)
   for name, module in self:named_modules() do
      if module.class_name == "StochasticDepth" and parts.matches(paths, name) then module.fixed = not trainable end
   end
   return self
end

-- Parameters of the named parts get no gradient and no step. `what` is a name or a list of names; nil is everything; an
-- unknown name is an error with the nearest ones. Options: pattern = true: the names are Lua patterns; batch_norm: what
-- the norms in there do, see set_batch_norm (default "eval": they keep their statistics bit for bit, in training mode
-- too). Returns the model.
function Module:freeze(what, options)
   return set(self, "freeze", what, options, false)
end

-- The opposite, with the same options; batch_norm is "train" by default. Returns the model.
function Module:unfreeze(what, options)
   return set(self, "unfreeze", what, options, true)
end

-- Freezes everything and then unfreezes what the names match; with an error nothing has changed. Options as in unfreeze.
-- Returns the model.
function Module:unfreeze_only(what, options)
   if what == nil then error("unfreeze_layers: expected a name or a list of names, found nil", 0) end
   options = check_options("unfreeze_layers", options)
   if options.batch_norm then check_mode("unfreeze_layers", options.batch_norm) end
   parts.resolve(self, "unfreeze_layers", what, options.pattern)
   return self:freeze():unfreeze(what, options)
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
-- the others. A negative n counts from the head: -1 freezes everything, -2 everything but the head; 0 nothing. `options`
-- as in freeze, for the frozen groups. Returns the model.
function Module:freeze_to(n, options)
   local count, groups = frozen_groups(self, n)
   check_options("freeze_to", options)
   for i, group in ipairs(groups) do
      if i <= count then
         self:freeze(group[1], options)
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
-- `options`: pattern as in freeze. Returns the model.
function Module:set_batch_norm(mode, what, options)
   check_mode("set_batch_norm", mode)
   options = check_options("set_batch_norm", options)
   local paths = parts.resolve(self, "set_batch_norm", what, options.pattern)
   if apply_mode(self, paths, mode) == 0 then error("set_batch_norm: there is no batch norm in there", 0) end
   return self
end

return Module
