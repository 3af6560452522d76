-- scute --check FILE...: what can be known to be wrong in scripts without running them.
local arguments = require "scute.check.arguments"
local console = require "scute.base.console"
local fields = require "scute.check.fields"
local globals = require "scute.check.globals"
local known_in = require "scute.check.known"
local luacheck = require "scute.check.luacheck"
local names = require "scute.check.names"
local scute = require "scute"
local source = require "scute.check.source"

local standard = {} -- globals that are there before any script
for name in next, _G do standard[name] = true end

-- ---- files ----

local function folder_of(path)
   return path:match "^(.*/)" or ""
end

-- The file of a module of one's own, which lies beside the script or where package.path says, below its folder.
local function module_of(name, script)
   local path = name:gsub("%.", "/")
   return package.searchpath(path, folder_of(script) .. "?.lua;" .. folder_of(script) .. "?/init.lua;./?.lua")
end

local Check = {}
Check.__index = Check

-- A file with what is in it, read once; nil where it is none or no Lua.
function Check:read(path)
   if self.files[path] == nil then
      local file = source.open(path, self.luacheck)
      if file and file.tree then file.found = names.resolve(file.tree) end
      self.files[path] = file or false
   end
   return self.files[path] or nil
end

-- Calls visit(file) for a file and all of one's own that it runs.
function Check:visit(path, script, visit, seen)
   local file = not seen[path] and self:read(path)
   seen[path] = true
   if not file or not file.found then return end
   visit(file)
   for _, other in ipairs(globals.others(file.found)) do
      local found = other.how == "dofile" and other.name or module_of(other.name, script)
      if found then self:visit(found, script, visit, seen) end
   end
end

-- ---- what is known ----

-- What is known of what the files say, the globals that they declare, and whether they may declare anything.
function Check:assigned(files)
   local declared, assigned, passed, open = {}, {}, {}, false
   local function add(file)
      local own, is_open = globals.declared(file.found)
      for name, entry in next, own do
         local before = declared[name]
         declared[name] = before and { count = before.count + entry.count } or entry
      end
      for _, set in ipairs(file.found.sets) do
         local name = set.node[2].tag == "String" and set.node[2][1]
         if name then assigned[name] = table.move({ set.node }, 1, 1, #(assigned[name] or {}) + 1, assigned[name] or {}) end
      end
      table.move(file.found.arguments, 1, #file.found.arguments, #passed + 1, passed)
      open = open or is_open
   end
   local seen = {}
   for _, path in ipairs(files) do self:visit(path, path, add, seen) end
   return known_in.new(declared, assigned, passed), declared, open
end

-- ---- checking ----

local function check_fields(file, known)
   for _, node in ipairs(file.found.fields) do
      local key, owner = node[2], known:thing(node[1])
      local is_name = owner and key.tag == "String" and not known:is_caught(node)
      local mistake = is_name and not known:is_assigned(owner, key[1]) and fields.mistake(owner, key[1])
      if mistake then file:find(key, mistake) end
   end
   for _, set in ipairs(file.found.sets) do
      local key, owner = set.node[2], known:thing(set.node[1])
      local declaration = owner and key.tag == "String" and not known:is_caught(set.node) and fields.declaration(owner)
      local mistake = declaration and fields.mistake(owner, key[1])
      if mistake then
         file:find(key, mistake)
      elseif declaration and set.value then
         arguments.check_assigned(file, known, declaration, key[1], set.value)
      end
   end
end

local function check_call(file, known, call)
   if known:is_caught(call) then return end
   local first = call.tag == "Call" and 2 or 3
   local thing
   if call.tag == "Call" then
      thing = known:thing(call[1])
      if thing and thing.value == scute.cli.parse then
         local _, mistake = known:flags(call)
         if type(mistake) == "table" and mistake.message then file:find(mistake.node, mistake.message) end
      end
   else
      local owner, name = known:thing(call[1]), call[2][1]
      local mistake = owner and not known:is_assigned(owner, name) and fields.method_mistake(owner, name)
      if mistake then file:find(call[2], mistake) end
      thing = owner and require("scute.repl.complete.things").method(owner, name)
   end
   if thing then arguments.check(file, known, thing, call, first) end
end

function Check:check(file, known, declared, open)
   local busted = file.path:find "_spec%.lua$" and self.luacheck.busted or {}
   if not open then
      globals.check(file, file.found, function(name) return standard[name] or declared[name] or busted[name] end)
   end
   check_fields(file, known)
   for _, call in ipairs(file.found.calls) do check_call(file, known, call) end
   file:leave_ignored(file.found.functions)
end

-- ---- telling ----

local function tell(file)
   table.sort(file.findings, function(a, b)
      if a.line ~= b.line then return a.line < b.line end
      return a.column < b.column or a.column == b.column and a.message < b.message
   end)
   for _, finding in ipairs(file.findings) do
      print(("%s:%d:%d: %s"):format(file.path, finding.line, finding.column, finding.message))
   end
   return #file.findings
end

local function usage(format, ...)
   io.stderr:write("scute: ", console.visible(format:format(...)), "\n")
   os.exit(2, true)
end

--- Checks the files that the command line names, tells what it finds, and ends the program: with status 1 where there was
-- something.
return function()
   local paths = table.move(arg, 0, #arg, 1, {})
   local self = setmetatable({ files = {}, luacheck = luacheck() }, Check)
   for _, path in ipairs(paths) do
      local file, why = source.open(path, self.luacheck)
      if not file then usage("--check: cannot read '%s': %s", path, why) end
   end
   local known, declared, open = self:assigned(paths)
   local total, with = 0, 0
   for _, path in ipairs(paths) do
      local file = self:read(path)
      if file.found then self:check(file, known, declared, open) end
      local found = tell(file)
      total, with = total + found, with + (found > 0 and 1 or 0)
   end
   if total == 0 then return end
   print(("%s in %s"):format(console.count(total, "finding"), console.count(with, "file")))
   error({ exit = 1 }, 0)
end
