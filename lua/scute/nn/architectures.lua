-- Architectures by name: those of the families in lua/scute/models/, and those that somebody registered.
--
-- An entry is { build = function(classes, preprocessing) -> model, family = { presets, preprocessing, from_scratch }, file };
-- one of somebody's own also has own = true and digests (of its code, see scute.nn.source).
local scute = require "scute.core"
local absolute = require "scute.base.absolute"
local lfs = require "lfs"
local adopt = require "scute.nn.adopt"
local class_names = require("scute.nn.classifier").Classifier.class_names
local init = require "scute.nn.initialise"
local kinds = require "scute.nn.kinds"
local source = require "scute.nn.source"
local sorted_keys = require "scute.base.sorted_keys"

local architectures = {}

local own = {} -- name -> entry
local families -- the same of the library, once they are read

-- Every file in the folder: name -> entry.
local function read_families()
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

--- Calls f(model, device) with the model of an entry as shapes alone; where code of one's own asks for values, with one that
-- has some. Returns what f does.
function architectures.try(entry, classes, preprocessing, f)
   local ok, result = pcall(function() return f(init.on("shape", entry.build, classes, preprocessing), "shape") end)
   if ok then return result end
   if not entry.own then error(result, 0) end
   return f(init.skip(entry.build, classes, preprocessing), "cpu")
end

-- The file of a chunk, from the root: nil where it is none.
local function file_of(chunk)
   local path = chunk:match "^@(.*)"
   return path and absolute(path)
end

local function is_same_file(a, b)
   if a == b then return true end
   local mine, theirs = a and lfs.attributes(a), b and lfs.attributes(b)
   return mine and theirs and mine.dev == theirs.dev and mine.ino == theirs.ino or false
end
architectures.is_same_file = is_same_file

--- The file that has to be run before another script knows a model: where it was registered. nil for scute's own, and where
-- that is the script itself or no file.
function architectures.file_to_load(name)
   local entry = architectures.get(name)
   local script = rawget(_G, "arg") and _G.arg[0]
   return entry and entry.own and not is_same_file(entry.file, script) and entry.file or nil
end

--- Adds one of somebody's own. chunk: as debug.getinfo tells that of the code that registers it. A name that is taken is an
-- error; the same file may register it again, as may who types it at the prompt.
function architectures.add(name, build, family, chunk)
   local before, file = architectures.get(name), file_of(chunk)
   if before and not before.own then
      error(("models.register: '%s' is a model of scute; choose another name"):format(name), 0)
   elseif before and not is_same_file(before.file, file) then
      error(("models.register: '%s' is registered already, in %s; choose another name"):format(name,
         before.file or "no file"), 0)
   end
   own[name] = { own = true, file = file, digests = file and source.digests(file), family = family,
      build = function(classes, preprocessing)
         local names = class_names(classes)
         return adopt(name, build(names, preprocessing), names, preprocessing)
      end }
end

return architectures
