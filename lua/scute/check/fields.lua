-- Fields and methods that are not there: of families, of Lua's own libraries, of tables of options, and methods of what scute's
-- functions give.
local nearest = require("scute.core").nearest
local options = require "scute.base.options"
local scute = require "scute"
local sorted_keys = require "scute.base.sorted_keys"
local strict = require "scute.base.strict"
local things = require "scute.repl.complete.things"

local fields = {}

-- As a script that reads a field does: families and tables of options say what is wrong themselves.
local read = assert(load("local owner, name = ... return owner[name]", "=script"))

local LIBRARIES = { string = string, table = table, math = math, os = os, io = io, coroutine = coroutine, utf8 = utf8,
   debug = debug, package = package }

local function library_name(value)
   for name, library in next, LIBRARIES do
      if library == value then return name end
   end
end

local function meant(name, list)
   local near = nearest(name, list)
   return near and ("; did you mean '%s'?"):format(near) or ""
end

-- A model of one's own may have any name that is not near one of scute's.
local function said(thing, message)
   if thing.value ~= scute.models then return message end
   return message:match "^(.-did you mean '[^']*'%?)"
end

-- What says itself which fields it has: the value, or one like it.
local function sample_of(thing)
   if thing.kind == "tensor" then return scute.zeros(1) end
   return type(thing.value) == "table" and thing.value or nil
end

--- What is wrong with reading a field of a thing; nil where nothing is, or where only running tells.
function fields.mistake(thing, name)
   local sample = sample_of(thing)
   if not sample then return nil end
   local ok, message = pcall(read, sample, name)
   return not ok and said(thing, (tostring(message):gsub("^script:%d+: ", ""))) or nil
end

--- What is wrong with calling a field of one of Lua's own libraries: it is not there, and another is near. Reading one asks
-- whether this Lua has it.
function fields.library_mistake(thing, name)
   local library = type(thing.value) == "table" and library_name(thing.value)
   if not library or thing.value[name] ~= nil then return nil end
   local near = nearest(name, sorted_keys(thing.value))
   return near and ("there is no %s.%s; did you mean '%s'?"):format(library, name, near) or nil
end

-- Things whose methods are all known: no one adds any but by assigning it.
local METHODS = { model = "a model", optimizer = "an optimizer", image = "an image", canvas = "a canvas",
   text = "a text", result = "the result of training", schedule = "a schedule", confusion = "a confusion matrix",
   figure = "a figure", plan = "a plan", lr_finder = "what train.lr_find found",
   ["data set"] = "what data.open returns", part = "a part of a data set" }
local PLAIN = { ["data set"] = true, part = true } -- tables without a class

-- Whether one letter too many, too few or another, or two that changed places, make one name of the other.
local function is_slip(name, meant_one)
   local from, back = 1, 0
   while from <= #name and name:byte(from) == meant_one:byte(from) do from = from + 1 end
   local shorter = math.min(#name, #meant_one)
   while back < shorter - from + 1 and name:byte(-1 - back) == meant_one:byte(-1 - back) do back = back + 1 end
   local one, other = name:sub(from, #name - back), meant_one:sub(from, #meant_one - back)
   return #one <= 1 and #other <= 1 or #one == 2 and one:reverse() == other
end

local SHORT = 4 -- names of so many letters are near each other by chance

-- A model may be one of one's own, with methods of its own; a plain table may get some.
local function may_be_own(thing, name, known)
   if thing.kind ~= "model" and not PLAIN[thing.kind] then return false end
   local near = nearest(name, known)
   return not (near and #name > SHORT and is_slip(name, near))
end

-- Functions that are no methods, but fields of each object.
local function is_field(thing, name)
   if PLAIN[thing.kind] then return things.names(thing)[name] end
   return thing.kind == "schedule" and rawget(scute.schedule.plateau(), name) ~= nil
end

--- What is wrong with calling a method of a thing.
function fields.method_mistake(thing, name)
   if sample_of(thing) then return fields.mistake(thing, name) end
   local what = thing.class and thing.class.class_name or METHODS[thing.kind]
   if not what or name:find "^_" or things.method(thing, name) or is_field(thing, name) then return nil end
   local known = sorted_keys(things.names(thing, not PLAIN[thing.kind]))
   if may_be_own(thing, name, known) then return nil end
   local hint = meant(name, known)
   if hint == "" then
      local elsewhere = strict.elsewhere(name)
      hint = elsewhere and ("; did you mean '%s'?"):format(elsewhere) or ""
   end
   return ("%s has no method '%s'%s"):format(what, name, hint)
end

--- The declaration of a thing that is a strict table of options.
function fields.declaration(thing)
   return options.declaration_of(thing.value)
end

return fields
