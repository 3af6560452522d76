-- Whose code a frame of the stack runs: the library's, or that of who uses it.
local core = require "scute.core"

local frames = {}

local MOST_VARIABLES = 250 -- of a function
local root = "@" .. ((core.module_file "scute" or ""):match "^(.*/)" or "\0") -- of all files of the library

--- Whether a frame (as debug.getinfo's "S" tells it) runs a function of the library in Lua. folder: of its files in there.
function frames.is_library(info, folder)
   local start = folder and root .. folder or root
   return info.source:sub(1, #start) == start
end

--- Whether the function at a level of the stack knows a value as `self`: a method of it, or a function inside one. level: as
-- debug.getinfo counts from the caller.
function frames.is_method_of(value, level)
   local f = debug.getinfo(level + 1, "f").func
   for i = 1, MOST_VARIABLES do
      local name, held = debug.getlocal(level + 1, i)
      if not name then break end
      if name == "self" and rawequal(held, value) then return true end
   end
   for i = 1, MOST_VARIABLES do
      local name, held = debug.getupvalue(f, i)
      if not name then return false end
      if name == "self" and rawequal(held, value) then return true end
   end
end

-- ---- what code means by a name ----

local MOST_TEXTS = 50
local texts, names = {}, {} -- name of a chunk that is in no file -> its text; those names, the oldest first

--- Says what text a chunk has that is in no file, for its source lines. The last of them are kept.
function frames.remember(name, text)
   if not texts[name] then names[#names + 1] = name end
   texts[name] = text
   if #names > MOST_TEXTS then texts[table.remove(names, 1)] = nil end
end

local function line_of_text(text, wanted)
   local at = 0
   for line in (text .. "\n"):gmatch "(.-)\n" do
      at = at + 1
      if at == wanted then return line end
   end
end

--- The source line that a frame is in (as debug.getinfo's "Sl" tells it); nil where it is not to be had.
function frames.source_line(info)
   local text, path = texts[info.source], info.source:match "^@(.*)"
   local file = not text and path and io.open(path)
   if file then
      text = file:read "a"
      file:close()
   end
   return text and line_of_text(text, info.currentline)
end

-- Where a frame is on the stack now, as the caller counts. Of a function that calls itself in one line it is the innermost.
local function level_of(info)
   local level = 2
   while true do
      local found = debug.getinfo(level, "fl")
      if not found then return nil end
      if found.func == info.func and found.currentline == info.currentline then return level - 1 end
      level = level + 1
   end
end

--- The first parameter or local of a frame: its name and value.
function frames.first_local(info)
   local level = level_of(info)
   if level then return debug.getlocal(level, 1) end
end

--- The values on which a frame may be calling a method that is not there, a list: in the registers of a call the object follows
-- the method, which is nil; so may an argument another one.
function frames.called_on(info)
   local level, list, follows_nil = level_of(info), {}, false
   for i = 1, level and MOST_VARIABLES or 0 do
      local name, held = debug.getlocal(level, i)
      if not name then break end
      local is_register = name:find "^%(" ~= nil
      if is_register and follows_nil and held ~= nil then list[#list + 1] = held end
      follows_nil = is_register and held == nil
   end
   return list
end

local function upvalue_of(f, wanted)
   for i = 1, MOST_VARIABLES do
      local name, held = debug.getupvalue(f, i)
      if not name then break end
      if name == wanted then return true, held end
   end
   return false
end

-- The last local of a name hides those before.
local function local_of(info, wanted)
   local level, found, value = level_of(info), false, nil
   for i = 1, level and MOST_VARIABLES or 0 do
      local name, held = debug.getlocal(level, i)
      if not name then break end
      if name == wanted then found, value = true, held end
   end
   return found, value
end

--- What a path of fields and indices, as `.layer1[1]` and `["a"].b`, leads to from a value; nil where it leads nowhere.
function frames.follow(value, path)
   for name, index in path:gmatch "%.?([%w_]*)%[?[\"']?([%w_]*)[\"']?%]?" do
      for _, key in ipairs { name, index } do
         if key ~= "" then
            local ok, inner = pcall(function() return value[math.tointeger(key) or key] end)
            if not ok then return nil end
            value = inner
         end
      end
   end
   return value
end

--- What a variable is in a frame: a local, an upvalue or a global.
function frames.variable(name, info)
   local found, value = local_of(info, name)
   if found then return value end
   found, value = upvalue_of(info.func, name)
   if found then return value end
   local _, environment = upvalue_of(info.func, "_ENV")
   return (type(environment) == "table" and environment or _G)[name]
end

return frames
