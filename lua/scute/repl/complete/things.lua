-- What an expression stands for, as far as that is known without running it: a thing is { value = v } where the value is
-- there, { kind = name } of scute.repl.complete.kinds, or { class = c } for an instance of a class of modules. method: the
-- name by which it was asked of the thing `of`. Fields are read raw: no code of the user's runs.
local kinds = require "scute.repl.complete.kinds"
local options = require "scute.base.options"
local public = require "scute.base.public"
local scute = require "scute"

local things = {}

local DEEPEST = 20 -- tables that take their fields from others

local function raw(t, key)
   return type(t) == "table" and rawget(t, key) or nil
end

local function meta_of(value)
   local meta = debug.getmetatable(value)
   return type(meta) == "table" and meta or {}
end

-- ---- looking at values ----

local function is_module(value)
   return type(raw(value, "_children")) == "table"
end

-- Families, which make some of their fields when they are asked for.
local function is_family(value)
   if rawequal(value, scute) then return true end
   for name, family in next, scute do
      if rawequal(family, value) and rawequal(package.loaded["scute." .. name], value) then return true end
   end
   return false
end

-- A field of a table or of what it derives from.
local function raw_chain(value, key)
   local depth = 0
   while type(value) == "table" and depth < DEEPEST do
      local found = rawget(value, key)
      if found ~= nil then return found end
      value, depth = rawget(meta_of(value), "__index"), depth + 1
   end
end

local function field_of_module(module, key)
   if math.type(key) == "integer" then
      local names = raw(module, "_child_names") or {}
      return rawget(module, "_children")[names[key < 0 and #names + 1 + key or key]]
   end
   local found = raw_chain(rawget(meta_of(module), "class"), key)
   for _, part in ipairs { "_parameters", "_buffers", "_children" } do
      if found == nil then found = raw(raw(module, part), key) end
   end
   return found
end

local function field_of_table(value, key)
   local found = raw_chain(value, key)
   if found == nil and is_module(value) then return field_of_module(value, key) end
   if found == nil and is_family(value) and type(key) == "string" and public.is(value, key) then
      local ok, made = pcall(function() return value[key] end)
      return ok and made or nil
   end
   return found
end

-- ---- from thing to thing ----

--- The thing of a value; one of a type of C's is known by its kind.
function things.of(value)
   if value == nil then return nil end
   if type(value) == "string" then return { kind = "text", value = value } end
   return { value = value, kind = type(value) == "userdata" and kinds.of_userdata(value) or nil }
end

local function of_kind(name)
   return type(name) == "string" and { kind = name } or nil
end

local function methods_of(thing)
   if thing.class then return thing.class end
   if thing.kind then return kinds.methods(thing.kind) end
   return is_module(thing.value) and rawget(meta_of(thing.value), "class") or nil
end

--- What is at a key of a thing.
function things.field(thing, key)
   if thing == nil then return nil end
   if type(thing.value) == "table" then return things.of(field_of_table(thing.value, key)) end
   if thing.kind == "tensor" and math.type(key) == "integer" then return of_kind "tensor" end
   local fields = thing.kind and kinds.of(thing.kind).fields or {}
   return of_kind(fields[key]) or things.of(raw_chain(methods_of(thing), key))
end

--- A method of a thing, which knows what it is of.
function things.method(thing, name)
   if thing == nil then return nil end
   local methods, found = methods_of(thing), nil
   if methods then found = raw_chain(methods, name) end
   if found == nil and type(thing.value) == "table" then found = field_of_table(thing.value, name) end
   return found ~= nil and { value = found, method = name, of = thing } or nil
end

-- The kind by which what a method gives is looked up.
local function kind_for_methods(thing)
   if thing.kind == "model" or thing.class or is_module(thing.value) then return "module" end
   return thing.kind
end

local function result_of_method(thing)
   local kind = kind_for_methods(thing.of)
   local given = kind and kinds.of_method(kind, thing.method)
   if given == "self" then return thing.of end
   return of_kind(given)
end

local function is_class(value)
   return type(raw(value, "instance")) == "table" and raw(value, "class_name") ~= nil
end

--- What calling a thing gives.
function things.result(thing)
   if thing == nil then return nil end
   if thing.of then
      local known = result_of_method(thing)
      if known then return known end
   end
   if is_class(thing.value) then return { class = thing.value } end
   if thing.class or thing.kind == "model" or thing.kind == "module" or is_module(thing.value) then return of_kind "tensor" end
   if type(thing.value) ~= "function" and type(thing.value) ~= "table" then return nil end
   return of_kind(kinds.of_result(thing.value))
end

--- What an operator gives for two things.
function things.operated(operator, left, right)
   if operator == ".." then return of_kind "text" end
   if not operator:find "^[-+*/^%%]" then return nil end
   local function is_tensor(thing) return thing and thing.kind == "tensor" end
   return (is_tensor(left) or is_tensor(right)) and of_kind "tensor" or nil
end

-- ---- names ----

local function is_callable(value)
   return type(value) == "function" or rawget(meta_of(value), "__call") ~= nil
end

local function add(found, names)
   for _, name in ipairs(names) do found[name] = true end
end

local function add_keys(found, t)
   for name in next, t do
      if type(name) == "string" and name:find "^[%a_][%w_]*$" then found[name] = true end
   end
end

-- A name that begins with "_" is asked for by typing that. class: that of an object, which hides some.
local function add_fields_of_table(found, value, class)
   for _, name in ipairs(public.names(value)) do found[name] = not class or public.is(class, name, true) or nil end
   for name in next, value do
      if type(name) == "string" and name:find "^_[%w_]*$" then found[name] = true end
   end
   if is_module(value) then
      for _, part in ipairs { "_children", "_parameters", "_buffers" } do add_keys(found, raw(value, part) or {}) end
   end
   local declaration = options.declaration_of(value)
   if declaration then add(found, declaration.names) end
end

--- The names that may follow `.` behind a thing, or `:` with methods_only: name -> true.
function things.names(thing, methods_only)
   local found = {}
   if thing == nil then return found end
   local methods = methods_of(thing)
   if methods then add(found, public.names(methods, true)) end
   if not methods_only and thing.kind then add_keys(found, kinds.of(thing.kind).fields or {}) end
   if type(thing.value) == "table" then add_fields_of_table(found, thing.value, methods) end
   if not methods_only then return found end
   for name in next, found do
      local member = things.method(thing, name)
      if member and not is_callable(member.value) then found[name] = nil end
   end
   return found
end

return things
