-- Annotations for editors (LuaCATS, as lua-language-server reads them), made of the entries of help(): a file for scute itself,
-- its ops and tensors, and one for each family.
local calls = require "scute.editor.calls"
local entries = require "scute.help.entries"
local luacats = require "scute.editor.luacats"
local option_classes = require "scute.editor.option_classes"
local returned = require "scute.editor.returned"
local scute = require "scute"
local sorted_keys = require "scute.base.sorted_keys"
local types = require "scute.editor.types"

local HEAD = "---@meta %s\n-- Made by `make` from scute's own declarations (lua/scute/editor/annotations.lua).\n"
   .. "-- They follow LuaCATS. No test runs a language server on them, and no editor has been tried.\n"

-- ---- which table, and so which file, an entry stands in ----

-- "train.unfreeze.plan" -> "train.unfreeze", "plan".
local function split(name)
   return name:match "^(.-)%.?([^.]+)$"
end

-- A table or class of that name: { name, functions = list of entries, fields = lines }.
local function new_group(groups, name)
   groups[name] = groups[name] or { name = name, functions = {}, fields = {} }
   return groups[name]
end

-- A table and those that it lies in.
local function table_group(groups, name)
   if not groups[name] and name ~= "" then
      local outer, key = split(name)
      local fields = table_group(groups, outer).fields
      fields[#fields + 1] = luacats.field(key, "scute." .. name)
   end
   return new_group(groups, name)
end

local place = {}

function place.family(tables, entry)
   if type(entry.value) == "function" then return place["function"](tables, entry) end
   local group = table_group(tables, entry.name)
   group.text, group.called = entry.text, entry.declaration and entry -- scute.experiment { ... }
end

place["function"] = function(tables, entry)
   local functions = table_group(tables, (split(entry.name))).functions
   functions[#functions + 1] = entry
end
place.op, place.model = place["function"], place["function"]

function place.value(tables, entry, _, is_table)
   if is_table[entry.name] then
      table_group(tables, entry.name).text = entry.text
      return
   end
   local outer, key = split(entry.name)
   local fields = table_group(tables, outer).fields
   fields[#fields + 1] = luacats.field(key, type(entry.value), entry.text)
end

function place.class(tables, entry, classes)
   local class = new_group(classes, entry.name)
   class.entry, class.family = entry, entry.family
   table_group(tables, (split(entry.name)))
end

function place.method(_, entry, classes)
   local class = new_group(classes, entry.class)
   class.family = class.family or entry.family
   class.functions[#class.functions + 1] = entry
end

function place.field(_, entry, classes)
   local class, sample = new_group(classes, entry.class), entry.class == "t" and scute.zeros(1, 1)
   local key = entry.name:match "[^.]+$"
   class.fields[#class.fields + 1] = luacats.field(key, sample and types.of_value(sample[key]) or "integer", entry.text)
end

-- Names of values that have functions in them.
local function tables_of(list)
   local found = {}
   for _, entry in ipairs(list) do
      if entry.kind == "function" then found[(split(entry.name))] = true end
   end
   return found
end

-- ---- writing ----

local function append(lines, more)
   table.move(more, 1, #more, #lines + 1, lines)
end

local function add_options(lines, entry, owners)
   if owners[entry] then append(lines, option_classes.lines(owners[entry], entry)) end
end

local function add_functions(lines, group, variable, mark, names, owners)
   for _, entry in ipairs(group.functions) do
      add_options(lines, entry, owners)
      append(lines, returned.lines(entry))
      local name = entry.name:match "[^.:]+$"
      append(lines, calls.lines(entry, ("function %s%s%s"):format(variable, mark, name), names[entry]))
      lines[#lines + 1] = ""
   end
end

-- The operators of tensors, as their metatable has them.
local function operators()
   local lines, meta = {}, debug.getmetatable(scute.zeros(1))
   for _, name in ipairs { "add", "sub", "mul", "div", "pow" } do
      if meta["__" .. name] then lines[#lines + 1] = luacats.operator(name, "scute.Tensor|number", "scute.Tensor") end
   end
   if meta.__unm then lines[#lines + 1] = luacats.operator("unm", nil, "scute.Tensor") end
   if meta.__len then lines[#lines + 1] = luacats.operator("len", nil, "integer") end
   lines[#lines + 1] = luacats.field("[integer]", "scute.Tensor", "one index of the first dimension, from 1")
   lines[#lines + 1] = luacats.field("[table]", "scute.Tensor", "indices and ranges of several dimensions, as in x[{ {}, 2 }]")
   return lines
end

-- The ways to make a module: by a table of options, or in order.
local function constructors(entry, options_class)
   local name = "scute." .. entry.name
   if not options_class then return { luacats.overload({ { "...", "any" } }, name) } end
   local by_position = {}
   for i, option in ipairs(entry.options) do by_position[i] = { option[1], types.of(option), not option.required } end
   return { luacats.overload({ { "options", options_class } }, name), luacats.overload(by_position, name) }
end

local function base_of(entry)
   local base = getmetatable(entry.value)
   base = base and base.__index
   return type(base) == "table" and rawget(base, "class_name") and "scute.nn." .. base.class_name or nil
end

-- What is called to make a module, and what can be extended; the module itself is called to compute.
local function add_module_class(lines, entry, names)
   append(lines, luacats.text(entry.text))
   lines[#lines + 1] = luacats.class(("scute.%s.Class"):format(entry.name), "scute." .. entry.name)
   append(lines, constructors(entry, names[entry]))
   lines[#lines + 1] = ("%s = {}"):format(entry.name)
   lines[#lines + 1] = ""
end

local function add_class(lines, class, names, owners)
   local entry, variable = class.entry, types.class_of(class.name):match "[^.]+$"
   if entry then add_options(lines, entry, owners) end
   lines[#lines + 1] = luacats.class(types.class_of(class.name), entry and base_of(entry))
   append(lines, class.fields)
   if class.name == "t" then append(lines, operators()) end
   if entry then lines[#lines + 1] = luacats.operator("call", nil, "scute.Tensor") end -- which is not inherited
   if class.name == "nn.Module" then
      lines[#lines + 1] = luacats.field("[string]", "any", "children, parameters, buffers and fields of its own, by name")
   end
   lines[#lines + 1] = ("local %s = {}"):format(variable)
   lines[#lines + 1] = ""
   add_functions(lines, class, variable, ":", names, owners)
   if entry then add_module_class(lines, entry, names) end
end

local function add_table(lines, group, names, owners)
   local variable, called = group.name == "" and "scute" or group.name, group.called
   if called then
      add_options(lines, called, owners)
      append(lines, returned.lines(called))
   end
   append(lines, luacats.text(group.text or ""))
   lines[#lines + 1] = luacats.class(group.name == "" and "scute" or "scute." .. group.name)
   append(lines, group.fields)
   if called then lines[#lines + 1] = luacats.overload({ { "options", names[called] } }, returned.type(called)) end
   lines[#lines + 1] = ("%s%s = {}"):format(variable:find(".", 1, true) and "" or "local ", variable)
   lines[#lines + 1] = ""
   add_functions(lines, group, variable, ".", names, owners)
end

-- The ops that are methods of tensors too.
local function add_tensor_methods(classes, list)
   local functions = new_group(classes, "t").functions
   for _, entry in ipairs(list) do
      if entry.kind == "op" and entry.is_method then functions[#functions + 1] = entry end
   end
end

local function file_of(name)
   return name == "" and "scute" or "scute." .. name:match "^[^.]+"
end

--- All files: path below the folder of annotations -> text.
return function()
   local list = entries.list()
   local names, owners = option_classes.name(list)
   local tables, classes, is_table = {}, {}, tables_of(list)
   for _, entry in ipairs(list) do place[entry.kind](tables, entry, classes, is_table) end
   add_tensor_methods(classes, list)
   local files = {}
   local function lines_of(module)
      files[module] = files[module] or {}
      return files[module]
   end
   for _, name in ipairs(sorted_keys(tables)) do add_table(lines_of(file_of(name)), tables[name], names, owners) end
   local written = {}
   for _, name in ipairs(sorted_keys(classes)) do
      local class = classes[name]
      local module = class.family and "scute." .. class.family or "scute"
      add_class(lines_of(module), class, names, class.name == "t" and {} or owners)
   end
   for module, lines in pairs(files) do
      lines[#lines + 1] = "return " .. (module:match "%.(.*)" or module)
      written[module:gsub("%.", "/") .. ".lua"] = HEAD:format(module) .. "\n" .. table.concat(lines, "\n") .. "\n"
   end
   return written
end
