-- Options in calls: names that are not taken, and values that are written out and wrong. What is said of them is what is said
-- as they run.
local console = require "scute.base.console"
local fields = require "scute.check.fields"
local flags = require "scute.check.flags"
local literal = require "scute.check.literal"
local options = require "scute.base.options"
local scute = require "scute"
local sorted_keys = require "scute.base.sorted_keys"
local things = require "scute.repl.complete.things"

local arguments = {}

-- ---- values ----

-- What is wrong with a value, and whether it is one that a run tells later.
local function mistake_in(entry, value, beside)
   local ok, checked, why = pcall(options.check, entry, value)
   if not ok then return nil end
   if checked == nil then return why, false end
   local told, message = true, nil
   if entry.examine then told, message = pcall(entry.examine, checked, beside) end
   if not told then return console.message(message), true end
end

-- The same of what an expression gives; nil where nothing is wrong, or where only running tells.
local function mistake_at(known, entry, node, beside)
   local said, is_later
   for _, stand_in in ipairs(literal.STAND_INS) do
      local all = beside and literal.whole(known, beside, stand_in)
      local why, later = mistake_in(entry, literal.whole(known, node, stand_in), type(all) == "table" and all or nil)
      if not why or said and said ~= why then return nil end
      said, is_later = why, later
   end
   return said, is_later
end

-- The node in a table, or a key of it, that a message speaks of: whose text stands in it last, before what is meant.
local function spoken_of(known, node, message)
   local said = message:gsub("; .*$", "")
   local last, place = node, 0
   local function look(text, at)
      local found = text.tag == "String" and said:find(("'%s'"):format(text[1]), 1, true)
      if found and found > place then last, place = at, found end
   end
   local function walk(part)
      look(part, part)
      for _, inner in ipairs(part.tag == "Table" and part or {}) do
         if inner.tag == "Pair" then look(inner[1], inner) end
         walk(inner.tag == "Pair" and inner[2] or inner)
      end
   end
   local behind = known:behind(node)
   if behind then walk(behind) end
   return last
end

local check_table

local WRITTEN = { Table = true, Function = true }

-- beside: the table that it is in, where that holds all that is given.
local function check_value(file, known, what, entry, node, beside)
   local behind, value = known:behind(node), literal.of(known, node)
   if value == false and not entry.flag then return end -- not given
   if value == nil and not (behind and WRITTEN[behind.tag]) then return end
   if entry.takes and behind.tag == "Table" then check_table(file, known, entry.takes, behind) end
   local why, is_later = mistake_at(known, entry, node, beside)
   if not why then return end
   if not is_later then return file:find(node, ("%s: option '%s': %s"):format(what, entry[1], why)) end
   file:find(spoken_of(known, node, why), why:find(what .. ": ", 1, true) == 1 and why or ("%s: %s"):format(what, why))
end

--- Checks a value that is assigned to a field of a strict table of options. What a flag of the script's own may become is known
--- to the script alone.
function arguments.check_assigned(file, known, declaration, name, node)
   local entry = declaration.by_name[name]
   if entry and not flags.is_own(entry) then check_value(file, known, declaration.what, entry, node) end
end

-- ---- tables of options ----

local function check_pair(file, known, declaration, pair, beside)
   local key = pair[1]
   if key.tag ~= "String" or pair[2].tag == "Nil" then return end
   local entry = declaration.by_name[key[1]]
   if entry then return check_value(file, known, declaration.what, entry, pair[2], beside) end
   file:find(pair, ("%s: %s"):format(declaration.what, declaration:unknown(key[1])))
end

-- position: values without a name are options too, in their order.
function check_table(file, known, declaration, node, position, beside)
   local n = 0
   for _, part in ipairs(node) do
      if part.tag == "Pair" then
         check_pair(file, known, declaration, part, beside)
      else
         n = n + 1
         local entry = position and declaration.entries[n]
         if entry then check_value(file, known, declaration.what, entry, part) end
      end
   end
end

-- What is missing in a table that holds all that is given.
local function check_missing(file, known, declaration, node)
   local given = literal.whole(known, node, true)
   if type(given) ~= "table" or #given > 0 then return end
   local values = {}
   for name, value in next, given do
      local entry = declaration.by_name[name]
      if not entry then return end
      values[entry[1]] = value
   end
   local missing = declaration:missing(values)
   if missing then file:find(node, ("%s: %s"):format(declaration.what, declaration:says_missing(missing))) end
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

-- is_all: nothing is added to the options later.
local function check_declared(file, known, declaration, f, call, first, is_all)
   local given = options_argument(f, call, first)
   if not given then return end
   local node, in_order = known:behind(given), is_class(f)
   if node and node.tag == "Table" and not (in_order and #call > first) then
      local is_whole, before = is_all and node == given and not in_order, #file.findings
      check_table(file, known, declaration, node, in_order, is_whole and node or nil)
      if is_whole and #file.findings == before then check_missing(file, known, declaration, node) end
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

-- What an argument may be, as an option. Whether numbers in place of a word are good is for the op to tell.
local function as_option(argument)
   local words = argument.suggests
   if not words then return { argument.name, choices = argument.choices } end
   return { argument.name, suggests = words, is = function(value) return type(value) ~= "string" or value == words[1] end,
      expected = ("one whole number or a table of two, or '%s'"):format(words[1]) }
end

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
      elseif argument and (argument.choices or argument.suggests) then
         local value = literal.of(known, pair[2])
         local _, why = options.check(as_option(argument), value)
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
   local own = options.of(thing.value)
   local declaration = own or others()[thing.value]
   if declaration then return check_declared(file, known, declaration, thing.value, call, first, own ~= nil) end
   local op = op_of(thing)
   if op then check_op(file, known, op, call, first) end
end

return arguments
