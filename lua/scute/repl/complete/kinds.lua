-- What is known of values without having them: kinds, with their fields, and which functions give which.
--
-- A kind is named in a word; its fields are name -> kind of what is in it (true: nothing is known of that). Its methods are
-- those of a class or of a type of C's. What a function or a method gives is told by its name in help().
local RETURNS = require "scute.help.returns"
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
   optimizer = { fields = { kind = "text", groups = true } },
   figure = { fields = { width = true, height = true, canvas = "canvas" } },
   ["data set"] = { fields = { dir = "text", classes = true, train = "part", val = "part", notes = true, split = "text",
      broken = true, others = true } },
   part = { fields = { paths = true, labels = true, counts = true, boxes = true, masks = true } },
   result = { fields = { history = true, best = true, folder = "text", confusion = "confusion", best_ema = true, stopped = true,
      interrupted = true, seconds = true } },
}
for _, entry in ipairs(inventory.CLASSES) do -- values for which help() has a word
   local word, module, name = table.unpack(entry)
   KINDS[word] = KINDS[word] or {}
   KINDS[word].class = function() return inventory.classes_in(module)[name] end
end

-- Kinds that have another word in help().
local KIND_OF = { t = "tensor", ["nn.Classifier"] = "model" }

-- What else functions give than help() has a word for.
local BESIDE = { ["image.load"] = "image", canvas = "canvas", loader = "loader", monitor = "monitor",
   ["data.open"] = "data set", ["data.list"] = "part", device = "text", nfc = "text" }

-- What methods give: "self" is what they are called on; no word: nothing is known.
local METHODS = {
   tensor = { item = false, totable = false, values = false, size = false, numel = false, backward = false, free = false,
      later = "handle" },
   image = { save = false, show = false, free = false, tensor = "tensor", preprocess = "tensor" },
   handle = { get = "tensor" },
   result = { resume = "self" },
   figure = { title = "self", text = "self", save = "self" },
   canvas = { render = "image" },
   text = { rep = "text", sub = "text", lower = "text", upper = "text", format = "text", gsub = "text", reverse = "text" },
   module = { get = "module", child = "module" },
}
local OTHERWISE = { tensor = "tensor", image = "image" } -- what the other methods of a kind give
for name in ([[train eval to apply zero_grad freeze unfreeze unfreeze_only freeze_to set_batch_norm
   order_classes]]):gmatch "%S+" do
   METHODS.module[name] = "self"
end

local function kind_of(word)
   local kind = KIND_OF[word] or word
   return KINDS[kind] and kind
end

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

-- "lr_finder", "figure" -> "figure"; methods of a model stand under both of its classes.
local function told(kind, method)
   local word = RETURNS[kind .. ":" .. method] or kind == "module" and RETURNS["classifier:" .. method]
   return word and kind_of(word)
end

--- What a method of a kind gives: a kind, "self", or nil.
function kinds.of_method(kind, method)
   local given = (METHODS[kind] or {})[method]
   if given == nil then given = told(kind, method) or OTHERWISE[kind] end
   return given or nil
end

-- What a name of help() stands for in the families that are used so far; nil of the others.
local function in_use(name)
   local value = scute
   for key in name:gmatch "[^.]+" do value = type(value) == "table" and rawget(value, key) or nil end
   return value
end

local function is_op(f)
   for _, name in ipairs(scute.ops()) do
      if rawget(scute, name) == f then return true end
   end
end

-- The kind that a table (name -> word or kind) tells of a function.
local function told_in(names, f)
   for name, word in next, names do
      if in_use(name) == f then return kind_of(word) end
   end
end

--- What a function gives: a kind, or nil.
function kinds.of_result(f)
   local declaration = options.of(f)
   if declaration and declaration.what == "models" then return "model" end -- all of them share it
   return is_op(f) and "tensor" or told_in(RETURNS, f) or told_in(BESIDE, f)
end

return kinds
