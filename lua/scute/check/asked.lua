-- What scute's own functions say of arguments that are written out, where they are asked with something small: the options of
-- constructors of tensors, dtypes, and the parts of a model whose architecture is known.
local console = require "scute.base.console"
local literal = require "scute.check.literal"
local scute = require "scute"

local asked = {}

-- What a function raises, whatever stands for values that only running tells; nil where it takes them.
local function complaint(ask)
   local said
   for _, stand_in in ipairs(literal.STAND_INS) do
      local ok, why = pcall(ask, stand_in)
      why = not ok and console.message(why)
      if not why or said and said ~= why then return nil end
      said = why
   end
   return said
end

-- ---- tensors ----

local CONSTRUCTORS = { "zeros", "ones", "full", "rand", "randn", "arange", "tensor", "eye", "linspace", "randint", "randperm" }

-- Whether there is such a device, only running tells.
local function check_options(file, known, name, call)
   local node = #call > 1 and known:behind(call[#call])
   for _, pair in ipairs(node and node.tag == "Table" and node or {}) do
      local key = pair.tag == "Pair" and literal.constant(pair[1])
      local why = type(key) == "string" and key ~= "device" and complaint(function(stand_in)
         scute.zeros(1, { [key] = literal.whole(known, pair[2], stand_in) })
      end)
      if why then file:find(pair, (why:gsub("^zeros: ", name .. ": "))) end
   end
end

local function check_conversion(file, known, call)
   local text = call[3] and literal.of(known, call[3])
   local why = type(text) == "string" and complaint(function() scute.zeros(1):to(text) end)
   if why and why:find "^to: " then file:find(call[3], why) end -- another is of a device that this machine has not
end

-- ---- models ----

local NAMING = { freeze = true, unfreeze = true, unfreeze_only = true, freeze_to = true, groups = true }

-- The variable that holds a model on which methods are called.
local function variable_of(node)
   while node.tag == "Invoke" or node.tag == "Paren" do node = node[1] end
   return node.variable
end

-- Whether a model has the parts that it was made with, for all that is known.
local function is_as_made(known, variable)
   if not variable then return true end
   if variable.writes + variable.leaks > 0 then return false end
   for _, argument in ipairs(known.arguments) do
      if argument.variable == variable and not known:thing(argument.call[1]) then return false end
   end
   return true
end

local made = {} -- name -> a model of shapes alone

local function model_of(name)
   made[name] = made[name] or scute.models.with_shapes(name, function(model) return model end)
   return made[name]
end

local function check_parts(file, known, method, call)
   if not is_as_made(known, variable_of(call[1])) then return end
   local model = model_of(method.of.arch)
   local why = complaint(function(stand_in)
      local given = {}
      for i = 3, #call do given[i - 2] = literal.whole(known, call[i], stand_in) end
      method.value(model, table.unpack(given, 1, #call - 2))
   end)
   if why then file:find(call[3] or call, why) end
end

--- Checks the arguments of a call of `thing`, a function or a method.
function asked.check(file, known, thing, call)
   if thing.of and thing.of.kind == "tensor" and thing.method == "to" then return check_conversion(file, known, call) end
   if thing.of and thing.of.arch and NAMING[thing.method] then return check_parts(file, known, thing, call) end
   for _, name in ipairs(thing.of and {} or CONSTRUCTORS) do
      if thing.value == scute[name] then return check_options(file, known, name, call) end
   end
end

return asked
