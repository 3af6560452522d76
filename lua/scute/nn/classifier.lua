-- nn.Classifier: a backbone that turns photos into features, and a head that turns features into class scores. The
-- models of scute.models derive from it, as may one of your own (models.register), and say, in build:
--    self:describe_model { arch = "resnet18", head = "fc", groups = { {"stem", {"conv1", "bn1"}}, ... }, classes = ...,
--                          preprocessing = {...} }
local born = require "scute.nn.born"
local scute = require "scute.core"
local Module = require "scute.nn.module"
local Linear = require("scute.nn.linear").Linear
local head_dropout = require "scute.nn.head_dropout"
local init = require "scute.nn.initialise"
local parts = require "scute.nn.parts"
local public = require "scute.base.public"

local Classifier = Module:extend "Classifier"
Classifier.keeps_nothing = true

-- From a number or a list of names: the names. A model of n unnamed classes calls them "1" to "n".
local function class_names(classes)
   if math.type(classes) == "integer" and classes >= 1 then
      local names = {}
      for i = 1, classes do names[i] = tostring(i) end
      return names
   end
   if type(classes) ~= "table" or #classes == 0 then
      error(("classes: expected a number of at least 1 or a list of names, found %s"):format(
         type(classes) == "table" and "an empty table" or tostring(classes)), 0)
   end
   local names, seen = {}, {}
   for i, name in ipairs(classes) do
      if type(name) ~= "string" then
         error(("classes: entry %d: expected a name, found a %s"):format(i, type(name)), 0)
      end
      if seen[name] then error(("classes: '%s' is listed twice"):format(name), 0) end
      names[i], seen[name] = name, true
   end
   return names
end
Classifier.class_names = class_names

-- arch: the model's name. head: the dotted path of the last Linear. groups: { {name, {paths}}, ... }, the head's group
-- last. classes: number or names. preprocessing: {pad_square, resize, crop, filter, mean, std}, what evaluation does to
-- a photo. head_init: how the head starts (a name of nn.init.HEADS).
function Classifier:describe_model(o)
   born.note(self)
   self.arch, self.head_path, self.declared_groups = o.arch, o.head, o.groups
   self.classes, self.preprocessing, self.head_init = class_names(o.classes), o.preprocessing, o.head_init
end

-- Features before the head: (N, F). Models define it.
function Classifier:features()
   error(("%s has no features"):format(self.class_name), 2)
end

-- Scores from features: (N, F) -> (N, number of classes).
function Classifier:head(features)
   return head_dropout.through(self, features, self:get(self.head_path))
end

function Classifier:forward(x)
   local features = self:features(x)
   local scores = self:head(features)
   if not rawequal(features, scores) and not rawequal(features, x) then features:free() end
   return scores
end

-- Whether dropout can be put between features and head: not where a class computes scores in its own way.
function Classifier:takes_dropout()
   return self.head == Classifier.head and self.forward == Classifier.forward
end

-- Sets the dropout before the head: in training each feature is 0 with probability p. Where the network has a Dropout of its
-- own before the head, or the head begins with one, that gets it; a network with neither that computes its scores in its own
-- way is an error. Files and checkpoints of the model have it. Returns self.
function Classifier:set_dropout(p)
   local ok, why = pcall(head_dropout.set, self, p)
   if not ok then error(why, 2) end
   return self
end

-- The last layer, where it is the one that the architecture has: a Linear with a row for each class. Fails where another head
-- was put in its place; how: what can be done then, half a sentence.
local function own_head(self, how)
   local head = self
   for name in self.head_path:gmatch "[^.]+" do head = head and head:child(name) end
   if head and Module.is(head, Linear) and head.out_features == #self.classes then return head end
   error(("%s: its head is one of your own, %s"):format(self.arch or self.class_name, how or "which only you can make anew"), 0)
end

-- Whether more of what is learned than the layer at head_path lies in what computes the scores: a head of one's own in the
-- place of a whole classifier, of which one layer may have that name.
local function begins_earlier(self)
   local around, groups = self.head_path:match "^(.*)%.", self:group_paths()
   if not around or self.head == Classifier.head then return false end
   for name in self:named_parameters() do
      local is_before = parts.matches({ around }, name) and not parts.matches({ self.head_path }, name)
      if is_before and parts.matches(groups[#groups][2], name) then return true end
   end
   return false
end

-- Number of features before the head, the second size of features(x). An error where the head is one of your own.
function Classifier:num_features()
   local how = "and what goes into it only features(x) tells"
   local layer = own_head(self, how)
   if begins_earlier(self) then error(("%s: its head is one of your own, %s"):format(self.arch or self.class_name, how), 0) end
   return layer.in_features
end

function Classifier:group_paths()
   return self.declared_groups
end

-- "backbone" is everything but the head, "head" the head.
function Classifier:group_aliases()
   local names = {}
   for i, group in ipairs(self:group_paths()) do names[i] = group[1] end
   local head = table.remove(names)
   return { backbone = names, head = { head } }
end

-- Replaces the head by a new one for other classes, in the same place and under the same name. `how` is a name of
-- nn.init.HEADS (default: what the architecture starts with). Returns a line that says what was done.
function Classifier:replace_head(classes, how)
   local old = own_head(self)
   self.classes = class_names(classes)
   local weight = old.weight
   local new = Linear { old.in_features, #self.classes, dtype = weight.dtype, device = weight.device }
   how = init.head(new, how or self.head_init)
   local parent, name = self.head_path:match "^(.*)%.([^.]+)$"
   local holder = parent and self:get(parent) or self
   holder:add(name or self.head_path, new:train(self.training))
   return self:head_line(how)
end

-- Sets the present head to new starting values. Returns a line that says what was done.
function Classifier:restart_head(how)
   how = init.head(own_head(self), how or self.head_init)
   return self:head_line(how)
end

-- The line that says what a new head is.
function Classifier:head_line(how)
   return ("new head: %s %d → %d, %s"):format(self.head_path, own_head(self).in_features, #self.classes, how)
end

-- Where class i of `names` is among the classes that the model has now.
local function positions(self, names)
   local at, rows = {}, {}
   for i, name in ipairs(self.classes) do at[name] = i end
   for i, name in ipairs(names) do
      rows[i] = at[name] or error(("classes: the model does not know '%s'"):format(name), 0)
   end
   if #rows ~= #self.classes then
      error(("classes: expected all %d of the model, found %d"):format(#self.classes, #rows), 0)
   end
   return scute.tensor(rows, { dtype = "i64" })
end

-- Puts the classes into another order, and with them the rows of the head's last layer, weight and bias. Returns self.
function Classifier:order_classes(names)
   names = class_names(names)
   local rows, state, layer = positions(self, names), self:state_dict(), nil
   local groups = self:group_paths()
   local function layer_of(name)
      local has_rows = state.tensors[name].shape[1] == #names and parts.matches(groups[#groups][2], name)
      return has_rows and (name:match "^(.*)%." or "") or nil
   end
   for _, name in ipairs(state.names) do layer = layer_of(name) or layer end
   if not layer then error(("classes: no layer of the head has a row for each of %d classes"):format(#names), 0) end
   scute.no_grad(function()
      for _, name in ipairs(state.names) do
         local tensor = state.tensors[name]
         if layer_of(name) == layer then tensor:copy_(tensor:index_select(1, rows:to(tensor.device))) end
      end
   end)
   self.classes = names
   return self
end

-- ---- saving ----

-- What a model file carries besides the tensors, as text: architecture, classes and preprocessing, and the precision that it
-- was trained in ("fp32", "bf16", ...; none where it was not trained), in which it is looked at later.
function Classifier:metadata()
   local json = require "cjson"
   return { format = "pt", architecture = self.arch, classes = json.encode(self.classes),
      preprocessing = require("scute.base.json").line(self.preprocessing), precision = self.precision }
end

-- True if nothing of the backbone is trained: its features of a photo stay the same.
function Classifier:is_backbone_frozen()
   local head = self:group_paths()[#self:group_paths()]
   for _, group in ipairs(self:groups()) do
      if group.name ~= head[1] and (group.trainable > 0 or group.batch_norm ~= "eval" and group.batch_norm ~= "-") then
         return false
      end
   end
   return true
end

-- The features of photos (N, C, H, W) in evaluation mode and without the tape, whatever the mode.
function Classifier:embed(x)
   local training = self.training
   if training then self:eval() end
   local results = table.pack(pcall(scute.no_grad, self.features, self, x))
   if training then self:train() end
   if not results[1] then error(results[2], 0) end
   return results[2]
end

public.hide(Classifier, "takes_dropout", "head_line", "class_names", "head_path", "declared_groups")
public.keep_to_class(Classifier, "describe_model")
return { Classifier = Classifier }
