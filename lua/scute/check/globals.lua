-- Names that nobody declares: read, or assigned inside a function.
local near_spelling = require("scute.core").near_spelling
local sorted_keys = require "scute.base.sorted_keys"
local undeclared = require "scute.base.undeclared"

local globals = {}

local LOADERS = { dofile = true, loadfile = true, load = true } -- of code that is not known

-- Whether a function is that of a file, or runs as the file does.
local function is_top_level(entry) return not entry.inside end

-- Where a file says by name which other one it runs.
local function literal_of(call)
   return call[2] and call[2].tag == "String" and call[2][1]
end

local function global_name(node)
   return node.tag == "Id" and not node.variable and node[1]
end

-- Whether a file runs code that is not known, or changes the table of globals as it likes: then any name may be there. What
-- dofile returns is used where it is a module.
local function is_open(found)
   for _, call in ipairs(found.calls) do
      local name = global_name(call[1])
      local is_other = LOADERS[name] and #call < 5 and (name ~= "dofile" or call.is_statement and not literal_of(call))
      local on_globals = (name == "rawset" or name == "setmetatable") and call[2] and global_name(call[2]) == "_G"
      if is_other or on_globals and (name == "setmetatable" or call[3] and call[3].tag ~= "String") then return true end
   end
   for _, set in ipairs(found.sets) do
      if global_name(set.node[1]) == "_G" and set.node[2].tag ~= "String" then return true end
   end
   return false
end

--- What a file declares: name -> {count, value}; and whether it may declare anything.
function globals.declared(found)
   local declared = {}
   local function add(name, value)
      local entry = declared[name] or { count = 0, value = value }
      declared[name], entry.count = entry, entry.count + 1
   end
   for _, write in ipairs(found.writes) do
      if is_top_level(write) then add(write.name, write.value) end
   end
   for _, write in ipairs(found.writes) do
      if not is_top_level(write) and declared[write.name] then add(write.name) end
   end
   for _, set in ipairs(found.sets) do
      if global_name(set.node[1]) == "_G" and set.node[2].tag == "String" then add(set.node[2][1]) end
   end
   for _, call in ipairs(found.calls) do
      local on_globals = global_name(call[1]) == "rawset" and call[2] and global_name(call[2]) == "_G"
      if on_globals and call[3] and call[3].tag == "String" then add(call[3][1]) end
   end
   return declared, is_open(found)
end

--- The files that a file runs, as it names them: {name, how = "require" or "dofile"}.
function globals.others(found)
   local list = {}
   for _, call in ipairs(found.calls) do
      local how = global_name(call[1])
      local name = (how == "require" or how == "dofile") and literal_of(call)
      if name then list[#list + 1] = { name = name, how = how } end
   end
   return list
end

--- Notes the names of a file that are not declared. declared: those that are, by name; is_standard: name -> whether it is there
-- without that; doubt: others may be there, and only what is near a name that is known is a slip.
function globals.check(file, declared, is_standard, doubt)
   local function is_known(name) return declared[name] or is_standard(name) or name:find "^_%u" end
   local function near(entry)
      local list = entry.visible
      for _, name in ipairs(sorted_keys(declared)) do list[#list + 1] = name end
      return list
   end
   local assigned = {} -- is told once, where it is assigned
   local function look(entry, message)
      if is_known(entry.name) then return end
      local own, may_be_there = near(entry), doubt or entry.is_alternative
      if not may_be_there or near_spelling(entry.name, own) then file:find(entry.node, message(entry.name, own)) end
   end
   for _, write in ipairs(file.found.writes) do
      if not is_top_level(write) then look(write, undeclared.writing) end
      assigned[write.name] = true
   end
   for _, read in ipairs(file.found.reads) do
      if not assigned[read.name] then look(read, undeclared.reading) end
   end
end

return globals
