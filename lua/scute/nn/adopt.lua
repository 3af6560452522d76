-- Makes of a network of one's own, whatever its class, what scute.models has: a model with classes and preprocessing, with
-- groups from the input to the head, with features and scores.
--
-- A Classifier brings all that. Any other module, with forward(x) -> scores, gets the methods of one: of a Sequential the last
-- Linear (or a Sequential that begins with one) is the head, and what stands before it gives the features. What cannot be
-- parted so has its scores for features.
local Module = require "scute.nn.module"
local Classifier = require("scute.nn.classifier").Classifier
local Dropout = require("scute.nn.activation").Dropout
local EmbeddingHead = require("scute.nn.embedding_head").EmbeddingHead
local Linear = require("scute.nn.linear").Linear
local Sequential = require("scute.nn.container").Sequential
local head_dropout = require "scute.nn.head_dropout"
local passing = require "scute.nn.passing"
local same_list = require "scute.base.same_list"

-- ---- features and head of what is no Classifier ----

-- Whether a layer takes features, (N, F): a Linear, a head that embeds, or a Sequential of which one is the first that computes
-- something.
local function is_head(layer)
   if Module.is(layer, Linear) or Module.is(layer, EmbeddingHead) then return true end
   if not Module.is(layer, Sequential) then return false end
   for _, inner in layer:children() do
      if is_head(inner) then return true end
      if not Module.is(inner, Dropout) then return false end
   end
   return false
end

-- The place of the last such layer of a Sequential that nothing with parameters follows; nil where there is none.
local function head_place(module)
   for place = #module, 2, -1 do
      local layer = module[place]
      if is_head(layer) then return place end
      if layer:num_parameters() > 0 then return nil end
   end
end

-- Where the features end: a Dropout before the head acts anew each time that a head looks at features which are kept.
local function first_of_head(module)
   local place = head_place(module)
   while place > 2 and Module.is(module[place - 1], Dropout) do place = place - 1 end
   return place
end

local PARTED = {}

function PARTED:features(x)
   return passing.through(x, self, 1, first_of_head(self) - 1)
end

function PARTED:head(features)
   return head_dropout.through(self, features, function(given)
      return passing.through(given, self, first_of_head(self), #self)
   end)
end

local function forward_parted(self, x)
   if not rawget(self, "dropout_before_head") then return Sequential.forward(self, x) end
   return Classifier.forward(self, x)
end

function PARTED:takes_dropout()
   return self.head == PARTED.head and self.forward == forward_parted
end

local WHOLE = {}

function WHOLE:features(x)
   return self:forward(x)
end

-- The same values as a tensor of its own, which may be freed.
function WHOLE:head(features) -- luacheck: ignore self
   return features:reshape(features.shape)
end

-- What comes before the last layer is not known.
function WHOLE:takes_dropout() -- luacheck: ignore self
   return false
end

-- Never: the features are what the head says.
function WHOLE:is_backbone_frozen() -- luacheck: ignore self
   return false
end

-- ---- classes ----

local mixed = setmetatable({}, { __mode = "k" }) -- class -> {[PARTED or WHOLE] = the class with the methods of a Classifier}

local function mix(class, more)
   local made = class:extend(class.class_name)
   made.keeps_nothing = class.keeps_nothing
   for _, methods in ipairs { Classifier, more } do
      for name, method in pairs(methods) do
         local is_own = class[name] ~= nil and class[name] ~= Module[name]
         if type(method) == "function" and not is_own then made[name] = method end
      end
   end
   if more == PARTED and class.forward == Sequential.forward then made.forward = forward_parted end
   return made
end

local function class_with_methods(class, more)
   local of = mixed[class] or {}
   mixed[class] = of
   of[more] = of[more] or mix(class, more)
   return of[more]
end

local function describe(module, preprocessing, names)
   local place = Module.is(module, Sequential) and head_place(module)
   local groups = module:group_paths()
   setmetatable(module, class_with_methods(getmetatable(module).class, place and PARTED or WHOLE).instance)
   module:describe_model { classes = names, preprocessing = preprocessing, groups = groups, head = groups[#groups][2][1],
      head_init = "kaiming uniform" }
end

-- What is wrong with what a function returned, in words; nil where nothing is.
local function fault(module, names)
   if not Module.is_module(module) then return "expected a module, found " .. type(module) end
   if module:num_parameters() == 0 then return "it has no parameters" end
   if not Module.is(module, Classifier) then return nil end
   if not module.declared_groups then return "its build has not called self:describe_model { ... }" end
   if #module.classes ~= #names then
      return ("it is for %d classes, where %d were asked for: they are the first argument"):format(#module.classes, #names)
   end
   if not same_list(module.classes, names) then return "its classes are others than the first argument says" end
end

--- The model that a network is: `name` its architecture, `names` its classes, `preprocessing` what is done to photos where it
-- says nothing itself.
return function(name, module, names, preprocessing)
   local why = fault(module, names)
   if why then error(("models: what builds '%s': %s"):format(name, why), 0) end
   if not Module.is(module, Classifier) then describe(module, preprocessing, names) end
   module.arch, module.preprocessing = name, module.preprocessing or preprocessing
   return module
end
