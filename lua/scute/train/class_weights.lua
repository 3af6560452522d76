-- Weights of classes in the cross entropy, so that rare ones count as much as frequent ones. As in PyTorch the loss of a batch
-- is sum(w * l) / sum(w), w being the weight of each photo's class; with label smoothing s the loss of a photo is
--    l = (1 - s) * w[class] * -log p[class] + s / C * sum over the classes of w[k] * -log p[k]      (C classes)
-- Photos that train are weighted, and those that validate are not: runs with other weights are compared by the same figures.
local scute = require "scute"
local options = require "scute.base.options"
local plain_text = require "scute.base.plain_text"
local sorted_keys = require "scute.base.sorted_keys"

local class_weights = {}

local MOST = 24 -- classes that are told

-- ---- what is said ----

local function is_weight(value)
   return type(value) == "number" and value > 0 and value < math.huge
end

--- What a text on a command line stands for: "balanced", or "rare=3,frequent=0.5".
function class_weights.parse(text)
   if text == "balanced" then return text end
   local weights = {}
   for word in (text .. ","):gmatch "([^,]*)," do
      local name, number = word:match "^%s*(.-)%s*=%s*(%S+)%s*$"
      local weight = tonumber(number)
      if not is_weight(weight) then
         error(("expected balanced, or weights above 0 as in rare=3,frequent=0.5, found '%s'"):format(text), 0)
      end
      weights[name] = weight
   end
   return weights
end

-- The number of the class that a key of the table stands for.
local function class_of(key, classes)
   if math.type(key) == "integer" and classes[key] then return key end
   for number, name in ipairs(classes) do
      if name == key or name == tostring(key) then return number end
   end
   error(("train.fit: class_weights: there is no class '%s'%s"):format(tostring(key), options.hint(tostring(key), classes)), 0)
end

local function check_weight(class, value)
   if is_weight(value) then return value end
   error(("train.fit: class_weights: expected a number above 0 for class '%s', found %s"):format(class, tostring(value)), 0)
end

--- Fails where a table has a weight that is none, whatever the classes.
function class_weights.examine(given)
   if type(given) ~= "table" then return end
   for _, key in ipairs(sorted_keys(given)) do check_weight(tostring(key), given[key]) end
end

-- A list of weights by class number; classes that the table does not name have 1.
local function read_table(given, classes)
   local weights, by = {}, {}
   for number = 1, #classes do weights[number] = 1 end
   for _, key in ipairs(sorted_keys(given)) do
      local number = class_of(key, classes)
      weights[number] = check_weight(classes[number], given[key])
      if by[number] then error(("train.fit: class_weights: class '%s' has two weights"):format(classes[number]), 0) end
      by[number] = true
   end
   return weights
end

-- n / (k * count), as scikit-learn's class_weight="balanced".
local function balanced(set)
   local counts, weights = {}, {}
   for _, class in ipairs(set.train.labels) do counts[class] = (counts[class] or 0) + 1 end
   for class, name in ipairs(set.classes) do
      if not counts[class] then
         error(("train.fit: class_weights: no photo of class '%s' trains, so that balanced weights have none for it")
            :format(name), 0)
      end
      weights[class] = #set.train.labels / (#set.classes * counts[class])
   end
   return weights
end

--- The weights by class number, a list, that the option of a run stands for: "balanced", or a table by name or number. A fault
-- names the class.
function class_weights.of(given, set)
   if given == "balanced" then return balanced(set) end
   return read_table(given, set.classes)
end

-- ---- telling ----

-- The weights as words, "rare 3"; number(weight): how one is written. most: as many classes, default all.
local function words_of(weights, classes, number, most)
   local words = {}
   for class = 1, math.min(#weights, most or #weights) do
      words[class] = ("%s %s"):format(classes[class], number(weights[class]))
   end
   return words
end

--- What tells the weights of two runs apart: "rare 3, common 0.6", to the last digit.
function class_weights.describe(weights, run)
   return table.concat(words_of(weights, run.set.classes, plain_text), ", ")
end

--- The same for people, "balanced: rare 3, common 0.6"; "none" of nil. Before the photos are known, as they were said.
function class_weights.tell(weights, run)
   if not weights then return "none" end
   if run.balanced_weights == nil then return plain_text(weights) end
   local words = words_of(weights, run.set.classes, function(weight) return ("%.6g"):format(weight) end, MOST)
   if #weights > MOST then words[MOST + 1] = ("... %d in all"):format(#weights) end
   return (run.balanced_weights and "balanced: " or "") .. table.concat(words, ", ")
end

-- ---- the loss ----

--- The sum of the weights of a list of class numbers.
function class_weights.sum(weights, classes)
   local sum = 0
   for _, class in ipairs(classes) do sum = sum + weights[class] end
   return sum
end

-- sum over photos and classes of w[k] * -log p[k].
local function over_all_classes(weights, logits)
   local n, device = logits.shape[1], logits.device
   local row <close> = scute.tensor({ weights }, { device = device })
   local none <close> = scute.zeros(n, #weights, { device = device })
   local targets <close> = none + row
   return scute.cross_entropy(logits, targets, { reduction = "sum" })
end

--- The weighted losses of logits (n, C) for classes y (n), added up, and the sum of the weights: two scalars on the device. The
-- loss is the one divided by the other.
function class_weights.sums(weights, logits, y, smoothing)
   local list <close> = scute.tensor(weights, { device = logits.device })
   local own <close> = list:index_select(1, y)
   local each <close> = scute.cross_entropy(logits, y, { reduction = "none" })
   local weighted <close> = each * own
   local total = weighted:sum()
   if smoothing > 0 then
      local plain <close> = total * (1 - smoothing)
      local all <close> = over_all_classes(weights, logits)
      local spread <close> = all * (smoothing / #weights)
      total:free()
      total = plain + spread
   end
   return total, own:sum()
end

return class_weights
