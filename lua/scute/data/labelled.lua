-- Data sets that are made of labelled entries in a script: their classes, and which of them train and which validate.
local as_text = require "scute.data.as_text"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local folder = require "scute.data.folder"
local held_out = require "scute.data.held_out"
local note = require "scute.data.note"
local options = require "scute.base.options"
local scute = require "scute.core"

local labelled = {}

local function fail(what, format, ...)
   error(("%s: "):format(what) .. format:format(...), 0)
end

-- ---- classes ----

--- A class as a script says it, a number or a name, so that it is the same however an accent was written; what is neither is
-- returned as it is.
function labelled.class(value)
   return type(value) == "string" and scute.nfc(value) or math.tointeger(value) or value
end

-- "1", "2", ...
local function numbered(n)
   local names = {}
   for i = 1, n do names[i] = tostring(i) end
   return names
end

local function check_names(what, names)
   local seen = {}
   for i, name in ipairs(names) do
      if type(name) ~= "string" then fail(what, "classes: expected names, found %s at place %d", console.brief(name), i) end
      if seen[name] then fail(what, "classes: '%s' is there twice", name) end
      folder.check_name(what .. ": classes", name)
      seen[name] = true
   end
   return names
end

-- The classes that labels show: their names in byte order, or numbers up to the highest one.
local function shown_by(what, entries)
   local names, seen, highest = {}, {}, 0
   for _, entry in ipairs(entries) do
      local label = entry.label
      if math.type(label) == "integer" then
         highest = math.max(highest, label)
      elseif type(label) ~= "string" then
         fail(what, "%s: expected a class, a number from 1 or a name, found %s", entry.words, console.brief(label))
      elseif not seen[label] then
         seen[label], names[#names + 1] = true, label
      end
   end
   if #names > 0 and highest > 0 then fail(what, "labels: expected names or numbers of classes, found both") end
   return #names > 0 and folder.sort_bytes(names) or numbered(highest)
end

local function names_of(what, classes, entries)
   local names = classes
   if classes == nil then names = shown_by(what, entries) end
   if type(names) == "number" then names = numbered(names) end
   if #names < 2 then fail(what, "classes: expected at least two, found %d", #names) end
   local composed = {}
   for i, name in ipairs(names) do composed[i] = labelled.class(name) end
   return check_names(what, composed)
end

local function class_of(what, entry, classes, number)
   local label = entry.label
   if math.type(label) == "integer" and classes[label] then return label end
   if number[label] then return number[label] end
   if type(label) == "string" then
      fail(what, "%s: there is no class '%s'%s", entry.words, label, options.hint(label, classes))
   end
   fail(what, "%s: expected a class, %s, found %s%s", entry.words, ("a number from 1 to %d or a name"):format(#classes),
      console.brief(label), label == 0 and " (class numbers start at 1)" or "")
end

-- ---- parts ----

-- What photos have beside their files, if one of them has it.
local function kind_of(lists, o)
   local kind = { boxes_of = rawget(o, "boxes_of"), outside = rawget(o, "outside") }
   for _, list in ipairs(lists) do
      for _, entry in ipairs(list) do
         kind.boxes, kind.masks = kind.boxes or entry.box or nil, kind.masks or entry.mask or nil
      end
   end
   return kind
end

local function new_part(set, kind)
   local part = crops.begin(as_text.part { paths = {}, labels = {}, counts = {}, samples = set.samples }, kind)
   for class in ipairs(set.classes) do part.counts[class] = 0 end
   return part
end

local function add(part, entry)
   part.paths[#part.paths + 1], part.labels[#part.labels + 1] = entry.path, entry.class
   part.counts[entry.class] = part.counts[entry.class] + 1
   crops.put(part, entry.box, entry.mask)
end

local function split(set, entries, seed, fraction)
   local by_class = {}
   for class in ipairs(set.classes) do by_class[class] = {} end
   for _, entry in ipairs(entries) do table.insert(by_class[entry.class], entry) end
   for class, list in ipairs(by_class) do
      local validates = #list > 0 and held_out(#list, class, seed, fraction) or {}
      for i, entry in ipairs(list) do entry.validates = validates[i] end
   end
   for _, entry in ipairs(entries) do add(entry.validates and set.val or set.train, entry) end
end

local function check_counts(what, set)
   local without = {}
   for class, name in ipairs(set.classes) do
      if set.train.counts[class] == 0 then
         fail(what, "classes: none of the data that trains is of class '%s'; a model cannot learn it", name)
      end
      if set.val.counts[class] == 0 then without[#without + 1] = name end
   end
   if #set.val.paths == 0 then fail(what, "nothing validates; two of a class are needed, so that one can") end
   note(set.notes, without, "has nothing that validates", "have nothing that validates")
end

--- Whether a value of the option `val` is a share.
function labelled.is_share(value)
   return type(value) == "number" and value > 0 and value < 1
end

--- The options that all of these functions take: classes, val (in the words of each), seed.
function labelled.options(val_help)
   return { "classes", is = function(value)
         return math.type(value) == "integer" and value > 1 or type(value) == "table"
      end, expected = "a list of names, or how many there are", show = "those of the labels",
      help = "names of the classes in the order of their numbers, or how many there are" },
   { "val", 0.2, is = function(value) return labelled.is_share(value) or type(value) == "table" end,
      expected = "a share above 0 and below 1, or what validates", help = val_help },
   { "seed", whole = true, min = 0, max = options.MAXSEED, default = 0, help = "which validate, where that is drawn" }
end

--- A data set as data.open returns it. what: whose arguments are told of; name: what the set is called; train, val: lists of {
-- path = a name of its own, label = class number or name, words = what the label is called in messages, box, mask = what of a
-- file the photo is (see scute.data.crops) }, val nil where a share of each class validates; o: { classes, val, seed, boxes_of,
-- outside }; more: fields of the set.
function labelled.set(what, name, train, val, o, more)
   local set = as_text.set { name = name, notes = {}, broken = {}, others = 0, is_listed = val and true or nil }
   for key, value in pairs(more or {}) do set[key] = value end
   set.classes = names_of(what, o.classes, train)
   local number = {}
   for class, class_name in ipairs(set.classes) do number[class_name] = class end
   for _, list in ipairs { train, val } do
      for _, entry in ipairs(list) do entry.class = class_of(what, entry, set.classes, number) end
   end
   local kind = kind_of({ train, val }, o)
   set.train, set.val = new_part(set, kind), new_part(set, kind)
   if val then
      for _, entry in ipairs(train) do add(set.train, entry) end
      for _, entry in ipairs(val) do add(set.val, entry) end
      set.split = "as given"
   else
      split(set, train, o.seed, o.val)
      set.split = ("drawn, %g %%, seed %d"):format(100 * o.val, o.seed)
   end
   check_counts(what, set)
   crops.name(set)
   return set
end

return labelled
