-- The files that are checked, and those that they run: what all of them say together.
local known_in = require "scute.check.known"
local globals = require "scute.check.globals"
local luacheck = require "scute.check.luacheck"
local names = require "scute.check.names"
local source = require "scute.check.source"
local values = require "scute.check.values"

local Files = {}
Files.__index = Files

local standard = {} -- globals that are there before any script
for name in next, _G do standard[name] = true end

-- ---- reading ----

-- A file with what is in it, read once; nil and why where it cannot be read.
function Files:read(path)
   if self.read_so_far[path] == nil then
      local file, why = source.open(path, self.luacheck)
      if not file then return nil, why end
      if file.tree then file.found = names.resolve(file.tree) end
      self.read_so_far[path] = file
   end
   return self.read_so_far[path]
end

-- Modules that are installed with scute, and declare no globals.
local CLEAN = { argparse = true, cjson = true, lfs = true }

local function is_foreign(module)
   return not (CLEAN[module] or module == "scute" or module:find "^scute%." or package.loaded[module])
end

-- The file of a module of one's own, which lies beside the script or where it is started.
local function module_of(name, script)
   local folder = script:match "^(.*/)" or ""
   return package.searchpath(name, folder .. "?.lua;" .. folder .. "?/init.lua;./?.lua")
end

-- The file at a path and all of one's own that it runs, added to a list, each once. script: of which it is a part.
function Files:gather(path, script, list)
   local file = self:read(path)
   if not file or not file.found or list[file] then return list end
   list[#list + 1], list[file] = file, true
   for _, other in ipairs(globals.others(file.found)) do
      local found = other.how == "dofile" and other.name or module_of(other.name, script)
      if found then self:gather(found, script, list) end
      file.has_foreign = file.has_foreign or not found and is_foreign(other.name)
   end
   return list
end

-- The files that run together with one: its script, its modules and all of theirs.
local function company(file, scripts)
   local together = {}
   for _, list in ipairs(scripts) do
      for _, other in ipairs(list[file] and list or {}) do
         if not together[other] then together[#together + 1], together[other] = other, true end
      end
   end
   return together
end

-- ---- what they say together ----

local function append(map, key, value)
   map[key] = map[key] or {}
   table.insert(map[key], value)
end

-- What is known of what files say that run together, the globals that they declare, and whether there may be others: "any"
-- where they run code that is not known, "some" where they have libraries that may declare globals.
local function read_together(files)
   local declared, assigned, passed, others = {}, {}, {}, nil
   for _, file in ipairs(files) do
      local own, is_open = globals.declared(file.found)
      for name, entry in next, own do
         local before = declared[name]
         declared[name] = before and { count = before.count + entry.count } or entry
      end
      for _, set in ipairs(file.found.sets) do
         if set.node[2].tag == "String" then append(assigned, set.node[2][1], set.node) end
      end
      for _, call in ipairs(file.found.calls) do
         local name = names.registers(call)
         if name then append(assigned, name, call[1]) end
      end
      table.move(file.found.arguments, 1, #file.found.arguments, #passed + 1, passed)
      others = (is_open or others == "any") and "any" or (file.has_foreign or others) and "some" or nil
   end
   return known_in.new(declared, assigned, passed), declared, others
end

-- The names that files declare which are named together: some other one may run them first.
local function named_beside(files)
   local names_of = {}
   for _, file in ipairs(files) do
      for name in next, file.found and globals.declared(file.found) or {} do names_of[name] = true end
   end
   return names_of
end

local function check(file, scripts, beside, busted)
   local known, declared, others = read_together(company(file, scripts))
   local is_spec = file.path:find "_spec%.lua$"
   local function is_standard(name) return standard[name] or is_spec and busted[name] end
   local there = {}
   for _, entries in ipairs { declared, beside } do
      for name in next, entries do there[name] = true end
   end
   if others ~= "any" then globals.check(file, there, is_standard, others == "some") end
   values.check(file, known)
end

-- Reads the files at paths, each once, into a list; nil, the path and why where one cannot be read.
function Files:read_all(paths)
   local files = {}
   for _, path in ipairs(paths) do
      local file, why = self:read(path)
      if not file then return nil, path, why end
      if not files[file] then files[#files + 1], files[file] = file, true end
   end
   return files
end

--- Checks the files at paths. first: paths of files that run before each of them, and are not checked (nil: none).
-- Returns them, each with its path and findings, a list of {line, column, message} in order; nil, the path and why where one
-- cannot be read.
return function(paths, first)
   local self = setmetatable({ read_so_far = {}, luacheck = luacheck() }, Files)
   local scripts = {}
   local before, path, why = self:read_all(first or {})
   if not before then return nil, path, why end
   local files
   files, path, why = self:read_all(paths)
   if not files then return nil, path, why end
   for i, file in ipairs(files) do
      scripts[i] = {}
      for _, other in ipairs(before) do self:gather(other.path, other.path, scripts[i]) end
      self:gather(file.path, file.path, scripts[i])
   end
   local beside = named_beside(files)
   for _, file in ipairs(files) do
      if file.found then check(file, scripts, beside, self.luacheck.busted) end
      file:settle()
   end
   return files
end
