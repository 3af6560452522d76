-- Completion at the prompt: names of variables, fields after `.`, methods after `:`, keywords, options in the braces of a call,
-- and files in strings.
local lfs = require "lfs"
local options = require "scute.base.options"
local scute = require "scute"

local complete = {}

local KEYWORDS = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
   "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }
local PROPERTIES = { -- of the types that have methods and properties under one name each
   ["scute.tensor"] = { "shape", "dtype", "device", "rank", "grad", "requires_grad", "is_leaf" },
   ["scute.image"] = { "width", "height" },
}

local function add_keys(found, t, wanted)
   for key in next, t do
      if type(key) == "string" and key:find "^[%a][%w_]*$" and wanted(rawget(t, key)) then found[key] = true end
   end
end

-- Families of the library that no one has used yet are files only.
local function add_families(found)
   local folder = (scute.module_file "scute" or ""):match "^(.*)/"
   if not folder or not lfs.attributes(folder) then return end
   for file in lfs.dir(folder) do
      local name = file:match "^([%a][%w_]*)%.lua$"
      if name and name ~= "init" then found[name] = true end
   end
end

-- A table that makes its fields up when asked for them (scute.models) says through list() which there are.
local function add_listed(found, value)
   local list = type(value) == "table" and rawget(value, "list")
   local ok, names = pcall(list or error)
   for _, name in ipairs(ok and type(names) == "table" and names or {}) do found[tostring(name)] = true end
end

local function add_type_names(found, meta, methods_only)
   for name in next, meta.methods do found[name] = true end
   if methods_only then return end
   for _, name in ipairs(PROPERTIES[meta.__name]) do found[name] = true end
end

-- Fields of modules lie in tables of their own; their class holds the methods and points to its base.
local function add_module_names(found, value, wanted)
   for _, part in ipairs { "_children", "_parameters", "_buffers" } do
      local inner = rawget(value, part)
      if type(inner) == "table" then add_keys(found, inner, wanted) end
   end
   local class, depth = rawget(value, "_class") or (getmetatable(value) or {}).class, 0
   while type(class) == "table" and depth < 20 do
      add_keys(found, class, wanted)
      local meta = getmetatable(class)
      class, depth = type(meta) == "table" and meta.__index or nil, depth + 1
   end
end

local function is_callable(value)
   return type(value) == "function" or (debug.getmetatable(value) or {}).__call ~= nil
end

local function anything() return true end

-- All names that `value.` (or `value:` with methods_only) could be followed by.
local function names_of(value, methods_only)
   local found, wanted = {}, methods_only and is_callable or anything
   local meta = debug.getmetatable(value)
   if type(value) == "userdata" and type(meta) == "table" and type(meta.methods) == "table" then
      add_type_names(found, meta, methods_only)
      return found
   end
   if type(value) == "table" then
      add_keys(found, value, wanted)
      if rawget(value, "_children") then add_module_names(found, value, wanted) end
   end
   if value == scute then add_families(found) end
   if type(meta) == "table" and type(meta.__index) == "function" then add_listed(found, value) end
   local depth = 0
   while type(meta) == "table" and depth < 20 do
      local index = meta.__index
      if type(index) ~= "table" then break end
      add_keys(found, index, wanted)
      meta, depth = getmetatable(index), depth + 1
   end
   return found
end

-- The value of `a.b[3]:c.`, without calling anything; ok is false where that is not to be known.
local function value_of(chain)
   local value, rest = _G, chain
   while rest ~= "" do
      local key, after = rest:match "^([%a_][%w_]*)[.:]?(.*)$"
      if not key then key, after = rest:match "^%[(%d+)%][.:]?(.*)$" end
      if not key then key, after = rest:match "^%[[\"']([^\"']*)[\"']%][.:]?(.*)$" end
      if not key then return false end
      local ok, inner = pcall(function() return value[math.tointeger(key) or key] end)
      if not ok or inner == nil then return false end
      value, rest = inner, after:gsub("^%[", "[", 1)
   end
   return true, value
end

local function tensor_methods()
   local found = {}
   add_type_names(found, debug.getmetatable(scute.zeros(1)), true)
   return found
end

local function global_names()
   local found = names_of(_G, false)
   for _, word in ipairs(KEYWORDS) do found[word] = true end
   return found
end

local function matching(found, start)
   local list = {}
   for name in next, found do
      if name:sub(1, #start) == start and (start ~= "" or name:sub(1, 1) ~= "_") then list[#list + 1] = name end
   end
   table.sort(list)
   return list
end

-- ---- options, in the braces of a call ----

local OPENING, CLOSING = { ["("] = true, ["{"] = true, ["["] = true }, { [")"] = true, ["}"] = true, ["]"] = true }

-- The innermost bracket that is open at the end of a text, and where it is; strings are passed over.
local function open_bracket(text)
   local plain = text:gsub("([\"'])(.-)%1", function(quote, inside) return quote .. ("_"):rep(#inside) .. quote end)
   local depth = 0
   for at = #plain, 1, -1 do
      local c = plain:sub(at, at)
      if CLOSING[c] then
         depth = depth + 1
      elseif OPENING[c] then
         if depth == 0 then return c, at end
         depth = depth - 1
      end
   end
end

-- The names that may stand before `=` at the end of `train.fit(model, set, { ep`, and what is typed of one; nil elsewhere.
local function option_names(before)
   local start = before:match "[{,;]%s*([%a_]*[%w_]*)$"
   local bracket, at = open_bracket(before)
   if not start or bracket ~= "{" then return nil end
   local call = before:sub(1, at - 1)
   bracket, at = open_bracket(call)
   local outer = bracket == "(" and call:find "[(,]%s*$" and call:sub(1, at - 1) or call
   local chain = outer:match "([%a_][%w_%.:]*)%s*$"
   local known, value = value_of(chain or "")
   local declaration = chain and known and options.of(value)
   if not declaration then return nil end
   local found = {}
   for _, name in ipairs(declaration.names) do found[name] = true end
   return matching(found, start), start
end

-- ---- files, inside a string that is still open ----

local function open_string(before)
   local quote
   for c in before:gsub("\\.", "  "):gmatch "[\"']" do
      if not quote then quote = c
      elseif quote == c then quote = nil end
   end
   return quote and before:match("^.*" .. quote .. "(.*)$")
end

local function file_names(path)
   local folder, start = path:match "^(.*/)([^/]*)$"
   folder, start = folder or "", start or path
   local list = {}
   if not lfs.attributes(folder == "" and "." or folder) then return list, start end
   for name in lfs.dir(folder == "" and "." or folder) do
      if name:sub(1, #start) == start and (name:sub(1, 1) ~= "." or start:sub(1, 1) == ".") then
         local mode = lfs.attributes(folder .. name, "mode")
         list[#list + 1] = name .. (mode == "directory" and "/" or "")
      end
   end
   table.sort(list)
   return list, start
end

-- ---- what all of it comes to ----

local function common_start(list)
   local first, last = list[1], list[#list]
   local n = 0
   while n < #first and first:byte(n + 1) == last:byte(n + 1) do n = n + 1 end
   while n > 0 and (first:byte(n + 1) or 0) // 64 == 2 do n = n - 1 end -- never inside a UTF-8 character
   return first:sub(1, n)
end

local function in_columns(list, width)
   local longest = 0
   for _, name in ipairs(list) do longest = math.max(longest, #name) end
   local columns = math.max(1, (width + 2) // (longest + 2))
   local rows = (#list + columns - 1) // columns
   local lines = {}
   for row = 1, rows do
      local line = {}
      for column = 0, columns - 1 do
         local name = list[row + column * rows]
         if name then line[#line + 1] = name .. (" "):rep(longest + 2 - #name) end
      end
      lines[row] = table.concat(line):gsub("%s+$", "")
   end
   return table.concat(lines, "\n")
end

--- Names that may stand at the end of `before`, and the part of them that is typed already.
function complete.candidates(before)
   local path = open_string(before)
   if path then return file_names(path) end
   local names, typed = option_names(before)
   if names then return names, typed end
   local chain, mark, start = before:match "([%a_][%w_%.:%[%]\"']*)([.:])([%w_]*)$"
   if chain then
      local ok, value = value_of(chain)
      return ok and matching(names_of(value, mark == ":"), start) or {}, start
   end
   start = before:match "%):([%w_]*)$"
   if start then return matching(tensor_methods(), start), start end
   start = before:match "[%a_][%w_]*$" or ""
   return matching(global_names(), start), start
end

--- What Tab does after `before`: the text to insert, and the choices to show where the text alone does not decide.
function complete.at(before, width)
   local list, start = complete.candidates(before)
   if #list == 0 then return "", nil end
   local insert = common_start(list):sub(#start + 1)
   if #list == 1 or insert ~= "" then return insert, nil end
   return "", in_columns(list, width or 80)
end

return complete
