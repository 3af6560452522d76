-- What makes two runs the same run: a checkpoint goes on only where all of it agrees. Options say themselves whether they
-- belong to it (`resume` and `identity` of their declaration); a run may be given more epochs than before.
local lfs = require "lfs"
local cjson = require "cjson"
local scute = require "scute"
local console = require "scute.base.console"
local options = require "scute.base.options"
local FIT = require "scute.train.options"

local identity = {}

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

local function add_options(said, run)
   for _, entry in ipairs(FIT.entries) do
      local name = entry[1]
      local value = run[entry.in_run or name]
      if entry.resume ~= "free" and entry.resume ~= "longer" and value ~= nil and value ~= false then
         said[name] = entry.identity and entry.identity(value) or text_of(value)
      end
   end
end

-- What a script was told beside the options of training.
local function add_arguments(said, run)
   local declared = options.declaration_of(run.arguments)
   for name, value in pairs(run.arguments) do
      local entry = declared and declared.by_name[name]
      if not FIT.by_name[name] and not (entry and entry.resume) then said["--" .. name] = text_of(value) end
   end
end

local function describe(run)
   local said = { model = run.model.arch, classes = cjson.encode(run.set.classes), preprocessing = text_of(run.preprocess),
      data = fingerprint(run.set), frozen = frozen_text(run, run.changing),
      ["settings of the schedule"] = run.schedule.describe and run.schedule:describe(run.epochs) or nil }
   add_options(said, run)
   add_arguments(said, run)
   return said
end

--- Texts by name that agree where two runs are one. Worked out once a run, and again when other parts train.
function identity.of(run)
   if run.identity_of ~= run.changing then run.identity, run.identity_of = describe(run), run.changing end
   return run.identity
end

-- ---- comparing ----

local WORDS = {
   data = "the photos are others (names, classes or sizes of the files)",
   frozen = "the weights that do not train are others",
}

-- In the user's words: a flag where the command line has it.
local function shown(run, name)
   local declared = options.declaration_of(run.arguments)
   local flag = declared and declared.by_name[name]
   return flag and "--" .. flag[1] or name
end

local function difference(run, name, here, there)
   if WORDS[name] then return WORDS[name] end
   return ("%s is %s here and %s there"):format(shown(run, name), here or "not given", there or "not given")
end

-- Frozen parts are compared as they were when the checkpoint was made.
local function frozen_then(file, run)
   local changing = {}
   for _, name in ipairs(file.state.parts.model.changing) do changing[name] = true end
   return frozen_text(run, changing)
end

-- What may differ in a run that is lengthened: settings that follow from the length, of the same schedule.
local FOLLOWS = { ["settings of the schedule"] = true }

--- Fails where a checkpoint is of another run, naming what differs.
function identity.check(file, run)
   run.changing = run.changing or {}
   local here, there = describe(run), file.state.identity
   local before = file.state.parts.position.epochs
   here.frozen = frozen_then(file, run)
   local names, faults = {}, {}
   for name in pairs(here) do names[name] = true end
   for name in pairs(there) do names[name] = true end
   if run.epochs < before then
      faults[1] = ("%s is %d here and %d there, and a run can be lengthened, not shortened"):format(shown(run, "epochs"),
         run.epochs, before)
   end
   for _, name in ipairs(sorted_keys(names)) do
      local fault = here[name] ~= there[name] and difference(run, name, here[name], there[name])
      if fault and FOLLOWS[name] and run.epochs > before then
         console.line("note: %s", fault)
      elseif fault then
         faults[#faults + 1] = fault
      end
   end
   if #faults > 0 then
      console.fail("resume: %s is of another run: %s; give the same arguments, or start anew without --resume", file.path,
         table.concat(faults, "; ", 1, math.min(#faults, 4)))
   end
end

return identity
