-- What help() answers: an entry with what belongs to it, whatever a name or a value means.
local around = require "scute.help.around"
local console = require "scute.base.console"
local comments = require "scute.help.comments"
local entries = require "scute.help.entries"
local find = require "scute.help.find"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"
local overview = require "scute.help.overview"
local text = require "scute.help.text"
local scute = require "scute"

local answer = {}

-- ---- entries, with what belongs to them ----

-- The members of a family, or the methods of a class or of a word for values.
local function members(index, wanted)
   local list = {}
   for _, entry in ipairs(index.list) do
      if wanted(entry) then list[#list + 1] = entry end
   end
   return list
end

local function section(title, list, width)
   return #list > 0 and title .. "\n" .. text.list(list, width) or ""
end

local function ops_text(index, width)
   local names = {}
   for _, entry in ipairs(index.list) do
      if entry.is_method then names[#names + 1] = entry.name end
   end
   return "\n\nand these ops, as x:op():\n" .. text.wrap(table.concat(names, ", "), width, "   ")
end

local function methods_text(index, word, width)
   local own = members(index, function(entry) return entry.class == word end)
   return section("It has:", own, width) .. (word == "t" and ops_text(index, width) or "")
end

local function class_text(index, entry, width)
   local own = members(index, function(other) return other.class == entry.name end)
   local parts = { section("It has:", own, width) }
   if entry.name ~= "nn.Module" then parts[2] = 'and what all modules have: help "nn.Module"' end
   return text.entry(entry, width, parts)
end

local function family_text(index, entry, width)
   local list = members(index, function(other) return other.family == entry.name and other.kind ~= "method" end)
   return text.entry(entry, width, { section("It has:", list, width) })
end

-- Of one of Lua's own libraries.
local function library_text(index, entry, width)
   local list = {}
   for _, other in ipairs(index.own) do
      if other.name:find("^" .. entry.name .. "%.") then list[#list + 1] = other end
   end
   return text.entry(entry, width, { section("It has:", list, width) })
end

local function entry_text(index, entry, width)
   if entry.kind == "lua" then return library_text(index, entry, width) end
   if entry.kind == "class" then return class_text(index, entry, width) end
   if entry.kind == "family" then return family_text(index, entry, width) end
   return text.entry(entry, width)
end

-- ---- names ----

local function unknown(index, name)
   local known = { ops = true }
   for _, entry in ipairs(index.list) do
      known[entry.name] = true
      for _, option in ipairs(entry.declaration and entry.options or {}) do known[option[1]] = true end
   end
   for _, entry in ipairs(index.own) do known[entry.name] = true end
   local near = scute.nearest(name, sorted_keys(known))
   return ("nothing is known about '%s'%s; ?? %s searches the texts, help() shows where to begin"):format(name,
      near and (", did you mean '%s'?"):format(near) or "", name)
end

-- The value of `a.b[1]:c` among the session's variables, nil where there is none; the value before the last key, and that key.
local function variable(path)
   local value, owner, last = _G, nil, nil
   for key in path:gsub("%[(%d+)%]", ".%1"):gmatch "[^.:]+" do
      if value == nil then return nil end
      owner, last = value, math.tointeger(key) or key
      local ok, inner = pcall(function() return owner[last] end)
      if not ok then return nil end
      value = inner
   end
   return value, owner, last
end

local of_value

-- A variable of the session: of what belongs to a tensor, or to a table of options, what that is. nil where there is none.
local function of_variable(index, path, width)
   if not path:find "^[%a_][%w_.:%[%]]*$" then return nil end
   local value, owner, last = variable(path)
   local word, declaration = find.word(owner), options.declaration_of(owner)
   local entry = word and (index.by_name[word .. "." .. last] or index.by_name[word .. ":" .. last])
   if entry then return entry_text(index, entry, width) end
   if declaration and declaration.by_name[last] then return text.option(last, { declaration }, width) end
   return value ~= nil and of_value(index, value, width) or nil
end

-- One entry, or a list of several; nil of none.
local function of_entries(index, name, found, width)
   if #found == 1 then return entry_text(index, found[1], width) end
   return #found > 1 and ("'%s' is\n%s"):format(name, text.list(found, width)) or nil
end

local function of_name(index, topic, width)
   local name = topic:match "^%s*(.-)[%s()]*$"
   if name == "" or name == "scute" then return overview.text(index, width) end
   if name == "ops" then return overview.ops(index, width) end
   local found, takers = find.named(index, name), find.with_option(index, name)
   if #found > 0 then return of_entries(index, name, found, width) end
   if #takers > 0 then return text.option(name, takers, width) end
   return of_variable(index, name, width) or of_entries(index, name:match "[^:]*$", find.methods(index, name), width)
      or of_entries(index, name, { around.entry(name) }, width) or unknown(index, name)
end

-- ---- values ----

local function function_text(index, f, width)
   local entry = index.by_value[f]
   if entry then return entry_text(index, entry, width) end
   local path, at = comments.source(f)
   local lines = path and comments.reader()(path)
   local is_typed = debug.getinfo(f, "S").what ~= "C"
   if not lines then
      return is_typed and ("function%s: typed at the prompt or made by load"):format(entries.parameters(f)) or "a function of C"
   end
   local comment = comments.above(lines, at)
   return text.entry({ signature = lines[at]:match "^%s*(.-)%s*$", text = comment, kind = "function" }, width,
      { ("%s, line %d"):format(path, at) })
end

local function module_text(index, value, width)
   local class, base = find.class(value)
   local entry = index.by_value[class]
   local first = rawequal(class, value) and "" or ("a module of the class %s\n\n"):format(class.class_name)
   while not entry and base do
      class, base = find.class(base)
      entry = index.by_value[class]
   end
   return first .. entry_text(index, entry, width)
end

-- What a value is, and what is said of the function that returns such ones.
local function returned_text(index, what, maker, width)
   return ("%s: what %s returns\n\n%s"):format(what, maker, entry_text(index, index.by_name[maker], width))
end

-- A table that does not say what it is: what is in it.
local function plain_table_text(value, width)
   local keys = {}
   for key in next, value do keys[#keys + 1] = tostring(key) end
   if #keys == 0 then return "an empty table" end
   if #keys == rawlen(value) then return "a list of " .. console.count(#keys, "entry", "entries") end
   table.sort(keys)
   local count = console.count(#keys, "entry", "entries")
   return text.wrap(("a table with %s: %s"):format(count, table.concat(keys, ", ")), width, "")
end

-- What a value tells of itself, nil where it does not: its metatable has a function __help.
local function own_text(value)
   local meta = debug.getmetatable(value)
   local help = type(meta) == "table" and rawget(meta, "__help")
   return help and help(value)
end

local function table_text(index, value, width)
   local own = own_text(value)
   if own then return own end
   local what, name, declaration = find.kind(value)
   if declaration then return text.declaration(declaration, width) end
   if not what then return plain_table_text(value, width) end
   return returned_text(index, what, name, width)
end

local PLAIN = {
   string = function(value) return ("a text of %d bytes; help \"string\" lists what can be done with it"):format(#value) end,
   number = function(value)
      return ("%s: a number (%s); help \"math\" lists what Lua computes"):format(value, math.type(value))
   end,
   boolean = function(value) return ("%s: true and false are what conditions give"):format(value) end,
   thread = function() return "a coroutine; see help \"coroutine\"" end,
}

function of_value(index, value, width)
   local entry = type(value) ~= "number" and index.by_value[value]
   if value == scute then return overview.text(index, width) end
   if entry then return entry_text(index, entry, width) end
   if type(value) == "function" then return function_text(index, value, width) end
   if find.class(value) then return module_text(index, value, width) end
   local word = find.word(value)
   if word then
      local brief = console.brief(value):gsub("^table: .*", "a " .. word)
      local what, maker = find.kind(value)
      local made = maker and "\n\n" .. returned_text(index, what, maker, width) or ""
      return ("%s\n\n%s%s"):format(brief, methods_text(index, word, width), made)
   end
   if type(value) == "table" then return table_text(index, value, width) end
   return PLAIN[type(value)] and PLAIN[type(value)](value) or console.brief(value)
end

-- ---- questions ----

--- The text about a topic, which is a name, any value, or nothing, in lines of at most `width`.
function answer.text(width, ...)
   local index, topic = find.index(), ...
   if topic == nil then
      local first = select("#", ...) > 0 and "nil: nothing has that name here. Where to begin:\n\n" or ""
      return first .. overview.text(index, width)
   end
   if type(topic) == "string" then return of_name(index, topic, width) end
   return of_value(index, topic, width)
end

--- The same of what `path` is among the session's variables (`model.fc`), or else of that name.
function answer.path(width, path)
   local index = find.index()
   return of_variable(index, path, width) or of_name(index, path, width)
end

return answer
