-- Families that know their fields: reading one that is not there is an error with the nearest name, of this family, or of
-- another where that has just it (scute.Linear is scute.nn.Linear). Names that begin with "_" read as nil, and so do all for
-- the library itself; rawget asks for any.
local core = require "scute.core"
local frames = require "scute.base.frames"
local lfs = require "lfs"

local strict = {}

local MOST_LISTED = 12 -- names of a small family are told where none is near

local function add_names(list, prefix, t)
   for name in pairs(t) do
      if type(name) == "string" and name:find "^%a" then list[#list + 1] = prefix .. name end
   end
end

--- The names of all families, used so far or not: files.
function strict.families()
   local names, folder = {}, (core.module_file "scute" or ""):match "^(.*)/"
   if not folder or not lfs.attributes(folder) then return names end
   for file in lfs.dir(folder) do
      local name = file:match "^(%a[%w_]*)%.lua$"
      if name ~= "init" then names[#names + 1] = name end
   end
   table.sort(names)
   return names
end

-- "scute.zeros", "scute.nn", "scute.nn.Linear", ...: all that is in the library.
local function everything()
   local list = {}
   add_names(list, "scute.", core)
   for _, name in ipairs(strict.families()) do
      list[#list + 1] = "scute." .. name
      local ok, family = pcall(require, "scute." .. name)
      if ok and type(family) == "table" then add_names(list, "scute." .. name .. ".", family) end
   end
   for _, name in ipairs(require("scute.models").list()) do list[#list + 1] = "scute.models." .. name end
   table.sort(list)
   return list
end

-- "t:backward", "model:state_dict", "optimizer:step" where that is what a name stands for; else nil.
local function method(name)
   for _, of in ipairs { { "t:", debug.getmetatable(core.zeros(1)).methods }, { "model:", require "scute.nn.module" },
      { "optimizer:", require "scute.optim.optimizer" } } do
      local prefix, methods, names = of[1], of[2], {}
      if type(methods[name]) == "function" then return prefix .. name end
      add_names(names, "", methods)
      table.sort(names)
      local meant = core.same_name(name, names)
      if meant and type(methods[meant]) == "function" then return prefix .. meant end
   end
end

--- What in the library, of another family too, a name stands for beyond doubt; nil if there is nothing. first: a list of full
-- names that come before all others.
function strict.elsewhere(name, first)
   local all = table.move(first or {}, 1, first and #first or 0, 1, {})
   local rest = everything()
   return core.same_name(name, table.move(rest, 1, #rest, #all + 1, all)) or method(name)
end

--- The end of a message about a name that a table is not known by: what was meant, or what there is. path: how the table is
-- called ("scute.train"); names: those that it has.
function strict.hint(path, name, names)
   local own = {}
   table.sort(names)
   for i, known in ipairs(names) do own[i] = path .. "." .. known end
   local meant = strict.elsewhere(name, own)
   local near = not meant and core.nearest(name, names)
   if near then meant = path .. "." .. near end
   if meant then return (", did you mean '%s'?"):format(meant) end
   return #names > MOST_LISTED and "; Tab in a session lists them" or "; it has " .. table.concat(names, ", ")
end

--- Makes a table of functions strict; returns it. path: how it is called. To other code it stays a plain table without a
-- metatable, which pairs goes through.
function strict.family(path, family)
   if debug.getmetatable(family) then return family end -- it is already, and its file is loaded anew
   local fixed = {} -- see strict.fix
   local function refuse(_, name)
      if type(name) ~= "string" or name:find "^_" or frames.is_library(debug.getinfo(2, "S")) then return nil end
      local names = {}
      add_names(names, "", family)
      error(("%s.%s: there is no such function%s"):format(path, name, strict.hint(path, name, names)), 2)
   end
   local meta = { __index = setmetatable(fixed, { __index = refuse }), __metatable = false }
   return debug.setmetatable(family, meta) -- also of one that is strict already, as its file is loaded anew
end

--- Makes fields of a strict family ones that are read alone. why: what the message says of one that is assigned.
function strict.fix(path, family, names, why)
   local meta = debug.getmetatable(family)
   local fixed = meta.__index
   for _, name in ipairs(names) do
      fixed[name] = family[name]
      rawset(family, name, nil)
   end
   function meta.__newindex(_, name, value)
      if rawget(fixed, name) ~= nil then error(("%s.%s is not assigned: %s"):format(path, name, why), 2) end
      rawset(family, name, value)
   end
   function meta.__pairs()
      local all = {}
      for _, t in ipairs { fixed, family } do
         for name, value in next, t do all[name] = value end
      end
      return next, all
   end
end

return strict
