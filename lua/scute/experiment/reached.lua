-- What a function of the user's reaches: its own text, and that of the functions, the modules and the plain values that it and
-- they know as upvalues or as globals, part by part, each with a name that a message can use. The library is not followed, nor
-- is what makes no number another: the data set itself, and flags that a run may change as it goes on.
--
-- A part has one of these names:
--    run                  the function itself
--    function NAME        one that it reaches
--    module NAME          a file that it requires by name
--    value NAME           a number, a text, a table, a tensor, ... by the name that the code has for it
local lfs = require "lfs"
local architectures = require "scute.nn.architectures"
local scute = require "scute"
local code = require "scute.experiment.code"
local known = require "scute.experiment.known"
local options = require "scute.base.options"
local plain_text = require "scute.base.plain_text"
local Module = require "scute.nn.module"

local MOST_VARIABLES = 250 -- of a function
local MOST_VALUES = 200000 -- that are looked at
local MOST_FIELDS = 40     -- of a table that are parts of their own
local LONGEST = 60         -- of a value that is told as it is
local DEEPEST = 60         -- of tables in tables

local Reached = {}
Reached.__index = Reached

local function digest(text)
   return ("%s-%d"):format(scute.checksum { text }, #text)
end

-- ---- parts ----

-- The name that a part is given: another one's is not taken.
function Reached:free(name)
   local free, n = name, 1
   while self.parts[free] do
      n = n + 1
      free = ("%s (%d)"):format(name, n)
   end
   return free
end

function Reached:add(name, text)
   self.parts[self:free(name)] = text
end

-- Of what several functions know by one name.
function Reached:add_once(name, text)
   if self.parts[name] ~= text then self:add(name, text) end
end

-- ---- values ----

local function by_type_and_text(a, b)
   local first, second = a[1], b[1]
   if type(first) ~= type(second) then return type(first) < type(second) end
   if type(first) == "number" or type(first) == "string" then return first < second end
   return a.text < b.text
end

local function is_set(t)
   local train = rawget(t, "train")
   return rawget(t, "classes") ~= nil and type(train) == "table" and type(rawget(train, "paths")) == "table"
end

-- A data set beside the experiment's: the names of its photos and their classes.
local function set_text(set)
   local list = {}
   for _, part in ipairs { "train", "val", "test" } do
      local own = rawget(set, part)
      for i, path in ipairs(type(own) == "table" and own.paths or {}) do
         list[#list + 1] = ("%s %d"):format(path, own.labels[i])
      end
   end
   return "data set " .. digest(table.concat(list, "\n"))
end

local function model_text(model)
   local state, list = model:state_dict(), {}
   for i, name in ipairs(state.names) do list[i] = state.tensors[name] end
   return "model " .. scute.checksum(list)
end

-- Writes a value into the list `out`, so that equal values give equal texts; functions in it become parts.
local write = {}

function Reached:write(value, out, name)
   self.looked = self.looked + 1
   if self.looked > MOST_VALUES then return end
   local kind = type(value)
   if write[kind] then return write[kind](self, value, out, name) end
   out[#out + 1] = plain_text(value)
end

function write.userdata(_, value, out)
   out[#out + 1] = Module.is_tensor(value) and ("tensor %s %s"):format(value.dtype, scute.checksum { value })
      or "a " .. tostring((debug.getmetatable(value) or {}).__name)
end

function write.thread(_, _, out)
   out[#out + 1] = "a coroutine"
end

function write:string(value, out)
   self.words[value] = true
   out[#out + 1] = ("%q"):format(value)
end

write["function"] = function(self, f, out, name)
   local of_library = self.known[f]
   if of_library then
      out[#out + 1] = of_library
   elseif known.is_foreign(f) then
      self:write_closure(f, out, name)
   else
      out[#out + 1] = code.of(f)
      self:visit(f, "function " .. name)
   end
end

-- A function that the library has made: the values that it was made with.
function Reached:write_closure(f, out, name)
   out[#out + 1] = "closure"
   if self.numbers[f] then return end
   self.numbers[f] = true
   for i = 1, MOST_VARIABLES do
      local key, value = debug.getupvalue(f, i)
      if not key then return end
      local kind = type(value)
      local counts = kind == "number" or kind == "string" or kind == "boolean" or self:is_users_closure(value)
      if counts then
         out[#out + 1] = key
         self:write(value, out, name)
      end
   end
end

-- Of what the library's functions hold, tables of settings count and functions of the user's; its caches and parts do not.
function Reached:is_users_closure(value)
   if type(value) == "function" then return not known.is_foreign(value) end
   if type(value) ~= "table" or self.known[value] or debug.getmetatable(value) then return false end
   for key, entry in next, value do
      local kind = type(entry)
      if type(key) ~= "string" or kind ~= "number" and kind ~= "string" and kind ~= "boolean" then return false end
   end
   return next(value) ~= nil
end

-- Sorted, so that the order in which a table gives them does not matter.
function Reached:entries(t, name)
   local list = {}
   for key, value in next, t do
      local text = {}
      if type(key) ~= "number" and type(key) ~= "string" then self:write(key, text, name) end
      list[#list + 1] = { key, value, text = table.concat(text, " ") }
      if self.looked + #list > MOST_VALUES then break end
   end
   table.sort(list, by_type_and_text)
   return list
end

-- Metatables of one's own count; those of the library's classes do not.
local function own_metatable(self, t)
   local meta = debug.getmetatable(t)
   if type(meta) ~= "table" or self.known[meta] or options.declaration_of(t) then return nil end
   for _, value in next, meta do
      if type(value) == "function" and known.is_foreign(value) then return nil end
   end
   return meta
end

local function short_name(name, key)
   if type(key) == "string" and #key <= LONGEST then return name .. "." .. key end
   return name
end

function write:table(t, out, name)
   if self.known[t] then
      out[#out + 1] = self.known[t]
   elseif self.numbers[t] then
      out[#out + 1] = "as " .. self.numbers[t]
   elseif rawequal(t, self.set) then
      out[#out + 1] = "the data set"
   elseif is_set(t) then
      out[#out + 1] = set_text(t)
   elseif Module.is_module(t) then
      out[#out + 1] = model_text(t)
   else
      self:write_entries(t, out, name)
   end
end

function Reached:write_entries(t, out, name)
   self.count = self.count + 1
   self.numbers[t], self.depth = self.count, self.depth + 1
   out[#out + 1] = "{"
   for _, entry in ipairs(self.depth <= DEEPEST and self:entries(t, name) or {}) do
      out[#out + 1] = entry.text ~= "" and entry.text or plain_text(entry[1])
      self:write(entry[2], out, short_name(name, entry[1]))
   end
   local meta = own_metatable(self, t)
   if meta then self:write(meta, out, name) end
   out[#out + 1] = "}"
   self.depth = self.depth - 1
end

-- A value in short, or what tells it.
function Reached:text(value, name)
   local out = {}
   self.numbers, self.count, self.depth = {}, 0, 0
   self:write(value, out, name)
   local text = table.concat(out, " ")
   if type(value) == "string" and #value <= LONGEST then return value end
   return #text <= LONGEST and text or digest(text)
end

-- ---- names ----

-- The fields by which alone a list of tokens uses a name, a set: `opt.epochs`; nil where it uses the whole.
local function fields_used(list, name)
   local fields = {}
   for i, token in ipairs(list or {}) do
      local before, after, field = list[i - 1], list[i + 1], list[i + 2]
      local is_field = before and before.kind == "sign" and (before.text == "." or before.text == ":")
      if token.kind == "name" and token.text == name and not is_field then
         local is_indexed = after and (after.text == "." or after.text == ":") and field and field.kind == "name"
         if not is_indexed then return nil end
         fields[field.text] = true
      end
   end
   return list and fields or nil
end

-- Whether a flag may differ between two starts of one run.
local function is_free(declaration, key)
   local entry = declaration and declaration.by_name[key]
   return entry ~= nil and entry.resume == "free"
end

-- A table by its fields where these are few and have names, so that a message can say which of them has changed.
function Reached:take_fields(name, t, fields)
   local declaration, list = options.declaration_of(t), {}
   for key in next, t do
      if type(key) ~= "string" then return false end
      if (not fields or fields[key]) and not is_free(declaration, key) then list[#list + 1] = key end
   end
   if #list > MOST_FIELDS then return false end
   table.sort(list)
   for _, key in ipairs(list) do self:take(short_name(name, key), rawget(t, key)) end
   return true
end

function Reached:is_plain(t)
   return not (rawequal(t, self.set) or is_set(t) or Module.is_module(t) or own_metatable(self, t))
      and (not debug.getmetatable(t) or options.declaration_of(t) ~= nil)
end

--- Takes a value that the code has under a name. list: the tokens of the code, nil where all of the value counts.
function Reached:take(name, value, list)
   local kind = type(value)
   if value == nil or rawequal(value, self.set) or kind == "table" and self.known[value] then return end
   if self.known[value] then return self:add_once("value " .. name, self.known[value]) end
   if kind == "function" and not known.is_foreign(value) then return self:visit(value, "function " .. name) end
   local fields = kind == "table" and fields_used(list, name)
   local mark = self.seen[value]
   if kind == "table" and self:is_plain(value) and mark ~= "whole" then
      if self:take_new_fields(name, value, fields, mark) then return end
   end
   if (kind == "table" or kind == "userdata") and mark == "whole" then return end
   if kind == "table" or kind == "userdata" then self.seen[value] = "whole" end
   self:add("value " .. name, self:text(value, name))
end

-- Of the fields those that were not taken before: two functions may use one table by different fields.
function Reached:take_new_fields(name, t, fields, mark)
   mark = mark or {}
   if not fields then
      fields = {}
      for key in next, t do fields[key] = true end
      if not next(fields) then return false end
   end
   local fresh = {}
   for key in pairs(fields) do fresh[key] = not mark[key] or nil end
   for key in pairs(fresh) do mark[key] = true end
   self.seen[t] = mark
   if self:take_fields(name, t, fresh) then return true end
   self.seen[t] = nil
   return false
end

-- ---- functions ----

-- The globals that a list of tokens may mean: names of the environment that are no fields of something.
function Reached:take_globals(environment, list)
   if type(environment) ~= "table" then return end
   local taken = {}
   for i, token in ipairs(list or {}) do
      local before = list[i - 1]
      local is_field = before and before.kind == "sign" and (before.text == "." or before.text == ":")
      if token.kind == "name" and not is_field and not taken[token.text] then
         taken[token.text] = true
         local value = rawget(environment, token.text)
         if value ~= nil and not self.known[value] then self:take(token.text, value, list) end
      end
   end
end

local function value_within(f, wanted)
   for i = 1, MOST_VARIABLES do
      local name, value = debug.getupvalue(f, i)
      if not name then return nil end
      if name == wanted then return value end
   end
end

local CALLS = { require = true, dofile = true, loadfile = true }

local function path_of(call, name, folder)
   if call ~= "require" then return lfs.attributes(name, "mode") == "file" and name or nil end
   if scute.module_file(name) then return nil end
   local path = scute.loaded_file(name)
      or package.searchpath(name, folder .. "?.lua;" .. folder .. "?/init.lua;./?.lua;./?/init.lua")
   return path and not path:find("/share/lua/5.", 1, true) and path or nil
end

-- The files that a text requires or runs by name.
function Reached:take_files(list, folder)
   for i, token in ipairs(list or {}) do
      local at = list[i + 1] and list[i + 1].text == "(" and i + 2 or i + 1
      local name = CALLS[token.text] and list[at] and list[at].kind == "text" and list[at].text:match "^[\"'](.*)[\"']$"
      local path = name and path_of(token.text, name, folder)
      if path and not self.seen["file " .. path] then
         self.seen["file " .. path] = true
         local inner = code.of_file(path)
         self:add("module " .. name, inner and code.digest(inner) or "cannot be read")
         self:take_files(inner, path:match "^(.*/)" or "./")
      end
   end
end

--- Takes a function of the user's with all that it reaches, as a part of that name.
function Reached:visit(f, name)
   if self.seen[f] then return end
   self.seen[f] = true
   local part = self:free(name)
   self.parts[part], self.places[part] = code.of(f), code.place(f)
   local list = code.tokens(f)
   for _, token in ipairs(list or {}) do
      if token.kind == "text" then self.words[token.text:match "^[\"'](.*)[\"']$" or ""] = true end
   end
   self:take_files(list, debug.getinfo(f, "S").source:match "^@(.*/)" or "./")
   for i = 1, MOST_VARIABLES do
      local key, value = debug.getupvalue(f, i)
      if not key then return end
      if key == "_ENV" then self:take_globals(value, list) else self:take(key, value, list) end
   end
end

-- Networks of the user's own are known by a name alone.
function Reached:take_architectures()
   for _, name in ipairs(architectures.list()) do
      local entry = architectures.get(name)
      if entry.own and self.words[name] and not self.seen["architecture " .. name] then
         self.seen["architecture " .. name] = true
         self:take(name, value_within(entry.build, "build"))
      end
   end
end

local reached = {}

local function new(set)
   return setmetatable({ parts = {}, places = {}, seen = {}, words = {}, numbers = {}, set = set, known = known.map(),
      looked = 0, count = 0, depth = 0 }, Reached)
end

--- What `f` reaches: texts by the name of their part, and for functions where they stand. set: the data set, which is not among
-- them.
function reached.by(f, set)
   code.forget()
   local self = new(set)
   self:visit(f, "run")
   self:take_architectures()
   return self.parts, self.places
end

--- The same of the options of a variant: parts "option NAME", and the functions that they hold.
function reached.options(given, set)
   local self, texts = new(set), {}
   for key, value in next, given do texts["option " .. key] = self:text(value, key) end
   self:take_architectures()
   for name, text in pairs(self.parts) do texts[name] = text end
   return texts, self.places
end

return reached
