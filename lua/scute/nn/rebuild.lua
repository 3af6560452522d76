-- What scute.nn.structure tells of a model, as a text in a file, and back: checked and bounded before anything is built. Kinds
-- of layers are looked up by name and nothing in the file is run.
local cjson = require "cjson"
local scute = require "scute.core"
local console = require "scute.base.console"
local init = require "scute.nn.initialise"
local join = require "scute.base.join_path"
local kinds = require "scute.nn.kinds"
local plain_fields = require "scute.nn.plain_fields"
local same_list = require "scute.base.same_list"
local shape_text = require "scute.base.shape_text"
local sorted_keys = require "scute.base.sorted_keys"
local structure = require "scute.nn.structure"
local text_of = require "scute.base.plain_text"

local rebuild = {}

local LONGEST = 1 << 20 -- bytes of a text
local MOST = 20000      -- tables in it: layers, their options, lists

-- ---- as a text ----

-- JSON in which numbers are written with all their digits, and keys in order.
local function encode(value)
   if type(value) == "number" then
      if value ~= value or math.abs(value) == math.huge then error(("%s is no number for a file"):format(value), 0) end
      return text_of(value)
   elseif type(value) ~= "table" then
      return cjson.encode(value)
   end
   local parts = {}
   if #value > 0 then
      for key in pairs(value) do
         if math.type(key) ~= "integer" then error(("a list with a field '%s' in it is nothing for a file"):format(key), 0) end
      end
      for i, entry in ipairs(value) do parts[i] = encode(entry) end
      return "[" .. table.concat(parts, ",") .. "]"
   end
   for i, key in ipairs(sorted_keys(value)) do
      if type(key) ~= "string" then error(("a table with the key %s is nothing for a file"):format(key), 0) end
      parts[i] = cjson.encode(key) .. ":" .. encode(value[key])
   end
   return "{" .. table.concat(parts, ",") .. "}"
end

--- Changes as a text; nil where there is none.
function rebuild.encode(changes)
   return #changes > 0 and encode(changes) or nil
end

-- ---- from a text ----

-- JSON does not tell 3 from 3.0; Lua does. Counts tables, and fails where there are too many.
local function with_integers(value, count)
   if math.type(value) == "float" then return math.tointeger(value) or value end
   if value == cjson.null then error("there is a null in it", 0) end
   if type(value) ~= "table" then return value end
   count.tables = count.tables + 1
   if count.tables > MOST then error(("it has more than %d layers and lists"):format(MOST), 0) end
   for key, entry in pairs(value) do value[key] = with_integers(entry, count) end
   return value
end

local function expect(path, what, good, text)
   if not good then error(("'%s': %s: expected %s"):format(path, what, text), 0) end
end

local check_changes

local function check_parts(part, path)
   expect(path, "fields", part.fields == nil or type(part.fields) == "table", "a table")
   for name in pairs(part.fields or {}) do
      local is_plain = type(name) == "string" and not plain_fields.is_own(name)
      expect(path, "fields", is_plain, "plain fields by name")
   end
end

local function check_description(part, path, depth)
   if depth > structure.DEEPEST then error(("'%s' lies in more than %d others"):format(path, structure.DEEPEST), 0) end
   expect(path, "kind", type(part.kind) == "string", "a name")
   if not kinds.class(part.kind) then
      local near = scute.nearest(part.kind, kinds.names())
      error(("'%s' is a '%s', and there is no such kind of layer%s"):format(path, part.kind,
         near and ("; the nearest is %s"):format(near) or ""), 0)
   end
   expect(path, "options", type(part.options) == "table", "a table")
   for name, value in pairs(part.options) do
      expect(path, "options", type(name) == "string" and name ~= "device", "names, and no device")
      if type(value) == "table" and value.kind then check_description(value, join(path, name), depth + 1) end
   end
   check_parts(part, path)
   expect(path, "layers", part.layers == nil or part.kind == "Sequential" and type(part.layers) == "table", "a list")
   for i, layer in ipairs(part.layers or {}) do
      expect(path, "layers", type(layer) == "table", "layers")
      local name = layer.name or tostring(i - 1)
      expect(path, "layers", type(name) == "string" and name ~= "" and not name:find "%.", "names without dots")
      check_description(layer, join(path, name), depth + 1)
   end
   if part.changes then check_changes(part.changes, path, depth + 1) end
end

function check_changes(changes, path, depth)
   expect(path, "changes", type(changes) == "table", "a list")
   for _, change in ipairs(changes) do
      expect(path, "changes", type(change) == "table" and type(change.path) == "string", "paths")
      local at = join(path, change.path)
      check_parts(change, at)
      if change.module then
         expect(at, "module", type(change.module) == "table" and change.path ~= "", "a layer")
         check_description(change.module, at, depth)
      end
   end
end

--- The changes that a text tells, checked: known kinds, bounded depth and number. What is wrong is an error.
function rebuild.decode(text)
   if #text > LONGEST then error(("it has %d bytes, more than %d"):format(#text, LONGEST), 0) end
   local changes = with_integers(cjson.decode(text), { tables = 0 })
   check_changes(changes, "", 1)
   return changes
end

-- ---- building ----

local build, apply

local function set_fields(module, part)
   for name, value in pairs(part.fields or {}) do
      if not plain_fields.may_have(module, name) then
         error(("'%s' is no plain field of a %s"):format(name, module.class_name), 0)
      end
      rawset(module, name, value)
   end
   if part.extra and module.set_extra_state then module:set_extra_state(part.extra) end
end

-- The module that a description tells.
function build(description, path)
   local options = {}
   for name, value in pairs(description.options) do
      options[name] = type(value) == "table" and value.kind and build(value, join(path, name)) or value
   end
   local made, module = pcall(kinds.class(description.kind), options)
   if not made then error(("'%s': %s"):format(path, console.message(module)), 0) end
   for i, layer in ipairs(description.layers or {}) do
      local name = layer.name or tostring(i - 1)
      module:add(name, build(layer, join(path, name)))
   end
   set_fields(module, description)
   return apply(module, description.changes or {}, path)
end

-- The module at a path, or nil.
local function find(module, path)
   for name in path:gmatch "[^.]+" do
      module = module and module:child(name)
   end
   return module
end

local function apply_change(model, change, path)
   local holder, name = change.path:match "^(.*)%.([^.]+)$"
   local owner = find(model, change.module and (holder or "") or change.path)
   if not owner then error(("there is no layer '%s' to change"):format(join(path, change.path)), 0) end
   if change.module then
      owner:add(name or change.path, build(change.module, join(path, change.path)))
   else
      set_fields(owner, change)
   end
end

function apply(model, changes, path)
   for _, change in ipairs(changes) do apply_change(model, change, path) end
   return model
end

--- Changes a model that its architecture has built. Returns it.
function rebuild.apply(model, changes)
   return apply(model, changes, "")
end

-- ---- against the tensors of a file ----

--- Fails where a layer that is to be built is not as large as the tensors that a file has for it; nothing takes memory before.
function rebuild.check_sizes(changes, tensors)
   for _, change in ipairs(changes) do
      local layer = change.module and init.on("shape", build, change.module, change.path)
      for name, tensor in pairs(layer and layer:state_dict().tensors or {}) do
         local full = join(change.path, name)
         local found = tensors[full]
         if not found or not same_list(found.shape, tensor.shape) then
            error(("'%s' is said to be %s, and the file has %s"):format(full, shape_text(tensor.shape),
               found and shape_text(found.shape) or "none"), 0)
         end
      end
   end
end

return rebuild
