-- Dropout before the head: the network's own where it has one there, else as a number of the model's, which its file and its
-- checkpoints have like any field, so that no layer is added and torchvision's names stay. Part of nn.Classifier.
local scute = require "scute.core"
local console = require "scute.base.console"
local Module = require "scute.nn.module"
local Dropout = require("scute.nn.activation").Dropout
local Sequential = require("scute.nn.container").Sequential

local head_dropout = {}

local FIELD = "dropout_before_head"

--- The scores that head(...) makes of features, with dropout before in training.
function head_dropout.through(model, features, head, ...)
   local p = rawget(model, FIELD)
   if not p or p == 0 or not model.training then return head(features, ...) end
   local dropped = scute.dropout(features, p, true)
   local scores = head(dropped, ...)
   if not rawequal(scores, dropped) then dropped:free() end
   return scores
end

-- ---- the network's own ----

-- The last Dropout among the layers of a module before the one of that name (nil: of all), or nil. In a sequence nothing that
-- learns comes between.
local function last_before(module, stop)
   local found
   for name, layer in module:children() do
      if name == stop then break end
      if Module.is(layer, Dropout) then
         found = layer
      elseif Module.is(module, Sequential) and layer:num_parameters() > 0 then
         found = nil
      end
   end
   return found
end

-- The Dropout with which a head of several layers begins.
local function first_of(head)
   for _, layer in head:children() do
      if Module.is(layer, Dropout) then return layer end
      if layer:num_parameters() > 0 then return first_of(layer) end
   end
end

-- In a sequence of the user's own that stands where the network has its whole classifier: what it begins with, or the last one
-- before its last layer.
local function in_place_of_head(model)
   local place = model:child(model.head_path:match "^[^.]+")
   if not place or not Module.is(place, Sequential) then return nil end
   local last
   for name in place:children() do last = name end
   return first_of(place) or last and last_before(place, last)
end

-- Within the head, beside it, or, where no order is known, anywhere among the layers of the whole.
local function own(model)
   local holder, head = model, model
   for name in model.head_path:gmatch "[^.]+" do holder, head = head, head and head:child(name) end
   local found = head and (first_of(head) or last_before(holder, model.head_path:match "[^.]+$"))
   return found or in_place_of_head(model) or not Module.is(model, Sequential) and last_before(model) or nil
end

-- ---- setting ----

--- Sets the dropout of a model. Fails where it has no place for it.
function head_dropout.set(model, p)
   if type(p) ~= "number" or not (p >= 0 and p <= 1) then
      error("set_dropout: expected a number from 0 to 1, found " .. console.brief(p), 0)
   end
   local layer = own(model)
   if layer then
      layer.p = p
   elseif model:takes_dropout() then
      rawset(model, FIELD, p)
   elseif p > 0 then
      error(("set_dropout: %s has no Dropout before its head, and computes its scores in its own way, so that none can be "
         .. "added; put one before its last layer, as in nn.Sequential { nn.Dropout(%g), nn.Linear { ... } }"):format(
         model.arch or model.class_name, p), 0)
   end
end

return head_dropout
