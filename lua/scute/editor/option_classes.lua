-- Classes of the options that functions take: those that take the same have one, named after the first of them.
local luacats = require "scute.editor.luacats"
local options = require "scute.base.options"
local types = require "scute.editor.types"

local option_classes = {}

--- What an option is, and what it is where it is not given, in one line.
function option_classes.about(entry)
   local parts, default = { entry.help }, options.default_text(entry)
   local expected = (entry.whole or entry.number) and options.expected(entry)
      or not entry.choices and not entry.flag and not entry.text and entry.expected
   if expected then parts[#parts + 1] = expected end
   if default then parts[#parts + 1] = "default " .. default end
   return table.concat(parts, "; ")
end

local ORDER = { ["function"] = 1, family = 2, class = 3, method = 4, model = 5 } -- after whom a class is named

-- The entries that take options, ops first.
local function taking(list)
   local found = {}
   for _, entry in ipairs(list) do
      if entry.options and #entry.options > 0 and entry.kind ~= "value" then found[#found + 1] = entry end
   end
   table.sort(found, function(a, b)
      local first, second = ORDER[a.kind] or 0, ORDER[b.kind] or 0
      return first < second or first == second and a.name < b.name
   end)
   return found
end

--- The classes of a list of entries: entry -> name of its class, and entry -> the same for those before which it is declared.
function option_classes.name(list)
   local by_declaration, names, owners = {}, {}, {}
   for _, entry in ipairs(taking(list)) do
      local key = entry.declaration or entry
      if not by_declaration[key] then
         by_declaration[key] = ("scute.%s.Options"):format((entry.name:gsub(":", ".")))
         owners[entry] = by_declaration[key]
      end
      names[entry] = by_declaration[key]
   end
   return names, owners
end

--- A class as lines. Options that may be given without their names too have none that must be there.
function option_classes.lines(name, entry)
   local by_position, lines = entry.kind == "class" or entry.kind == "op", { luacats.class(name) }
   for _, option in ipairs(entry.options) do
      local has_to = option.required and not option.unless and not by_position
      lines[#lines + 1] = luacats.field(option[1], types.of(option), option_classes.about(option), not has_to)
   end
   lines[#lines + 1] = ""
   return lines
end

return option_classes
