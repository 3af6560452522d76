-- How a model differs from what its architecture builds, as plain data: layers of known kinds (see scute.nn.kinds) with the
-- options that build them, and plain fields. What cannot be said so is an error that names the layer.
--
-- A change is { path, module = description } (a layer that was put there), or { path, fields, extra } (what it has beside its
-- options). A description is { kind, options, layers = list of descriptions (of a Sequential), changes, fields, extra }.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local alike = require "scute.nn.alike"
local init = require "scute.nn.initialise"
local join = require "scute.base.join_path"
local kinds = require "scute.nn.kinds"
local plain_fields = require "scute.nn.plain_fields"
local shape_text = require "scute.base.shape_text"
local text_of = require "scute.base.plain_text"

local structure = {}

structure.DEEPEST = 50 -- layers within one another

local is_plain = { number = true, string = true, boolean = true }

local LONGEST = 60 -- letters of a path in a message

local function refuse(path, format, ...)
   local shown = #path > LONGEST and path:sub(1, LONGEST) .. "..." or path
   error(("%s %s"):format(path == "" and "the model" or "'" .. shown .. "'", format:format(...)), 0)
end

-- ---- a module by itself ----

local function class_of(module)
   return getmetatable(module).class
end

-- A class of one's own is known by its name: its file may have been read twice.
local function is_same_class(own, other)
   if class_of(own) == class_of(other) then return true end
   return not kinds.of(own) and not kinds.of(other) and own.class_name == other.class_name
end

local function shape_of(tensor)
   return tensor and shape_text(tensor.shape) or "none"
end

-- Notes that one tensor stands where the other one does in what is built anew. Of a tensor under two names a file makes two,
-- unless what builds the model makes one of them.
local function note_tensor(seen, own, path, other)
   local before, built = seen[own], seen[other]
   if before and not rawequal(before.other, other) then
      refuse(path, "and '%s' are one tensor, of which a file would make two; build one for each place, or register what ties "
         .. "them, by models.register(name, build)", before.path)
   elseif built and not rawequal(built.other, own) then
      refuse(path, "and '%s' are two tensors, of which what builds the model makes one", built.path)
   end
   seen[own], seen[other] = { path = path, other = other }, { path = path, other = own }
end

local function check_tensors(own, other, path, seen)
   for _, kind in ipairs { "_parameters", "_buffers" } do
      local mine, theirs = rawget(own, kind), rawget(other, kind)
      for _, name in ipairs(rawget(own, kind:sub(1, -2) .. "_names")) do
         local found, expected = shape_of(mine[name]), shape_of(theirs[name])
         if found ~= expected then
            refuse(path, "has a %s of shape %s, where what builds a %s like it makes %s", name, found, own.class_name,
               expected)
         elseif mine[name].dtype ~= theirs[name].dtype then
            refuse(path, "has a %s in %s, where what builds a %s like it makes it in %s", name, mine[name].dtype,
               own.class_name, theirs[name].dtype)
         elseif mine[name] then
            note_tensor(seen, mine[name], join(path, name), theirs[name])
         end
      end
      for name in pairs(theirs) do
         if not mine[name] then refuse(path, "lacks the '%s' that a %s has", name, own.class_name) end
      end
   end
end

-- Equal as texts, in which a file tells them.
local function is_equal(a, b)
   return type(a) == type(b) and text_of(a) == text_of(b)
end

local ADVICE = { tensor = "register_buffer keeps a tensor",
   ["function"] = "which is code, and a file holds none; derive a class or register what builds it" }

-- A field that a file cannot tell, and that what is built again has otherwise.
local function refuse_field(own, name, value, path)
   if type(value) == "function" and class_of(own)[name] ~= nil then
      refuse(path, "has a %s of its own, which is code, and a file holds none; derive a class from %s for it", name,
         own.class_name)
   end
   local kind = Module.is_tensor(value) and "tensor" or type(value)
   refuse(path, "has in '%s' a %s that what builds a %s like it does not make so; %s", name, kind, own.class_name,
      ADVICE[kind] or "a file holds plain data alone")
end

local function other_fields(own, other, path, walk)
   local fields = {}
   for name, value in next, own do
      local theirs = rawget(other, name)
      if plain_fields.are_elsewhere(own, name) then
         goto continue
      elseif not plain_fields.is_data(value) then
         local is_kept = alike(value, theirs, walk.same) or walk.is_made_by_forward(path, name, theirs)
         if not is_kept then refuse_field(own, name, value, path) end
      elseif not is_equal(theirs, value) then
         if not plain_fields.may_have(own, name) then
            refuse(path, "has a field '%s', by which name a %s has something else", name, own.class_name)
         end
         fields[name] = value
      end
      ::continue::
   end
   for name in next, other do
      if not plain_fields.are_elsewhere(own, name) and rawget(own, name) == nil then
         refuse(path, "lacks the field '%s' that a %s has", name, own.class_name)
      end
   end
   return next(fields) and fields or nil
end

-- What a module has beside its options: plain fields that the other one has not, and what it keeps itself.
local function beside_options(own, other, path, walk)
   check_tensors(own, other, path, walk.seen)
   return other_fields(own, other, path, walk), own.get_extra_state and own:get_extra_state() or nil
end

-- ---- describing ----

-- seen: module -> the path at which it was met, and the module that stands there in what is built anew.
local function note(seen, own, path, other)
   local before = seen[own]
   if before and not (other and rawequal(before.other, other)) then
      refuse(path, "and '%s' are one module, of which a file would make two; build one for each place", before.path)
   end
   seen[own] = { path = path, other = other }
end

local compare

local function only_plain(value, path, name)
   local kind = type(value)
   if kind == "table" then
      for _, entry in pairs(value) do only_plain(entry, path, name) end
   elseif not is_plain[kind] then
      refuse(path, "has an option '%s' that is a %s, and a file holds plain data alone", name, kind)
   end
   return value
end

-- Kind and options. A module among these is there in short too: what stands in it are changes.
local function in_short(module, path)
   local kind = kinds.of(module)
   if not kind then
      refuse(path, "is a %s: a class of your own, and not as the architecture builds it; what builds the whole network has to "
         .. "be registered, by models.register(name, build)", module.class_name)
   end
   local found = { kind = kind, options = {} }
   for name, value in pairs(kinds.options(module)) do
      found.options[name] = Module.is_module(value) and in_short(value, join(path, name)) or only_plain(value, path, name)
   end
   return found
end

-- path: where it stands; walk: see compare; depth: in how many others.
local function describe(module, path, walk, depth)
   note(walk.seen, module, path)
   if depth > structure.DEEPEST then refuse(path, "lies in more than %d others", structure.DEEPEST) end
   local found = in_short(module, path)
   local again = init.on("shape", structure.empty, found)
   if found.kind == "Sequential" then
      found.layers = {}
      for name, child in module:children() do
         local layer = describe(child, join(path, name), walk, depth + 1)
         layer.name = name ~= tostring(#found.layers) and name or nil
         found.layers[#found.layers + 1] = layer
      end
      found.fields, found.extra = beside_options(module, again, path, walk)
   else
      local changes = {}
      compare(module, again, { path = path, changes = changes, depth = depth, seen = walk.seen, same = walk.same,
         is_made_by_forward = walk.is_made_by_forward }, "")
      found.changes = changes[1] and changes or nil
   end
   return found
end

--- A module of kind and options alone.
function structure.empty(description)
   local options = {}
   for name, value in pairs(description.options) do
      options[name] = type(value) == "table" and value.kind and structure.empty(value) or value
   end
   return kinds.class(description.kind)(options)
end

-- ---- comparing ----

local function lacks_a_child(own, other)
   for name in other:children() do
      if not own:child(name) then return true end
   end
   return false
end

-- Whether two have the same options, but for modules among them, which are compared elsewhere.
local function has_same_options(own, other, walk)
   local mine, theirs = kinds.options(own), kinds.options(other)
   for name, value in pairs(mine) do
      if not alike(value, theirs[name], walk.same) then return false end
   end
   for name in pairs(theirs) do
      if mine[name] == nil then return false end
   end
   return true
end

local function has_other_layers(own, other)
   if lacks_a_child(own, other) then return true end
   return kinds.of(own) == "Sequential" and #own ~= #other
end

-- Adds to walk.changes what differs. walk: { path of the whole, seen, changes, depth, same = tensors by those at the same
-- place, is_made_by_forward(path, field, what is built) }; path: within it.
function compare(own, other, walk, path)
   local whole = join(walk.path, path):gsub("%.$", "")
   local is_other = not is_same_class(own, other) or not has_same_options(own, other, walk) or has_other_layers(own, other)
   if is_other and path ~= "" then
      walk.changes[#walk.changes + 1] = { path = path, module = describe(own, whole, walk, walk.depth + 1) }
      return
   elseif is_other then
      refuse(whole, "is a %s that differs from what '%s' builds", own.class_name, rawget(own, "arch") or own.class_name)
   end
   if path ~= "" or walk.path == "" then note(walk.seen, own, whole, other) end
   local fields, extra = beside_options(own, other, whole, walk)
   if fields or extra then walk.changes[#walk.changes + 1] = { path = path, fields = fields, extra = extra } end
   for name, child in own:children() do
      local inner, there = join(path, name), other:child(name)
      if there then
         compare(child, there, walk, inner)
      else
         walk.changes[#walk.changes + 1] = { path = inner,
            module = describe(child, join(walk.path, inner), walk, walk.depth + 1) }
      end
   end
end

-- Parameters and buffers by those of the same name in another model.
local function same_tensors(own, other)
   local same, there = {}, other:state_dict().tensors
   for name, tensor in pairs(own:state_dict().tensors) do same[tensor] = there[name] end
   return same
end

-- A field that is not there as a model is built, or a table in which something is put, may be what forward leaves behind, which
-- nobody misses. use() -> a model that is built again and was used.
local function forward_fields(use)
   local tried, used
   return function(path, name, built)
      if built ~= nil and type(built) ~= "table" then return false end
      if tried == nil then tried, used = pcall(use) end
      local found, module = pcall(function() return used:get(path) end)
      return tried and found and not alike(rawget(module, name), built, {})
   end
end

--- The list of changes that make of `other`, as the architecture builds it, a model like `own`. use() -> one that is built so
-- and has looked at a photo.
function structure.changes(own, other, use)
   local walk = { path = "", seen = {}, changes = {}, depth = 0, same = same_tensors(own, other),
      is_made_by_forward = forward_fields(use) }
   scute.no_grad(compare, own, other, walk, "")
   return walk.changes
end

return structure
