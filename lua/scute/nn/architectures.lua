-- Architectures by name: those of the families in lua/scute/models/, and those that somebody registered.
--
-- An entry is { build = function(classes, preprocessing) -> model, family = { presets, preprocessing, from_scratch }, file };
-- one of somebody's own also has own = true and sha256 (of the file).
local scute = require "scute.core"
local adopt = require "scute.nn.adopt"
local class_names = require("scute.nn.classifier").Classifier.class_names
local kinds = require "scute.nn.kinds"
local sorted_keys = require "scute.base.sorted_keys"

local architectures = {}

local own = {} -- name -> entry
local families -- the same of the library, once they are read

-- Every file in the folder: name -> entry.
local function read_families()
   local lfs = require "lfs"
   local folder = assert(scute.module_file "scute.models"):gsub("%.lua$", "")
   local found = {}
   for file in lfs.dir(folder) do
      local name = file:match "^([%w_]+)%.lua$"
      if name then
         local family = require("scute.models." .. name)
         local path = folder .. "/" .. file
         for model, build in pairs(family.models) do found[model] = { build = build, family = family, file = path } end
         kinds.add(family.blocks or {})
      end
   end
   return found
end

--- The entry of a name, or nil.
function architectures.get(name)
   families = families or read_families()
   return families[name] or own[name]
end

--- Names of all, sorted.
function architectures.list()
   families = families or read_families()
   local names = sorted_keys(families)
   table.move(sorted_keys(own), 1, #sorted_keys(own), #names + 1, names)
   table.sort(names)
   return names
end

--- The entry of a name; one that is not known is an error with the nearest name.
function architectures.find(name)
   local entry = architectures.get(name)
   if entry then return entry end
   local near = scute.nearest(tostring(name), architectures.list())
   error(("models: unknown model '%s'%s; there are %s"):format(tostring(name),
      near and ("; did you mean '%s'?"):format(near) or "", table.concat(architectures.list(), ", ")), 0)
end

local function digest(path)
   local ok, found = pcall(function() return require("scute.weights").sha256(path) end)
   return ok and found or nil
end

--- Adds one of somebody's own. source: as debug.getinfo tells that of the code that registers it. A name that is taken is an
-- error; the same file may register it again, as may who types it at the prompt.
function architectures.add(name, build, family, source)
   local before, file = architectures.get(name), source:match "^@(.*)"
   if before and not before.own then
      error(("models.register: '%s' is a model of scute; choose another name"):format(name), 0)
   elseif before and before.file ~= file then
      error(("models.register: '%s' is registered already, in %s; choose another name"):format(name,
         before.file or "a file without a name"), 0)
   end
   own[name] = { own = true, file = file, sha256 = file and digest(file), family = family,
      build = function(classes, preprocessing)
         local names = class_names(classes)
         return adopt(name, build(names, preprocessing), names, preprocessing)
      end }
end

return architectures
