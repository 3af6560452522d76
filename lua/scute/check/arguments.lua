-- Options in calls: names that are not taken, and values that are written out and wrong. What is said of them is what is said
-- as they run.
local fields = require "scute.check.fields"
local flags = require "scute.check.flags"
local literal = require "scute.check.literal"
local options = require "scute.base.options"
local scute = require "scute"
local sorted_keys = require "scute.base.sorted_keys"
local things = require "scute.repl.complete.things"

local arguments = {}

-- ---- values ----

local KINDS = { Table = "a table", Function = "a function" }

-- What is wrong with a value that an expression gives; nil where nothing is, or where only running tells.
local function mistake_in(known, entry, node)
   local value = literal.of(known, node)
   if value == nil then
      local behind = known:behind(node)
      local kind = behind and KINDS[behind.tag]
      local is_simple = (entry.whole or entry.number or entry.choices or entry.flag or entry.text) and not entry.read
      return kind and is_simple and ("expected %s, found %s"):format(options.expected(entry), kind) or nil
   end
   if value == false and not entry.flag then return nil end -- not given
   local checked, why = options.check(entry, value)
   return checked == nil and why or nil
end

local function check_value(file, known, what, entry, node)
   local why = mistake_in(known, entry, node)
   if why then file:find(node, ("%s: option '%s': %s"):format(what, entry[1], why)) end
end

--- Checks a value that is assigned to a field of a strict table of options. What a flag of the script's own may become is known
--- to the script alone.
function arguments.check_assigned(file, known, declaration, name, node)
   local entry = declaration.by_name[name]
   if entry and not flags.is_own(entry) then check_value(file, known, declaration.what, entry, node) end
end

-- ---- tables of options ----

local function check_pair(file, known, declaration, pair)
   local key = pair[1]
   if key.tag ~= "String" or pair[2].tag == "Nil" then return end
   local entry = declaration.by_name[key[1]]
   if entry then return check_value(file, known, declaration.what, entry, pair[2]) end
   file:find(pair, ("%s: %s"):format(declaration.what, declaration:unknown(key[1])))
end

-- position: values without a name are options too, in their order.
local function check_table(file, known, declaration, node, position)
   local n = 0
   for _, part in ipairs(node) do
      if part.tag == "Pair" then
         check_pair(file, known, declaration, part)
      else
         n = n + 1
         local entry = position and declaration.entries[n]
         if entry then check_value(file, known, declaration.what, entry, part) end
      end
   end
end

local function is_class(value)
   return type(value) == "table" and rawget(value, "class_name") ~= nil
end

-- The argument of a call that holds the options: the last parameter. first: the place of the first argument.
local function options_argument(f, call, first)
   if type(f) ~= "function" then return call[first] end
   local info = debug.getinfo(f, "u")
   if info.nparams == 0 then return call[#call >= first and #call or first] end
   return call[first + info.nparams - 1 - (call.tag == "Invoke" and 1 or 0)]
end

local function check_declared(file, known, declaration, f, call, first)
   local given = options_argument(f, call, first)
   if not given then return end
   local node, in_order = known:behind(given), is_class(f)
   if node and node.tag == "Table" and not (in_order and #call > first) then
      check_table(file, known, declaration, node, in_order)
   elseif in_order then
      for i = first, #call do
         local entry = declaration.entries[i - first + 1]
         if entry then check_value(file, known, declaration.what, entry, call[i]) end
      end
   elseif declaration.first and node then
      check_value(file, known, declaration.what, declaration.by_name[declaration.first], given)
   end
end

-- ---- ops ----

local function check_op(file, known, name, call, first)
   local node = #call >= first and known:behind(call[#call])
   if not node or node.tag ~= "Table" then return end
   local by_name = {}
   for _, argument in ipairs(scute.op_info(name).arguments) do by_name[argument.name] = argument end
   for _, pair in ipairs(node) do
      local key = pair.tag == "Pair" and pair[1].tag == "String" and pair[1][1]
      local argument = key and by_name[key]
      if key and not argument then
         file:find(pair, ("%s: unknown argument '%s'%s"):format(name, key, options.hint(key, sorted_keys(by_name))))
      elseif argument and argument.choices then
         local value = literal.of(known, pair[2])
         local _, why = options.check({ key, choices = argument.choices }, value)
         if value ~= nil and why then file:find(pair[2], ("%s: argument '%s': %s"):format(name, key, why)) end
      end
   end
end

local function op_of(thing)
   local is_op = not thing.of or thing.of.kind == "tensor"
   for _, name in ipairs(is_op and scute.ops() or {}) do
      if rawget(scute, name) == thing.value or thing.of and thing.method == name then return name end
   end
end

-- Functions of which no declaration says what they take: function -> the declaration, and what it is called there.
local function others()
   return { [scute.train.options] = options.of(scute.train.fit) }
end

-- models.create "resnet51"
local function check_model(file, known, node)
   local name, models = node and literal.of(known, node), things.of(scute.models)
   if type(name) ~= "string" or known:is_assigned(models, name) then return end
   local mistake = fields.mistake(models, name)
   if mistake then file:find(node, mistake) end
end

--- Checks the arguments of a call of `thing`; first: the place of the first one.
function arguments.check(file, known, thing, call, first)
   if thing.value == nil then return end
   if thing.value == scute.models.create then check_model(file, known, call[first]) end
   local declaration = options.of(thing.value) or others()[thing.value]
   if declaration then return check_declared(file, known, declaration, thing.value, call, first) end
   local op = op_of(thing)
   if op then check_op(file, known, op, call, first) end
end

return arguments
