-- How a function is called, and what its documentation says first.
local frames = require "scute.base.frames"
local options = require "scute.base.options"
local surplus = require "scute.base.surplus"
local scute = require "scute"

local signature = {}

-- The names that a function of Lua has given its parameters; nil of one of C's. Options have no name but "options".
local function parameters(f)
   local info = debug.getinfo(f, "Su")
   if info.what == "C" then return nil end
   local names, takes_options = {}, options.of(f) ~= nil
   for i = 1, info.nparams do
      local name = debug.getlocal(f, i)
      names[i] = takes_options and name == "given" and "options" or name
   end
   if surplus.is_shown(f, info) then names[#names + 1] = "..." end
   return table.concat(names, ", ")
end

--- "function(model, set, options)"; "function" of one that is not written in Lua.
function signature.short(f)
   local names = parameters(f)
   return names and ("function(%s)"):format(names) or "function"
end

-- The key under which a table has a function, the first by name where there are several.
local function key_of(t, f)
   local found
   for name, value in next, t do
      if value == f and type(name) == "string" and not name:find "^_" and (not found or name < found) then found = name end
   end
   return found
end

-- The name of a function in one of the tables { prefix = table }.
local function name_in(tables, f)
   for prefix, t in next, tables do
      local key = key_of(t, f)
      if key then return prefix .. key end
   end
end

-- What help calls a method of the library's objects: module:freeze.
local function method_name(f)
   if not frames.is_library(debug.getinfo(f, "S")) then return nil end
   local entry = require("scute.help.find").index().by_value[f]
   return entry and entry.name
end

local function name_in_library(f)
   local families = {}
   for family, members in next, scute do
      if type(members) == "table" then families[("scute.%s."):format(family)] = members end
   end
   return name_in({ ["scute."] = scute }, f) or name_in({ ["t:"] = debug.getmetatable(scute.zeros(1)).methods }, f)
      or name_in(families, f) or method_name(f)
end

local function name_in_lua(f)
   local families = {}
   for _, family in ipairs { "string", "table", "math", "io", "os", "coroutine", "debug", "utf8" } do
      families[family .. "."] = package.loaded[family]
   end
   return name_in(families, f) or name_in({ [""] = _G }, f)
end

local function first_sentence(text)
   local sentence = text:match "^%s*(.-[.;:])%f[%s\0]" or text:match "^%s*([^\n]*)"
   return (sentence:gsub("%s+", " "):gsub("[;:]$", "."))
end

-- What help says of an op or of a function of the library: how it is called (where help says so) and what it does.
local function documented(f, name)
   local known, op = pcall(scute.op_info, name:match "^scute%.([%w_]+)$" or name:match "^t:([%w_]+)$" or "")
   if known then return ("%s(%s)"):format(name, table.concat(op.params, ", ")), first_sentence(op.doc) end
   local ok, text = pcall(require("scute.repl.help").text, f)
   if not ok or type(text) ~= "string" then return nil end
   local head, rest = text:match "^([^\n]*)\n?(.*)$"
   if head:find "^function" then return nil, first_sentence(rest) end
   local call = head:match "^[%w_.:]+ ?%b()" or head:match "^[%w_.:]+ ?%b{}"
   return call, call and first_sentence(text:sub(#call + 1):match "^[%s;:,>-]*(.*)$")
end

-- Where a function that is not of the library was written.
local function place(f)
   local info = debug.getinfo(f, "S")
   return info.what ~= "C" and ("   -- %s:%d"):format(info.short_src, info.linedefined) or ""
end

--- A function in up to three lines: how it is called, what it does, and where more is said.
function signature.text(f)
   local ours = name_in_library(f)
   local name, call, does = ours or name_in_lua(f), nil, nil
   if ours then call, does = documented(f, ours) end
   call = call or ("%s(%s)"):format(name or "", parameters(f) or "...")
   local lines = { "function " .. call .. (ours and "" or place(f)) }
   if does and does:find "%S" then lines[2] = "   " .. does end
   if ours then lines[#lines + 1] = ("   help %q says more"):format((ours:gsub("^scute%.", ""))) end
   return table.concat(lines, "\n")
end

return signature
