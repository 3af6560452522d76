-- Entries of help() as functions with annotations: what each takes, by position and by name, and what it returns.
local luacats = require "scute.editor.luacats"
local option_classes = require "scute.editor.option_classes"
local options = require "scute.base.options"
local surplus = require "scute.base.surplus"
local returned = require "scute.editor.returned"
local types = require "scute.editor.types"

local calls = {}

-- ---- what is taken ----

-- "x, y = 1, [z], {color, alpha}, ..." -> { "x", "y", "z", "options", "..." }; nil where a comment shows an example instead of
-- names.
local function names_of(inside)
   local names, seen = {}, {}
   for part in inside:gsub("%b{}", "{}"):gmatch "[^,]+" do
      local name = part:match "^%s*%[?([%a_][%w_]*)%]?%s*$" or part:match "^%s*([%a_][%w_]*)%s*="
         or part:match "^%s*(%.%.%.)%s*$" or part:find "^%s*{}%s*$" and "options"
      if not name or seen[name] then return nil end
      names[#names + 1], seen[name] = name, true
   end
   return names
end

-- The parameters of a function of C, of which only the comment tells.
local function bound_parameters(entry)
   local signature, list = entry.signature or "", {}
   local inside = signature:match "^[^({]*%((.*)%)" or signature:match "^[^({]*({.*})" or "..."
   for i, name in ipairs(names_of(inside) or { "..." }) do list[i] = { name, "any", name ~= "..." } end
   return list
end

-- The type of a table of options; of some a plain value is taken for the first one (schedule.cosine(20)).
local function options_type(f, options_class)
   local declaration = options.of(f)
   local first = declaration and declaration.first
   return first and ("%s|%s"):format(options_class, types.of(declaration.by_name[first])) or options_class
end

-- Those of a function in Lua; the last one is the table of options where it takes such.
local function lua_parameters(f, options_class)
   local info, list = debug.getinfo(f, "u"), {}
   for i = 1, info.nparams do list[i] = { debug.getlocal(f, i), "any", true } end
   if list[1] and list[1][1] == "self" then table.remove(list, 1) end
   local last = list[#list]
   if options_class and last then
      last[1], last[2] = last[1] == "given" and "options" or last[1], options_type(f, options_class)
   end
   if surplus.is_shown(f, info) then list[#list + 1] = { "...", "any" } end
   return list
end

-- An op's arguments in order. What may be left out before one that may not is given by name.
local function op_parameters(entry)
   local list = {}
   for i, argument in ipairs(entry.options) do
      list[i] = { argument[1], types.of(argument), argument.optional, option_classes.about(argument) }
   end
   local last = entry.options[#entry.options]
   if last and last.kind == "ints" then list[#list + 1] = { "...", "integer" } end
   return list
end

--- The parameters of an entry: a list of {name, type, optional, text}. options_class: that of the options it takes.
function calls.parameters(entry, options_class)
   if entry.kind == "op" then return op_parameters(entry) end
   if entry.kind == "model" then return { { "options", options_class, true } } end
   local source = type(entry.value) == "function" and debug.getinfo(entry.value, "S").what
   if source == "Lua" then return lua_parameters(entry.value, options_class) end
   return bound_parameters(entry)
end

-- ---- the whole ----

local function without_first(list)
   return table.move(list, 2, #list, 1, {})
end

-- What it returns, {type, name} each: of an op that gives several tensors all of them.
local function returns_of(entry, type)
   local list = {}
   for i, result in ipairs(entry.results or {}) do list[i] = { type .. (result.optional and "?" or ""), result.name } end
   return list[1] and list or { { type } }
end

local function types_of(returns)
   local list = {}
   for i, each in ipairs(returns) do list[i] = each[1] end
   return table.concat(list, ", ")
end

--- A function as lines. head: "function train.fit" or "function Tensor:item"; the first parameter of an op's method is self.
function calls.lines(entry, head, options_class)
   local parameters, result = calls.parameters(entry, options_class), returned.type(entry)
   local is_op, is_method = entry.kind == "op", head:find(":", 1, true) ~= nil
   local own = is_op and is_method and without_first(parameters) or parameters
   local lines = luacats.text(not is_op and entry.signature and entry.signature ~= ""
      and ("`%s`\n%s"):format(entry.signature, entry.text) or entry.text)
   local names = {}
   for i, p in ipairs(own) do
      names[i] = p[1]
      if p[2] ~= "any" then lines[#lines + 1] = luacats.param(p[1], p[2], p[4], p[3]) end
   end
   local returns = returns_of(entry, result)
   if result == "self" then
      table.move(luacats.returns_self(), 1, 3, #lines + 1, lines)
   else
      for _, each in ipairs(returns) do lines[#lines + 1] = luacats.returns(each[1], each[2]) end
   end
   if is_op and options_class then
      lines[#lines + 1] = luacats.overload({ { is_method and "self" or parameters[1][1], parameters[1][2] },
         { "options", options_class } }, types_of(returns))
   end
   lines[#lines + 1] = ("%s(%s) end"):format(head, table.concat(names, ", "))
   return lines
end

return calls
