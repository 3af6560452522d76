--- A model that starts from a weight file: what becomes of the file's head, and the lines that tell it.
local scute = require "scute.core"
local weights = require "scute.weights"
local class_list = require "scute.base.class_list"
local finite = require "scute.base.finite"
local json = require "scute.base.json"
local official = require "scute.weights.official"
local rebuild = require "scute.nn.rebuild"
local variant = require "scute.weights.variant"

local pretrained = {}

-- The class names that a file tells, or nil.
local function classes_of(state)
   local ok, list = pcall(require("cjson").decode, state.metadata.classes or "")
   if not ok or type(list) ~= "table" or #list == 0 then return nil end
   for _, name in ipairs(list) do
      if type(name) ~= "string" then return nil end
   end
   return list
end

-- The layers of a head of somebody's own, as far as the file tells them: "a Sequential of Linear, ReLU, Linear".
local function layers_of_head(model, state)
   local told, changes = pcall(rebuild.decode, state.metadata.structure or "[]")
   local place = model.head_path:match "^[^.]+"
   for _, change in ipairs(told and changes or {}) do
      if change.module and change.path:match "^[^.]+" == place then
         local kinds = {}
         for i, layer in ipairs(change.module.layers or {}) do kinds[i] = layer.kind end
         return ("a %s%s"):format(change.module.kind, #kinds > 0 and " of " .. table.concat(kinds, ", ") or "")
      end
   end
   return "with other layers"
end

-- others: the file's classes, where they are not the photos'. left_out: the file's head, in words, where it has other layers.
local function new_head(model, o, others, left_out)
   local line = model:restart_head(o.head_init)
   if left_out then
      line = ("%s; the file's own head (%s) is left out; --from of fine_tuning.lua keeps it"):format(line, left_out)
   end
   if not others then return line end
   return ("%s; the file's classes are %s, and the photos' %s"):format(line, class_list.text(others),
      class_list.text(model.classes))
end

-- The file's head has been copied: its rows go to the classes of their names. Returns a line, or nil.
local function keep_head(model, path, known, fit)
   if not known then
      return ("the head of %s is taken as it is: the file does not say its classes"):format(path)
   elseif fit == "another order" then
      local wanted = model.classes
      model.classes = known
      model:order_classes(wanted)
      return ("the head of %s knows the classes in another order: its rows are put in that of the photos"):format(path)
   end
end

-- Raises where an entry that was copied holds NaN or infinity, with its name in the file. What an earlier run of the same
-- --watch has found good, by the file's digest, is.
local function check_values(model, path, digest, report)
   local list, tensors, own = {}, {}, model:state_dict()
   for _, name in ipairs(own.names) do
      local source = report.map[name]
      if source then list[#list + 1], tensors[source] = source, own.tensors[name] end
   end
   local key = ("finite %s\0%s"):format(digest, table.concat(list, "\0"))
   if scute.files.recall(key) then return end
   finite.check(path, list, tensors)
   scute.files.keep(key, "yes")
end

-- What a file says of the model that was saved in it: {architecture = , is_prepared = whether photos are prepared otherwise for
-- it than for the one that gets its values, differs = what is not so of that one, in words}.
local function saved_as(model, metadata)
   local name, said = metadata.architecture, metadata.preprocessing
   if not name then return {} end
   local is_prepared = said ~= nil and said ~= json.line(model.preprocessing)
   return { architecture = name, is_prepared = is_prepared,
      differs = is_prepared and ("photos are prepared otherwise for it than for %s"):format(model.arch)
         or metadata.structure and ("it has other layers than %s"):format(model.arch) or nil }
end

-- Has photos prepared as those were with which torchvision's file of its second recipe was evaluated. Returns a line, or nil
-- where it is no such file of the model.
local function prepare_as_second(model, path, of, digest)
   local preset = of == model.arch and official.second_preset(digest)
   if not preset then return nil end
   local p = {}
   for name, value in pairs(model.preprocessing) do p[name] = value end
   p.resize, p.filter = math.floor(preset.resize * p.crop / preset.crop + 0.5), preset.filter
   model.preprocessing = p
   return ("%s is torchvision's of its second recipe (IMAGENET1K_V2): photos are resized to %d pixels (%s), as for that")
      :format(path, p.resize, p.filter)
end

-- A line where a file is official of, or was saved as, another model of the same network, for which photos were prepared
-- otherwise.
local function tell_other(model, path, of, saved)
   of = of or official.of_hub(path, model.arch) or saved.is_prepared and saved.architecture:match "^%a[%w_]*$"
   if not of or of == model.arch then return nil end
   return ("%s is the file of %s, for which photos are prepared otherwise than for %s; take that model to have them so"):format(
      path, of, model.arch)
end

-- The rows of an official head are for ImageNet's classes, which get their names where only their number was said.
local function name_classes(model, of, o)
   local report = model.weights.report
   local is_kept = not report.dropped_head and not report.missing_head
   if not of or not is_kept or type(o.classes) == "table" then return false end
   local names = require "scute.data.imagenet_classes"
   if #names ~= #model.classes then return false end
   model.classes = table.move(names, 1, #names, 1, {})
   return true
end

--- Copies a weight file into a model of scute.models. `which` as in weights.open; `o`: classes (a number or the names, which
-- are compared with those that the file tells), head_init (then the head is new in any case) and log (hears each line, or
-- false). model.weights is then {path = , sha256 = , report = of weights.apply, official = the model whose
-- official file this is, architecture and classes = as the file tells them, differs = what else it tells that is not so of this
-- model, in words}. Returns whether the classes, of which the number was said, have got ImageNet's names.
function pretrained.load(model, which, o)
   local file <close>, digest = weights.open(model.arch, which)
   local path, state = file:path(), weights.load(file)
   local named, known = type(o.classes) == "table", classes_of(state)
   local fit = named and known and class_list.compare(known, model.classes)
   local report = scute.no_grad(weights.copy, model:state_dict(), state, { head = model.head_path, model = model.arch,
      path = path, new_head = o.head_init ~= nil or fit == "other" })
   local lines = { table.unpack(state.notes) }
   local of = official.of_digest(digest)
   lines[#lines + 1] = prepare_as_second(model, path, of, digest)
   lines[#lines + 1] = variant.check(path, state.metadata, model, report)
   local saved = saved_as(model, state.metadata)
   lines[#lines + 1] = tell_other(model, path, of, saved)
   scute.no_grad(check_values, model, path, digest, report)
   model.weights = { path = path, sha256 = digest, report = report, official = of, classes = known,
      architecture = saved.architecture, differs = saved.differs }
   local is_named = name_classes(model, of, o)
   if report.dropped_head or report.missing_head then
      lines[#lines + 1] = new_head(model, o, fit == "other" and known, report.own_head and layers_of_head(model, state))
   elseif named then
      lines[#lines + 1] = keep_head(model, path, known, fit)
   end
   for _, line in ipairs(o.log and lines or {}) do o.log(line) end
   return is_named
end

return pretrained
