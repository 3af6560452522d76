-- What each photo has to do with a figure of a run, so that figures of two runs can be compared photo by photo: whether the
-- answer is right, its loss, and of any other metric the pseudo-value of the jackknife (Quenouille 1956, Tukey 1958),
--
--    n * (the figure of all n photos) - (n - 1) * (that of all but this one),
--
-- whose mean is the figure, but for a bias of the order 1 / n, and which is the photo's own share where the figure is a mean.
--
-- Each takes the metric once more. Where that would be more than WORK photos to look at, photos are left out in groups (the
-- delete-a-group jackknife: Kott 2001), every g-th to one group. The share of each photo of a group is then the figure plus the
-- root of the group's size times how far the group's pseudo-value lies from it: of so many photos that are alike the variance
-- of the mean is that of the groups.
local kept_random = require "scute.base.kept_random"
local measures = require "scute.train.measures"
local metrics = require "scute.metrics"
local scute = require "scute"

local shares = {}

local WORK = 4e6     -- photos looked at, for a metric
local FEWEST = 200   -- groups
local CLASSES = 100  -- so many scores of a photo cost about as much as the photo itself

local function is_finite(value)
   return type(value) == "number" and value == value and math.abs(value) < math.huge
end

-- The answers at some places, as a metric gets them.
local function at_places(said, places)
   local truth, predicted, paths = {}, {}, {}
   for i, place in ipairs(places) do
      truth[i], predicted[i], paths[i] = said.labels[place], said.predicted[place], said.photos[place]
   end
   local logits = said.logits and scute.index_select(said.logits, 1, scute.tensor(places, { dtype = "i64" })):to "f32"
   return { truth = truth, predicted = predicted, paths = paths, classes = said.classes, logits = logits,
      confusion = metrics.confusion(said.classes):add(predicted, truth) }
end

-- A metric of the answers at some places; nil where it has none.
local function value_of(said, f, places)
   local seen = at_places(said, places)
   local ok, value = measures.ask(f, seen)
   if rawget(seen, "logits") then seen.logits:free() end
   return ok and is_finite(value) and value or nil
end

-- All places but those of group `left_out` of `groups`.
local function without(n, groups, left_out)
   local places = {}
   for i = 1, n do
      if (i - 1) % groups + 1 ~= left_out then places[#places + 1] = i end
   end
   return places
end

--- How many groups so many photos of so many classes are left out in.
function shares.groups(photos, classes)
   local work = photos * math.max(1, classes / CLASSES)
   return math.min(photos, math.max(FEWEST, math.floor(WORK / work)))
end

--- The share of each photo in a metric f; nil where it cannot be told: of one photo, and where some photos without the others
-- have no such figure. said: { photos, labels, predicted = lists, logits (n, classes) on the CPU or nil, classes = names }.
-- groups: how many (default: shares.groups).
function shares.of_metric(said, f, groups)
   local n = #said.labels
   groups = groups or shares.groups(n, #said.classes)
   local random <close> = kept_random() -- luacheck: ignore
   local all = value_of(said, f, without(n, groups, 0))
   if not all or groups < 2 then return nil end
   local of_group, root = {}, math.sqrt(n / groups)
   for group = 1, groups do
      local rest = value_of(said, f, without(n, groups, group))
      if not rest then return nil end
      of_group[group] = all + root * (groups - 1) * (all - rest)
   end
   local list = {}
   for i = 1, n do list[i] = of_group[(i - 1) % groups + 1] end
   return list
end

--- 1 for each right answer, 0 for the others.
function shares.of_accuracy(said)
   local list = {}
   for i, class in ipairs(said.labels) do list[i] = said.predicted[i] == class and 1 or 0 end
   return list
end

--- The loss of each photo: f(logits (1, classes), y (1)) -> a tensor with one element; nil where one has none.
function shares.of_loss(said, f)
   local list = {}
   local random <close> = kept_random() -- luacheck: ignore
   scute.no_grad(function()
      for i, class in ipairs(said.labels) do
         local logits <close> = said.logits:slice(1, i, i)
         local y <close> = scute.tensor({ class }, { dtype = "i64", device = logits.device })
         local loss <close> = f(logits, y)
         list[i] = loss:item()
      end
   end)
   return shares.are_finite(list) and list or nil
end

--- Whether all of a list are numbers that are finite.
function shares.are_finite(list)
   for _, value in ipairs(list) do
      if not is_finite(value) then return false end
   end
   return true
end

return shares
