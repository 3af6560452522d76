-- What is known of values without having them: kinds, with their fields, and which functions give which.
--
-- A kind is named in a word; its fields are name -> kind of what is in it (true: nothing is known of that). Its methods are
-- those of a class or of a type of C's. What a function gives is told by what declares its options, by its name or its class.
local inventory = require "scute.help.inventory"
local options = require "scute.base.options"
local scute = require "scute"

local kinds = {}

local function class(name) return function() return scute.nn[name] end end

local KINDS = {
   tensor = { type = "scute.tensor",
      fields = { shape = true, dtype = "text", device = "text", rank = true, grad = "tensor", requires_grad = true,
         is_leaf = true } },
   image = { type = "scute.image", fields = { width = true, height = true } },
   canvas = { type = "scute.canvas" },
   loader = { type = "scute.loader" },
   monitor = { type = "scute.monitor" },
   handle = { type = "scute.later" },
   text = { class = function() return string end },
   module = { class = class "Module" },
   model = { class = class "Classifier", fields = { arch = "text", classes = true, preprocessing = true, training = true } },
   optimizer = { class = function() return scute.optim.Optimizer end, fields = { kind = "text", groups = true } },
   ["data set"] = { fields = { dir = "text", classes = true, train = "part", val = "part", notes = true, split = "text",
      broken = true, others = true } },
   part = { fields = { paths = true, labels = true, counts = true } },
   result = { class = function() return inventory.classes_in("scute.train.result").Result end,
      fields = { history = true, best = true, folder = "text", confusion = true, best_ema = true, stopped = true,
         interrupted = true, seconds = true } },
}

-- What functions give, by what their options are declared for.
local BY_DECLARATION = { ["models"] = "model", ["data.open"] = "data set", ["train.fit"] = "result" }
for name in ("sgd adam adamw rmsprop"):gmatch "%S+" do BY_DECLARATION["optim." .. name] = "optimizer" end

-- And by their place in the library.
local BY_NAME = { tensor = "zeros ones full rand randn randperm arange tensor", image = "image.load", canvas = "canvas",
   loader = "loader", monitor = "monitor", model = "models.load", part = "data.list", text = "device nfc" }

-- What methods give: "self" is what they are called on; no word: nothing is known.
local METHODS = {
   tensor = { item = false, totable = false, values = false, size = false, numel = false, backward = false, free = false,
      later = "handle" },
   image = { save = false, show = false, free = false, tensor = "tensor", preprocess = "tensor" },
   handle = { get = "tensor" },
   result = { resume = "self" },
   canvas = { render = "image" },
   text = { rep = "text", sub = "text", lower = "text", upper = "text", format = "text", gsub = "text", reverse = "text" },
   module = { get = "module", child = "module" },
}
local OTHERWISE = { tensor = "tensor", image = "image" } -- what the other methods of a kind give
for name in ([[train eval to apply zero_grad freeze unfreeze unfreeze_only freeze_to set_batch_norm
   order_classes]]):gmatch "%S+" do
   METHODS.module[name] = "self"
end
for name in ("forward features head embed"):gmatch "%S+" do METHODS.module[name] = "tensor" end

--- The kind of that name: { fields, class or type }.
function kinds.of(name)
   return KINDS[name]
end

--- The table that holds the methods of a kind; nil where it has none.
function kinds.methods(name)
   local kind = KINDS[name]
   if kind.class then return kind.class() end
   local meta = kind.type and debug.getregistry()[kind.type]
   return type(meta) == "table" and (rawget(meta, "methods") or type(meta.__index) == "table" and meta.__index) or nil
end

--- The kind of a value of a type of C's.
function kinds.of_userdata(value)
   local meta = debug.getmetatable(value)
   for name, kind in next, KINDS do
      if kind.type and type(meta) == "table" and meta.__name == kind.type then return name end
   end
end

--- What a method of a kind gives: a kind, "self", or nil.
function kinds.of_method(kind, method)
   local given = (METHODS[kind] or {})[method]
   if given == nil then given = OTHERWISE[kind] end
   return given or nil
end

local by_function

-- Function -> kind, of those in BY_NAME and of all ops.
local function functions()
   local found = {}
   for _, name in ipairs(scute.ops()) do found[rawget(scute, name)] = "tensor" end
   for kind, names in next, BY_NAME do
      for name in names:gmatch "%S+" do
         local family, member = name:match "^(%w+)%.(%w+)$"
         local holder = family and scute[family] or scute
         found[rawget(holder, member or name)] = kind
      end
   end
   return found
end

--- What a function gives: a kind, or nil.
function kinds.of_result(f)
   local declaration = options.of(f)
   if declaration then return BY_DECLARATION[declaration.what] end
   by_function = by_function or functions()
   return by_function[f]
end

return kinds
