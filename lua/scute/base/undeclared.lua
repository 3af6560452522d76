-- What is said of a global that nobody declared, in a script or a module of one's own (host/bind/globals.c finds it): the
-- nearest of the names that are known there.
local near_spelling = require("scute.core").near_spelling
local frames = require "scute.base.frames"
local slips = require "scute.base.slips"

local undeclared = {}

local DEEPEST = 50 -- frames that are looked at

local function add_locals(list, level)
   local i, name = 1, debug.getlocal(level + 1, 1)
   while name do
      if name:find "^%a" then list[#list + 1] = name end
      i = i + 1
      name = debug.getlocal(level + 1, i)
   end
end

local function add_upvalues(list, f)
   local i, name = 1, debug.getupvalue(f, 1)
   while name do
      if name ~= "_ENV" and name ~= "" then list[#list + 1] = name end
      i = i + 1
      name = debug.getupvalue(f, i)
   end
end

-- The variables of the function at a level, and of those around it in its file that are running.
local function variables(level)
   local list, source = {}, debug.getinfo(level + 1, "S").source
   for at = level + 1, level + DEEPEST do
      local info = debug.getinfo(at, "Sf")
      if not info then break end
      if info.source == source then
         add_locals(list, at)
         add_upvalues(list, info.func)
      end
   end
   table.sort(list)
   return list
end

--- The message about a name that is read. own: the names of variables that are known there. info: the frame that reads it,
-- where one runs.
function undeclared.reading(name, own, info)
   local hint = slips.variable(name, own, info)
   if hint == "" then hint = ("; nothing has assigned it (_G.%s asks whether something did)"):format(name) end
   return ("undeclared name '%s'%s"):format(name, hint)
end

--- The message about a name that a function assigns.
function undeclared.writing(name, own)
   local near = near_spelling(name, own)
   return ("undeclared name '%s' is assigned inside a function; %s'local %s = ...' makes a variable of the function, "
      .. "'%s = nil' at the file's top level one for all"):format(name, near and ("did you mean '%s'? "):format(near) or "",
      name, name)
end

local CALLER = 3 -- the code that uses the name: 1 is the function here, 2 the metamethod that calls it

-- Whether the line speaks of _G: who does, knows that it asks for a global.
local function is_explicit()
   local line = frames.source_line(debug.getinfo(CALLER + 1, "Sl"))
   return line and line:find "%f[%w_]_G%s*[.%[]" ~= nil
end

--- The messages about a name that is read, or assigned, by the code that is running; nil where that is meant. For
-- host/bind/globals.c.
function undeclared.read(name)
   return not is_explicit() and undeclared.reading(name, variables(CALLER), debug.getinfo(CALLER, "Slf")) or nil
end

function undeclared.write(name)
   return not is_explicit() and undeclared.writing(name, variables(CALLER)) or nil
end

return undeclared
