-- help() at the prompt: what there is, and what a name means. Everything shown is taken from where it is defined: the
-- declarations of ops, the comments above functions, the first lines of each file.
local lfs = require "lfs"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"
local scute = require "scute"

local help = {}

local OVERVIEW = [[
scute: tensors with gradients, pretrained networks, optimizers, photos.

   x = scute.tensor { { 1, 2 }, { 3, 4 } }       a tensor from tables; also zeros, ones, full, rand, randn, arange
   x[1][2]   x[{ {}, 2 }]   #x   x.shape         indices and dimensions start at 1, -1 is the last
   y = (x * 2 + 1):sum()                         arithmetic and methods; every op is both scute.op(x) and x:op()
   w = scute.randn(2, 2):requires_grad_()        then loss:backward() fills w.grad
   m = scute.models.resnet18 { classes = 10 }    a network; m:groups() shows what trains, m(x) runs it
   scute.no_grad(function() ... end)             without recording for gradients

   help "conv2d"         an op                   help "models.create"    a function of the library
   help "nn"             a family                help "ops"              all ops
   help(f)               a function you hold     help "t:item"           a method of tensors
]]

-- ---- where texts come from ----

local function library_folder()
   return (scute.module_file "scute" or ""):match "^(.*)/"
end

local function read_lines(path)
   local lines = {}
   for line in io.lines(path) do lines[#lines + 1] = line end
   return lines
end

local function comment_text(line)
   return line:match "^%s*%-%-%-? ?(.*)$"
end

-- The comment at the top of a file.
local function header_of(path)
   local text = {}
   for line in io.lines(path) do
      local comment = comment_text(line)
      if not comment then break end
      text[#text + 1] = comment
   end
   return table.concat(text, "\n")
end

-- The comment above line `at`, and that line.
local function comment_above(path, at)
   local lines = read_lines(path)
   local first = at
   while first > 1 and comment_text(lines[first - 1]) do first = first - 1 end
   local text = { lines[at]:gsub("^%s*local%s+", ""):gsub("%s+$", ""), nil }
   for i = first, at - 1 do text[#text + 1] = "   " .. comment_text(lines[i]) end
   return table.concat(text, "\n")
end

-- Calls visit(path, module) for every file of the library, families before their parts.
local function each_file(folder, prefix, visit)
   local folders = {}
   local names = {}
   for name in lfs.dir(folder) do names[#names + 1] = name end
   table.sort(names)
   for _, name in ipairs(names) do
      local path = folder .. "/" .. name
      local module = name:match "^([%w_]+)%.lua$"
      if module then visit(path, prefix .. module)
      elseif name:sub(1, 1) ~= "." and lfs.attributes(path, "mode") == "directory" then
         folders[#folders + 1] = { path, prefix .. name .. "." }
      end
   end
   for _, entry in ipairs(folders) do each_file(entry[1], entry[2], visit) end
end

local function families()
   local found = {}
   for name in lfs.dir(library_folder()) do
      local family = name:match "^([%w_]+)%.lua$"
      if family and family ~= "init" then found[#found + 1] = family end
   end
   table.sort(found)
   return found
end

local function family_path(name)
   if not name:find "^[%w_.]+$" then return nil end
   return scute.module_file("scute." .. name)
end

-- Names of functions bound in C -> what their comments say.
local function bindings()
   local found = {}
   for block in (scute.binding_help() .. "\n"):gmatch "(.-)\n\n" do
      local name = block:match "^scute%.([%w_.]+)" or block:match "^(%a+:[%a_]+)"
      if name then found[name] = found[name] and found[name] .. "\n" .. block or block end
   end
   return found
end

-- ---- what a name means ----

local function op_text(name)
   local ok, info = pcall(scute.op_info, name)
   if not ok then return nil end
   return info.text:gsub("%s+$", "") .. (info.differentiable and "" or "\n  (has no gradient)")
end

local function binding_text(name)
   local found = bindings()
   return found[name] or found["t:" .. name] or found[name:gsub("^tensor[.:]", "t:")]
end

local function value_at(path)
   local value = scute
   for key in path:gmatch "[^.:]+" do
      if type(value) ~= "table" then return nil end
      local ok, inner = pcall(function() return value[key] end)
      if not ok then return nil end
      value = inner
   end
   return value
end

-- What a function or a class takes, as it is declared.
local function options_text(callable)
   local declaration = options.of(callable)
   return declaration and #declaration.names > 0 and "\n\nOptions:\n" .. declaration:text() or ""
end

-- An option by its name, of every function of the library that takes it.
local function option_text(name)
   local lines = {}
   local function look(callable)
      local declaration = options.of(callable)
      local text = declaration and declaration:text(name) or ""
      if text ~= "" then lines[#lines + 1] = ("%s:\n%s"):format(declaration.what, text) end
   end
   for _, family in ipairs(families()) do
      local value = value_at(family)
      look(value)
      if type(value) == "table" then
         for _, key in ipairs(sorted_keys(value)) do look(rawget(value, key)) end
      end
   end
   return #lines > 0 and ("the option '%s' of\n%s"):format(name, table.concat(lines, "\n")) or nil
end

local function function_text(f)
   local info = debug.getinfo(f, "S")
   local path = info.source:match "^@(.*)"
   if not path or not lfs.attributes(path) then return nil end
   return comment_above(path, info.linedefined) .. options_text(f)
end

local function list_members(value)
   local names = {}
   for key, member in next, value do
      if type(key) == "string" and not key:find "^_" then
         names[#names + 1] = key .. (type(member) == "function" and "()" or "")
      end
   end
   table.sort(names)
   return #names > 0 and "\n\nIt has: " .. table.concat(names, ", ") or ""
end

local function family_text(name)
   local path = family_path(name)
   if not path then return nil end
   local value = value_at(name)
   return header_of(path) .. (type(value) == "table" and not getmetatable(value) and list_members(value) or "")
      .. options_text(value)
end

-- A comment anywhere in the library that starts with the name, as in "-- nn.Linear { in_features, ... }", and the options of
-- the value that it is about.
local function mentioned_text(name, value)
   local short = name:gsub("^scute%.", "")
   local found
   each_file(library_folder(), "", function(path)
      if found then return end
      local lines = read_lines(path)
      for at, line in ipairs(lines) do
         local comment = comment_text(line)
         local rest = comment and comment:sub(1, #short) == short and comment:sub(#short + 1)
         if rest and not rest:find "^[%w_.]" then
            local text = {}
            while lines[at] and comment_text(lines[at]) do
               text[#text + 1] = comment_text(lines[at])
               at = at + 1
            end
            found = table.concat(text, "\n")
            return
         end
      end
   end)
   return found and found .. options_text(value)
end

local function ops_text()
   local lines, line = {}, ""
   for _, name in ipairs(scute.ops()) do
      if #line + #name > 100 then
         lines[#lines + 1] = line
         line = ""
      end
      line = line .. "  " .. name
   end
   lines[#lines + 1] = line
   return table.concat(lines, "\n") .. '\n\nhelp "NAME" explains one.'
end

local function all_names()
   local names = scute.ops()
   for _, family in ipairs(families()) do names[#names + 1] = family end
   for name in next, bindings() do names[#names + 1] = name end
   return names
end

local function unknown(name)
   local near = scute.nearest(name, all_names())
   return ("nothing is known about '%s'%s; help() shows where to begin"):format(name,
      near and (", did you mean '%s'?"):format(near) or "")
end

-- What a family is, in one line of the terminal.
local function summary(name)
   local first = header_of(family_path(name)):match "^[^\n]*":gsub("^scute%." .. name .. ":%s*", "")
   local sentence = first:match "^(.-[.:;])%s" or first
   return (sentence:gsub("[.:;]$", ""):sub(1, 90))
end

local function overview()
   local lines = { OVERVIEW, "families:" }
   for _, name in ipairs(families()) do lines[#lines + 1] = ("   %-14s %s"):format(name, summary(name)) end
   return table.concat(lines, "\n")
end

local function text_of_name(name)
   name = name:gsub("^scute%.", "")
   if name == "" then return overview() end
   if name == "ops" then return ops_text() end
   local value = value_at(name)
   return op_text(name) or binding_text(name) or (type(value) == "function" and function_text(value))
      or family_text(name) or option_text(name) or mentioned_text(name, value) or unknown(name)
end

local function name_of(f)
   for name, value in next, scute do
      if value == f then return name end
   end
   for name, value in next, debug.getmetatable(scute.zeros(1)).methods do
      if value == f then return "t:" .. name end
   end
end

local function text_of_value(value)
   local name = type(value) == "function" and name_of(value)
   if name then return text_of_name(name) end
   if type(value) == "function" then
      return function_text(value) or "a function of Lua's own or typed at the prompt; see the manual of Lua 5.4"
   end
   for _, family in ipairs(families()) do
      if rawget(scute, family) == value then return family_text(family) end
   end
   if value == scute then return OVERVIEW end
   local declaration = options.declaration_of(value)
   if declaration then return ("options of %s:\n%s"):format(declaration.what, declaration:text()) end
   local class = type(value) == "table" and (rawget(value, "class_name") or value.class_name)
   return class and mentioned_text("nn." .. class, value) or tostring(value)
end

--- The text that help(topic) prints: of a name, a value, or with nothing or nil the overview.
function help.text(...)
   if select("#", ...) == 0 or (...) == nil then return overview() end
   local topic = ...
   if type(topic) == "string" then return text_of_name(topic) end
   return text_of_value(topic)
end

--- help() shows what there is; help "name" and help(value) what one thing is.
function help.show(...)
   print(help.text(...))
end

return help
