-- Values in a line at most, as they stand inside a table: numbers, texts in quotes, functions with their parameters, objects by
-- their first line.
local console = require "scute.base.console"
local signature = require "scute.repl.show.signature"
local mark = require("scute.repl.show.paint").mark
local known_fields = require "scute.base.known_fields"

local brief = {}

--- Whether a value says itself how it is printed.
function brief.has_own_text(value)
   local meta = debug.getmetatable(value)
   return type(value) ~= "string" and type(meta) == "table" and (rawget(meta, "__tostring") or rawget(meta, "__name")) ~= nil
end

--- Whether a value is a table that is looked into: one that says no text itself, or, where `through` asks for what is behind
-- that, one that is not an object of a class.
function brief.is_open(value, through)
   if type(value) ~= "table" then return false end
   if not brief.has_own_text(value) then return true end
   local index = rawget(debug.getmetatable(value), "__index")
   return through and (index == nil or known_fields.is_reading(index))
end

--- A number with as many digits as tell it from others.
function brief.number(value)
   if math.type(value) == "integer" then return tostring(value) end
   if value ~= value then return "nan" end
   local short = ("%.7g"):format(value)
   if tonumber(short) == value then return tostring(value) end
   return ("%.14g"):format(value)
end

local ESCAPES = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }

local function escaped(text)
   local special = utf8.len(text) and '[%c"\\]' or '[%c"\\\x80-\xff]'
   return (text:gsub(special, function(c) return ESCAPES[c] or ("\\%03d"):format(c:byte()) end))
end

--- A text in quotes, as Lua reads it; of more than `most` letters the first ones, and true.
function brief.quoted(text, most)
   if most and (utf8.len(text) or #text) > most then return '"' .. escaped(console.cut(text, most - 3)) .. '…"', true end
   return '"' .. escaped(text) .. '"', false
end

-- "tensor f32 cpu (2, 3)" of a tensor that would take several lines.
local function first_line(text)
   local line = text:match "^[^\n]*"
   return line == text and text or line:gsub("[%s:{(]*$", "") .. " …"
end

-- What may fail in it is the user's own code.
local function object(value)
   local meta = debug.getmetatable(value)
   local own = rawget(meta, "__brief")
   local ok, text = pcall(own or tostring, value)
   if ok and type(text) == "string" then return first_line(text) end
   return ("<%s whose __tostring fails: %s>"):format(type(value), first_line(ok and "no text" or
      type(text) == "string" and text or type(text)))
end

--- The key of an entry, as it stands before `=`.
function brief.key(key)
   if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key end
   return "[" .. (brief.of(key, 60)) .. "]"
end

--- Any value in a line, marked for colours; texts of more than `most` letters by the first ones, and true. A table without a
-- text of its own is {…}.
function brief.of(value, most)
   local kind = type(value)
   if kind == "string" then
      local text, cut = brief.quoted(value, most)
      return mark("string", text), cut
   end
   if kind == "number" then return mark("number", brief.number(value)) end
   if kind == "boolean" then return mark("word", tostring(value)) end
   if kind == "nil" then return mark("nil", "nil") end
   if kind == "function" then return mark("function", signature.short(value)) end
   if brief.has_own_text(value) then return console.visible(object(value)) end
   return kind == "table" and "{…}" or kind
end

return brief
