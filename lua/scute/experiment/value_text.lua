-- Values of any shape as texts that are equal where the values are: numbers, texts, tables that may hold themselves, tensors
-- and models by what is in them, functions by their code. Nothing of the user's is called for that, and the work is bounded.
local scute = require "scute"
local code = require "scute.experiment.code"
local console = require "scute.base.console"
local known = require "scute.experiment.known"
local options = require "scute.base.options"
local plain_text = require "scute.base.plain_text"
local Module = require "scute.nn.module"

local MOST_VARIABLES = 250 -- of a function
local MOST_VALUES = 200000 -- that are looked at
local LONGEST = 60         -- of a value that is told as it is
local DEEPEST = 60         -- of tables in tables

local function digest(text)
   return ("%s-%d"):format(scute.checksum { text }, #text)
end

-- ---- what the library has made ----

local value_text = {}

--- Whether a table is a data set.
function value_text.is_set(t)
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
   list[#list + 1] = rawget(set, "samples") and rawget(set.samples, "digest") or nil
   return "data set " .. digest(table.concat(list, "\n"))
end

-- What an experiment before this one came to: its times and failures are another matter in each process.
local function trial_text(trial)
   local list = {}
   for _, row in ipairs(trial.rows) do
      for _, record in ipairs(row.results) do
         list[#list + 1] = ("%s %s %s"):format(row.name, record.run, plain_text(record.figures))
      end
   end
   return "trial " .. digest(table.concat(list, "\n"))
end

--- The metatable of a table where it is of the user's own; those of the library's classes tell nothing. One of the user's may
-- hold functions of others beside: `__tostring = tostring`.
function value_text.own_metatable(t, names)
   local meta = debug.getmetatable(t)
   if type(meta) ~= "table" or names[meta] or options.declaration_of(t) then return nil end
   local is_librarys = false
   for _, value in next, meta do
      if type(value) == "function" and not known.is_foreign(value) then return meta end
      is_librarys = is_librarys or type(value) == "function" and known.is_librarys(value)
   end
   return not is_librarys and meta or nil
end

-- ---- writing ----

local write = {}

local function put(self, text)
   self.out[#self.out + 1] = text
end

local function put_value(self, value, name)
   self.looked = self.looked + 1
   if self.looked > MOST_VALUES then return end
   if write[type(value)] then return write[type(value)](self, value, name) end
   put(self, plain_text(value))
end

function write.string(self, value, name)
   self.about.words[value] = name
   put(self, ("%q"):format(value))
end

function write.userdata(self, value)
   put(self, Module.is_tensor(value) and ("tensor %s %s"):format(value.dtype, scute.checksum { value })
      or "a " .. tostring((debug.getmetatable(value) or {}).__name))
end

function write.thread(self)
   put(self, "a coroutine")
end

-- A function that the library has made: the values that it was made with, not those that all functions of its file share.
local function put_closure(self, f, name)
   put(self, "closure")
   if self.numbers[f] then return end
   self.numbers[f] = "closure"
   local about = self.about
   about.shared = about.shared or known.shared(about.known)
   for i = 1, MOST_VARIABLES do
      local key, value = debug.getupvalue(f, i)
      if not key then return end
      if not about.shared[debug.upvalueid(f, i)] then
         put(self, key)
         put_value(self, value, name)
      end
   end
end

write["function"] = function(self, f, name)
   local of_library = self.about.known[f]
   if of_library then
      put(self, of_library)
   elseif known.is_foreign(f) then
      put_closure(self, f, name)
   else
      put(self, code.of(f))
      self.about:wait(f, "function " .. name)
   end
end

local function by_type_and_text(a, b)
   local first, second = a[1], b[1]
   if type(first) ~= type(second) then return type(first) < type(second) end
   if type(first) == "number" or type(first) == "string" then return first < second end
   return a.text < b.text
end

-- Sorted, so that the order in which a table gives them does not matter.
local function entries_of(self, t, name)
   local list, out = {}, self.out
   for key, value in next, t do
      self.out = {}
      if type(key) ~= "number" and type(key) ~= "string" then put_value(self, key, name) end
      list[#list + 1] = { key, value, text = table.concat(self.out, " ") }
      if self.looked + #list > MOST_VALUES then break end
   end
   self.out = out
   table.sort(list, by_type_and_text)
   return list
end

--- The name of a field in a table that has one.
function value_text.field(name, key)
   return type(key) == "string" and #key <= LONGEST and name .. "." .. key or name
end

local function put_entries(self, t, name)
   self.count = self.count + 1
   self.numbers[t], self.depth = self.count, self.depth + 1
   put(self, "{")
   for _, entry in ipairs(self.depth <= DEEPEST and entries_of(self, t, name) or {}) do
      put(self, entry.text ~= "" and entry.text or plain_text(entry[1]))
      put_value(self, entry[2], value_text.field(name, entry[1]))
   end
   local meta = value_text.own_metatable(t, self.about.known)
   if meta then put_value(self, meta, name) end
   put(self, "}")
   self.depth = self.depth - 1
end

-- ---- layers and models ----

local function is_class_of_user(t)
   return rawget(t, "class_name") ~= nil and rawget(t, "_of_user") == true
end

-- A class of the user's, and those of theirs that it is made of.
local function put_class(self, class, name)
   put_entries(self, class, name)
   local parent = (debug.getmetatable(class) or {}).__index
   if type(parent) == "table" then put_value(self, parent, name) end
end

local ELSEWHERE = { _parameters = true, _parameter_names = true, _buffers = true, _buffer_names = true, _children = true,
   _child_names = true, weights = true } -- tensors count by their numbers, whatever file they came from

-- Its kind, what it was built with, and what it holds beside tensors and layers.
local function put_layer(self, layer, name)
   self.count = self.count + 1
   self.numbers[layer] = self.count
   local class, fields = debug.getmetatable(layer).class, {}
   put(self, class.class_name)
   if is_class_of_user(class) then put_value(self, class, name) end
   for key, value in next, layer do
      if not ELSEWHERE[key] then fields[key] = value end
   end
   put_entries(self, fields, name)
end

-- The text is one word: what is in it says little to people.
local function put_model(self, model, name)
   local out, list = self.out, {}
   self.out = {}
   for path, layer in Module.named_modules(model) do
      put(self, path)
      put_layer(self, layer, name)
   end
   for path, tensor in Module.named_parameters(model) do put(self, path .. (tensor.requires_grad and " trains" or "")) end
   local state = Module.state_dict(model)
   for i, path in ipairs(state.names) do list[i] = state.tensors[path] end
   local text = digest(table.concat(self.out, " "))
   self.out = out
   put(self, ("model %s %s"):format(scute.checksum(list), text))
end

function write.table(self, t, name)
   if self.about.known[t] then
      put(self, self.about.known[t])
   elseif self.numbers[t] then
      put(self, "as " .. self.numbers[t])
   elseif rawequal(t, self.about.set) then
      put(self, "the data set")
   elseif value_text.is_set(t) then
      put(self, set_text(t))
   elseif Module.is_module(t) then
      put_model(self, t, name)
   elseif is_class_of_user(t) then
      put_class(self, t, name)
   elseif (debug.getmetatable(t) or {}).__name == "scute.trial" then
      put(self, trial_text(t))
   else
      put_entries(self, t, name)
   end
end

-- Whether a text can be taken for nothing but a text: "1" is no number, and "true" not true.
local function is_plain_word(text)
   return tonumber(text) == nil and not text:find '^["{]' and text ~= "true" and text ~= "false" and text ~= "nil"
end

--- The text of a value, short values as they are, others by what tells them. name: what the code calls it. about: { known =
-- names of what is nobody's own (see scute.experiment.known), set = the data set, which is passed over, words = a table that
-- gets all texts in the value, with what the code calls them, wait = a method (f, name) that hears of functions in it }.
function value_text.of(value, name, about)
   local self = { about = about, out = {}, numbers = {}, count = 0, depth = 0, looked = 0 }
   put_value(self, value, name)
   if self.looked > MOST_VALUES then
      console.warn("'%s', which run of an experiment uses, holds more than %d values: what is beyond does not count for "
         .. "whether results are the same", name, MOST_VALUES)
   end
   local text = table.concat(self.out, " ")
   if type(value) == "string" and #value <= LONGEST then return is_plain_word(value) and value or ("%q"):format(value) end
   return #text <= LONGEST and text or digest(text)
end

return value_text
