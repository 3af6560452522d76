-- What the constructor of a layer is called with: one table of options, nn.Conv2d { 3, 64, kernel_size = 7 }, in which those by
-- position come first; or all by position, nn.Conv2d(3, 64, 7).
local console = require "scute.base.console"
local nearest = require("scute.core").nearest
local options = require "scute.base.options"

local MIXED = "nn.%s: named options stand in one table with those before them, as in nn.%s { %s }%s"

-- ---- options behind others, as in nn.Conv2d(3, 64, { kernel_size = 7 }) ----

local function in_short(value)
   return type(value) == "string" and ("%q"):format(value) or type(value) == "table" and "…" or console.brief(value)
end

-- The names in a table, sorted, each with the option that it stands for; nil where the table is no such one.
local function options_in(declaration, value)
   local names, meant = {}, {}
   for name in next, value do
      meant[name] = type(name) == "string" and (declaration.by_name[name] and name or nearest(name, declaration:known())) or nil
      if not meant[name] then return nil end
      names[#names + 1] = name
   end
   table.sort(names)
   return names, meant
end

-- Fails where the last of several arguments holds named options: no other value is meant by that.
local function refuse_mixed(class, list)
   local last = list[list.n]
   if list.n < 2 or type(last) ~= "table" or getmetatable(last) or next(last) == nil then return end
   local names, meant = options_in(class.declaration, last)
   if not names then return end
   local parts, renamed = {}, ""
   for i = 1, list.n - 1 do parts[i] = in_short(list[i]) end
   for _, name in ipairs(names) do
      parts[#parts + 1] = ("%s = %s"):format(meant[name], in_short(last[name]))
      if meant[name] ~= name then renamed = ("; '%s' is called '%s' here"):format(name, meant[name]) end
   end
   error(MIXED:format(class.class_name, class.class_name, table.concat(parts, ", "), renamed), 4)
end

-- ---- more values than options ----

-- Fails where there are more values by position than options that they could be.
local function refuse_surplus(class, count)
   local declaration = class.declaration
   local names = declaration.names
   if count <= #names or #names == 0 then return end -- of no options it is told where they are read
   local expected = #names == 1 and options.expected(declaration.entries[1])
   error(("nn.%s: found %d values by position, expected %s: %s%s"):format(class.class_name, count,
      #names == 1 and "one" or "at most " .. #names, table.concat(names, ", "), expected and ", " .. expected or ""), 4)
end

-- ---- all of them ----

--- Reads what a class is called with; is_module: whether a value is a module. The checked options by name.
return function(class, is_module, ...)
   local list, named, names = table.pack(...), {}, class.declaration.names
   local is_table = list.n == 1 and type(list[1]) == "table" and not is_module(list[1])
   if not is_table then refuse_mixed(class, list) end
   refuse_surplus(class, is_table and #list[1] or #list)
   for key, value in pairs(is_table and list[1] or { ... }) do
      local name = math.type(key) == "integer" and names[key] or key
      if named[name] ~= nil then error(("nn.%s: option '%s' is given twice"):format(class.class_name, name), 3) end
      named[name] = value
   end
   return class.declaration:read(named, 2) -- a tail call: this function no longer counts
end
