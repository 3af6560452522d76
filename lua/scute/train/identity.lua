-- What makes two runs the same run: a checkpoint goes on only where all of it agrees.
local lfs = require "lfs"
local cjson = require "cjson"
local scute = require "scute"
local console = require "scute.base.console"

local identity = {}

-- Options of train.fit that change the numbers; the rest (workers, output_dir, ...) does not.
local OPTIONS = { "epochs", "batch_size", "accumulate", "seed", "cache_features", "on_bad_image", "label_smoothing", "mixup",
   "cutmix", "ema", "clip_norm", "clip_value", "early_stop", "device", "augment", "precision" }

-- Arguments of a script that do not.
local HARMLESS = { data_dir = true, output_dir = true, workers = true, threads = true, quiet = true, resume = true,
   save_every = true, save_steps = true, keep = true }

local function sorted_keys(map)
   local keys = {}
   for key in pairs(map) do keys[#keys + 1] = key end
   table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
   return keys
end

-- One text for equal values: plain tables with their keys in order.
local function text_of(value)
   if type(value) == "number" then return ("%.17g"):format(value) end
   if type(value) ~= "table" then return tostring(value) end
   local parts = {}
   for _, key in ipairs(sorted_keys(value)) do
      local entry = value[key]
      if type(entry) ~= "function" then parts[#parts + 1] = tostring(key) .. " = " .. text_of(entry) end
   end
   return "{" .. table.concat(parts, ", ") .. "}"
end

local function add_part(parts, dir, name, part)
   for i, path in ipairs(part.paths) do
      local relative = path:sub(1, #dir + 1) == dir .. "/" and path:sub(#dir + 2) or path
      parts[#parts + 1] = ("%s %s %d %d\n"):format(name, relative, part.labels[i], lfs.attributes(path, "size") or -1)
   end
end

-- Names, classes and sizes of all photos, wherever their folder lies.
local function fingerprint(set)
   local parts = {}
   add_part(parts, set.dir, "train", set.train)
   add_part(parts, set.dir, "val", set.val)
   return scute.checksum { table.concat(parts) }
end

-- What stays as it was loaded or drawn: weights that the checkpoint does not hold.
local function frozen_text(run, changing)
   local list = {}
   local state = run.model:state_dict()
   for _, name in ipairs(state.names) do
      if not changing[name] then list[#list + 1] = state.tensors[name] end
   end
   return #list > 0 and scute.checksum(list) or "none"
end

local function describe(run)
   local said = { model = run.model.arch, classes = cjson.encode(run.set.classes),
      preprocessing = text_of(run.preprocess), data = fingerprint(run.set), optimizer = run.optimizer:describe(),
      schedule = run.schedule.text or run.schedule.name or "a function", loss = run.criterion and "a function" or nil,
      frozen = frozen_text(run, run.changing) }
   for _, name in ipairs(OPTIONS) do said[name] = text_of(run[name]) end
   for name, value in pairs(run.arguments) do
      if not HARMLESS[name] then said["--" .. name] = text_of(value) end
   end
   return said
end

--- Texts by name that agree where two runs are one. Worked out once a run, and again when other parts train.
function identity.of(run)
   if run.identity_of ~= run.changing then run.identity, run.identity_of = describe(run), run.changing end
   return run.identity
end

local WORDS = {
   data = "the photos are others (names, classes or sizes of the files)",
   frozen = "the weights that do not train are others",
}

local function difference(name, here, there)
   if WORDS[name] then return WORDS[name] end
   return ("%s is %s here and %s there"):format(name, here or "not given", there or "not given")
end

-- Frozen parts are compared as they were when the checkpoint was made.
local function frozen_then(file, run)
   local changing = {}
   for _, name in ipairs(file.state.changing) do changing[name] = true end
   return frozen_text(run, changing)
end

--- Fails where a checkpoint is of another run, naming what differs.
function identity.check(file, run)
   run.changing = run.changing or {}
   local here, there = describe(run), file.state.identity
   here.frozen = frozen_then(file, run)
   local names, faults = {}, {}
   for name in pairs(here) do names[name] = true end
   for name in pairs(there) do names[name] = true end
   for _, name in ipairs(sorted_keys(names)) do
      local told = here["--" .. name] ~= there["--" .. name] -- the argument says it in the user's words
      if here[name] ~= there[name] and not told then faults[#faults + 1] = difference(name, here[name], there[name]) end
   end
   if #faults > 0 then
      console.fail("resume: %s is of another run: %s; give the same arguments, or start anew without --resume", file.path,
         table.concat(faults, "; ", 1, math.min(#faults, 4)))
   end
end

return identity
