-- Modules whose files were edited, loaded anew in a session that goes on. What the new file defines goes into the tables that
-- exist, class tables among them, so that old objects have the new methods. A function that somebody keeps in a local variable
-- stays the old one; variables of the module itself begin anew.
local frames = require "scute.base.frames"
local scute = require "scute"

local reload = {}

-- ---- which files have changed ----

-- Name of a module -> what its file was as it was loaded. (Weak, so that a reload of this file keeps it: see remembers.)
local seen = setmetatable({}, { __mode = "k" })

local function stamp(path)
   return (scute.files.stamp(path))
end

--- Notes the modules that are new. To be called after each chunk.
function reload.note()
   for name in next, package.loaded do
      if seen[name] == nil then
         local path = type(name) == "string" and scute.loaded_file(name)
         seen[name] = path and { path = path, stamp = stamp(path) } or false
      end
   end
end

--- The names of the modules whose files are others than those that were loaded.
function reload.changed()
   local names = {}
   for name, file in next, seen do
      if file and package.loaded[name] ~= nil and stamp(file.path) and stamp(file.path) ~= file.stamp then
         names[#names + 1] = name
      end
   end
   table.sort(names)
   return names
end

--- The names of all modules that were read from files.
function reload.names()
   local names = {}
   for name, file in next, seen do names[#names + 1] = file and name or nil end
   table.sort(names)
   return names
end

-- ---- old and new ----

local function is_table(value) return type(value) == "table" end
local function is_function(value) return type(value) == "function" end

-- Tables with functions in them are classes and modules, which others hold; the rest is data, of which the new one counts.
local function has_functions(t)
   for _, value in next, t do
      if is_function(value) then return true end
   end
   return false
end

-- What a weak table remembers of objects would be lost with it.
local function remembers(t)
   return (debug.getmetatable(t) or {}).__mode ~= nil
end

local function upvalues_of(f)
   local list, i = {}, 1
   local name, value = debug.getupvalue(f, 1)
   while name do
      list[i], list[name] = { name = name, value = value }, { value = value }
      i = i + 1
      name, value = debug.getupvalue(f, i)
   end
   return list
end

-- One reload: `old_of` maps tables of the new module to those that exist, `new_of` old functions to new ones.
local Merge = {}
Merge.__index = Merge

function Merge:tables(old, new)
   if rawequal(old, new) or self.old_of[new] then return end
   self.old_of[new] = old
   self.merged[#self.merged + 1] = old
   for key, value in next, new do
      local before = rawget(old, key)
      self:values(before, value)
      if not self.old_of[value] then rawset(old, key, value) end
   end
   local meta, new_meta = debug.getmetatable(old), debug.getmetatable(new)
   if is_table(meta) and is_table(new_meta) then self:tables(meta, new_meta) end
end

function Merge:functions(old, new)
   if rawequal(old, new) or self.new_of[old] then return end
   self.new_of[old] = new
   self.functions_of_new[#self.functions_of_new + 1] = new
   local before = upvalues_of(old)
   for _, upvalue in ipairs(upvalues_of(new)) do
      local same = before[upvalue.name]
      if same then self:values(same.value, upvalue.value) end
   end
end

-- A pair of values that have the same name in the old module and in the new one.
function Merge:values(old, new)
   if is_function(old) and is_function(new) then return self:functions(old, new) end
   if not is_table(old) or not is_table(new) then return end
   if has_functions(new) or remembers(old) then self:tables(old, new) end
end

-- What is new speaks of the tables that exist; and modules that have an old function as a field get the new one.
function Merge:finish()
   for _, f in ipairs(self.functions_of_new) do
      for i, upvalue in ipairs(upvalues_of(f)) do
         local old = self.old_of[upvalue.value]
         if old then debug.setupvalue(f, i, old) end
      end
   end
   for _, t in ipairs(self.merged) do
      for key, value in next, t do
         if self.old_of[value] then rawset(t, key, self.old_of[value]) end
      end
   end
   for _, module in next, package.loaded do
      for key, value in next, is_table(module) and module or {} do
         if is_function(value) and self.new_of[value] then rawset(module, key, self.new_of[value]) end
      end
   end
end

local function merge(name, old, new)
   local made = setmetatable({ old_of = {}, new_of = {}, merged = {}, functions_of_new = {} }, Merge)
   if is_table(old) and is_table(new) then
      made:tables(old, new)
   else
      made:values(old, new)
      package.loaded[name] = new
   end
   made:finish()
   return #made.functions_of_new
end

-- ---- loading ----

--- Loads a module anew. Returns how many functions are others now; raises what is wrong with the file, and then everything
--- stays as it is.
function reload.module(name)
   local path = seen[name].path
   local now = stamp(path)
   local file <close> = assert(io.open(path, "rb"))
   local globals = frames.is_library { source = "@" .. path } and _ENV or _G -- as require would have it
   local chunk, message = load(file:read "a":gsub("^#[^\n]*", ""), "@" .. path, "t", globals)
   if not chunk then error(message, 0) end
   local new = chunk(name, path)
   seen[name].stamp = now
   if new == nil then new = true end
   return merge(name, package.loaded[name], new)
end

return reload
