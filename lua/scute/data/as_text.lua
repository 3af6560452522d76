-- How data sets and their parts print: what is in them, and how it is split. They are plain tables all the same, with nothing
-- but their own fields, which they know.
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local known_fields = require "scute.base.known_fields"

local as_text = {}

local CLASSES = 20 -- up to so many all are listed
local PHOTOS = 3   -- of a part

-- Photos by class number.
local function counts_of(part)
   if rawget(part, "counts") then return part.counts end
   local counts = {}
   for _, class in ipairs(part.labels or {}) do counts[class] = (counts[class] or 0) + 1 end
   return counts
end

local function in_classes(n, classes)
   return ("%s %s in %s"):format(columns.thousands(n), n == 1 and "photo" or "photos", console.count(classes, "class",
      "classes"))
end

-- A row for each class: its name, and how many photos each part has of it.
local function class_rows(rows, classes, parts)
   local counts = {}
   for i, part in ipairs(parts) do counts[i] = counts_of(part) end
   local shown = #classes > CLASSES and CLASSES - 1 or #classes
   for class = 1, shown do
      local row = { classes[class] }
      for i = 1, #parts do row[i + 1] = columns.thousands(counts[i][class] or 0) end
      rows[#rows + 1] = row
   end
   local text = columns.text(rows, { 1 })
   return shown < #classes and ("%s\n… %d more classes"):format(text, #classes - shown) or text
end

local function left_out(lines, set)
   for _, note in ipairs(set.notes or {}) do lines[#lines + 1] = "note: " .. note end
   local broken = #(set.broken or {})
   if broken > 0 then lines[#lines + 1] = ("left out: %s that cannot be read"):format(console.count(broken, "photo")) end
end

-- What data.open returns.
local function set_text(set)
   local train, val, test = #set.train.paths, #set.val.paths, set.test and #set.test.paths
   local lines = { ("data set %s: %s, %s train and %s validate%s; split: %s"):format(set.dir or set.name,
      in_classes(train + val, #set.classes), columns.thousands(train), columns.thousands(val),
      test and (", %s more are there for a test"):format(columns.thousands(test)) or "", set.split),
      class_rows({ { "class", "train", "validate", test and "test" } }, set.classes, { set.train, set.val, set.test }) }
   left_out(lines, set)
   return table.concat(lines, "\n")
end

-- What data.everything returns.
local function unsplit_text(set)
   local lines = { ("photos of %s: %s, without a split"):format(set.dir, in_classes(#set.paths, #set.classes)),
      class_rows({ { "class", "photos" } }, set.classes, { set }) }
   left_out(lines, set)
   return table.concat(lines, "\n")
end

local function part_text(part)
   local classes, least, most = 0, math.huge, 0
   for _, n in pairs(counts_of(part)) do
      if n > 0 then classes, least, most = classes + 1, math.min(least, n), math.max(most, n) end
   end
   local lines = { in_classes(#part.paths, classes) .. (classes == 0 and "" or least == most and (", %d of each"):format(most)
      or (", %d to %d of each"):format(least, most)) }
   for i = 1, math.min(PHOTOS, #part.paths) do
      lines[#lines + 1] = ("   %s  class %s"):format(part.paths[i], part.labels and part.labels[i] or "not known")
   end
   if #part.paths > PHOTOS then lines[#lines + 1] = ("   … %s more"):format(columns.thousands(#part.paths - PHOTOS)) end
   left_out(lines, part)
   return table.concat(lines, "\n")
end

local OF_SET = known_fields.set [=[dir layout name classes split test groups samples of_run is_listed told_equal told_test
   digests]=]
local OF_PART = known_fields.set [=[labels counts samples broken others notes chosen trained boxes masks boxes_of
   outside]=]


local SET = { __name = "scute.data.set", __tostring = set_text, __index = known_fields.reading("a data set", OF_SET) }
local UNSPLIT = { __name = "scute.data.photos", __tostring = unsplit_text,
   __index = known_fields.reading("what data.everything returns", OF_PART) }
local PART = { __name = "scute.data.part", __tostring = part_text,
   __index = known_fields.reading("a part of a data set", OF_PART) }

--- A data set { dir, classes, train, val, split, ... } that prints as one.
function as_text.set(set) return setmetatable(set, SET) end

--- Photos { dir, classes, paths, labels } without a split.
function as_text.unsplit(set) return setmetatable(set, UNSPLIT) end

--- A part { paths, labels, counts } of a data set.
function as_text.part(part) return setmetatable(part, PART) end

return as_text
