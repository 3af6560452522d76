-- A data set of what a function returns: it decodes, computes or fetches what it likes.
local console = require "scute.base.console"
local labelled = require "scute.data.labelled"
local options = require "scute.base.options"
local samples = require "scute.data.samples"

local CLASSES, VAL, SEED = labelled.options "the share of each class that validates, drawn by the seed, or { n = , get = }"
local LABELS = { "labels", is = options.of_type "table", expected = "a list of classes", show = "what get tells",
   help = "class number or name of each; without it get is asked for all of them once, before anything trains" }
local N = { "n", required = true, whole = true, min = 1, help = "how many samples there are" }
local GET = { "get", required = true, is = options.of_type "function", expected = "a function(i)",
   help = "f(i) -> tensor (C, H, W), class number or name: sample i, from 1 to n, the same each time; runs in the main thread" }

local SOURCE = options.declare("data.source", { N, GET, LABELS, CLASSES, VAL, SEED,
   { "normalize", flag = true, default = false,
     help = "take mean and deviation of the model's preprocessing off, as for photos: u8 is from 0 to 255, floating point from "
        .. "0 to 1; otherwise the network gets the numbers as they are" } })
local VALIDATES = options.declare("data.source: val", { N, GET, LABELS })

-- get, in the words of the user: what it raises is told with the index.
local function asked(name, o)
   return function(i)
      local words = ("data.source: %sget(%d): "):format(name, i)
      local ok, x, label = pcall(o.get, i)
      if not ok then error(words .. console.message(x), 0) end
      if o.labels and label ~= nil and labelled.class(label) ~= labelled.class(o.labels[i]) then
         error(("%sit tells class %s, and labels say %s"):format(words, tostring(label), tostring(o.labels[i])), 0)
      end
      return x, words, label
   end
end

-- Entries for scute.data.labelled.
local function entries_of(made, name, prefix, o)
   if o.labels and #o.labels ~= o.n then
      error(("data.source: %slabels: expected %d, one for each sample, found %d"):format(name, o.n, #o.labels), 0)
   end
   local paths, entries = made:add(prefix, o.n, asked(name, o)), {}
   for i, path in ipairs(paths) do
      local label
      if i == 1 or not o.labels then label = made:look(path) end
      label = o.labels and o.labels[i] or label
      local words = o.labels and "%slabels: place %d" or "%sget(%d): the class"
      entries[i] = { path = path, label = labelled.class(label), words = words:format(name, i) }
   end
   return entries
end

local function make(o)
   local made, val = samples.new(o.normalize), nil
   local train = entries_of(made, "", "sample", o)
   if not labelled.is_share(o.val) then val = entries_of(made, "val.", "validation sample", VALIDATES:read(o.val, 0)) end
   return labelled.set("data.source", "a function", train, val, o, { samples = made })
end

--- A data set of a function of the index, for train.fit, scute.score and evaluate.photos as what data.open returns. Its samples
-- are called "sample 1", "sample 2", ... (those of a val of its own "validation sample 1", ...).
local function source(given)
   local o = SOURCE:read(given)
   local done, set = pcall(make, o)
   if not done then error(set, 2) end
   return set
end

return SOURCE:describes(source)
