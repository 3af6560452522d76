-- Common slips in code that uses the library, told from the error that they end in: a file without require "scute", a method
-- that is called with a dot, a name that is not there, words of Python.
local core = require "scute.core"
local frames = require "scute.base.frames"
local strict = require "scute.base.strict"

local slips = {}

local REQUIRE = 'local scute = require "scute"'
local SESSION = { help = true, show = true }
local LIBRARIES = { torch = true, np = true, numpy = true, torchvision = true, tf = true, keras = true }
local PYTHON = { len = "#x", str = "tostring(x)", int = "math.tointeger(x) or x // 1", float = "tonumber(x)", dir = "help(x)",
   enumerate = "for i, x in ipairs(list) do", range = "for i = 1, n do", isinstance = "type(x)", input = "io.read()",
   open = "io.open(path)", zip = "for i = 1, #a do", exit = "os.exit()", None = "nil", True = "true", False = "false" }
local OLDER = { unpack = "table.unpack", loadstring = "load(text)", setfenv = "load(text, name, 't', environment)",
   getfenv = "_ENV" } -- of Lua 5.1

local MOST_TABLES = 20 -- of a value and those that it takes fields from

local function meant(name)
   return ("; did you mean '%s'?"):format(name)
end

-- ---- names that are not there ----

local function add_names(list, t)
   for name in next, t do
      if type(name) == "string" and name:find "^%a" then list[#list + 1] = name end
   end
end

-- The names of a value's fields and methods. No code of the user's runs.
local function names_of(value)
   local list = {}
   for _ = 1, MOST_TABLES do
      if type(value) == "table" then add_names(list, value) end
      local meta = debug.getmetatable(value)
      value = type(meta) == "table" and rawget(meta, "__index") or nil
      if value == nil then break end
   end
   table.sort(list)
   return list
end

-- Globals that are there for all, beside those of the user.
local function is_standard(value)
   if type(value) == "table" then
      for _, library in next, package.loaded do
         if rawequal(library, value) then return true end
      end
   end
   if type(value) ~= "function" then return false end
   local info = debug.getinfo(value, "S")
   return info.what == "C" or frames.is_library(info)
end

local function users_globals()
   local found = {}
   for name, value in next, _G do
      if not is_standard(value) then found[name] = value end
   end
   return names_of(found)
end

-- What a name of another library, as in `torch.nn.Linear`, is called here; who has no scute yet is told how to get it.
local function library_hint(library, info)
   local line = info and frames.source_line(info) or ""
   local path = line:match("%f[%w_]" .. library .. "%.([%a_][%w_.]*)")
   local here = path and strict.elsewhere(path:match "[^.]*$")
   local text = ("; there is no %s here, but %s"):format(library, here or "scute")
   return info and frames.variable("scute", info) and text or text .. " with: " .. REQUIRE
end

--- What to add to a message about a variable that is not there, "" where nothing is known. own: names that are near by,
-- locals, beside the globals. info: the frame that uses it, where one runs. The user's own name comes before one of the
-- library, and guesses about Lua's last.
function slips.variable(name, own, info)
   if name == "scute" then return "; a file that uses it begins with: " .. REQUIRE end
   if SESSION[name] then return ("; %s is there in a session: scute, or scute -i file.lua"):format(name) end
   if LIBRARIES[name] then return library_hint(name, info) end
   if PYTHON[name] then return ("; in Lua it is %s"):format(PYTHON[name]) end
   if OLDER[name] then return ("; in Lua 5.4 it is %s"):format(OLDER[name]) end
   local names = table.move(own, 1, #own, 1, {})
   for _, known in ipairs(users_globals()) do names[#names + 1] = known end
   local found = core.near_spelling(name, names) or core.same_name(name, names_of(_G)) or strict.elsewhere(name)
      or core.near_spelling(name, names_of(_G))
   return found and meant(found) or ""
end

-- What the text before a name in a line (`a.b[1]`) means in a frame; nil where that takes a call to know.
local function value_of(chain, info)
   local head, rest = chain:match "^([%a_][%w_]*)(.*)$"
   return frames.follow(head and frames.variable(head, info), rest)
end

-- What stands before `.name` or `:name` in the line of a frame, and its value.
local function owner_of(name, info)
   local line = frames.source_line(info)
   local chain = line and line:match("([%a_][%w_%.%[%]\"']*)%s*[.:]%s*" .. name .. "%f[^%w_]")
   if chain then return chain, value_of(chain, info) end
end

local function field_hint(name, info, is_method)
   local _, owner = owner_of(name, info)
   local owners = owner == nil and is_method and frames.called_on(info) or { owner }
   for _, value in ipairs(owners) do
      local near = core.nearest(name, names_of(value))
      if near then return meant(near) end
   end
   return ""
end

-- ---- what an error says ----

local SENTENCES = {
   { "number expected, got scute%.tensor", "; t:item() is the number in a tensor of one element" },
   { "attempt to perform arithmetic on a scute%.tensor value", "; tensors have +, -, *, / and ^" },
   { "attempt to call a scute%.tensor value", "; an entry of a tensor is t[i], a part of it t[{ i, { from, to } }]" },
}

-- What depends on what stands in the line, too.
local IN_LINES = {
   { "a nil value %(field '%?'%)", "%[0%]", "; indices start at 1" },
   { "a nil value %(field 'integer index'%)", "%[0%]", "; indices start at 1" },
   { "attempt to index a boolean value", "[=~]=", "; == and ~= give one true or false, of tensors whether they are the same "
      .. "one: x:eq(y) and x:ne(y) compare each element" },
}

--- What to add to a message, "" where there is nothing. stack: as traceback.stack gives it.
function slips.hint(message, stack)
   for _, entry in ipairs(SENTENCES) do
      if message:find(entry[1]) then return entry[2] end
   end
   local info = stack[1]
   if not info or info.kind ~= "user" then return "" end -- none of Lua's own errors, or none in the user's code
   local line = frames.source_line(info) or ""
   for _, entry in ipairs(IN_LINES) do
      if message:find(entry[1]) and line:find(entry[2]) then return entry[3] end
   end
   local kind, name = message:match "a nil value %((%a+) '([%a_][%w_]*)'%)"
   if kind == "global" then return slips.variable(name, {}, info) end
   if kind == "field" or kind == "method" then return field_hint(name, info, kind == "method") end
   local type_name, property = message:match "attempt to call a (%S+) value %(%a+ '([%a_][%w_]*)'%)"
   if property and type_name ~= "nil" then return ("; '%s' is no function: read it without ()"):format(property) end
   return ""
end

-- ---- dots and colons ----

local COLON = "'%s' is a method, which is called with a colon: %s:%s(...), not %s.%s(...)"
local DOT = "'%s' is a function, which is called with a dot: %s.%s(...), not %s:%s(...)"
local CHILD = "'%s' is a module inside another, which is called with a dot: %s.%s(...), not %s:%s(...)"

-- Whether a value is one that a method may be called of: it has a method of that name, which may be another than a class calls
-- of its base.
local function is_object(value, name)
   if type(value) ~= "table" and type(value) ~= "userdata" then return false end
   if not name then return debug.getmetatable(value) ~= nil end
   local ok, method = pcall(function() return value[name] end)
   return ok and type(method) == "function"
end

-- Of a method that ended with another call only that one is left on the stack, without a name: the line tells which method of
-- its file was called with a dot.
local function name_in_line(called, user)
   for chain, name in (frames.source_line(user) or ""):gmatch "([%a_][%w_%.%[%]\"']*)%.([%a_][%w_]*)" do
      local owner = value_of(chain, user)
      local method = type(owner) == "table" and owner ~= core and owner[name]
      if type(method) == "function" and debug.getinfo(method, "S").source == called.source then return name end
   end
end

-- The sentence about a part of a model that the user's line calls with a colon, as in m:layer1(x); nil where there is none.
local function child_in_line(user)
   for chain, name in (frames.source_line(user) or ""):gmatch "([%a_][%w_%.%[%]\"']*):([%a_][%w_]*)" do
      local owner = value_of(chain, user)
      local children = type(owner) == "table" and rawget(owner, "_children")
      local child = type(children) == "table" and children[name]
      if child and rawequal(owner[name], child) then return CHILD:format(name, chain, name, chain, name) end
   end
end

-- Whether a function of the library that takes `self` got none.
local function lacks_self(called)
   if called.kind ~= "library" then return false end
   local name, value = frames.first_local(called)
   return name == "self" and not is_object(value, called.name)
end

-- Whether a function of C says that its first argument is no object. The stack does not tell whether scute.sum() or t.sum() was
-- written, but the line does.
local function misses_object(called, owner, message)
   if called.kind ~= "C" or type(owner) ~= "userdata" then return false end
   return message:find "expected a tensor" or message:find "is missing" or message:find "%#1 to '.*%w expected, got"
end

local function is_family(value)
   if value == core then return true end
   for _, name in ipairs(strict.families()) do
      if package.loaded["scute." .. name] == value then return type(value) == "table" end
   end
   return false
end

local function sentence(format, name, owner)
   return format:format(name, owner, name, owner, name)
end

--- The message for a method that the user called with a dot, or a function with a colon, where that is what went wrong; else
-- nil.
function slips.wrong_mark(message, stack)
   local called, user
   for i, info in ipairs(stack) do
      if info.kind == "user" then called, user = stack[i - 1], info break end
   end
   local child = user and child_in_line(user)
   if child then return child end
   if not called or called.namewhat == "metamethod" then return nil end
   local name = called.name or name_in_line(called, user)
   if not name then return nil end
   local chain, owner = owner_of(name, user)
   if called.namewhat == "method" then return is_family(owner) and sentence(DOT, name, chain) or nil end
   local dotted = lacks_self(called) or misses_object(called, owner, message)
   return dotted and sentence(COLON, name, chain or "x") or nil
end

return slips
