-- Whose code a frame of the stack runs: the library's, or that of who uses it.
local core = require "scute.core"

local frames = {}

local root = "@" .. (core.module_file "scute" or ""):match "^(.*/)" -- of all files of the library

--- Whether a frame (as debug.getinfo's "S" tells it) runs a function of the library in Lua. folder: of its files in there.
function frames.is_library(info, folder)
   local start = folder and root .. folder or root
   return info.source:sub(1, #start) == start
end

--- Whether the function at a level of the stack knows a value as `self`: a method of it, or a function inside one. level: as
-- debug.getinfo counts from the caller.
function frames.is_method_of(value, level)
   local f = debug.getinfo(level + 1, "f").func
   for i = 1, 250 do
      local name, held = debug.getlocal(level + 1, i)
      if not name then break end
      if name == "self" and rawequal(held, value) then return true end
   end
   for i = 1, 250 do
      local name, held = debug.getupvalue(f, i)
      if not name then return false end
      if name == "self" and rawequal(held, value) then return true end
   end
end

return frames
