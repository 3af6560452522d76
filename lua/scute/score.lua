-- What a model says about photos: the one place where photos are scored. Validation, features that are kept, evaluate, predict
-- and the runs of a comparison all go through here, so that they agree.
--
--    local seen = scute.score(model, set.val, { want = { "guesses", "losses" } })
--    print(seen.guesses[1], seen.losses[1], set.val.paths[seen.indices[1]])
local scute = require "scute"
local as_text = require "scute.evaluate.as_text"
local batches = require "scute.data.batches"
local crops = require "scute.data.crops"
local console = require "scute.base.console"
local found_device = require "scute.base.found_device"
local joined = require "scute.base.joined"
local late = require "scute.base.late"
local little_garbage = require "scute.base.little_garbage"
local options = require "scute.base.options"
local precision = require "scute.base.precision"
local surplus = require "scute.base.surplus"

local WANTED = { guesses = true, logits = true, losses = true, features = true }

local function is_wanted(value)
   if type(value) ~= "table" then return false end
   for key, name in pairs(value) do
      if math.type(key) ~= "integer" or not WANTED[name] then return false end
   end
   return true
end

local SCORE = options.declare("score", {
   { "want", { "guesses" }, is = is_wanted, expected = "a list of guesses, logits, losses, features", show = "guesses",
     help = "what is told of each photo: guesses (class numbers), logits, losses (cross entropy), features (before the head)" },
   { "each", is = options.of_type "function", expected = "a function of a batch", show = "all is kept and returned",
     help = "function(batch): hears of each batch as it is there; nothing is kept but what it takes out of the batch" },
   { "batch_size", whole = true, min = 1, default = 16, help = "photos that go through the network at once" },
   { "workers", whole = true, min = 0, show = "2; on a GPU as many as there are processors, at most 8",
     help = "threads that decode photos" },
   { "device", text = true, show = "the model's", help = "where it computes" },
   precision.OF_LOOKING,
   { "loss", is = options.of_type "function", expected = "a function f(logits, y)", show = "none",
     help = "f(logits, y) -> a scalar, told with each batch as batch.loss" },
   { "feed", is = options.of_type "table", expected = "a table", show = "photos of the part",
     help = "where batches come from, of a training run: { batches, embed, forward = functions, on_device = whether features "
        .. "stay on the device }" },
})

local function device_of(model)
   local _, first = model:named_parameters()()
   return first and first.device or "cpu"
end

-- Photos of the part through the whole model; bad: a list that gets those that cannot be read.
local function photos_of(model, part, o, bad)
   local dtype = o.precision and precision.dtype(o.precision, o.device) or precision.of_model(model.precision, o.device)
   return {
      batches = function()
         return batches(part, { batch_size = o.batch_size, preprocess = model.preprocessing, workers = o.workers,
            on_bad = "skip", device = o.device, note = function(missed) table.move(missed, 1, #missed, #bad + 1, bad) end })
      end,
      embed = function(x) return precision.call(dtype, model.features, model, x) end,
      head = function(features) return precision.call(dtype, model.head, model, features) end,
      forward = function(x) return precision.call(dtype, model, x) end,
   }
end

-- What was computed of one batch, by name; on the device.
local function compute(feed, o, wanted, x, y)
   local out = { y = y }
   if wanted.features then out.features = feed.embed(x) end
   if wanted.guesses or wanted.logits or wanted.losses or o.loss then
      out.logits = out.features and feed.head(out.features) or feed.forward(x)
   end
   if wanted.guesses then out.guesses = out.logits:argmax(2) end
   if wanted.losses then out.losses = scute.cross_entropy(out.logits, y, { reduction = "none" }) end
   if o.loss then out.loss = o.loss(out.logits, y) end
   return out
end

local function free(tensors)
   for _, tensor in pairs(tensors) do tensor:free() end
end

-- Sends all batches through; visit(batch) hears of each in order, with tensors by name: indices, y and what was wanted, on the
-- CPU. Features of a feed that says on_device stay where they were computed, and nothing is asked of the device, not even for
-- y, which it was given. Returns whether it came to the end.
local function pass(feed, o, wanted, visit)
   local _ <close> = little_garbage() -- luacheck: ignore
   local unread = late.queue(o.device, function(seen)
      local batch = late.take(seen.asked)
      batch.indices = seen.indices
      batch.features = batch.features or seen.features
      visit(batch)
      free(batch)
   end)
   for x, y, indices in feed.batches() do
      scute.no_grad(function()
         local out, kept = compute(feed, o, wanted, x, y), nil
         if feed.on_device then
            kept, out.features, out.y = out.features, nil, nil
            y:free()
         end
         unread:settle() -- the batch before, while the device has this one to do
         unread:put { asked = late.ask(out), features = kept, indices = indices }
         x:free()
         free(out)
      end)
      if scute.interrupted() then return false end
   end
   unread:settle()
   return true
end

-- A visitor that keeps everything, and a function that returns it.
local function keeper()
   local kept = { indices = {}, y = {}, guesses = {}, losses = {} }
   local chunks = { logits = {}, features = {} }
   local function visit(batch)
      for name, list in pairs(kept) do
         local values = batch[name] and batch[name]:values() or {}
         table.move(values, 1, #values, #list + 1, list)
      end
      for name, list in pairs(chunks) do
         list[#list + 1], batch[name] = batch[name], nil
      end
   end
   return visit, function()
      for name, list in pairs(chunks) do
         kept[name] = joined(list)
      end
      return kept
   end
end

-- Puts a model into evaluation mode; returns a function that puts each of its modules back into the mode that it was in.
local function evaluating(model)
   local modes = {}
   for _, module in model:named_modules() do modes[module] = module.training end
   model:eval()
   return function()
      for module, training in pairs(modes) do rawset(module, "training", training) end
   end
end

-- Fails, naming the caller of score, where what is wanted cannot be told of those photos.
local function check_photos(part, wanted, o)
   if #part.paths == 0 and not o.feed then error("score: expected at least one photo, found none", 3) end
   local fault = crops.fault(part)
   if fault then error("score: " .. fault, 3) end
   local needs = wanted.losses and "losses need" or o.loss and "a loss needs"
   if needs and not part.labels then error(("score: %s labels, and the photos have none"):format(needs), 3) end
   if o.loss and not o.each then error("score: a loss is told with each batch; give `each`, or want \"losses\"", 3) end
end

--- What a model of scute.models says about photos, in evaluation mode and without the tape. part: a part of a data set, {
-- paths, labels } (labels, the model's class numbers, may be missing where no losses are wanted). Returns { indices (numbers
-- of the photos in the part, in the order of the lists below), y, guesses, losses (lists), logits (n, classes), features (n,
-- F) (tensors on the CPU; nil where they were not wanted or no photo is left), bad = list of {path, message} of photos that
-- cannot be read, complete = false where it was interrupted }; with `each` bad and complete only.
local function score(model, part, given, ...)
   surplus.refuse("score(model, part, options)", "options stand in one table", ...)
   if type(model) ~= "table" or not model.named_parameters then
      error("score: expected a model of scute.models, found " .. console.brief(model), 2)
   end
   if type(part) ~= "table" or type(part.paths) ~= "table" then
      error("score: expected photos as { paths = , labels = }, found " .. console.brief(part), 2)
   end
   local o, bad, wanted = SCORE:read(given), {}, {}
   for i, entry in ipairs(part and part.broken or {}) do bad[i] = entry end
   for _, name in ipairs(o.want) do wanted[name] = true end
   o.device = found_device(o.device or device_of(model))
   check_photos(part, wanted, o)
   local put_back = evaluating(model)
   local held <close> = precision.hold(o.precision or model.precision) -- luacheck: ignore
   local visit, all = o.each, nil
   if not visit then visit, all = keeper() end
   local ok, complete = pcall(pass, o.feed or photos_of(model, part, o, bad), o, wanted, visit)
   put_back()
   if not ok then error(complete, 0) end
   local seen = all and as_text.score(all()) or {}
   seen.bad, seen.complete = bad, complete
   return seen
end

return SCORE:describes(surplus.refused_by(score))
