-- What makes two runs the same run: a checkpoint goes on only where all of it agrees. Options say themselves whether they
-- belong to it (`resume` and `identity` of their declaration); a run may be given more epochs than before.
local lfs = require "lfs"
local cjson = require "cjson"
local scute = require "scute"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local options = require "scute.base.options"
local split_file = require "scute.data.split_file"
local sorted_keys = require "scute.base.sorted_keys"
local text_of = require "scute.base.plain_text"
local source = require "scute.nn.source"
local model_file = require "scute.weights.model_file"
local FIT = require "scute.train.options"

local identity = {}

local SETTINGS = "settings of the schedule"

local function add_part(parts, dir, name, part, lost)
   for i, path in ipairs(part.paths) do
      local size = not lost[i] and not part.samples and lfs.attributes(crops.file(path), "size") or -1
      local mark = not lost[i] and crops.mark(part, i) or ""
      parts[#parts + 1] = ("%s %s %d %d%s\n"):format(name, split_file.name_of(dir, path), part.labels[i], size, mark)
   end
end

-- Names, classes and sizes of all photos, wherever their folder lies, or what is known of samples that are no files. lost: by
-- part, the indices of those that cannot be read, of which it does not matter what they are.
local function fingerprint(set, lost)
   local parts = {}
   add_part(parts, set.dir, "train", set.train, lost.train)
   add_part(parts, set.dir, "val", set.val, lost.val)
   return scute.checksum { table.concat(parts), set.samples and set.samples.digest or "" }
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

local function add_options(said, run)
   for _, entry in ipairs(FIT.entries) do
      local name = entry[1]
      local value = run[entry.in_run or name]
      if entry.resume ~= "free" and entry.resume ~= "longer" and value ~= nil and value ~= false then
         said[name] = entry.identity and entry.identity(value, run) or text_of(value)
      end
   end
end

-- Files of which what they hold is compared: one file has many paths.
local BY_CONTENT = { from = true, weights = true, split_csv = true }

-- What a script was told beside the options of training, also what it made one of them of: a loss, a function as schedule.
local function add_arguments(said, run)
   local declared = options.declaration_of(run.arguments)
   for name, value in pairs(run.arguments) do
      local entry, own = declared and declared.by_name[name], FIT.by_name[name]
      local counts = not (entry and entry.resume) and not BY_CONTENT[name]
      if counts and (not own or own.script_only) then said["--" .. name] = text_of(value) end
   end
end

-- The numbers, texts and switches of the model's modules as the run began (p of a dropout, momentum of a norm, yours), as texts
-- by their place in the model.
local function fields_of(run)
   local texts = {}
   for path, fields in pairs(run.fields) do
      for name, value in pairs(fields) do
         if name ~= "training" then texts[path == "" and name or path .. "." .. name] = text_of(value) end
      end
   end
   return texts
end

--- What the layers of a model are: { kinds = class names by place, text = what a model file says of those that differ from the
-- architecture's, registered = what tells the code of an architecture of one's own }.
function identity.layers(model)
   local kinds = {}
   for path, module in model:named_modules() do kinds[path == "" and "class" or path] = module.class_name end
   local ok, _, text, entry = pcall(model_file.changes, model)
   return { kinds = kinds, text = ok and text or nil, registered = ok and entry.digests or nil } -- some no file can hold
end

local function describe(run)
   local weights = run.model.weights
   local said = { model = run.model.arch, classes = cjson.encode(run.set.classes), preprocessing = text_of(run.preprocess),
      weights = weights and weights.sha256 or "none",
      layers = run.layers.kinds, structure = run.layers.text, registered = run.layers.registered,
      data = fingerprint(run.set, run.unreadable), frozen = frozen_text(run, run.changing), fields = fields_of(run),
      [SETTINGS] = run.schedule.describe and run.schedule:describe(run.epochs) or nil }
   add_options(said, run)
   add_arguments(said, run)
   return said
end

--- Works out texts by name that agree where two runs are one (fields: a table of such), before a hook or a step changes
-- anything.
function identity.begin(run)
   run.identity, run.identity_of, run.identity_without = describe(run), run.changing, #run.bad
end

--- The same for a checkpoint, of which what does not change is less as parts begin to train, and photos are less as some cannot
-- be read.
function identity.of(run)
   if not run.identity then identity.begin(run) end
   if run.identity_without ~= #run.bad then
      run.identity.data, run.identity_without = fingerprint(run.set, run.unreadable), #run.bad
   end
   if run.identity_of ~= run.changing then
      run.identity.frozen, run.identity_of = frozen_text(run, run.changing), run.changing
   end
   return run.identity
end

-- ---- comparing ----

local WORDS = {
   data = "the photos are others (names, classes, sizes of the files, or boxes and masks)",
   samples = "the samples are others (their number, classes or contents)",
   frozen = "the weights that do not train are others",
   weights = "the weights that it started from are others",
}

-- In the user's words: a flag where the command line has it.
local function shown(run, name)
   local declared = options.declaration_of(run.arguments)
   local flag = declared and declared.by_name[name]
   return flag and "--" .. flag[1] or name
end

local function difference(run, name, here, there)
   if name == "data" and run.set.samples then return WORDS.samples end
   if name == "registered" then return source.fault(here, there, "the architecture") end
   if WORDS[name] then return WORDS[name] end
   return ("%s is %s here and %s there"):format(shown(run, name), here or "not given", there or "not given")
end

-- Frozen parts are compared as they were when the checkpoint was made.
local function frozen_then(file, run)
   local changing = {}
   for _, name in ipairs(file.state.parts.model.changing) do changing[name] = true end
   return frozen_text(run, changing)
end

-- Photos without those that could not be read by then.
local function photos_then(file, run)
   local lost = { train = {}, val = {} }
   for _, entry in ipairs(file.state.parts.photos.list) do lost[entry.part][entry.index] = true end
   return fingerprint(run.set, lost)
end

-- In a run that is lengthened settings of the same schedule may differ: they may follow from the length. Those that do as it is
-- expected are the same as before.
local function settings_follow(run, before, there)
   return run.epochs > before and run.schedule.describe ~= nil and run.schedule:describe(before) == there
end

local function names_of(here, there)
   local names = {}
   for name in pairs(here) do names[name] = true end
   for name in pairs(there) do names[name] = true end
   return sorted_keys(names)
end

-- The first of the model's fields (or layers) that differs, and how many do; nil where none does.
local function other_fields(here, there)
   local first, n = nil, 0
   for _, name in ipairs(names_of(here, there)) do
      if here[name] ~= there[name] then first, n = first or name, n + 1 end
   end
   return first and ("the model's %s is %s here and %s there%s"):format(first, here[first] or "not given",
      there[first] or "not given", n > 1 and (" (and %s more)"):format(console.count(n - 1, "field")) or "")
end

-- What of the model itself differs; nil where nothing does. Checkpoints of earlier versions say nothing of layers.
local function other_model(here, there)
   local fault = there.layers and other_fields(here.layers, there.layers) or other_fields(here.fields, there.fields)
   if fault then return fault end
   return there.layers and here.structure ~= there.structure and "the options of the model's layers are others" or nil
end

--- Fails where a checkpoint is of another run, naming what differs.
function identity.check(file, run)
   local here, there = {}, file.state.identity
   for name, value in pairs(run.identity) do here[name] = value end
   local before = file.state.parts.position.epochs
   here.frozen, here.data = frozen_then(file, run), photos_then(file, run)
   local faults, model = {}, other_model(here, there)
   for _, name in ipairs { "fields", "layers", "structure" } do here[name], there[name] = nil, nil end
   if run.epochs < before then
      faults[1] = ("%s is %d here and %d there, and a run can be lengthened, not shortened"):format(shown(run, "epochs"),
         run.epochs, before)
   end
   for _, name in ipairs(names_of(here, there)) do
      local same = here[name] == there[name] or name == SETTINGS and settings_follow(run, before, there[name])
      local fault = not same and difference(run, name, here[name], there[name])
      if fault and name == SETTINGS and run.epochs > before then
         console.line("note: %s", fault)
      elseif fault then
         faults[#faults + 1] = fault
      end
   end
   faults[#faults + 1] = model
   if #faults > 0 then
      console.fail("resume: %s is of another run: %s; give the same arguments, or start anew without --resume", file.path,
         table.concat(faults, "; ", 1, math.min(#faults, 4)))
   end
end

return identity
