-- Several finished models and the photos that all of them can be asked about: none of them was trained with one.
local scute = require "scute"
local console = require "scute.base.console"
local open = require "scute.evaluate.open"

local several = {}

-- ---- which models ----

local function parts_of(path)
   local parts = { path:sub(1, 1) == "/" and "" or nil }
   for part in path:gmatch "[^/]+" do parts[#parts + 1] = part end
   return parts
end

-- How many parts all lists have in common; at(list, n): the n-th of a list, from one end.
local function shared(lists, at)
   local n = 0
   while true do
      for _, list in ipairs(lists) do
         if not at(list, n + 1) or at(list, n + 1) ~= at(lists[1], n + 1) then return n end
      end
      n = n + 1
   end
end

-- What tells the paths apart: of a/resnet18/best.safetensors and b/resnet18/best.safetensors a and b.
local function names_of(paths)
   local lists, names, seen = {}, {}, {}
   for i, path in ipairs(paths) do lists[i] = parts_of(path) end
   local front = #paths > 1 and shared(lists, function(list, n) return list[n] end) or 0
   local back = #paths > 1 and shared(lists, function(list, n) return list[#list + 1 - n] end) or 0
   for i, list in ipairs(lists) do
      names[i] = table.concat(list, "/", front + 1, #list - back)
      if names[i] == "" or seen[names[i]] then return paths end
      seen[names[i]] = true
   end
   return names
end

local function check_once(paths)
   local seen = {}
   for _, path in ipairs(paths) do
      if seen[path] then console.fail("model: '%s' is given twice; a comparison needs two models", path) end
      seen[path] = true
   end
end

local function composed(names)
   local set = {}
   for _, name in ipairs(names) do set[scute.nfc(name)] = true end
   return set
end

-- The first name that the one list has and the other has not.
local function lacking(names, other)
   local set = composed(other)
   for _, name in ipairs(names) do
      if not set[scute.nfc(name)] then return name end
   end
end

local function check_classes(first, other)
   local missing, extra = lacking(first.model.classes, other.model.classes), lacking(other.model.classes, first.model.classes)
   if not missing and not extra then return end
   console.fail("model: '%s' and '%s' know different classes: only %s has '%s'; what they say of a photo cannot be compared",
      first.path, other.path, missing and first.name or other.name, missing or extra)
end

--- Loads the models in some files, which know the same classes: a list of { path, name, model, metadata }.
function several.load(paths)
   check_once(paths)
   local list, names = {}, names_of(paths)
   for i, path in ipairs(paths) do
      local model, metadata = console.guard(nil, scute.models.load, path)
      list[i] = { path = path, name = names[i], model = model, metadata = metadata }
      check_classes(list[1], list[i])
   end
   return list
end

-- ---- which photos ----

-- Path -> name of its class, as one model's run has it.
local function classes_by_path(part, classes)
   local of = {}
   for i, path in ipairs(part.paths) do of[path] = classes[part.labels[i]] end
   return of
end

local function check_label(path, first, other, list, entry)
   if not other or scute.nfc(first) == scute.nfc(other) then return end
   console.fail("data_dir: '%s' is of class '%s' to %s and of class '%s' to %s", path, first, list[1].name, other, entry.name)
end

-- The photos of the first that all of them have: a part. of: classes_by_path of each.
local function in_all(part, classes, list, of)
   local kept = { paths = {}, labels = {}, broken = part.broken, others = part.others }
   for i, path in ipairs(part.paths) do
      local everywhere = true
      for k = 2, #list do
         check_label(path, classes[part.labels[i]], of[k][path], list, list[k])
         everywhere = everywhere and of[k][path] ~= nil
      end
      if everywhere then
         kept.paths[#kept.paths + 1], kept.labels[#kept.labels + 1] = path, part.labels[i]
      end
   end
   return kept
end

-- How many of the photos were in at least one part.
local function count_of(of)
   local seen, count = {}, 0
   for _, paths in ipairs(of) do
      for path in pairs(paths) do
         if not seen[path] then seen[path], count = true, count + 1 end
      end
   end
   return count
end

-- The options of evaluate.open for one of the models.
local function options_for(entry, opt)
   local own = { split = "val" }
   for name, value in next, opt do own[name] = value end
   own.model = entry.path
   return own
end

-- What their splits are called, each once.
local function all_words(words)
   local list, seen = {}, {}
   for _, text in ipairs(words) do
      if not seen[text] then list[#list + 1], seen[text] = text, true end
   end
   return table.concat(list, " and ")
end

--- The photos that the options of evaluate.open ask for and that all models have; those that not all have are left out, with a
-- warning. Returns a part, the names of its classes, and what the split is called; entries of the list get `choosers` and
-- `trainers`, the sets of paths by which their epoch was chosen and that trained them; nil where that is not known.
function several.open(list, opt)
   local parts, of, classes, words = {}, {}, {}, {}
   for i, entry in ipairs(list) do
      parts[i], classes[i], words[i] = open(options_for(entry, opt), entry.metadata)
      of[i] = classes_by_path(parts[i], classes[i])
      entry.choosers, entry.trainers = parts[i]._choosers, parts[i]._trainers
   end
   local kept = in_all(parts[1], classes[1], list, of)
   local left = count_of(of) - #kept.paths
   if #kept.paths == 0 then
      console.fail("data_dir: no photo can be asked of all models: what did not train one of them trained another, or was not "
         .. "there; --split test or new takes other photos, --split_csv names them")
   elseif left > 0 then
      console.warn("left out: %s that only some of the models can be asked about (of others they trained, or were not there)",
         console.count(left, "photo"))
   end
   return kept, classes[1], all_words(words)
end

return several
