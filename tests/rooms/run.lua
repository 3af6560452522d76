-- The sources of C keep to their rooms (a folder each): who may include whom is written here, and is looked up in the sources.
--   * a room includes only the rooms below it; so do modules (a module is NAME.c and NAME.h) within a room: there is no circle;
--   * what NAME.h declares is defined in NAME.c, and a file that a comment speaks of is there;
--   * a kernel of CUDA begins with the name of its file or of an op in it, and no other has its name: a profiler shows nothing
--     else.
-- Usage: scute tests/rooms/run.lua
local lfs = require "lfs"
local tally = dofile "tests/tally.lua"
local check = tally.check

-- The rooms that each room may include beside itself. host/main.c alone stands outside.
local MAY_INCLUDE = {
   ["host/core"] = {},
   ["host/ops"] = { "host/core" },
   ["host/photo"] = { "host/core" },
   ["host/files"] = { "host/core" },
   ["host/machine"] = { "host/core" },
   ["host/term"] = { "host/core", "host/photo" },
   ["host/draw"] = { "host/core", "host/photo", "host/files" },
   ["host/bind"] = { "host/core", "host/ops", "host/photo", "host/files", "host/machine", "host/term", "host/draw" },
   ["kernels/ref"] = { "host/core", "host/ops" },
   ["kernels/cpu"] = { "host/core", "host/ops" },
   ["kernels/cuda"] = { "host/core", "host/ops" },
   ["kernels/mpi"] = { "host/core" },
}

-- Headers without a file of their own, and who defines what they declare.
local DEFINED_BY = {
   ["host/bind/bind.h"] = { "host/bind/tensor.c" },
}

-- ---- sources ----

local function read_file(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return text
end

local function room_of(path)
   return path:match "^(.*)/"
end

local function module_of(path)
   return path:match "^[^.]*"
end

-- Text by path, of all sources below the rooms.
local function read_sources()
   local sources = {}
   for room in pairs(MAY_INCLUDE) do
      for name in lfs.dir(room) do
         local is_source = name:find "%.[ch]$" or name:find "%.cpp$" or name:find "%.cuh?$"
         if is_source then sources[room .. "/" .. name] = read_file(room .. "/" .. name) end
      end
   end
   return sources
end

local function sorted_keys(t)
   local keys = {}
   for key in pairs(t) do keys[#keys + 1] = key end
   table.sort(keys)
   return keys
end

local function includes(text)
   return text:gmatch '#include "([^"]+)"'
end

-- Without comments, texts and lines of the preprocessor.
local function code(text)
   text = ("\n" .. text):gsub("//[^\n]*", ""):gsub('"[^"\n]*"', '""'):gsub("\\\n", " "):gsub("\n%s*#[^\n]*", "\n")
   return (text:gsub("__attribute__%s*%b()", ""))
end

-- What remains is declarations and definitions: `{}` for every body.
local function outline(text)
   return (code(text):gsub("%b{}", "{}"))
end

-- ---- circles ----

-- A way from a node back to itself: { "a", "b", "a" }, or nil. graph: from name to the set of names it leads to.
local function find_circle(graph)
   local done, at, path = {}, {}, {}
   local function visit(node)
      if done[node] then return end
      path[#path + 1] = node
      if at[node] then return table.move(path, at[node], #path, 1, {}) end
      at[node] = #path
      for _, next_node in ipairs(sorted_keys(graph[node] or {})) do
         local circle = visit(next_node)
         if circle then return circle end
      end
      done[node], at[node], path[#path] = true, nil, nil
   end
   for _, node in ipairs(sorted_keys(graph)) do
      local circle = visit(node)
      if circle then return circle end
   end
end

-- Who includes whom; name_of makes a room or a module of a path.
local function graph_of(sources, name_of)
   local graph = {}
   for path, text in pairs(sources) do
      local from = name_of(path)
      graph[from] = graph[from] or {}
      for included in includes(text) do
         local to = name_of(included)
         if to ~= from then graph[from][to] = true end
      end
   end
   return graph
end

local function check_no_circle(graph, what)
   local circle = find_circle(graph)
   check(not circle, what .. " include each other in a circle", circle and table.concat(circle, " -> "))
end

-- ---- rules ----

local function is_one_of(name, list)
   for _, each in ipairs(list) do
      if each == name then return true end
   end
   return false
end

local function check_rooms(sources)
   for _, path in ipairs(sorted_keys(sources)) do
      local room = room_of(path)
      for included in includes(sources[path]) do
         local other = room_of(included)
         local allowed = other == room or is_one_of(other, MAY_INCLUDE[room])
         check(allowed, ("%s: %s may not include"):format(path, room), included)
      end
   end
   check_no_circle(graph_of(sources, room_of), "rooms")
end

local DECLARED, DEFINED = "([%a_][%w_]*)%s*%b()%s*;", "([%a_][%w_]*)%s*%b()%s*{}"

-- Where each function is declared, or defined.
local function functions(sources, kind, pattern)
   local found = {}
   for path, text in pairs(sources) do
      if path:find(kind) then
         for name in outline(text):gmatch(pattern) do found[name] = path end
      end
   end
   return found
end

local function check_declarations(sources)
   local declared = functions(sources, "%.c?u?h$", DECLARED)
   local defined = functions(sources, "%.c[up]*$", DEFINED)
   for _, name in ipairs(sorted_keys(declared)) do
      local header, source = declared[name], defined[name]
      local right = source and (module_of(source) == module_of(header) or is_one_of(source, DEFINED_BY[header] or {}))
      check(right, ("%s: %s is not defined there"):format(header, name), source)
   end
end

-- Does the name begin with that of the file, or with that of an op that the file registers?
local function is_named_after(name, file, text)
   if name:gsub("^sc_", ""):find(file, 1, true) == 1 then return true end
   for op in text:gmatch "SC_KERNEL[%u_]*%(cuda, ([%w_]+)" do
      if name:find(op, 1, true) == 1 then return true end
   end
   return false
end

local function check_mentions(sources)
   for _, path in ipairs(sorted_keys(sources)) do
      for mentioned in sources[path]:gsub("\n#[^\n]*", ""):gmatch "%f[%w]%l+/[%w_/]+%.%l+" do
         if MAY_INCLUDE[mentioned:match "^%l+/%l+"] then
            check(lfs.attributes(mentioned), path .. ": speaks of a file that is not there", mentioned)
         end
      end
   end
end

local function check_kernels(sources)
   local seen = {}
   for _, path in ipairs(sorted_keys(sources)) do
      local file, text = path:match "([^/.]*)%.cuh?$", code(sources[path])
      for name in text:gmatch "__global__%s+void%s+([%w_]+)" do
         check(is_named_after(name, file, text), path .. ": a kernel named after neither its file nor an op in it", name)
         check(not seen[name], path .. ": another kernel has the name " .. name, seen[name])
         seen[name] = path
      end
   end
   check(next(seen), "kernels are found")
end

-- The functions above see what they are to find.
local function check_the_checks()
   local circle = find_circle { a = { b = true }, b = { c = true, d = true }, c = {}, d = { b = true } }
   check(circle and table.concat(circle, " ") == "b d b", "a circle is found", circle and table.concat(circle, " "))
   check(not find_circle { a = { b = true, c = true }, b = { c = true } }, "two ways are no circle")
   local header = '#define F(x) \\\n   g(x);\n// no h(void);\nint a(int (*f)(int));\nint b(void) { return c("}"); }\n'
   local declared = functions({ ["x.h"] = header }, "%.h$", DECLARED)
   check(declared.a and not next(declared, "a"), "declarations are found", table.concat(sorted_keys(declared), " "))
   local defined = functions({ ["x.h"] = header }, "%.h$", DEFINED)
   check(defined.b and not next(defined, "b"), "definitions are found", table.concat(sorted_keys(defined), " "))
end

local sources = read_sources()
check_the_checks()
check_rooms(sources)
check_no_circle(graph_of(sources, module_of), "modules")
check_declarations(sources)
check_mentions(sources)
check_kernels(sources)
tally.finish()
