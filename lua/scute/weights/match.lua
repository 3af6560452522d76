--- Which entry of a weight file belongs to which entry of a model: names and shapes only, no tensors.
local efficientnet_pytorch = require "scute.weights.efficientnet_pytorch"
local foreign = require "scute.weights.foreign"
local names = require "scute.weights.names"
local same_list = require "scute.base.same_list"
local shape_text = require "scute.base.shape_text"

local match = { rename_mobilenet = names.rename_mobilenet, guess = require "scute.weights.guess" }

local SHOWN = 10

local function by_name(entries)
   local shapes = {}
   for _, entry in ipairs(entries) do shapes[entry.name] = entry.shape end
   return shapes
end

local function source_name(opts)
   return opts.path or "the weight file"
end

-- What the file holds under the model's names: {model's name = {name = the file's, shape = }}.
local function translate(expected, loaded, opts, report)
   local found, translated = {}
   translated, report.stripped, report.renamed, report.timm = names.translate(expected, loaded)
   for i, entry in ipairs(loaded) do
      local name = translated[i]
      if found[name] then
         error(("%s holds '%s' twice: as %s and as %s"):format(source_name(opts), name, found[name].name, entry.name), 0)
      end
      found[name] = { name = entry.name, shape = entry.shape }
   end
   return found
end

local function lies_in(name, path)
   return path ~= nil and name:sub(1, #path + 1) == path .. "."
end

local function in_head(name, opts)
   return lies_in(name, opts.head)
end

-- A head for another number of classes differs in its first dimension only; one that takes other features is a sign of
-- another network and stays an error.
local function is_other_head(model, file)
   if #model ~= #file or #model == 0 or same_list(model, file) then return false end
   for i = 2, #model do
      if model[i] ~= file[i] then return false end
   end
   return true
end

-- Where layers of a head may lie: in "classifier" where it is "classifier.1" and the model has nothing else there.
local function place_of_head(expected, opts)
   local around = opts.head and opts.head:match "^(.*)%."
   for _, entry in ipairs(around and expected or {}) do
      if lies_in(entry.name, around) and not in_head(entry.name, opts) then return opts.head end
   end
   return around or opts.head
end

-- Whether a file's head has layers that the model's has not.
local function has_own_head(shapes, found, place)
   for name in pairs(found) do
      if lies_in(name, place) and not shapes[name] then return true end
   end
   return false
end

-- Decides about the head as a whole: loaded, dropped or missing. Returns whether its entries are out of the game.
local function judge_head(expected, shapes, found, opts, report)
   if has_own_head(shapes, found, place_of_head(expected, opts)) then
      report.dropped_head, report.missing_head, report.own_head = true, false, true
      return true
   end
   local here, other, usable = 0, false, true
   for _, entry in ipairs(expected) do
      if in_head(entry.name, opts) then
         local file = found[entry.name]
         here = here + (file and 1 or 0)
         if file and not same_list(entry.shape, file.shape) then
            usable = usable and is_other_head(entry.shape, file.shape)
            other = true
         end
         other = other or file ~= nil and opts.new_head == true
      end
   end
   report.missing_head = opts.head ~= nil and here == 0
   report.dropped_head = other and usable
   return report.missing_head or report.dropped_head
end

local function list(kind, entries)
   if #entries == 0 then return nil end
   local shown = table.move(entries, 1, math.min(#entries, SHOWN), 1, {})
   local more = #entries > SHOWN and (" and %d more"):format(#entries - SHOWN) or ""
   return ("%d %s (%s%s)"):format(#entries, kind, table.concat(shown, ", "), more)
end

-- Whether an entry of a file fits one of a model: of one shape, or, in timm's files, (C) where the model has (C, 1, 1).
local function fits(file, model, of_timm)
   if not of_timm or #file > #model then return same_list(file, model) end
   for i, size in ipairs(model) do
      if (file[i] or 1) ~= size then return false end
   end
   return true
end

local function complain(problems, loaded, opts)
   local parts = {}
   for _, kind in ipairs { "missing", "unexpected", "of another shape" } do
      parts[#parts + 1] = list(kind, problems[kind])
   end
   local guess = match.guess(loaded)
   local advice = guess and guess ~= opts.model and ("it looks like %s: use that model"):format(guess)
      or efficientnet_pytorch.why_not(loaded) or foreign.why_not(loaded)
   error(("%s does not fit %s: entries %s%s"):format(source_name(opts), opts.model or "the model",
      table.concat(parts, "; "), advice and "; " .. advice or ""), 0)
end

--- Matches the entries of a weight file to those of a model.
-- `expected` and `loaded` are lists of {name = text, shape = list of sizes}; their order is free.
-- `opts`: head (the path of the classifier, "fc" or "classifier.1"; nil for a model without), new_head (the file's is
-- dropped in any case), model (its name) and path (the file's), both for messages.
--
-- What wrappers put before the names ("module.", "backbone.", "_orig_mod.") is stripped, and so is a prefix that all share
-- and without which they fit; names of an older MobileNetV2, of timm and of efficientnet_pytorch are mapped (see
-- scute.weights.names). A missing num_batches_tracked is to be zero. A head for another number of classes, or of other layers,
-- is dropped, a missing one reported, one of equal shape loaded. Anything else that is missing, unexpected or of another shape
-- is an error that lists it.
--
-- Returns a report: map ({model's name = file's name}), loaded (how many), zeroed (list of the model's names to be
-- filled with zero), dropped_head, own_head (the dropped one has other layers), missing_head, renamed (how many names in other
-- words), timm (whether these are timm's), stripped (list of prefixes).
function match.apply(expected, loaded, opts)
   opts = opts or {}
   local report = { map = {}, loaded = 0, zeroed = {} }
   local shapes = by_name(expected)
   local found = translate(shapes, loaded, opts, report)
   local skip_head = judge_head(expected, shapes, found, opts, report)
   local problems = { missing = {}, unexpected = {}, ["of another shape"] = {} }
   for _, entry in ipairs(expected) do
      local name, file = entry.name, found[entry.name]
      if in_head(name, opts) and skip_head then
         goto continue
      elseif file and fits(file.shape, entry.shape, report.timm) then
         report.map[name], report.loaded = file.name, report.loaded + 1
      elseif file then
         table.insert(problems["of another shape"],
            ("%s: found %s, expected %s"):format(file.name, shape_text(file.shape), shape_text(entry.shape)))
      elseif name:match "%.num_batches_tracked$" then
         table.insert(report.zeroed, name)
      else
         table.insert(problems.missing, name)
      end
      ::continue::
   end
   local unexpected, place = {}, place_of_head(expected, opts)
   for name, file in pairs(found) do
      if not shapes[name] and not (skip_head and lies_in(name, place)) then unexpected[file.name] = true end
   end
   for _, entry in ipairs(loaded) do -- in file order
      if unexpected[entry.name] then table.insert(problems.unexpected, entry.name) end
   end
   if #problems.missing + #problems.unexpected + #problems["of another shape"] > 0 then
      complain(problems, loaded, opts)
   end
   return report
end

return match
