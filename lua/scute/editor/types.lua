-- Types of LuaCATS for what the declarations of ops and options say.
local options = require "scute.base.options"

local types = {}

-- Kinds of an op's argument (host/bind/op_info.c).
local OF_KIND = { ["tensor"] = "scute.Tensor", ["tensor or number"] = "scute.Tensor|number",
   ["list of tensors"] = "scute.Tensor[]", ["int"] = "integer", ["number"] = "number", ["bool"] = "boolean",
   ["int or {int, int}"] = "integer|integer[]", ["ints"] = "integer|integer[]", ["dimension"] = "integer",
   ["dimension or list of dimensions"] = "integer|integer[]",
   ["dtype"] = "string", ["device"] = "string" }

-- Texts as a union of literals.
local function literals(texts)
   local parts = {}
   for i, text in ipairs(texts) do parts[i] = ("%q"):format(text) end
   return table.concat(parts, "|")
end

-- What a declaration allows beside the texts that it reads.
local function plain(entry)
   if entry.whole then return "integer" end
   if entry.number then return "number" end
   if entry.flag then return "boolean" end
   if entry.text then return "string" end
   local known = entry.is and options.types_of(entry.is)
   return known and table.concat(known, "|") or nil
end

--- The type of an option, or of an op's argument.
function types.of(entry)
   if entry.choices then return literals(options.choices_of(entry)) end
   local type, texts = entry.kind and assert(OF_KIND[entry.kind], entry.kind) or plain(entry),
      entry.suggests and literals(options.suggestions_of(entry))
   if entry.read and (type or not entry.is) then
      type = (type and type ~= "string" and type .. "|" or "") .. "string"
   end
   if not type then return "any" end
   return texts and texts .. "|" .. type or type
end

-- ---- values ----

--- The type of a value, as a property of a sample shows it; nil is a tensor that may be there (t.grad).
function types.of_value(value)
   if value == nil then return "scute.Tensor?" end
   if type(value) == "table" and math.type(value[1]) == "integer" then return "integer[]" end
   return math.type(value) or type(value)
end

--- The class of values that help() has a word for: "t" -> "scute.Tensor", "lr_finder" -> "scute.LrFinder"; "nn.Linear" is one.
function types.class_of(word)
   if word == "t" then return "scute.Tensor" end
   if word:find("%.") then return "scute." .. word end
   return "scute." .. ("_" .. word):gsub("_(%l)", string.upper)
end

return types
