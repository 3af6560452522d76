-- What a name or a value means: entries of help() by name, by the last part of a name, and by value.
local entries = require "scute.help.entries"
local lua_own = require "scute.help.lua_own"
local comments = require "scute.help.comments"
local options = require "scute.base.options"
local inventory = require "scute.help.inventory"
local session = require "scute.help.session"
local scute = require "scute"

local find = {}

-- How users call what has methods, beside the words of the entries.
local WORDS = { tensor = "t", m = "module", model = "module", net = "module", opt = "optimizer" }

-- ---- the index ----

local function append(map, key, entry)
   map[key] = map[key] or {}
   table.insert(map[key], entry)
end

--- Everything that help() knows, also of the session, to be asked by the functions below: { list, own (Lua's), by_name,
-- by_last, by_value }. What is hidden has an entry by its name and value alone.
function find.index()
   local index = { list = {}, own = lua_own.list(), by_name = {}, by_last = {}, by_value = {} }
   for _, part in ipairs { entries.list(true), index.own, session.list() } do
      for _, entry in ipairs(part) do
         index.by_name[entry.name] = index.by_name[entry.name] or entry -- `select` is an op, too
         local is_known = entry.value == nil or type(entry.value) == "number" or index.by_value[entry.value]
         if not is_known then index.by_value[entry.value] = entry end
         if not entry.hidden then append(index.by_last, entry.name:match "[^.:]+$", entry) end
         if not entry.hidden and part ~= index.own then table.insert(index.list, entry) end
      end
   end
   return index
end

-- ---- names ----

local function by_entry_name(a, b)
   return a.name < b.name
end

-- A method or property by the word for what it belongs to: "tensor:matmul", "model.freeze", "Linear:to".
local function member(index, owner, name)
   local word = WORDS[owner] or owner:lower()
   for _, known in ipairs { word, word == "module" and "classifier" or word } do
      local entry = index.by_name[known .. ":" .. name] or index.by_name[known .. "." .. name]
      if entry then return entry end
   end
   local op = index.by_name[name]
   if word == "t" and op and op.is_method then return op end
   local class = index.by_name["nn." .. owner]
   return class and class.kind == "class" and index.by_value[class.value[name]]
end

-- A file of the library that is a part of a family: "train.hooks".
local function part(name)
   local path = name:find "^[%w_.]+$" and scute.module_file("scute." .. name)
   if not path then return nil end
   return { name = name, kind = "part", signature = "scute." .. name, text = comments.header(comments.reader()(path)) }
end

-- The texts of an entry and of its options.
local function texts_of(entry)
   local texts = { entry.text }
   for _, option in ipairs(entry.options or {}) do texts[#texts + 1] = option.help end
   return table.concat(texts, "\n")
end

-- Calls visit(family, name) for all of families that an entry's texts speak of as "scute.family.name".
local function each_mentioned(index, entry, visit)
   for family, name in texts_of(entry):gmatch "%f[%w]scute%.([%w_]+)%.([%w_]+)" do
      if (index.by_name[family] or {}).kind == "family" then visit(family, name) end
   end
end

--- The parts of families that texts speak of, also those of such parts; sorted.
function find.parts(index)
   local known, list, waiting = {}, {}, table.move(index.list, 1, #index.list, 1, {})
   while #waiting > 0 do
      each_mentioned(index, table.remove(waiting), function(family, name)
         local path = family .. "." .. name
         local found = not index.by_name[path] and not known[path] and part(path)
         if not found then return end
         known[path], found.family = true, family
         list[#list + 1], waiting[#waiting + 1] = found, found
      end)
   end
   table.sort(list, by_entry_name)
   return list
end

-- Those of a list that are not Lua's own where others are.
local function ours_first(list)
   local ours = {}
   for _, entry in ipairs(list or {}) do
      if entry.kind ~= "lua" then ours[#ours + 1] = entry end
   end
   return #ours > 0 and ours or list or {}
end

-- Entries whose last part is that name, whatever the case.
local function by_any_case(index, name)
   local found = {}
   for last, list in pairs(index.by_last) do
      if last:lower() == name:lower() then table.move(list, 1, #list, #found + 1, found) end
   end
   table.sort(found, by_entry_name)
   return found
end

-- A name of Lua's own, and what scute has of that name beside it: `load`, models.load.
local function with_namesakes(index, exact)
   if exact.kind ~= "lua" then return { exact } end
   local list = { exact }
   for _, entry in ipairs(index.by_last[exact.name] or {}) do
      if entry.kind ~= "lua" and entry.kind ~= "session" then list[#list + 1] = entry end
   end
   table.sort(list, by_entry_name)
   return list
end

--- The entries that a name may mean, none, one or several: the one that is called so, a method by its owner, a member of a
--- family, a file of the library.
function find.named(index, topic)
   local name = topic:gsub("^scute[.:]%f[%w_]", "")
   local exact = index.by_name[name]
   if exact then return with_namesakes(index, exact) end
   local owner, last = name:match "^(.-)[.:]([%w_]+)$"
   if owner then
      local entry = member(index, owner:gsub("^nn%.", ""), last) or part(name)
      return { entry or nil }
   end
   local list = ours_first(index.by_last[name])
   if #list == 0 then list = by_any_case(index, name) end
   return list
end

--- The methods that "x:name" may mean, whatever x is.
function find.methods(index, topic)
   local found = {}
   for _, entry in ipairs(index.by_last[topic:match "^[%w_]+:([%w_]+)$"] or {}) do
      if entry.kind == "method" or entry.is_method then found[#found + 1] = entry end
   end
   return found
end

--- The entries that take an option of that name.
function find.with_option(index, name)
   local found = {}
   for _, entry in ipairs(index.list) do
      if entry.declaration and entry.declaration.by_name[name] then found[#found + 1] = entry end
   end
   return found
end

-- ---- values ----

-- What has no metatable is known by its fields: the fields, what it is, and the entry that made it.
local SHAPES = {
   { { "classes", "train", "val" }, "a data set", "data.open" },
   { { "history", "best" }, "the result of training", "train.fit" },
}

-- Tables that print themselves: the name of their metatable, and the entry of what made them.
local MADE_BY = { groups = "module:groups", summary = "nn.summary", models = "models.table" }

local function shape_of(value)
   for _, shape in ipairs(SHAPES) do
      local has_all = true
      for _, field in ipairs(shape[1]) do has_all = has_all and rawget(value, field) ~= nil end
      if has_all then return shape[2], shape[3] end
   end
end

--- The word for values of a kind that have methods ("t", "image", "schedule"), nil where there is none.
function find.word(value)
   local meta = debug.getmetatable(value)
   if type(meta) ~= "table" then return nil end
   if type(value) == "userdata" then return inventory.word_of(tostring(meta.__name)) end
   for _, class in ipairs(inventory.CLASSES) do
      if inventory.classes_in(class[2])[class[3]] == meta then return class[1] end
   end
end

--- The class of a module or a class of modules, and the one that it is derived from.
function find.class(value)
   if type(value) ~= "table" then return nil end
   local meta = getmetatable(value)
   local class = rawget(value, "class_name") and value or type(meta) == "table" and rawget(meta, "class")
   if not class then return nil end
   local base = (getmetatable(class) or {}).__index
   return class, type(base) == "table" and base or nil
end

--- What a table is that says so by its fields or its metatable: words, and the name of the entry that tells more; nil for
--- others. The third result is the declaration of a table of options.
function find.kind(value)
   if type(value) ~= "table" then return nil end
   local declaration = options.declaration_of(value)
   if declaration then return "options of " .. declaration.what, declaration.what, declaration end
   local meta = debug.getmetatable(value)
   local maker = type(meta) == "table" and MADE_BY[meta.__name]
   if maker then return "a table", maker end
   return shape_of(value)
end

return find
