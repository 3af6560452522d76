-- What the functions that help() tells of return.
local fields_of = require "scute.editor.returned_fields"
local luacats = require "scute.editor.luacats"
local RETURNS = require "scute.help.returns"
local types = require "scute.editor.types"

local returned = {}

-- The name of the class of a table that an entry's comment tells of.
local function class_of(entry)
   return ("scute.%s.Result"):format((entry.name:gsub(":", ".")))
end

-- What a comment in C says behind "->".
local OF_COMMENT = {
   { "^t$", "scute.Tensor" }, { "^t[ ,]", "scute.Tensor" }, { "^%a?%d* ?tensor", "scute.Tensor" },
   { "^a copy", "scute.Tensor" }, { "^the same values", "scute.Tensor" },
   { "^an? image", "scute.Image" }, { "^image", "scute.Image" }, { "^scute%.image", "scute.Image" },
   { "^an? canvas", "scute.Canvas" }, { "^canvas", "scute.Canvas" }, { "^names? of", "string[]" },
   { "^list of tensors", "scute.Tensor[]" }, { "^list of", "table[]" },
   { "^{", "table" }, { "^seconds", "number" }, { "^number of", "integer" }, { "^nested tables", "table|number" },
   { "^one flat table", "number[]" }, { "^the only value", "number" }, { "^the file's bytes", "string" },
   { "^the name of", "string" }, { "^a monitor", "scute.Monitor" }, { "^whether", "boolean" },
}

local function from_comment(entry)
   local result = entry.text:match "^%-> *(.*)" or (entry.signature or ""):match "%-> *(.*)"
   for _, known in ipairs(result and OF_COMMENT or {}) do
      if result:find(known[1]) then return known[2] end
   end
   return "any"
end

--- The type of what an entry returns, "any" where that is not known.
function returned.type(entry)
   if RETURNS[entry.name] and not fields_of(entry.text) then return types.class_of(RETURNS[entry.name]) end
   if entry.kind == "op" then return entry.text:find "In place%." and "nil" or "scute.Tensor" end
   if entry.kind == "model" then return "scute.nn.Classifier" end
   local gives_itself = entry.text:find "Returns self" or entry.text:find "Returns the model"
   if entry.kind == "method" and gives_itself then return "self" end
   return fields_of(entry.text) and class_of(entry) or from_comment(entry)
end

--- The class of a table that an entry returns, as lines; none where it returns no such table. What has methods is derived from
--- the class that has them.
function returned.lines(entry)
   local fields, known = fields_of(entry.text), RETURNS[entry.name]
   if not fields or returned.type(entry) ~= class_of(entry) then return {} end
   local lines = { luacats.class(class_of(entry), known and types.class_of(known)) }
   for _, field in ipairs(fields) do lines[#lines + 1] = luacats.field(field[1], "any", field[2]) end
   lines[#lines + 1] = ""
   return lines
end

return returned
