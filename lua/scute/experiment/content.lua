-- What the result of a run hangs on, part by part: what its variant says, the data and their split, seed, fold and budget, and
-- the code that it reaches (see scute.experiment.reached). Two results may stand beside each other where all parts agree; where
-- they do not, a message names those that have changed.
local scute = require "scute.core"
local json = require "scute.base.json"
local known = require "scute.experiment.known"
local reached = require "scute.experiment.reached"
local sorted_keys = require "scute.base.sorted_keys"

local content = {}

local MOST_TOLD = 4 -- changes in one message
local FORM, THIS_FORM = "form", "2" -- a part beside the others: how they are written

-- ---- data ----

-- Names and classes of the photos, wherever their folder lies. split: whether it matters which of them train.
local function data_text(set, split)
   local list = {}
   for _, part in ipairs { "train", "val", "test" } do
      local own = rawget(set, part)
      for i, path in ipairs(own and own.paths or {}) do
         local name = set.dir and path:sub(1, #set.dir + 1) == set.dir .. "/" and path:sub(#set.dir + 2) or path
         local kind = part == "test" and part or split and part or "all"
         list[#list + 1] = ("%s %d %s"):format(kind, own.labels[i], name)
      end
   end
   table.sort(list)
   table.insert(list, 1, table.concat(set.classes, "\0"))
   list[#list + 1] = rawget(set, "samples") and set.samples.digest or ""
   return ("%s-%d"):format(scute.checksum { table.concat(list, "\n") }, #list)
end

-- ---- making ----

-- As a JSON file gives them back.
local function plain(parts)
   local copy = {}
   for name, text in pairs(parts) do copy[json.valid(name)] = json.valid(text) end
   return copy
end

local function add(parts, more)
   for name, text in pairs(more) do parts[name] = text end
   return parts
end

--- What all runs of an experiment hang on. given: its options. Returns a table for the functions below.
function content.of(given)
   local names = known.map()
   local parts, places = reached.by(given.run, given.set, names)
   parts.data = data_text(given.set, not given.folds)
   parts.budget = given.budget
   return { parts = parts, places = places, names = names, set = given.set,
      folds = given.folds, nested = given.nested, of_variant = {} }
end

-- Of all runs of a variant.
local function of_variant(self, variant)
   local found = self.of_variant[variant.name]
   if not found then
      found = reached.options(variant.options, self.set, self.names)
      self.of_variant[variant.name] = found
   end
   return found
end

--- The content of one run, a map from the name of a part to its text. run: as scute.experiment.plan lists them.
function content.run(self, run, split_seed)
   local parts = add(add({}, self.parts), of_variant(self, { name = run.variant, options = run.options }))
   parts.seed = tostring(run.seed)
   if run.fold then
      parts.folds, parts.fold, parts["seed of the folds"] = tostring(self.folds), tostring(run.fold), tostring(split_seed)
   end
   if run.inner then parts.nested, parts.inner = tostring(self.nested), tostring(run.inner) end
   parts[FORM] = THIS_FORM
   return plain(parts)
end

-- ---- comparing ----

local DIGEST = "^%x%x%x%x%x%x%x%x%-?%d*$"

local UNTOLD = { DIGEST, "{", "^sha256 ", "^model %x", "^trial %x", "^data set %x" } -- what tells a value but says nothing

local function is_told(text)
   for _, pattern in ipairs(UNTOLD) do
      if not text or text:find(pattern) then return false end
   end
   return true
end

-- The kinds of parts that the code has: what a message calls one, and whether its place is told.
local WORDS = { ["function"] = "function '%s'", module = "module '%s'", file = "file '%s'", value = "%s", option = "%s" }

local function called(name, places)
   local kind, rest = name:match "^(%a+) (.+)$"
   local words = WORDS[kind] and WORDS[kind]:format(rest) or name
   return places[name] and ("%s (%s)"):format(words, places[name]) or words
end

local OTHERS = { data = "the photos are others (their names, classes or split)" }

local function change(name, there, here, places, told)
   local words = called(name, places)
   if told and told[name] then return told[name] end
   if OTHERS[name] then return OTHERS[name] end
   if is_told(there) and is_told(here) then return ("%s was %s there, is %s now"):format(words, there, here) end
   if not here then return ("%s was used there and is not now"):format(words) end
   if not there then return ("%s was not used there and is now"):format(words) end
   return words .. " has changed"
end

-- What a function reaches is there or not as its text says: of a change of the text that follows.
-- Files that were not there yet may come from a run.
local function follows(name, there, here, changed_code)
   local kind = name:match "^(%a+) "
   if kind == "file" and there == nil then return true end
   return changed_code and kind ~= "option" and WORDS[kind] ~= nil and (there == nil or here == nil)
end

--- What differs between the contents of two runs, a list of texts; empty where all agree. places: of the functions, as
-- content.of returns them. told: what is said of a part that differs, by its name, where somebody knows better.
function content.changes(there, here, places, told)
   if there[FORM] ~= here[FORM] then
      return { ("another version of scute wrote down what its results hang on, in another form (%s there, %s here), so that "
         .. "nobody can tell whether anything has changed"):format(there[FORM] or "1", here[FORM] or "1") }
   end
   local names, list, changed_code = {}, {}, false
   for _, side in ipairs { there, here } do
      for name in pairs(side) do names[name] = true end
   end
   for name in pairs(names) do
      local is_code = name == "run" or name:find "^function " or name:find "^module "
      changed_code = changed_code or is_code and there[name] ~= here[name]
   end
   for _, name in ipairs(sorted_keys(names)) do
      local differs = there[name] ~= here[name] and not follows(name, there[name], here[name], changed_code)
      if differs then list[#list + 1] = change(name, there[name], here[name], places, told) end
   end
   return list
end

--- The first of some changes as one text.
function content.told(changes)
   local text = table.concat(changes, "; ", 1, math.min(#changes, MOST_TOLD))
   return #changes > MOST_TOLD and ("%s; and %d more"):format(text, #changes - MOST_TOLD) or text
end

return content
